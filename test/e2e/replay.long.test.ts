import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { pipeline, projectCopy } from '../helpers/cli.ts'

const LONG = 180_000
let root: string
let first: Record<string, string>
let second: Record<string, string>

/** sha256 of each file of the exports. */
function bytesOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    files
      .map(({ name, parentPath }) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(parentPath, name)))
          .digest('hex'),
      ])
      .sort(([a], [b]) => (a! < b! ? -1 : 1)),
  ) as Record<string, string>
}

beforeAll(async () => {
  root = projectCopy({}, 30)
  const one = await pipeline(root, ['run', '--as-of', '2026-03-02'])
  expect(one.code, one.stderr).toBe(0)
  cpSync(join(root, 'data/exports/'), join(root, 'kept'), { recursive: true, dereference: true })
  first = bytesOf(join(root, 'kept'))
  const two = await pipeline(root, ['run', '--as-of', '2026-04-20', '--set', 'discovery.providers.mock.companies=45'])
  expect(two.code, two.stderr).toBe(0)
  second = bytesOf(join(root, 'data/exports/'))
}, LONG)
afterAll(() => rmSync(root, { recursive: true, force: true }))

it(
  'of any past run: the same bytes, whatever came later; ledger and publication stay as they are',
  async () => {
    const ledger = createHash('sha256')
      .update(readFileSync(join(root, 'data/ledger.duckdb')))
      .digest('hex')
    const replayed = await pipeline(root, ['run', '--replay', 'run_000001'])
    expect(replayed.code, replayed.stderr).toBe(0)
    expect(first).not.toEqual(second)
    expect(bytesOf(join(root, 'data/replays/run_000001/exports/'))).toEqual(first)
    expect(bytesOf(join(root, 'data/exports/'))).toEqual(second)
    expect(
      createHash('sha256')
        .update(readFileSync(join(root, 'data/ledger.duckdb')))
        .digest('hex'),
    ).toBe(ledger)
  },
  LONG,
)

it(
  'of a run that is not there: says which are',
  async () => {
    const { code, stderr } = await pipeline(root, ['run', '--replay', 'run_000009'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/the ledger holds no run 'run_000009'\n\s+The last ones are run_000002, run_000001/)
  },
  LONG,
)
