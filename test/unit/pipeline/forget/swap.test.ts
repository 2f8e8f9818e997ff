import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { beginSwap, commitSwap, finishSwap, type Swap } from '../../../../pipeline/forget/swap.ts'
import { acquireLock } from '../../../../pipeline/warehouse/lock.ts'

const roots: string[] = []
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true })
})

/** A ledger, a publication and a link, with what is to take their place written beside. */
function scene() {
  const root = mkdtempSync(join(tmpdir(), 'lead-engine-swap-'))
  roots.push(root)
  const at = (...parts: string[]) => join(root, ...parts)
  const ledger = at('ledger.duckdb')
  for (const folder of ['1', '.beside-2']) mkdirSync(at(folder))
  for (const [file, text] of [
    ['ledger.duckdb', 'old'],
    ['ledger.duckdb.wal', 'log'],
    ['message', 'old'],
    ['1/p', 'old'],
  ] as const)
    writeFileSync(at(file), text)
  symlinkSync('1', at('current'))
  const swap: Swap = {
    moves: [
      { from: at('ledger.duckdb.forgetting'), to: ledger },
      { from: at('.beside-2'), to: at('2') },
    ],
    removes: [at('1'), at('message')],
    link: { path: at('current'), target: '2' },
  }
  beginSwap(ledger, swap.moves)
  writeFileSync(at('ledger.duckdb.forgetting'), 'new')
  writeFileSync(at('.beside-2', 'p'), 'new')
  const after = () => ({
    names: readdirSync(root).sort(),
    ledger: readFileSync(ledger, 'utf8'),
    published: readFileSync(at('current', 'p'), 'utf8'),
    link: readlinkSync(at('current')),
  })
  return { root, at, ledger, swap, after }
}

const DONE = { names: ['2', 'current', 'ledger.duckdb'], ledger: 'new', published: 'new', link: '2' }

it('what was not committed leaves no trace: everything is as it was', () => {
  const { ledger, after } = scene()
  expect(finishSwap(ledger)).toBe(false)
  expect(after()).toEqual({
    names: ['1', 'current', 'ledger.duckdb', 'ledger.duckdb.wal', 'message'],
    ledger: 'old',
    published: 'old',
    link: '1',
  })
})

it.each([0, 1, 2, 3, 4, 5])(
  'what was committed is finished by whoever takes the lock, after %i of its steps',
  (steps) => {
    const { ledger, swap, at, after } = scene()
    commitSwap(ledger, swap)
    const note = readFileSync(`${ledger}.forgetting.json`, 'utf8')
    // As far as a killed process may have come: all of it, and then some of it undone again would be another scene.
    const partial: Swap = {
      moves: swap.moves.slice(0, steps),
      removes: swap.removes.slice(0, Math.max(0, steps - 3)),
      link: steps >= 3 ? swap.link : undefined,
    }
    commitSwap(ledger, { ...partial })
    finishSwap(ledger)
    writeFileSync(`${ledger}.forgetting.json`, note)
    const lock = acquireLock(ledger, 'pipeline run', new Date())
    lock.release()
    expect(after()).toEqual(DONE)
    expect(existsSync(at('message'))).toBe(false)
    expect(finishSwap(ledger)).toBe(false)
  },
)
