import type { Graph } from '../graph.ts'
import type { LedgerTable } from '../step.ts'
import { quoteIdentifier } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import { rawName } from '../warehouse/ledger.ts'
import type { About, Surveyed } from './names.ts'

/** What the ledger's own tables say of people. Money and counts stay, without whose they are. */
const OWN: Record<string, About> = {
  'log.calls': { empties: ['lead_id', 'company_id'] },
  'log.intents': { empties: ['lead_id', 'company_id'] },
  // Of these the engine needs every row.
  'log.info': { empties: [] },
  'log.runs': { empties: [] },
  'log.loads': { empties: [] },
  'log.lake': { empties: [] },
  'log.steps': { empties: [] },
  'log.forgotten': { empties: [] },
  'log.forget_key': { empties: [] },
}

/** What the project says of relations, by `schema.name`: of the ledger what rooms declare, of the warehouse what models do. */
export interface Declared {
  about: ReadonlyMap<string, About>
  source: ReadonlyMap<string, string>
  pii: ReadonlyMap<string, readonly string[]>
}

export function declaredBy(graph: Graph, tables: readonly LedgerTable[]): Declared {
  const about = new Map(Object.entries(OWN))
  const source = new Map<string, string>()
  const pii = new Map<string, readonly string[]>()
  for (const table of tables) {
    const name = `raw.${rawName(table)}`
    if (table.about !== undefined) about.set(name, table.about)
    source.set(name, table.source)
    pii.set(name, table.pii ?? [])
  }
  for (const node of graph.nodes.values()) {
    if (node.kind === 'model' || node.kind === 'snapshot' || node.kind === 'seed') {
      const name = `${node.relation.schema}.${node.relation.name}`
      const marked = node.columns.filter(({ meta, config }) => meta.pii === true || config?.meta?.pii === true)
      pii.set(
        name,
        marked.map((column) => column.name),
      )
      const stays = node.columns.filter(({ meta, config }) => meta.outlived === true || config?.meta?.outlived === true)
      if (stays.length > 0) about.set(name, { empties: stays.map((column) => column.name) })
    } else if (node.kind === 'step') {
      for (const table of node.step.builds ?? []) pii.set(`${table.schema}.${table.name}`, table.pii ?? [])
    }
  }
  return { about, source, pii }
}

/** Every table of a database that is attached under this name, with what is declared of it. */
export async function surveyed(connection: Connection, catalog: string, declared: Declared): Promise<Surveyed[]> {
  const rows = await connection.rows<{ schema: string; name: string; column: string; type: string; empty: boolean }>(`
    select schema_name as schema, table_name as name, column_name as column, data_type as type, empty
    from duckdb_columns() join (
        select schema_name, table_name, estimated_size = 0 as empty from duckdb_tables() where database_name = '${catalog}'
      ) as tables
      using (schema_name, table_name)
    where database_name = '${catalog}' order by schema_name, table_name, column_index`)
  const found = new Map<string, Surveyed & { columns: { name: string; type: string }[] }>()
  for (const { schema, name, column, type, empty } of rows) {
    const key = `${schema}.${name}`
    const place = `${catalog}.${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
    const about = declared.about.get(key)
    const own = {
      place,
      schema,
      name,
      empty,
      about,
      source: declared.source.get(key) ?? '',
      pii: declared.pii.get(key) ?? [],
    }
    if (!found.has(key)) found.set(key, { ...own, columns: [] })
    found.get(key)!.columns.push({ name: column, type })
  }
  return [...found.values()]
}
