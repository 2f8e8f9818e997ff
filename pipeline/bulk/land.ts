import { createHash } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CheckFailed, Interrupted } from '../errors.ts'
import type { Reject, StepContext, StepSummary } from '../step.ts'
import { quoteLiteral } from '../table.ts'
import { ChunkWriter } from './chunk-writer.ts'
import { type Decoded, toUtf8 } from './decode.ts'
import { type BulkSet, countParts, type DelimitedTable, extraToPart, ledgerTable, partsToFile } from './delimited.ts'
import { type BulkFiles, findFiles, folderVersion } from './folder.ts'
import { KeyFilter } from './key-filter.ts'
import { type BadRow, type SplitRow, Splitter } from './splitter.ts'
import { readMember, ZipDamaged, type ZipMember } from './zip.ts'

const REJECT_BATCH = 1_000
const REJECT_BYTES = 4 * 1024 * 1024

/** What has happened so far; one for the whole set. */
interface Progress {
  counts: Record<string, number>
  failures: NonNullable<StepSummary['failures']>
  bytes_done: number
  bytes_total: number
  rejects: Reject[]
  rejected_bytes: number
}

interface Landed {
  file: string
  rows: number
  /** Files of the table were there, and nothing at all could be read from them. */
  unreadable: boolean
}

/**
 * Reads the newest set of zips below a folder and lands every table as Parquet in the lake: rows typed, filtered, the
 * last of each key, in order of the key. Memory stays bounded whatever the size of the files. Rows that cannot be read
 * are rejected with file, line and reason; a damaged zip is a failure of the summary and gives what it still holds.
 * Nothing is committed before everything is read.
 * @throws ProjectError when no complete set is there; CheckFailed when a file does not have the columns it should.
 */
