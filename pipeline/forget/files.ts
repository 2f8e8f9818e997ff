import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { excise, type Finder } from './excise.ts'
import type { Names } from './names.ts'

/** A file that names somebody, and what stays of it; null: nothing. */
export interface TextLoss {
  path: string
  after: string | null
}

/** Messages that wait, or could not be read, and name somebody. */
export function incomingLosses(folder: string, finder: Finder): TextLoss[] {
  return filesBelow(folder).flatMap((path) => {
    const before = readFileSync(path, 'utf8')
    const left = excise(before, finder, 'goes')
    // A message is its body: what is left around it tells nobody anything.
    const after = left === null || (JSON.parse(quietly(left)) as { body?: unknown } | null)?.body === null ? null : left
    return after === before ? [] : [{ path, after }]
  })
}

function quietly(text: string): string {
  try {
    JSON.parse(text)
    return text
  } catch {
    return '{}'
  }
}

/** Files whose bytes hold an address, a page or a name of theirs, spelled in any case. */
export function filesNaming(folder: string, names: Names, skip: (path: string) => boolean = () => false): string[] {
  return filesBelow(folder).filter((path) => !skip(path) && isNamedIn(path, names))
}

const MOST_BYTES = 256 * 1024 * 1024

function isNamedIn(path: string, { emails, profiles, words }: Names): boolean {
  if (statSync(path).size > MOST_BYTES) return false
  const text = readFileSync(path, 'latin1').toLowerCase()
  const wanted = [...emails, ...profiles, ...words].map((name) =>
    Buffer.from(name, 'utf8').toString('latin1').toLowerCase(),
  )
  return wanted.some((name) => text.includes(name))
}

export function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isSymbolicLink()) return []
      return entry.isDirectory() ? filesBelow(path) : [path]
    })
    .sort()
}

/** Copies of the ledger that commands left beside it: before a migration, before a restore. */
export function ledgersBeside(ledger: string): string[] {
  const stem = `${basename(ledger)}.`
  const folder = dirname(ledger)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.startsWith(stem) && /^(v\d+|before-restore-\d+|pulled)$/.test(name.slice(stem.length)))
    .map((name) => join(folder, name))
    .sort()
}

export function shortly(root: string, path: string): string {
  return relative(root, path)
}
