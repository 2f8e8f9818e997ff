import { CheckFailed, Interrupted } from '../errors.ts'
import { type Decoded, toText } from './decode.ts'
import { type BulkSet, type DelimitedTable, fieldsOf, type Mending, mendsOf } from './delimited.ts'
import type { FollowedKeys } from './followed-keys.ts'
import type { KeySet } from './key-set.ts'
import { type BadRow, type SplitRow, Splitter } from './splitter.ts'
import type { Tally } from './tally.ts'
import { readMember, ZipDamaged, type ZipMember } from './zip.ts'

/** Where wanted rows go. */
export interface RowsTo {
  /** Rows counted before their text is written. */
  rows: number
  write(text: Buffer): void
  settle(): Promise<void>
}

export interface Reading {
  set: BulkSet
  table: DelimitedTable
  member: ZipMember
  to: RowsTo
  /** Besides the table's own `keep`. */
  keep?(row: SplitRow): boolean
  /** Keys of which one must be in this place, and those that wanted rows add. */
  known?: { keys: KeySet; place: number }
  added?: { keys: KeySet; place: number }
  /** Rows with one of these keys are wanted whatever the rest says. */
  followed?: FollowedKeys
  /** Latest day that a date can be: 20260831. */
  today: number
  reject(reject: Omit<BadRow, 'width'>): void
  tally: Tally
  signal: AbortSignal
}

/** What came of a file: how many rows it has, what was counted, and what is wrong with the zip, if anything. */
export interface ReadResult {
  rows: number
  counts: Record<string, number>
  damage?: string
}

/**
 * Reads one member of a zip row by row: rejects what is no row, drops what is not wanted, mends the rest and hands it on.
 * @throws CheckFailed when the first row does not have the columns of the table.
 */
export async function readRows(reading: Reading): Promise<ReadResult> {
  const { set, table, member, to, tally, signal } = reading
  const file = `${member.zip}!${member.name}`
  const counts: Record<string, number> = { rejected: 0 }
  const reject = (bad: BadRow) => {
    counts.rejected!++
    reading.reject({ ...bad, content: table.redact?.(bad.content) ?? bad.content })
  }
  const take = taker(reading, counts, (row, reason) => reject({ line: row.line, reason, content: row.text() }))
  let rows = 0
  const row = (split: SplitRow) => {
    rows++
    return take(split)
  }
  const bad = (found: BadRow) => {
    if (found.width !== undefined && rows === 0) {
      const place = `${file}:${found.line}`
      throw new CheckFailed(
        `${place}  the first row has ${found.reason}: the layout of ${table.table} has changed, nothing of ${set.source} was landed.`,
      )
    }
    reject(found)
  }
  const seen: Decoded = { encoding: 'latin1', nul_bytes: 0 }
  const sink = { row, bad, clean: (text: Buffer) => to.write(text) }
  const splitter = new Splitter(fieldsOf(table).length, sink, () => seen.encoding === 'latin1')
  const size = member.expected?.size ?? member.compressed_size
  let bytes = 0
  let damage: string | undefined
  try {
    for await (const piece of toText(readMember(member), seen)) {
      splitter.push(piece)
      await to.settle()
      if (signal.aborted) throw new Interrupted('interrupted while reading files; the next run goes on from here')
      bytes += piece.length
      tally.report(member.zip, Math.round(Math.min(1, bytes / size) * member.compressed_size), rows)
    }
  } catch (error) {
    if (!(error instanceof ZipDamaged)) throw error
    damage = error.message
  }
  splitter.end(damage === undefined)
  if (damage !== undefined) reject({ line: splitter.line, reason: `the zip is damaged: ${damage}`, content: '' })
  return { rows, counts: { ...counts, read: rows, nul_bytes: seen.nul_bytes }, damage }
}

/** What becomes of a row that has the right number of columns. */
function taker(
  { table, to, keep, known, added, followed, today }: Reading,
  counts: Record<string, number>,
  reject: (row: SplitRow, reason: string) => void,
): (row: SplitRow) => boolean {
  const mends = mendsOf(table)
  const count = (name: string, by: number) => {
    counts[name] = (counts[name] ?? 0) + by
  }
  const mending: Mending = { today, count }
  return (row) => {
    const reason = table.check?.(row)
    if (reason !== undefined) {
      reject(row, reason)
      return false
    }
    const isKnown = known === undefined || known.keys.has(row.buffer, row.starts[known.place]!, row.ends[known.place]!)
    if (!(isKnown && (keep?.(row) ?? true)) && followed?.has(row) !== true) return false
    if (added !== undefined) added.keys.add(row.buffer, row.starts[added.place]!, row.ends[added.place]!)
    for (const [place, mend] of mends) {
      if (row.starts[place] !== row.ends[place]) mend(row.buffer, row.starts[place]!, row.ends[place]!, mending)
    }
    to.rows++
    return true
  }
}
