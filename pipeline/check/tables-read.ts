import type { Connection } from '../warehouse/duckdb.ts'

/** A table that SQL names itself, as it is written. */
export interface TableRead {
  schema: string
  name: string
  /** One-based line of the SQL. */
  line: number
}

/** What the syntax of one statement shows. `dynamic`: its columns depend on data (a PIVOT that lists no values). */
export type Read = { tables: TableRead[] } | { syntax: true } | { dynamic: true }

/** The tables that each query reads: base tables minus the names of its CTEs, by DuckDB's own parser. */
export async function tablesRead(connection: Connection, queries: readonly string[]): Promise<Read[]> {
  if (queries.length === 0) return []
  const [answer] = await connection.rows<{ trees: string[] }>(
    `select list(cast(json_serialize_sql(cast(s as varchar), skip_null := true, skip_empty := true, skip_default := true) as varchar)) as trees from (select unnest(from_json($1::json, '["VARCHAR"]')) as s)`,
    [JSON.stringify(queries)],
  )
  return answer!.trees.map((text, index) => {
    const tree = JSON.parse(text) as { error: boolean; error_type?: string; statements?: unknown }
    if (tree.error) return tree.error_type === 'parser' ? { syntax: true } : { dynamic: true }
    const tables: TableRead[] = []
    const bytes = Buffer.from(queries[index]!)
    const found = ({ schema_name = '', table_name, query_location = 0 }: BaseTable) => {
      const before = bytes.subarray(0, Math.min(query_location, bytes.length)).toString('utf8')
      tables.push({ schema: schema_name, name: table_name, line: before.split('\n').length })
    }
    walk(tree.statements, new Set(), found)
    return { tables }
  })
}

/** What is empty or zero is left out of the tree. */
interface BaseTable {
  schema_name?: string
  table_name: string
  catalog_name?: string
  query_location?: number
}

interface CteMap {
  map: { key: string; value: { query?: unknown } }[]
}

/** CTEs are visible where they are declared and below, each to those after it; a recursive one to itself. */
function walk(value: unknown, ctes: ReadonlySet<string>, found: (table: BaseTable) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, ctes, found)
    return
  }
  if (typeof value !== 'object' || value === null) return
  const node = value as Record<string, unknown>
  if (node.type === 'BASE_TABLE') {
    const table = node as unknown as BaseTable
    const unqualified = table.schema_name === undefined && table.catalog_name === undefined
    if (!unqualified || !ctes.has(table.table_name.toLowerCase())) found(table)
  }
  const visible = new Set(ctes)
  if (node.type === 'RECURSIVE_CTE_NODE') visible.add(String(node.cte_name).toLowerCase())
  for (const { key, value: cte } of (node.cte_map as CteMap | undefined)?.map ?? []) {
    walk(cte, visible, found)
    visible.add(key.toLowerCase())
  }
  for (const [key, inner] of Object.entries(node)) if (key !== 'cte_map') walk(inner, visible, found)
}
