import { randomUUID } from 'node:crypto'
import type { LedgerTable } from '../step.ts'
import { quoteIdentifier, quoteLiteral } from '../table.ts'
import type { Connection } from './duckdb.ts'
import { MIGRATIONS, READABLE } from './migrations.ts'
import { LEDGER } from './session.ts'

export interface LedgerInfo {
  ledger_id: string
  schema_version: number
  /** Grows with every run that wrote something; a copy with a lower one is older. */
  generation: number
}

/** What a run is, before it has done anything. Its row is written with the first thing it records. */
export interface RunIdentity {
  run_id: string
  seq: number
  command: string
  /** As it was typed. */
  call: string
  target: string
  as_of: string
  git_commit: string | null
  /** Wall clock, ISO 8601 UTC. */
  started_at: string
}

export async function ledgerInfo(connection: Connection): Promise<LedgerInfo | undefined> {
  const exists = await connection.rows(
    `select 1 from duckdb_tables() where database_name = '${LEDGER}' and schema_name = 'log' and table_name = 'info'`,
  )
  if (exists.length === 0) return undefined
  const rows = await connection.rows<LedgerInfo>(`select ledger_id, schema_version, generation from ${LEDGER}.log.info`)
  return rows[0]
}

/** Creates the ledger's own tables in an empty file. Every ledger gets an id of its own, once. */
export async function createLedger(connection: Connection, now: Date): Promise<LedgerInfo> {
  await connection.transaction(async () => {
    for (const migration of MIGRATIONS) await connection.run(migration)
    await connection.run(`insert into ${LEDGER}.log.info values ($1, ${MIGRATIONS.length}, 0, cast($2 as timestamp))`, [
      `led-${randomUUID()}`,
      now.toISOString(),
    ])
  })
  return (await ledgerInfo(connection))!
}

/** Applies the migrations an older ledger lacks. The caller has made a copy. */
export async function migrateLedger(connection: Connection, info: LedgerInfo): Promise<void> {
  await connection.transaction(async () => {
    for (const migration of MIGRATIONS.slice(info.schema_version)) await connection.run(migration)
    await connection.run(`update ${LEDGER}.log.info set schema_version = ${MIGRATIONS.length}`)
  })
}

export async function nextRunSeq(connection: Connection): Promise<number> {
  const rows = await connection.rows<{ seq: number }>(`select coalesce(max(seq), 0) + 1 as seq from ${LEDGER}.log.runs`)
  return rows[0]!.seq
}

/** Writes the run's row, once, inside the transaction of the first thing it records; the generation grows with it. */
export async function beginRun(connection: Connection, run: RunIdentity): Promise<void> {
  await connection.run(
    `insert into ${LEDGER}.log.runs (run_id, seq, command, call, target, as_of, git_commit, started_at)
     values ($1, $2, $3, $4, $5, cast($6 as date), $7, cast($8 as timestamp))`,
    [run.run_id, run.seq, run.command, run.call, run.target, run.as_of, run.git_commit, run.started_at],
  )
  await nextGeneration(connection)
}

/** A copy with a lower one is older. */
export async function nextGeneration(connection: Connection, catalog = LEDGER): Promise<void> {
  await connection.run(`update ${catalog}.log.info set generation = generation + 1`)
}

export async function endRun(
  connection: Connection,
  run_id: string,
  end: { status: string; exit_code: number; ended_at: string; summary: unknown },
): Promise<void> {
  await connection.run(
    `update ${LEDGER}.log.runs set ended_at = cast($2 as timestamp), status = $3, exit_code = $4, summary = $5 where run_id = $1`,
    [run_id, end.ended_at, end.status, end.exit_code, JSON.stringify(end.summary)],
  )
}

/** Runs a dead process left open. */
export async function closeCrashedRuns(connection: Connection): Promise<number> {
  return connection.run(`update ${LEDGER}.log.runs set status = 'crashed' where status is null`)
}

/** Paid calls that a dead process was about to make: nobody knows whether they were made, so they count as spent. */
export async function settleIntents(connection: Connection): Promise<number> {
  return connection.run(`
    insert into ${LEDGER}.log.calls by name
    select *, false as cached from ${LEDGER}.log.intents anti join ${LEDGER}.log.calls using (call_id)`)
}

export function rawName(table: { source: string; table: string }): string {
  return `${table.source}__${table.table}`
}

/** `raw.<source>__<table>` as the ledger stores it: every version, with when and by which load it came. */
export function storedName(table: { source: string; table: string }): string {
  return `${LEDGER}.raw.${quoteIdentifier(rawName(table))}`
}

function technicalColumns(table: LedgerTable): Record<string, string> {
  return {
    _fetched_at: 'TIMESTAMP',
    _run_id: 'VARCHAR',
    _load: 'BIGINT',
    _hash: 'VARCHAR',
    ...(table.payload ? { _payload: 'JSON' } : {}),
  }
}

