import { quoteIdentifier, quoteLiteral, relationName } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import type { Finder } from './excise.ts'
import type { Names } from './names.ts'
import { type Loss, remainderOf } from './rewrite.ts'
import { type Declared, surveyed } from './survey.ts'

/** Of whom, and what is known of relations. */
export interface Less {
  names: Names
  finder: Finder
  declared: Declared
}

const [OLD, FRESH] = ['_old', '_fresh']

/**
 * Copies a database into a new file, less what is somebody's: what was deleted stays in the bytes of a DuckDB file, what was
 * never written does not. `write: false` only counts. Answers the tables that lose something.
 */
export async function copyLess(
  connection: Connection,
  file: string,
  fresh: { file: string; kind: 'ledger' | 'build' | 'publication' } | undefined,
  less: Less,
  more: (connection: Connection, catalog: string) => Promise<void> = async () => {},
): Promise<Loss[]> {
  const losses: Loss[] = []
  await connection.run(`attach ${quoteLiteral(file)} as ${OLD} (read_only)`)
  try {
    const tables = await surveyed(connection, OLD, less.declared)
    if (fresh !== undefined) {
      const version = fresh.kind === 'publication' ? ` (storage_version 'v1.2.0')` : ''
      await connection.run(`attach ${quoteLiteral(fresh.file)} as ${FRESH}${version}`)
      // Keys and checks of the ledger come along; views of a build file speak of other files.
      if (fresh.kind === 'ledger') await connection.run(`copy from database ${OLD} to ${FRESH} (schema)`)
      else await createSchemas(connection)
    }
    for (const [number, table] of tables.entries()) {
      const { select, ...loss } = await remainderOf(connection, table, { ...less, number })
      if (loss.rows > 0 || Object.keys(loss.cells).length > 0) losses.push(loss)
      if (fresh === undefined) continue
      const place = `${FRESH}.${relationName(table)}`
      // What was built with them in mind is built anew.
      const nothing = fresh.kind === 'build' && table.schema === '_state' ? ' limit 0' : ''
      if (fresh.kind === 'ledger') await connection.run(`insert into ${place} ${select}`)
      else await connection.run(`create table ${place} as ${select}${nothing}`)
    }
    if (fresh !== undefined) {
      if (fresh.kind === 'publication') await copyComments(connection)
      await more(connection, FRESH)
      await connection.run(`checkpoint ${FRESH}`)
    }
  } finally {
    await connection.run(`detach ${OLD}`).catch(() => {})
    if (fresh !== undefined) await connection.run(`detach ${FRESH}`).catch(() => {})
  }
  return losses
}

async function createSchemas(connection: Connection): Promise<void> {
  const rows = await connection.rows<{ name: string }>(
    `select schema_name as name from duckdb_schemas() where database_name = '${OLD}' and not internal and schema_name <> 'main'`,
  )
  for (const { name } of rows) await connection.run(`create schema if not exists ${FRESH}.${quoteIdentifier(name)}`)
}

async function copyComments(connection: Connection): Promise<void> {
  const rows = await connection.rows<{ sql: string }>(`
    select 'comment on table ' || '${FRESH}."' || schema_name || '"."' || table_name || '" is ' as sql, comment
    from duckdb_tables() where database_name = '${OLD}' and comment is not null`)
  const columns = await connection.rows<{ sql: string; comment: string }>(`
    select 'comment on column ' || '${FRESH}."' || schema_name || '"."' || table_name || '"."' || column_name || '" is ' as sql, comment
    from duckdb_columns() where database_name = '${OLD}' and comment is not null`)
  for (const { sql, comment } of [...(rows as typeof columns), ...columns])
    await connection.run(`${sql}${quoteLiteral(comment)}`)
}

/** A build file keeps its views, over the ledger as it is now; what cannot be made is made by the next run. */
export async function copyViews(connection: Connection, old: string, as_of: string): Promise<void> {
  await connection.run(`attach ${quoteLiteral(old)} as ${OLD} (read_only)`)
  const views = await connection.rows<{ sql: string }>(
    `select sql from duckdb_views() where database_name = '${OLD}' and not internal order by view_oid`,
  )
  await connection.run(`detach ${OLD}`)
  await connection.run(`create or replace macro _build.main.as_of() as cast(${quoteLiteral(as_of)} as date)`)
  let waiting = views.map(({ sql }) => sql.replace(/^create view (?:_build\.|_old\.)?/i, 'create view _build.'))
  for (let before = -1; waiting.length !== before && waiting.length > 0; ) {
    before = waiting.length
    const failed: string[] = []
    for (const sql of waiting) await connection.run(sql).catch(() => failed.push(sql))
    waiting = failed
  }
}