export async function landBulk(context: StepContext, set: BulkSet): Promise<StepSummary> {
  const files = await findFiles(context.paths.root, set)
  const scratch = join(context.paths.data, 'tmp', `bulk-${set.source}`)
  rmSync(scratch, { recursive: true, force: true })
  mkdirSync(scratch, { recursive: true })
  const wanted = set.tables.filter(({ skip }) => !skip)
  const members = wanted.flatMap(({ table }) => files.members.get(table) ?? [])
  const progress: Progress = {
    counts: { read: 0, rejected: 0, nul_bytes: 0, duplicates: 0 },
    failures: files.unreadable.map(({ zip, reason }) => ({ kind: 'row', message: `${zip} cannot be read: ${reason}` })),
    bytes_done: 0,
    bytes_total: members.reduce((sum, { compressed_size }) => sum + compressed_size, 0),
    rejects: files.unreadable.map(({ zip, reason }) => ({
      source: set.source,
      file: zip,
      line: 0,
      reason,
      content: '',
    })),
    rejected_bytes: 0,
  }
  try {
    const landed = await landTables(context, set, files, scratch, progress)
    await flushRejects(context, progress)
    const rows = await commitAll(context, set, files.snapshot, landed)
    const tables = Object.entries(rows).map(([table, count]) => `${count} ${table}`)
    return {
      rows: Object.values(rows).reduce((sum, count) => sum + count, 0),
      text: [`${files.snapshot}: ${tables.join(', ')}; ${progress.counts.rejected} rejected`, ...files.notes].join(
        '; ',
      ),
      counts: { ...progress.counts, ...rows },
      failures: progress.failures,
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function landTables(
  context: StepContext,
  set: BulkSet,
  files: BulkFiles,
  scratch: string,
  progress: Progress,
): Promise<Map<DelimitedTable, Landed>> {
  const landed = new Map<DelimitedTable, Landed>()
  const filters = new Map<string, KeyFilter>()
  for (const { within } of set.tables) if (within !== undefined) filters.set(within.table, new KeyFilter())
  const outer = set.tables.filter(({ within }) => within === undefined)
  for (const table of [...outer, ...set.tables.filter(({ within }) => within !== undefined)]) {
    const members = files.members.get(table.table) ?? []
    const lost = files.unreadable.some((zip) => zip.table === table.table)
    if (!table.skip && members.length === 0 && !lost) continue
    const writer = new ChunkWriter(context.connection, table, scratch)
    let read = 0
    try {
      for (const member of table.skip ? [] : members) {
        read += await readRows({ context, set, table, member, writer, filters, progress })
      }
    } catch (error) {
      await writer.abandon()
      throw error
    }
    const within = [...landed].find(([other]) => other.table === table.within?.table)?.[1]
    const failed = lost || progress.failures.some(({ message }) => members.some(({ zip }) => message.startsWith(zip)))
    const unreadable = (!table.skip && read === 0 && failed) || (within?.unreadable ?? false)
    landed.set(table, {
      ...(await land(context, set, files.snapshot, table, writer, scratch, within?.file ?? '', progress)),
      unreadable,
    })
  }
  return landed
}

interface Reading {
  context: StepContext
  set: BulkSet
  table: DelimitedTable
  member: ZipMember
  writer: ChunkWriter
  filters: Map<string, KeyFilter>
  progress: Progress
}

/** One member of a zip, row by row. Answers the number of rows it holds. */
async function readRows({ context, set, table, member, writer, filters, progress }: Reading): Promise<number> {
  const file = `${member.zip}!${member.name}`
  let rows = 0
  const reject = ({ line, reason, content }: Omit<BadRow, 'width'>) => {
    progress.rejects.push({ source: set.source, file, line, reason, content: table.redact?.(content) ?? content })
    progress.rejected_bytes += content.length
    progress.counts.rejected!++
  }
  const remembered = filters.get(table.table)
  const known = table.within === undefined ? undefined : filters.get(table.within.table)
  const joins = set.tables.find(({ within }) => within?.table === table.table)?.within
  const place = table.fields.indexOf(table.within?.column ?? joins?.column ?? '')
  const take = (row: SplitRow) => {
    rows++
    const reason = table.check?.(row)
    if (reason !== undefined) return reject({ line: row.line, reason, content: row.text() })
    if (known !== undefined && !known.has(row.buffer, row.starts[place]!, row.ends[place]!)) return
    if (table.keep !== undefined && !table.keep(row)) return
    remembered?.add(row.buffer, row.starts[place]!, row.ends[place]!)
    writer.append(row)
  }
  const bad = (row: BadRow) => {
    if (row.width !== undefined && rows === 0) {
      throw new CheckFailed(
        `${file}:${row.line}  the first row has ${row.reason}: the layout of ${table.table} has changed, so nothing of ${set.source} was landed.`,
      )
    }
    reject(row)
  }
  const seen: Decoded = { encoding: 'latin1', nul_bytes: 0 }
  const splitter = new Splitter(table.fields.length, { row: take, bad }, () => seen.encoding === 'utf-8')
  const size = member.expected?.size ?? member.compressed_size
  const before = progress.bytes_done
  let bytes = 0
  let damage: string | undefined
  try {
    for await (const piece of toUtf8(readMember(member), seen)) {
      splitter.push(piece)
      await writer.settle()
      if (progress.rejects.length >= REJECT_BATCH || progress.rejected_bytes >= REJECT_BYTES)
        await flushRejects(context, progress)
      if (context.signal.aborted) throw new Interrupted('interrupted')
      bytes += piece.length
      progress.bytes_done = before + Math.round(Math.min(1, bytes / size) * member.compressed_size)
      context.progress(member.zip, progress.bytes_done, progress.bytes_total)
    }
  } catch (error) {
    if (!(error instanceof ZipDamaged)) throw error
    damage = error.message
  }
  splitter.end(damage === undefined)
  if (damage !== undefined) {
    reject({ line: splitter.line, reason: `the zip is damaged: ${damage}`, content: '' })
    progress.failures.push({
      kind: 'row',
      message: `${member.zip} is damaged (${damage}): ${rows} rows of ${member.name} were read before that.`,
    })
  }
  progress.bytes_done = before + member.compressed_size
  progress.counts.read! += rows
  progress.counts.nul_bytes! += seen.nul_bytes
  return rows
}

async function land(
  context: StepContext,
  set: BulkSet,
  snapshot: string,
  table: DelimitedTable,
  writer: ChunkWriter,
  scratch: string,
  within: string,
  progress: Progress,
): Promise<Omit<Landed, 'unreadable'>> {
  const { connection } = context
  const parts = await writer.finish()
  if (table.extra !== undefined && parts.length > 0) {
    const part = join(scratch, `${table.table}-extra.parquet`)
    await connection.run(extraToPart(table, part))
    parts.push(part)
  }
  const file = join(context.lakeFolder(ledgerTable(set.source, table), snapshot), `${table.table}.parquet`)
  await connection.run(partsToFile(table, parts, within, file))
  const [count] = await connection.rows<{ n: number }>(`select count(*) as n from read_parquet(${quoteLiteral(file)})`)
  if (parts.length > 0) {
    const [sums] = await connection.rows<Record<string, number>>(countParts(table, parts, within))
    const { rows, ...counts } = sums!
    progress.counts.duplicates! += rows! - count!.n
    for (const [name, sum] of Object.entries(counts)) progress.counts[name] = (progress.counts[name] ?? 0) + sum
  }
  for (const part of parts) rmSync(part)
  return { file, rows: count!.n }
}

/** Everything is read: from here on only renames and ledger entries. What could not be read at all stays as it was. */
async function commitAll(
  context: StepContext,
  set: BulkSet,
  snapshot: string,
  landed: Map<DelimitedTable, Landed>,
): Promise<Record<string, number>> {
  const files = await folderVersion(context.paths.root, set.path)
  const filter = `${set.filter} of files ${files}`
  const rows: Record<string, number> = {}
  for (const [table, { rows: count, unreadable }] of landed) {
    if (unreadable) continue
    await context.commitLake(ledgerTable(set.source, table), snapshot, { filter, rows: count })
    rows[table.table] = count
  }
  return rows
}

async function flushRejects(context: StepContext, progress: Progress): Promise<void> {
  if (progress.rejects.length > 0) await context.reject(progress.rejects)
  progress.rejects = []
  progress.rejected_bytes = 0
}
