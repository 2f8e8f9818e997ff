import { createHash } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { StepContext, StepSummary } from '../step.ts'
import { quoteIdentifier, quoteLiteral } from '../table.ts'
import { keptSoon } from './chunk-writer.ts'
import { type BulkSet, chunkToPart, type DelimitedTable, ledgerTable } from './delimited.ts'
import type { BulkFiles } from './folder.ts'
import { inOrder, type Landed, landingBefore, readSet } from './read-set.ts'

const KEPT_SNAPSHOTS = 2
const MANIFEST = 'landed.json'
/** Changes when the same files would land as other rows, for a reason that no SQL shows. */
const LAYOUT = 1
/** What DuckDB names the folder of rows that say nothing in the column. */
const NOTHING = '__HIVE_DEFAULT_PARTITION__'

/** All rows of a month's files, as Parquet: `data/landing/<source>/<snapshot>/<table>/`, and `…/<column>=<value>/` where a table has a `partition`. */
export interface Whole {
  /** Of what makes the rows: columns, their SQL, keys. Another one is another landing. */
  layout: string
  fingerprint: string
  snapshot: string
  /** Folder of the zips, where it was fetched. */
  month?: string
  notes: string[]
  counts: Record<string, number>
  failures: NonNullable<StepSummary['failures']>
  /** Table → rows, and files below the landing's folder. */
  tables: Record<string, { rows: number; files: string[] }>
}

const homeOf = (context: StepContext, { source }: BulkSet) => join(context.paths.data, 'landing', source)

/** The landing that is wanted, if it is there whole and was made as it would be made today. */
export function findWhole(context: StepContext, set: BulkSet, wanted: (whole: Whole) => boolean): Whole | undefined {
  const home = homeOf(context, set)
  if (!existsSync(home)) return undefined
  for (const name of readdirSync(home).sort().reverse()) {
    const file = join(home, name, MANIFEST)
    if (!existsSync(file)) continue
    const whole = JSON.parse(readFileSync(file, 'utf8')) as Whole
    if (whole.layout === layoutOf(set) && wanted(whole)) return whole
  }
  return undefined
}

/**
 * Reads the files of a set, every row of them, and lays them down for whoever wants a part of them later. It is there
 * altogether or not at all; what was landed of other files goes.
 */
export async function landWhole(context: StepContext, set: BulkSet, files: BulkFiles): Promise<Whole> {
  const { landed, tally, journal } = await readSet(
    context,
    { ...set, filter: 'whole', tables: set.tables.map(all) },
    files,
  )
  const home = homeOf(context, set)
  const folder = join(home, `${files.snapshot}.new`)
  rmSync(folder, { recursive: true, force: true })
  const tables: Whole['tables'] = {}
  for (const { table, parts, rows } of landed) {
    const to = join(folder, table.table)
    mkdirSync(to, { recursive: true })
    if (table.partition === undefined) {
      for (const [index, part] of parts.entries())
        linkSync(part, join(to, `${table.table}-${String(index).padStart(4, '0')}.parquet`))
    } else {
      context.progress(`${table.table}: ${rows} rows by ${table.partition}`)
      await context.connection.run(
        `copy (select * from ${filesList(parts)}) to ${quoteLiteral(to)} (format parquet, compression zstd,
          partition_by (${quoteIdentifier(table.partition)}), write_partition_columns true)`,
      )
    }
    const written = parquetIn(to)
    for (const file of written) await keptSoon(file)
    tables[table.table] = { rows, files: written.map((file) => relative(folder, file)) }
  }
  const whole: Whole = {
    layout: layoutOf(set),
    fingerprint: files.fingerprint,
    snapshot: files.snapshot,
    month: set.month,
    notes: files.notes,
    counts: tally.counts,
    failures: tally.failures,
    tables,
  }
  writeFileSync(join(folder, MANIFEST), JSON.stringify(whole, null, 2))
  await keptSoon(join(folder, MANIFEST))
  for (const other of readdirSync(home)) {
    if (other !== `${files.snapshot}.new`) rmSync(join(home, other), { recursive: true })
  }
  renameSync(folder, join(home, files.snapshot))
  await keptSoon(home)
  journal.clear()
  return whole
}

/** A landing of damaged files is used once. */
export function discardWhole(context: StepContext, set: BulkSet, { snapshot }: Whole): void {
  rmSync(join(homeOf(context, set), snapshot), { recursive: true, force: true })
}

/**
 * Lands what is wanted of a whole landing, without its files: the same rows as reading those would land, in order of the
 * key. Only what can hold wanted rows is read where a table says in which `partitions` they are.
 */
