import type { Graph } from '../graph.ts'
import type { GraphNode, Relation } from '../nodes.ts'
import { quoteLiteral, relationName } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import { DATABASE } from './manifest.ts'
import { artifactMetadata, type Invocation } from './write.ts'

interface Found {
  kind: 'BASE TABLE' | 'VIEW'
  comment: string | null
  columns: { name: string; type: string; index: number; comment: string | null }[]
}

/** Something of the graph that a database may hold, as the manifest calls it. */
interface Wanted {
  id: string
  relation: Relation
  description: string
  columns: ReadonlyMap<string, string>
  owner: string | null
}

export interface CatalogOptions {
  connection: Connection
  /** The name under which the file is attached. */
  database: string
  graph: Graph
  project: string
  invocation: Invocation
}

/** dbt's catalog v1: what of the graph is in the database, with columns, comments and sizes. What is not there is left out. */
export async function catalogOf(options: CatalogOptions): Promise<Record<string, unknown>> {
  const { connection, database, graph, project, invocation } = options
  const found = await relationsIn(connection, database)
  const nodes: Record<string, unknown> = {}
  const sources: Record<string, unknown> = {}
  const wanted = [...graph.nodes.values()].flatMap((node) => wantedOf(node, graph, project))
  const there = wanted.filter(({ relation }) => found.has(placeOf(relation)))
  const tables = there.filter(({ relation }) => found.get(placeOf(relation))!.kind === 'BASE TABLE')
  const sizes = await sizesOf(
    connection,
    database,
    tables.map(({ relation }) => relation),
  )
  for (const each of there) {
    const into = each.id.startsWith('source.') ? sources : nodes
    into[each.id] = entry(each, found.get(placeOf(each.relation))!, sizes.get(placeOf(each.relation)))
  }
  return { metadata: artifactMetadata('catalog/v1', invocation), nodes, sources, errors: null }
}

function placeOf({ schema, name }: Relation): string {
  return `${schema}.${name}`.toLowerCase()
}

function wantedOf(node: GraphNode, graph: Graph, project: string): Wanted[] {
  const group = graph.groups?.find(({ name }) => name === node.group)?.owner
  const email = Array.isArray(group?.email) ? group.email.join(', ') : group?.email
  const base = { id: node.id, description: node.description, owner: group?.name ?? email ?? null }
  if (node.kind === 'step') {
    return (node.step.builds ?? []).map((table) => ({
      ...{ ...base, id: `model.${project}.${table.name}`, relation: table, description: table.description },
      columns: new Map(Object.entries(table.docs ?? {})),
    }))
  }
  if (!('relation' in node)) return []
  const said = ('columns' in node ? node.columns : undefined) ?? []
  const docs = node.kind === 'source' ? Object.entries(node.ledger?.docs ?? {}) : []
  const columns = new Map([...docs, ...said.map(({ name, description }) => [name, description] as const)])
  return [{ ...base, relation: node.relation, columns }]
}

async function relationsIn(connection: Connection, database: string): Promise<Map<string, Found>> {
  const where = `database_name = ${quoteLiteral(database)} and not internal`
  const relations = await connection.rows<{ place: string; kind: Found['kind']; comment: string | null }>(`
    select lower(schema_name || '.' || table_name) as place, 'BASE TABLE' as kind, comment from duckdb_tables() where ${where}
    union all
    select lower(schema_name || '.' || view_name), 'VIEW', comment from duckdb_views() where ${where}`)
  const columns = await connection.rows<Found['columns'][number] & { place: string }>(`
    select lower(schema_name || '.' || table_name) as place, column_name as name, data_type as type,
      cast(column_index as integer) as index, comment
    from duckdb_columns() where ${where} order by place, column_index`)
  const found = new Map(relations.map(({ place, ...rest }) => [place, { ...rest, columns: [] } as Found]))
  for (const { place, ...column } of columns) found.get(place)?.columns.push(column)
  return found
}

interface Size {
  rows: number
  bytes: number
}

/** Rows are counted; bytes are those of the blocks that hold the table, so that small tables seem larger than they are. */
async function sizesOf(
  connection: Connection,
  database: string,
  tables: readonly Relation[],
): Promise<Map<string, Size>> {
  if (tables.length === 0) return new Map()
  const [file] = await connection.rows<{ block_size: number }>(
    `select block_size from pragma_database_size() where database_name = ${quoteLiteral(database)}`,
  )
  const each = tables.map((relation) => {
    const name = `"${database}".${relationName(relation)}`
    return `select ${quoteLiteral(placeOf(relation))} as place, (select count(*) from ${name}) as rows,
      (select count(distinct block_id) from pragma_storage_info(${quoteLiteral(name)}) where block_id >= 0) as blocks`
  })
  const rows = await connection.rows<{ place: string; rows: number; blocks: number }>(each.join(' union all '))
  return new Map(rows.map(({ place, rows, blocks }) => [place, { rows, bytes: blocks * (file?.block_size ?? 0) }]))
}

function entry({ id, relation, description, columns, owner }: Wanted, found: Found, size: Size | undefined): object {
  const said = (text: string | null | undefined) => (text === '' ? null : (text ?? null))
  return {
    metadata: {
      type: found.kind,
      schema: relation.schema,
      name: relation.name,
      database: DATABASE,
      comment: said(found.comment ?? description),
      owner,
    },
    columns: Object.fromEntries(
      found.columns.map(({ name, type, index, comment }) => [
        name,
        { type, index, name, comment: said(comment ?? columns.get(name)) },
      ]),
    ),
    stats: statsOf(size),
    unique_id: id,
  }
}

function statsOf(size: Size | undefined): object {
  const has = {
    id: 'has_stats',
    label: 'Has Stats?',
    value: size !== undefined,
    include: false,
    description: 'Indicates whether there are statistics for this table',
  }
  if (size === undefined) return { has_stats: has }
  const stat = (id: string, label: string, value: number, description: string) => ({
    [id]: { id, label, value, include: true, description },
  })
  return {
    has_stats: has,
    ...stat('num_rows', 'Row Count', size.rows, 'Rows of the table'),
    ...stat('num_bytes', 'Approximate Size', size.bytes, 'Bytes of the blocks that hold the table'),
  }
}