/** Creates the raw tables that are declared and not there yet, and adds columns that a newer declaration has. */
export async function ensureRawTables(connection: Connection, tables: readonly LedgerTable[]): Promise<void> {
  if (tables.length === 0 || (await standAsDeclared(connection, tables))) return
  const existing = await connection.rows<{ table_name: string; column_name: string; data_type: string }>(
    `select table_name, column_name, data_type from duckdb_columns() where database_name = '${LEDGER}' and schema_name = 'raw'`,
  )
  const known = new Map<string, Set<string>>()
  for (const { table_name, column_name } of existing) {
    known.set(table_name, (known.get(table_name) ?? new Set()).add(column_name))
  }
  const statements: string[] = []
  for (const table of tables) {
    const columns = Object.entries({ ...table.columns, ...(table.bulk ? {} : technicalColumns(table)) })
    const present = known.get(rawName(table))
    if (present === undefined) {
      const definition = columns.map(([name, type]) => `${quoteIdentifier(name)} ${type}`).join(', ')
      statements.push(`create table ${storedName(table)} (${definition})`)
    } else {
      for (const [name, type] of columns) {
        if (!present.has(name))
          statements.push(`alter table ${storedName(table)} add column ${quoteIdentifier(name)} ${type}`)
      }
    }
  }
  if (statements.length === 0) return
  await connection.transaction(async () => {
    await connection.run(statements.join(';'))
  })
}

/** Asked of the binder: the catalogue would list every column of both files. */
async function standAsDeclared(connection: Connection, tables: readonly LedgerTable[]): Promise<boolean> {
  const asked = tables.map((table) => {
    const columns = Object.keys({ ...table.columns, ...(table.bulk ? {} : technicalColumns(table)) })
    return `exists(select ${columns.map((name) => `_table.${quoteIdentifier(name)}`).join(', ')} from ${storedName(table)} as _table)`
  })
  return connection.describe(`select ${asked.join(', ')}`).then(
    () => true,
    () => false,
  )
}

/** Everything fetched before this instant is visible to a run: the end of its date, UTC. */
function cutoff(as_of: string): string {
  return `(cast(${quoteLiteral(as_of)} as timestamp) + interval 1 day)`
}

/** Where a bulk table's rows are, and when they came. */
export interface Landed {
  files: readonly string[]
  run_id: string
  load_id: number
  fetched_at: string
}

/** The SELECT behind `source('<source>', '<table>')`: the table's state as of a date. */
export function currentRows(table: LedgerTable, as_of: string, landed?: Landed, among?: string): string {
  if (table.bulk) return bulkRows(table, landed)
  const columns = Object.keys(table.columns).map(quoteIdentifier)
  const list = [...columns, '_fetched_at', '_run_id', '_load', ...(table.payload ? ['_payload'] : [])].join(', ')
  const same = table.key.map(quoteIdentifier).map((name) => `asked.${name} is not distinct from stored.${name}`)
  const narrowed =
    among === undefined || same.length === 0 ? '' : `semi join ${among} as asked on ${same.join(' and ')}`
  const visible = `select ${list} from ${storedName(table)} as stored ${narrowed} where _fetched_at < ${cutoff(as_of)}`
  switch (table.write) {
    case 'append':
      return visible
    case 'merge': {
      const key = table.key.map(quoteIdentifier).join(', ')
      return `${visible} qualify row_number() over (partition by ${key} order by _fetched_at desc, _load desc) = 1`
    }
    case 'replace':
      return `${visible} and _load = (${latestLoad(table, as_of)})`
  }
}

function bulkRows(table: LedgerTable, landed: Landed | undefined): string {
  const columns = Object.entries(table.columns).map(
    ([name, type]) => `cast(${quoteIdentifier(name)} as ${type}) as ${quoteIdentifier(name)}`,
  )
  const [fetched_at, run_id, load] =
    landed === undefined
      ? ['null', 'null', 'null']
      : [quoteLiteral(landed.fetched_at), quoteLiteral(landed.run_id), landed.load_id]
  const technical = `cast(${fetched_at} as timestamp) as _fetched_at, cast(${run_id} as varchar) as _run_id, cast(${load} as bigint) as _load`
  const files = landed?.files ?? []
  const from = files.length === 0 ? storedName(table) : `read_parquet([${files.map(quoteLiteral).join(', ')}])`
  return `select ${columns.join(', ')}, ${technical} from ${from}`
}

export function latestLoad(table: { source: string; table: string }, as_of: string): string {
  return `select max(load_id) from ${LEDGER}.log.loads where source = ${quoteLiteral(table.source)}
    and table_name = ${quoteLiteral(table.table)} and fetched_at < ${cutoff(as_of)}`
}

/** The SELECT behind `source('ledger', '<table>')`. */
export function currentLedgerRows(name: string, as_of: string): string {
  const { known_at, columns } = READABLE[name]!
  return `select ${columns} from ${LEDGER}.log.${quoteIdentifier(name)} where ${known_at} < ${cutoff(as_of)}`
}

/** Per source table, the number that changes when what a run can see of it changes. */
export async function sourceVersions(connection: Connection, as_of: string): Promise<Map<string, string>> {
  const rows = await connection.rows<{ name: string; version: string }>(`
    select source || '.' || table_name as name, cast(max(load_id) as varchar) as version
    from ${LEDGER}.log.loads where fetched_at < ${cutoff(as_of)} group by all
    union all
    ${Object.entries(READABLE)
      .map(
        ([name, { known_at }]) =>
          `select 'ledger.${name}', cast(count(*) as varchar) from ${LEDGER}.log.${name} where ${known_at} < ${cutoff(as_of)}`,
      )
      .join(' union all ')}`)
  return new Map(rows.map(({ name, version }) => [name, version]))
}
