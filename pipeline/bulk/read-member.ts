import { CheckFailed, Interrupted } from '../errors.ts'
import type { Reject, StepContext, StepSummary } from '../step.ts'
import type { ChunkWriter } from './chunk-writer.ts'
import { type Decoded, toUtf8 } from './decode.ts'
import { type BulkSet, type DelimitedTable, fieldsOf } from './delimited.ts'
import type { KeyFilter } from './key-filter.ts'
import { type BadRow, type SplitRow, Splitter } from './splitter.ts'
import { readMember, ZipDamaged, type ZipMember } from './zip.ts'

const REJECT_BATCH = 1_000
const REJECT_BYTES = 4 * 1024 * 1024

/** What has happened so far in the landing of a set. */
export class Tally {
  readonly counts: Record<string, number> = { read: 0, rejected: 0, nul_bytes: 0, duplicates: 0 }
  readonly failures: NonNullable<StepSummary['failures']> = []
  bytes_done = 0
  #rejects: Reject[] = []
  #rejected_bytes = 0
  readonly #context: StepContext
  readonly #source: string
  readonly #bytes_total: number

  constructor(context: StepContext, source: string, bytes_total: number) {
    this.#context = context
    this.#source = source
    this.#bytes_total = bytes_total
  }

  count(name: string, by: number): void {
    this.counts[name] = (this.counts[name] ?? 0) + by
  }

  reject(file: string, { line, reason, content }: Omit<BadRow, 'width'>): void {
    this.#rejects.push({ source: this.#source, file, line, reason, content })
    this.#rejected_bytes += content.length
    this.count('rejected', 1)
  }

  /** Keeps the rejects in the ledger, when there are many or when it is the end. */
  async flush(last = false): Promise<void> {
    if (!last && this.#rejects.length < REJECT_BATCH && this.#rejected_bytes < REJECT_BYTES) return
    if (this.#rejects.length > 0) await this.#context.reject(this.#rejects)
    this.#rejects = []
    this.#rejected_bytes = 0
  }

  report(text: string): void {
    this.#context.progress(text, this.bytes_done, this.#bytes_total)
  }
}

export interface Reading {
  set: BulkSet
  table: DelimitedTable
  member: ZipMember
  writer: ChunkWriter
  /** Keys seen of the tables that others are `within`. */
  filters: ReadonlyMap<string, KeyFilter>
  tally: Tally
  signal: AbortSignal
}

/**
 * Reads one member of a zip row by row: rejects what is no row, drops what is not wanted, hands the rest to the writer.
 * Answers how many rows it held and what is wrong with the zip, if anything.
 * @throws CheckFailed when the first row does not have the columns of the table.
 */
export async function readRows(reading: Reading): Promise<{ rows: number; damage?: string }> {
  const { set, table, member, writer, tally, signal } = reading
  const file = `${member.zip}!${member.name}`
  const take = taker(reading, (row, reason) => reject({ line: row.line, reason, content: row.text() }))
  const reject = (bad: BadRow) => tally.reject(file, { ...bad, content: table.redact?.(bad.content) ?? bad.content })
  let rows = 0
  const row = (split: SplitRow) => {
    rows++
    take(split)
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
  const splitter = new Splitter(fieldsOf(table).length, { row, bad }, () => seen.encoding === 'utf-8')
  const size = member.expected?.size ?? member.compressed_size
  const before = tally.bytes_done
  let bytes = 0
  let damage: string | undefined
  try {
    for await (const piece of toUtf8(readMember(member), seen)) {
      splitter.push(piece)
      await writer.settle()
      await tally.flush()
      if (signal.aborted) throw new Interrupted('interrupted while reading files; nothing of them was landed')
      bytes += piece.length
      tally.bytes_done = before + Math.round(Math.min(1, bytes / size) * member.compressed_size)
      tally.report(member.zip)
    }
  } catch (error) {
    if (!(error instanceof ZipDamaged)) throw error
    damage = error.message
  }
  splitter.end(damage === undefined)
  if (damage !== undefined)
    tally.reject(file, { line: splitter.line, reason: `the zip is damaged: ${damage}`, content: '' })
  tally.bytes_done = before + member.compressed_size
  tally.count('read', rows)
  tally.count('nul_bytes', seen.nul_bytes)
  return { rows, damage }
}

/** What becomes of a row that has the right number of columns. */
function taker(
  { set, table, writer, filters }: Reading,
  reject: (row: SplitRow, reason: string) => void,
): (row: SplitRow) => void {
  const joined = set.tables.find(({ within }) => within?.table === table.table)?.within
  const place = fieldsOf(table).indexOf(table.within?.column ?? joined?.column ?? '')
  const added = filters.get(table.table)
  const known = table.within && filters.get(table.within.table)
  return (row) => {
    const reason = table.check?.(row)
    if (reason !== undefined) return reject(row, reason)
    const start = row.starts[place]!
    const end = row.ends[place]!
    if (known !== undefined && !known.has(row.buffer, start, end)) return
    if (table.keep !== undefined && !table.keep(row)) return
    added?.add(row.buffer, start, end)
    writer.append(row)
  }
}
