import { StatementError } from '../../pipeline/bug.ts'
import type { Connection } from '../../pipeline/warehouse/duckdb.ts'

/** Functions that look at the database itself, at files or settings, or run text as SQL. */
const FOREIGN =
  /^(duckdb_|pragma_|read_|parquet_|sniff_|glob$|query$|query_table$|json_execute|from_substrait|which_secret|getenv|getvariable|current_setting|show_|summary$|test_|repeat_row$|checkpoint|force_checkpoint|sql_auto_complete|seq_scan|arrow_|pandas_|sqlite_|postgres_|mysql_|iceberg_|delta_|st_read)/i
/** Schemas that describe the database and not what is published. */
const FOREIGN_SCHEMAS = ['information_schema', 'pg_catalog']

interface Parsed {
  error: boolean
  error_message?: string
}

/**
 * Refuses a question that reaches for anything but tables: DuckDB has no rights on tables and functions, so that its own
 * parser says what a question names. The settings of the database stand behind this, and the copy it works on behind those.
 */
export async function refuseForeignReach(connection: Connection, sql: string): Promise<void> {
  const [found] = await connection.rows<{ parsed: string }>(
    'select json_serialize_sql($1::varchar)::varchar as parsed',
    [sql],
  )
  const parsed = JSON.parse(found!.parsed) as Parsed
  if (parsed.error) throw new StatementError(parsed.error_message ?? 'only a SELECT is answered')
  walk(parsed)
}

function walk(value: unknown): void {
  if (Array.isArray(value)) {
    for (const each of value) walk(each)
    return
  }
  if (typeof value !== 'object' || value === null) return
  const node = value as Record<string, unknown>
  const { function_name, schema_name, schema, table_name, catalog_name } = node
  if (typeof function_name === 'string' && FOREIGN.test(function_name))
    throw new StatementError(`${function_name}() is not to be asked here`)
  for (const named of [schema_name, schema])
    if (typeof named === 'string' && FOREIGN_SCHEMAS.includes(named.toLowerCase()))
      throw new StatementError(`${named} is not to be asked here: GET /v1/ask names the tables`)
  if (node.type === 'BASE_TABLE' && (catalog_name ?? '') !== '')
    throw new StatementError(`${String(catalog_name)}.${String(table_name)} is not to be asked here`)
  if (node.type === 'BASE_TABLE' && /^(duckdb_|sqlite_|pragma_|pg_)/i.test(String(table_name)))
    throw new StatementError(`${String(table_name)} is not to be asked here`)
  if (node.type === 'SHOW_REF') throw new StatementError('only a SELECT is answered')
  for (const each of Object.values(node)) walk(each)
}
