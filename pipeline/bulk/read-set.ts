import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { StepContext } from '../step.ts'
import { ChunkWriter, keptSoon } from './chunk-writer.ts'
import {
  type BulkSet,
  chunkToPart,
  countRows,
  countVoid,
  type DelimitedTable,
  extraToPart,
  fieldsOf,
  ledgerTable,
  repeatedKeys,
  voidRows,
  withoutVoid,
} from './delimited.ts'
import type { BulkFiles } from './folder.ts'
import { type FollowedKeys, followedKeys } from './followed-keys.ts'
import { KeySet } from './key-set.ts'
import { LoadQueue } from './load-queue.ts'
import { type Finished, PartJournal } from './part-journal.ts'
import { type Reading, readRows } from './read-member.ts'
import { Tally } from './tally.ts'
import type { ZipMember } from './zip.ts'

/** Changes when the same files would land as other bytes, for a reason that no SQL shows. */
const LAYOUT = 3
/** Keys that are looked at for repetitions at a time. */
const KEYS_AT_ONCE = 16_000_000
const KEPT_SNAPSHOTS_AT_MOST = 1_000

interface Landing {
  context: StepContext
  set: BulkSet
  files: BulkFiles
  /** What is followed. */
  before: { table: string; files: readonly string[] } | undefined
  journal: PartJournal
  queue: LoadQueue
  tally: Tally
  today: number
  keys: Map<string, KeySet>
  /** Files that were read, in the order of reading, as the journal and as people know them. */
  read: { name: string; file: string }[]
}

export interface Landed {
  table: DelimitedTable
  parts: string[]
  rows: number
}

/** What came of the files of a set. The journal's folder holds the parts until it is cleared. */
export interface ReadSet {
  landed: Landed[]
  tally: Tally
  journal: PartJournal
}

/**
 * Reads the files of a set into parts on disk: rows typed and filtered, in the order of the files, the last of each key.
 * Memory stays bounded whatever the size of the files. Rows that cannot be read are rejected with file, line and reason; a
 * damaged zip is a failure of the tally and gives what it still holds. What was read survives a kill and is not read again.
 * @throws CheckFailed when a file does not have the columns it should.
 */
export async function readSet(context: StepContext, set: BulkSet, files: BulkFiles): Promise<ReadSet> {
  const wanted = set.tables.filter(({ skip }) => !skip)
  const passes = wanted.flatMap(({ table, screen }) => (screen === undefined ? [table] : [screen.table, table]))
  const members = passes.flatMap((table) => files.members.get(table) ?? [])
  const tally = new Tally(
    context,
    members.reduce((sum, { compressed_size }) => sum + compressed_size, 0),
  )
  const today = lastDay(files.snapshot, context.as_of)
  const layout = set.tables.map((table) => [table.within, table.skip, chunkToPart(table, '', '')])
  const before = await landingBefore(context, set, files.snapshot)
  const identity = [LAYOUT, before?.files, files.fingerprint, files.snapshot, set.filter, today, layout]
  const home = join(context.paths.data, 'tmp', `bulk-${set.source}`)
  const journal = new PartJournal(home, identity)
  const queue = new LoadQueue()
  const landing: Landing = { context, set, files, before, journal, queue, tally, today, keys: new Map(), read: [] }
  const landed = await landTables(landing).catch(async (error: unknown) => {
    await queue.quiet()
    throw error
  })
  for (const { zip, reason, path } of files.unreadable) {
    set.damaged?.(path)
    const content = { line: 0, reason: `the zip is damaged: ${reason}`, content: '' }
    await context.reject([{ source: set.source, file: zip, ...content }])
    tally.count('rejected', 1)
    tally.failures.push({ kind: 'row', message: `${zip} cannot be read (${reason}): put a whole copy in its place.` })
  }
  for (const batch of journal.rejected(set.source, landing.read)) await context.reject(batch)
  return { landed, tally, journal }
}

