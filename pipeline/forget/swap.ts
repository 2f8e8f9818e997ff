import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** Files that change together: what was written beside takes its place, what is old goes. */
export interface Swap {
  /** Written beside, with the place that each takes. */
  moves: { from: string; to: string }[]
  /** Files and folders that go. */
  removes: string[]
  /** A link, and where it leads from then on. */
  link?: { path: string; target: string }
}

interface Note extends Swap {
  committed: boolean
}

/** Beside the ledger: who holds it next finishes, or forgets, what a dead process began. */
function noteOf(ledger: string): string {
  return `${ledger}.forgetting.json`
}

/** Says what is about to be written beside, so that it does not stay there should this process die. */
export function beginSwap(ledger: string, moves: Swap['moves']): void {
  write(noteOf(ledger), { committed: false, moves, removes: [] })
}

/** From here on it is done, whatever happens to this process: the one moment between before and after. */
export function commitSwap(ledger: string, swap: Swap): void {
  for (const { from } of swap.moves) if (statSync(from).isFile()) sync(from)
  write(noteOf(ledger), { committed: true, ...swap })
}

/** Brings about what was committed, and throws away what was not. The caller holds the ledger's lock; may be done again. */
export function finishSwap(ledger: string): boolean {
  const file = noteOf(ledger)
  if (!existsSync(file)) return false
  const { committed, moves, removes, link } = JSON.parse(readFileSync(file, 'utf8')) as Note
  if (!committed) {
    for (const { from } of moves) rmSync(from, { recursive: true, force: true })
    rmSync(file)
    return false
  }
  for (const { from, to } of moves) {
    if (!existsSync(from)) continue
    // What DuckDB would replay onto the new file is of the old one.
    rmSync(`${to}.wal`, { force: true })
    mkdirSync(dirname(to), { recursive: true })
    renameSync(from, to)
  }
  if (link !== undefined) {
    const temporary = `${link.path}.${process.pid}`
    rmSync(temporary, { force: true })
    symlinkSync(link.target, temporary)
    renameSync(temporary, link.path)
  }
  for (const path of removes) rmSync(path, { recursive: true, force: true })
  rmSync(file)
  return true
}

function write(file: string, note: Note): void {
  const temporary = `${file}.tmp`
  mkdirSync(dirname(file), { recursive: true })
  const handle = openSync(temporary, 'w')
  writeSync(handle, JSON.stringify(note))
  fsyncSync(handle)
  closeSync(handle)
  renameSync(temporary, file)
  sync(dirname(file))
}

function sync(path: string): void {
  const handle = openSync(path, 'r')
  fsyncSync(handle)
  closeSync(handle)
}