export async function landFromWhole(context: StepContext, set: BulkSet, whole: Whole): Promise<StepSummary> {
  const { connection } = context
  const folder = join(homeOf(context, set), whole.snapshot)
  const filesOf = (table: string) => (whole.tables[table]?.files ?? []).map((file) => join(folder, file))
  const before = await landingBefore(context, set, whole.snapshot)
  const landed: Landed[] = []
  for (const table of inOrder(set.tables)) {
    const there = whole.tables[table.table]
    if (there === undefined) continue
    const to = context.lakeFolder(ledgerTable(set.source, table), whole.snapshot)
    const part = join(to, `${table.table}-0000.parquet`)
    const followed = before?.table === table.table && table.follow !== undefined ? before.files : undefined
    const files = followed === undefined ? mayHold(table, filesOf(table.table)) : filesOf(table.table)
    const conditions = wantedOf(table, filesOf, landed)
    let { rows } = there
    context.progress(`${table.table} of ${whole.snapshot}, as it landed`)
    if (conditions.length === 0 && table.partition === undefined) {
      for (const [index, file] of files.entries())
        linkSync(file, join(to, `${table.table}-${String(index).padStart(4, '0')}.parquet`))
    } else {
      const keys = (table.follow ?? []).map(quoteIdentifier).join(', ')
      const wanted = conditions.length === 0 ? 'true' : `(${conditions.join(' and ')})`
      const also = followed && !table.skip ? ` or (${keys}) in (select (${keys}) from ${filesList(followed)})` : ''
      // Of no file that could hold a wanted row: none of any.
      const from = files.length > 0 ? files : filesOf(table.table).slice(0, 1)
      rows = await connection.run(`copy (
          select * from ${filesList(from)} where ${files.length > 0 ? `${wanted}${also}` : 'false'}
          order by ${table.key.map(quoteIdentifier).join(', ')}
        ) to ${quoteLiteral(part)} (format parquet, compression zstd)`)
    }
    landed.push({ table, parts: parquetIn(to), rows })
  }
  const tables = landed.map(({ table, rows }) => ({ table: ledgerTable(set.source, table), rows }))
  await context.commitLake(tables, whole.snapshot, `${set.filter} of files ${whole.fingerprint}`)
  const gone = await context.letGoOfSnapshots(set.source, set.keep_snapshots ?? KEPT_SNAPSHOTS)
  return summaryOf({ ...whole, notes: [...whole.notes, 'from the landing of the whole month'] }, landed, gone)
}

/** Conditions on a row, in SQL: the twins of what is held against the rows of a file. */
function wantedOf(table: DelimitedTable, filesOf: (table: string) => string[], landed: readonly Landed[]): string[] {
  if (table.skip) return ['false']
  const { where, screen, within } = table
  const conditions = where === undefined ? [] : [`(${where})`]
  if (screen !== undefined) {
    const column = quoteIdentifier(screen.column)
    conditions.push(`${column} in (select ${column} from ${filesList(filesOf(screen.table))} where ${screen.where})`)
  }
  const around = within && landed.find((one) => one.table.table === within.table)
  if (within !== undefined && around !== undefined) {
    const column = quoteIdentifier(within.column)
    conditions.push(`${column} in (select ${column} from ${filesList(around.parts)})`)
  }
  return conditions
}

/** Files in which a wanted row can be: rows that say nothing in the column are kept, as everywhere. */
function mayHold({ partition, partitions }: DelimitedTable, files: readonly string[]): string[] {
  if (partition === undefined || partitions === undefined) return [...files]
  const folders = new Set([...partitions, NOTHING].map((value) => `${partition}=${encodeURIComponent(value)}`))
  return files.filter((file) => file.split('/').some((name) => folders.has(name)))
}

/** A table as it is published, whoever wants what of it. */
function all(table: DelimitedTable): DelimitedTable {
  return { ...table, keep: undefined, within: undefined, screen: undefined, follow: undefined, skip: undefined }
}

function layoutOf(set: BulkSet): string {
  const tables = set.tables.map((table) => [
    table.table,
    table.key,
    table.extra,
    table.partition,
    chunkToPart(table, '', ''),
  ])
  return createHash('sha256')
    .update(JSON.stringify([LAYOUT, tables]))
    .digest('hex')
    .slice(0, 16)
}

function parquetIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.parquet'))
    .sort()
    .map((name) => join(folder, name))
}

function filesList(files: readonly string[]): string {
  return `read_parquet([${files.map(quoteLiteral).join(', ')}], hive_partitioning = false)`
}

/** What a landing says of itself. */
export function summaryOf(
  { snapshot, notes, counts, failures }: Pick<Whole, 'snapshot' | 'notes' | 'counts' | 'failures'>,
  landed: readonly Landed[],
  gone: readonly string[],
): StepSummary {
  const tables = landed.map(({ table, rows }) => `${rows} ${table.table}`)
  const old = gone.map((one) => `${one} deleted to make room`)
  return {
    rows: landed.reduce((sum, { rows }) => sum + rows, 0),
    text: [`${snapshot}: ${tables.join(', ')}; ${counts.rejected} rejected`, ...notes, ...old].join('; '),
    counts: { ...counts, ...Object.fromEntries(landed.map(({ table, rows }) => [table.table, rows])) },
    failures,
  }
}