/** The landing of the snapshot before, if it was by the same filter and a table follows it. */
export async function landingBefore(
  context: StepContext,
  set: BulkSet,
  snapshot: string,
): Promise<{ table: string; files: readonly string[] } | undefined> {
  const table = set.tables.find(({ follow, keep, screen }) => follow && (keep ?? screen) !== undefined)
  if (table === undefined) return undefined
  const landings = await context.lakeSnapshots(ledgerTable(set.source, table), KEPT_SNAPSHOTS_AT_MOST)
  const before = landings.find((landing) => landing.snapshot < snapshot)
  if (before === undefined || !before.filter.startsWith(`${set.filter} of files `)) return undefined
  return { table: table.table, files: before.files }
}

/** 20260831 of `2026-08-08`: nothing of a set is later than its month. Of no month: the run's date. */
function lastDay(snapshot: string, as_of: string): number {
  const date = /^\d{4}-\d{2}/.test(snapshot) ? `${snapshot.slice(0, 7)}-31` : as_of
  return Number(date.replaceAll('-', '').slice(0, 8))
}

/** Tables that others are `within` first. */
export function inOrder(tables: readonly DelimitedTable[]): DelimitedTable[] {
  return [...tables].sort((a, b) => Number(a.within !== undefined) - Number(b.within !== undefined))
}

/** Tables that others are `within` first. Those of which there is no file, or none that can be read, stay as they were. */
async function landTables(landing: Landing): Promise<Landed[]> {
  const { set, files, keys } = landing
  for (const { within } of set.tables) if (within !== undefined) keys.set(within.table, new KeySet())
  const landed: Landed[] = []
  const lost = new Set<string>()
  for (const table of inOrder(set.tables)) {
    const there = files.members.has(table.table) || files.unreadable.some((zip) => zip.table === table.table)
    if (!there && !table.skip) continue
    const { parts, rows, damaged } = await landTable(landing, table)
    if ((!table.skip && damaged && rows === 0) || lost.has(table.within?.table ?? '')) lost.add(table.table)
    else {
      const settled: Landed = { table, parts, rows }
      landed.push(settled)
      landing.queue.add(async () => void Object.assign(settled, await settleKeys(landing, table, parts)))
    }
  }
  await landing.queue.atMost(0)
  return landed
}

async function landTable(
  landing: Landing,
  table: DelimitedTable,
): Promise<{ parts: string[]; rows: number; damaged: boolean }> {
  const { files, keys } = landing
  const members = table.skip ? [] : (files.members.get(table.table) ?? [])
  const screened = table.skip ? undefined : await screenOf(landing, table)
  const added = keys.get(table.table)
  const joined = landing.set.tables.find(({ within }) => within?.table === table.table)?.within
  const known =
    screened ?? (table.within && { keys: keys.get(table.within.table)!, place: placeOf(table, table.within.column) })
  const followed = await followedOf(landing, table)
  const parts: string[] = []
  let rows = 0
  let damaged = files.unreadable.some((zip) => zip.table === table.table)
  for (const [index, member] of members.entries()) {
    const name = `${table.table}-${String(index).padStart(2, '0')}`
    const reading = {
      table,
      keep: table.keep,
      known,
      followed,
      added: added && joined && { keys: added, place: placeOf(table, joined.column) },
    }
    const finished = await readOnce(landing, name, member, reading)
    rows += finished.rows
    parts.push(...finished.parts.map((part) => landing.journal.path(part)))
    if (finished.damage === undefined) continue
    damaged = true
    landing.set.damaged?.(member.path)
    const kept = `${finished.rows} rows of ${member.name} were read before the damage`
    landing.tally.failures.push({ kind: 'row', message: `${member.zip} is damaged (${finished.damage}): ${kept}.` })
  }
  return { parts, rows, damaged }
}

async function followedOf(
  { context, before, journal }: Landing,
  table: DelimitedTable,
): Promise<FollowedKeys | undefined> {
  if (before?.table !== table.table || table.follow === undefined || table.skip) return undefined
  const places = table.follow.map((column) => placeOf(table, column))
  const through = journal.path(`followed-${table.table}.csv`)
  return followedKeys(context.connection, before.files, { columns: table.follow, places, through })
}

