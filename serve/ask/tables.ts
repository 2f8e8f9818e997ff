import type { Docs } from '../../pipeline/state/docs-file.ts'
import { isMasked } from '../mask.ts'
import type { Snapshot } from '../publications.ts'

/** A table as it may be asked about: what holds personal data, or words that may, is not there. */
export interface AskTable {
  schema: string
  name: string
  description: string
  columns: { name: string; type: string; description: string }[]
}

/** Of `ops`, what says how things went and nothing of anybody. */
const OPS = ['lead_rows', 'nodes', 'tests', 'runs', 'spend', 'rejects', 'score_cutoffs', 'crm_drift']
/** Words of or about people, whatever their column is declared to be. */
const WORDS = [
  'search_text',
  'response',
  'row_before',
  'row_after',
  'call',
  'message',
  'error',
  'reasons',
  'would_raise',
]

/** What is published, without personal data. */
export function askTables(snapshot: Snapshot, docs: Docs | undefined): Promise<AskTable[]> {
  return snapshot.memo('ask_tables', async (connection) => {
    const rows = await connection.rows<Column>(
      `select columns.schema_name as schema, columns.table_name as name, columns.column_name as column, columns.data_type as type,
         coalesce(tables.comment, '') as about, coalesce(columns.comment, '') as description
       from duckdb_columns() as columns join duckdb_tables() as tables using (database_oid, table_oid)
       where columns.schema_name in ('marts', 'ops') order by schema, name, columns.column_index`,
    )
    const tables = new Map<string, AskTable>()
    for (const { schema, name, column, type, about, description } of rows) {
      if (schema === 'ops' && !OPS.includes(name)) continue
      const pii = docs?.pii[`${schema}.${name}`] ?? []
      if (pii.includes(column) || isPersonal(column, type)) continue
      const key = `${schema}.${name}`
      const table = tables.get(key) ?? { schema, name, description: about, columns: [] }
      table.columns.push({ name: column, type, description })
      tables.set(key, table)
    }
    return [...tables.values()]
  })
}

interface Column {
  schema: string
  name: string
  column: string
  type: string
  about: string
  description: string
}

/** Also what a struct holds inside. */
function isPersonal(column: string, type: string): boolean {
  if (WORDS.includes(column) || isMasked(column) || type === 'JSON') return true
  return type.includes('STRUCT') && [...type.matchAll(/"?(\w+)"? [A-Z]/g)].some(([, field]) => isMasked(field!))
}
