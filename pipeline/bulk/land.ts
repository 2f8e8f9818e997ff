import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { StepContext, StepSummary } from '../step.ts'
import { ChunkWriter } from './chunk-writer.ts'
import {
  type BulkSet,
  countParts,
  countPrefixes,
  type DelimitedTable,
  extraToPart,
  ledgerTable,
  partsToFile,
  rangesOf,
} from './delimited.ts'
import { type BulkFiles, findFiles } from './folder.ts'
import { KeyFilter } from './key-filter.ts'
import { readRows, Tally } from './read-member.ts'

interface Landing {
  context: StepContext
  set: BulkSet
  files: BulkFiles
  scratch: string
  tally: Tally
}

interface Landed {
  table: DelimitedTable
  files: string[]
  rows: number
  /** Files of the table were there, and nothing at all could be read from them. */
  lost: boolean
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
  const read = set.tables.filter(({ skip }) => !skip).flatMap(({ table }) => files.members.get(table) ?? [])
  const tally = new Tally(
    context,
    set.source,
    read.reduce((sum, { compressed_size }) => sum + compressed_size, 0),
  )
  for (const { zip, reason } of files.unreadable) {
    tally.reject(zip, { line: 0, reason: `the zip is damaged: ${reason}`, content: '' })
    tally.failures.push({ kind: 'row', message: `${zip} cannot be read (${reason}): put a whole copy in its place.` })
  }
  const scratch = join(context.paths.data, 'tmp', `bulk-${set.source}`)
  rmSync(scratch, { recursive: true, force: true })
  mkdirSync(scratch, { recursive: true })
  try {
    const landed = await landTables({ context, set, files, scratch, tally })
    await tally.flush(true)
    const tables = landed.map(({ table, rows }) => ({ table: ledgerTable(set.source, table), rows }))
    await context.commitLake(tables, files.snapshot, `${set.filter} of files ${files.fingerprint}`)
    return summaryOf(files, landed, tally)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Tables that others are `within` first. Those of which there is no file, or none that can be read, stay as they were. */
async function landTables(landing: Landing): Promise<Landed[]> {
  const { set, files } = landing
  const filters = new Map<string, KeyFilter>()
  for (const { within } of set.tables) if (within !== undefined) filters.set(within.table, new KeyFilter())
  const landed: Landed[] = []
  for (const table of [...set.tables].sort((a, b) => Number(a.within !== undefined) - Number(b.within !== undefined))) {
    const there = files.members.has(table.table) || files.unreadable.some((zip) => zip.table === table.table)
    if (there || table.skip) landed.push(await landTable(landing, table, landed, filters))
  }
  return landed.filter(({ lost }) => !lost)
}

async function landTable(
  landing: Landing,
  table: DelimitedTable,
  landed: readonly Landed[],
  filters: ReadonlyMap<string, KeyFilter>,
): Promise<Landed> {
  const { context, set, files, scratch, tally } = landing
  const within = landed.find((other) => other.table.table === table.within?.table)
  const writer = new ChunkWriter(context.connection, table, context.as_of, scratch)
  let rows = 0
  let damaged = files.unreadable.some((zip) => zip.table === table.table)
  try {
    for (const member of table.skip ? [] : (files.members.get(table.table) ?? [])) {
      const read = await readRows({ set, table, member, writer, filters, tally, signal: context.signal })
      rows += read.rows
      if (read.damage === undefined) continue
      damaged = true
      const kept = `${read.rows} rows of ${member.name} were read before the damage`
      tally.failures.push({ kind: 'row', message: `${member.zip} is damaged (${read.damage}): ${kept}.` })
    }
  } catch (error) {
    await writer.abandon()
    throw error
  }
  const lost = (!table.skip && damaged && rows === 0) || (within?.lost ?? false)
  return { table, lost, ...(await writeFiles(landing, table, writer, within?.files ?? [])) }
}

async function writeFiles(
  { context, set, files, scratch, tally }: Landing,
  table: DelimitedTable,
  writer: ChunkWriter,
  within: readonly string[],
): Promise<{ files: string[]; rows: number }> {
  const { connection } = context
  const parts = await writer.finish()
  if (table.extra !== undefined && parts.length > 0) {
    const part = join(scratch, `${table.table}-extra.parquet`)
    await connection.run(extraToPart(table, context.as_of, part))
    parts.push(part)
  }
  const folder = context.lakeFolder(ledgerTable(set.source, table), files.snapshot)
  const ranges = parts.length === 0 ? [{}] : rangesOf(await connection.rows(countPrefixes(table, parts)))
  const landed: { files: string[]; rows: number } = { files: [], rows: 0 }
  for (const [index, range] of ranges.entries()) {
    const file = join(folder, `${table.table}-${String(index).padStart(4, '0')}.parquet`)
    const rows = await connection.run(partsToFile(table, parts, range, within, file))
    landed.files.push(file)
    landed.rows += rows
    if (parts.length === 0) continue
    const [sums] = await connection.rows<Record<string, number>>(countParts(table, parts, range, within))
    const { rows: read, ...counts } = sums!
    if (table.extra === undefined) tally.count('duplicates', read! - rows)
    for (const [name, sum] of Object.entries(counts)) tally.count(name, sum)
  }
  for (const part of parts) rmSync(part)
  return landed
}

function summaryOf(files: BulkFiles, landed: readonly Landed[], { counts, failures }: Tally): StepSummary {
  const tables = landed.map(({ table, rows }) => `${rows} ${table.table}`)
  return {
    rows: landed.reduce((sum, { rows }) => sum + rows, 0),
    text: [`${files.snapshot}: ${tables.join(', ')}; ${counts.rejected} rejected`, ...files.notes].join('; '),
    counts: { ...counts, ...Object.fromEntries(landed.map(({ table, rows }) => [table.table, rows])) },
    failures,
  }
}