/** The keys of those rows of another table that pass. What is wrong with its files is said when they land. */
async function screenOf(landing: Landing, { table, screen }: DelimitedTable): Promise<Reading['known']> {
  if (screen === undefined) return undefined
  const keys = new KeySet()
  const of = landing.set.tables.find((other) => other.table === screen.table)!
  const added = { keys, place: placeOf(of, screen.column) }
  for (const [index, member] of (landing.files.members.get(screen.table) ?? []).entries()) {
    const name = `screen-of-${table}-${String(index).padStart(2, '0')}`
    await readOnce(landing, name, member, { table: of, keep: screen.keep, added }, true)
  }
  return { keys, place: placeOf(landing.set.tables.find((other) => other.table === table)!, screen.column) }
}

/** Reads a file, unless an earlier run has finished it. `silent`: for its keys only. */
async function readOnce(
  { context, set, journal, queue, tally, today, read }: Landing,
  name: string,
  member: ZipMember,
  what: Pick<Reading, 'table' | 'keep' | 'known' | 'added' | 'followed'>,
  silent = false,
): Promise<Finished> {
  const before = journal.finished(name, what.added?.keys)
  let finished = before
  if (finished === undefined) {
    const writer = silent ? undefined : new ChunkWriter(context.connection, queue, what.table, journal.folder, name)
    const rejects = silent ? undefined : journal.rejects(name)
    const to = writer ?? { rows: 0, write: () => {}, settle: () => Promise.resolve() }
    const reject: Reading['reject'] = (row) => rejects?.write(row)
    try {
      const result = await readRows({ ...what, set, member, to, today, tally, reject, signal: context.signal })
      finished = { ...result, parts: writer?.finish() ?? [] }
    } catch (error) {
      writer?.abandon()
      throw error
    } finally {
      rejects?.close()
    }
    const noted = finished
    const fresh = what.added?.keys.takeFresh()
    queue.add(() => journal.finish(name, noted, fresh))
  }
  tally.done(member.compressed_size, finished.rows, before !== undefined)
  if (!silent) {
    tally.add(finished.counts)
    read.push({ name, file: `${member.zip}!${member.name}` })
  }
  return finished
}

/** The last row of each key: parts in which a row is void are written again without it. Always at least one part. */
async function settleKeys(landing: Landing, table: DelimitedTable, read: string[]): Promise<Omit<Landed, 'table'>> {
  const { context, journal, tally } = landing
  const { connection } = context
  const count = async (parts: string[]) => (await connection.rows<{ rows: number }>(countRows(parts)))[0]!.rows
  let parts = read
  if (table.extra !== undefined || parts.length === 0) {
    const extra = journal.path(`${table.table}-extra.parquet`)
    await connection.run(extraToPart(table.skip ? { ...table, extra: undefined } : table, extra))
    parts = [extra, ...parts]
  }
  const rows = await count(parts)
  const buckets = Math.max(1, Math.ceil(rows / KEYS_AT_ONCE))
  const voids: string[] = []
  for (let bucket = 0; bucket < buckets; bucket++) {
    const repeated = repeatedKeys(table, parts, bucket, buckets)
    if ((await connection.rows<{ rows: number }>(`select count(*) as rows from (${repeated})`))[0]!.rows === 0) continue
    const file = journal.path(`${table.table}-void-${bucket}.parquet`)
    await connection.run(voidRows(table, parts, repeated, file))
    voids.push(file)
  }
  if (voids.length === 0) return { parts, rows }
  const settled = [...parts]
  mkdirSync(journal.path('settled'), { recursive: true })
  let gone = 0
  for (const { part, rows: some } of await connection.rows<{ part: number; rows: number }>(countVoid(voids))) {
    const file = journal.path(`settled/${table.table}-${part}.parquet`)
    await connection.run(withoutVoid(parts[part]!, part, voids, `${file}.new`))
    await keptSoon(`${file}.new`)
    renameSync(`${file}.new`, file)
    settled[part] = file
    gone += some
  }
  if (table.extra === undefined) tally.count('duplicates', gone)
  return { parts: settled, rows: rows - gone }
}

function placeOf(table: DelimitedTable, column: string): number {
  return fieldsOf(table).indexOf(column)
}
