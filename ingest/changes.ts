import { copyFileSync, linkSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { changesTable, type Side, writeChanges } from '../pipeline/bulk/changes.ts'
import type { LedgerTable, Step, StepContext, StepSummary } from '../pipeline/step.ts'
import { quoteIdentifier, quoteLiteral } from '../pipeline/table.ts'
import { hashOf, type Listed, resourcesOf, tableOf } from './catalogue.ts'

/** As many months as a lake is likely to hold, and more. */
const MONTHS = 1_000
/** Grows when what is written about a change does, so that the months still held are compared again. */
const VERSION = 1

interface Landing {
  snapshot: string
  filter: string
  files: string[]
}

/** Where the changes of a bulk provider's tables are kept. They exist, empty, also while it is switched off. */
export function changesTablesOf(listed: Listed): LedgerTable[] {
  if (listed.provider.bulk === undefined) return []
  return resourcesOf(listed).map(([name]) => changesTable(tableOf(listed, name)))
}

/**
 * Compares each month that a bulk provider landed with the one before, as a whole, and keeps what changed. The months may go
 * then: what changed between them cannot be computed again, and what was there follows from what is there and what changed.
 */
export function changesStep(listed: Listed): Step {
  const tables = resourcesOf(listed).map(([name]) => tableOf(listed, name))
  return {
    name: `${listed.name}_changes`,
    kind: 'resource',
    stage: 'discovery',
    file: 'ingest/changes.ts',
    description: `What changed in ${listed.provider.title} from one month to the next.`,
    reads: tables.map(({ source, table }) => `${source}.${table}`),
    records: tables.map(changesTable),
    fingerprint: hashOf([VERSION, tables.map(({ table, columns, key }) => [table, columns, key])]),
    run: (context) => compare(context, tables),
  }
}

/** What of which months each table's changes are of: month → a hash of the two landings it was compared by. */
type Compared = Record<string, Record<string, string>>

async function compare(context: StepContext, tables: readonly LedgerTable[]): Promise<StepSummary> {
  const before: Compared = {}
  const after: Compared = {}
  const latest: string[] = []
  for (const table of tables) {
    const months = monthsOf(await context.lakeSnapshots(table, MONTHS))
    before[table.table] = comparedOf((await context.lakeSnapshot(changesTable(table)))?.filter)[table.table] ?? {}
    after[table.table] = { ...before[table.table], ...pairsOf(months) }
    const last = Object.keys(after[table.table]!).sort().at(-1)
    if (last !== undefined) latest.push(last)
  }
  const snapshot = latest.sort().at(-1)
  if (snapshot === undefined) return { rows: 0, text: 'no two months to compare yet', counts: {} }
  if (textOf(before) === textOf(after)) {
    return { rows: 0, text: `${snapshot} has been compared with the month before`, counts: {} }
  }
  const counts: Record<string, number> = {}
  const landed: { table: LedgerTable; rows: number }[] = []
  for (const table of tables) {
    context.progress(`comparing ${table.table}`, landed.length, tables.length)
    const done = { before: before[table.table]!, after: after[table.table]! }
    const { rows, fresh } = await writeTable(context, table, snapshot, done)
    landed.push({ table: changesTable(table), rows })
    counts[table.table] = fresh
  }
  await context.commitLake(landed, snapshot, textOf(after))
  const rows = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const parts = Object.entries(counts).flatMap(([table, count]) => (count === 0 ? [] : [`${count} ${table}`]))
  return {
    rows,
    text: `${snapshot}: ${parts.length === 0 ? 'nothing changed' : `changed: ${parts.join(', ')}`}`,
    counts,
  }
}

/** Compares the months that are new or were landed anew; the changes of all others are kept, whether or not those months are still held. */
async function writeTable(
  context: StepContext,
  table: LedgerTable,
  snapshot: string,
  { before, after }: { before: Record<string, string>; after: Record<string, string> },
): Promise<{ rows: number; fresh: number }> {
  const { connection, signal } = context
  const kept = changesTable(table)
  const old = (await context.lakeSnapshot(kept))?.files ?? []
  const months = monthsOf(await context.lakeSnapshots(table, MONTHS))
  const folder = context.lakeFolder(kept, snapshot)
  for (const file of old) {
    const month = basename(file).slice(0, -'-0000.parquet'.length)
    if (before[month] === after[month]) await keep(context, kept, file, join(folder, basename(file)))
  }
  let fresh = 0
  for (const [index, now] of months.entries()) {
    const was = months[index - 1]
    const month = dayOf(now.snapshot)
    if (was === undefined || before[month] === after[month]) continue
    signal.throwIfAborted()
    const same_filter = filterOf(was) === filterOf(now)
    const comparison = { table, before: sideOf(was), after: sideOf(now), same_filter }
    const written = await writeChanges(connection, comparison, (part) =>
      join(folder, `${month}-${String(part).padStart(4, '0')}.parquet`),
    )
    fresh += written.reduce((sum, rows) => sum + rows, 0)
  }
  const files = readdirSync(folder).map((file) => quoteLiteral(join(folder, file)))
  if (files.length === 0) return { rows: 0, fresh }
  const [count] = await connection.rows<{ rows: number }>(
    `select sum(num_rows)::bigint as rows from parquet_file_metadata([${files.join(', ')}])`,
  )
  return { rows: count!.rows, fresh }
}

/** The same file under another name where the disk can; written anew where the table has other columns by now. */
async function keep({ connection }: StepContext, table: LedgerTable, file: string, at: string): Promise<void> {
  const from = `read_parquet(${quoteLiteral(file)})`
  const there = await connection.describe(`select * from ${from}`)
  const columns = Object.entries(table.columns).map(([name, type]) => {
    const known = there.some((column) => column.name === name)
    return `cast(${known ? quoteIdentifier(name) : 'null'} as ${type}) as ${quoteIdentifier(name)}`
  })
  const wanted = `select ${columns.join(', ')} from ${from}`
  if (hashOf(there) !== hashOf(await connection.describe(wanted))) {
    await connection.run(`copy (${wanted}) to ${quoteLiteral(at)} (format parquet, compression zstd)`)
    return
  }
  try {
    linkSync(file, at)
  } catch {
    copyFileSync(file, at)
  }
}

/** Oldest first. */
function monthsOf(newestFirst: readonly Landing[]): Landing[] {
  return [...newestFirst].sort((a, b) => (a.snapshot < b.snapshot ? -1 : 1))
}

function pairsOf(months: readonly Landing[]): Record<string, string> {
  const pairs = months.slice(1).map((now, index): [string, string] => {
    const was = months[index]!
    return [dayOf(now.snapshot), hashOf([VERSION, was.snapshot, was.filter, now.filter]).slice(0, 16)]
  })
  return Object.fromEntries(pairs)
}

/** All tables of a provider are registered at once, with the same text. */
function comparedOf(text: string | undefined): Compared {
  return text === undefined ? {} : (JSON.parse(text) as Compared)
}

function textOf(compared: Compared): string {
  const sorted = <T>(entries: Record<string, T>) =>
    Object.fromEntries(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1)))
  return JSON.stringify(sorted(Object.fromEntries(Object.entries(compared).map(([table, of]) => [table, sorted(of)]))))
}

/** Of what was let through, not of which files. */
function filterOf({ filter }: Landing): string {
  return filter.replace(/ of files \S+$/, '')
}

function sideOf({ snapshot, files }: Landing): Side {
  return { snapshot: dayOf(snapshot), files }
}

/** A landing may be named by its month alone. */
function dayOf(snapshot: string): string {
  return /^\d{4}-\d{2}$/.test(snapshot) ? `${snapshot}-01` : snapshot.slice(0, 10)
}
