import type { Docs } from './state/docs-file.ts'
import type { Connection } from './warehouse/duckdb.ts'

/** A column of a node, so many models away. */
export interface LineageColumn extends Record<string, unknown> {
  id: string
  name: string
  column: string
  steps: number
}

export interface ColumnLineage {
  /** Node and column, with NUL between, → what it is made from, in the same form. */
  from: ReadonlyMap<string, ReadonlySet<string>>
  /** What a column is made from, or what is made from it, nearest first. */
  walk(id: string, column: string, way: 'from' | 'to'): LineageColumn[]
}

type Json = Record<string, unknown>
/** Column → the columns of tables that it is made from, as `schema.table\0column`. */
type Columns = Map<string, Set<string>>
/** Stands for the columns of a table that nobody described. */
const OPEN = '\0'

interface Source {
  alias: string
  columns: Columns
  /** What it holds is not known: any name may be its. */
  open: string | undefined
}

/**
 * Which columns each column of each model is made from, read from the syntax tree that DuckDB's own parser makes of its
 * SQL. What a TypeScript step computes is not looked into: its tables are where a line begins.
 */
export async function columnLineage(connection: Connection, docs: Docs): Promise<ColumnLineage> {
  const byRelation = new Map<string, string>()
  const tables = new Map<string, Columns>()
  for (const { id, relation, builds, columns, kind } of docs.nodes) {
    for (const name of [relation, ...builds]) {
      if (name === null) continue
      byRelation.set(name, id)
      if (kind !== 'model')
        tables.set(
          name,
          new Map(
            [OPEN, ...columns.map((column) => column.name.split('.').at(-1)!)].map((column) => [column, new Set()]),
          ),
        )
    }
  }
  const models = docs.nodes.filter(({ kind, sql }) => kind === 'model' && sql !== null)
  const trees = await treesOf(
    connection,
    models.map(({ sql }) => sql!),
  )
  const from = new Map<string, Set<string>>()
  const waiting = models.map((model, index) => ({ ...model, tree: trees[index] }))
  const done = new Set<string>()
  while (waiting.length > 0) {
    const ids = new Set(waiting.map(({ id }) => id))
    const at = Math.max(
      0,
      waiting.findIndex(({ id, reads }) => reads.every((read) => read === id || !ids.has(read) || done.has(read))),
    )
    const [{ id, relation, tree }] = waiting.splice(at, 1) as [(typeof waiting)[number]]
    done.add(id)
    const columns = tree === undefined ? new Map<string, Set<string>>() : resolve(tree, new Map(), tables)
    tables.set(relation!, columns)
    for (const [column, sources] of columns) {
      const named = [...sources].flatMap((source) => {
        const [table, name] = source.split('\0') as [string, string]
        const node = byRelation.get(table)
        return node === undefined ? [] : [`${node}\0${name}`]
      })
      from.set(`${id}\0${column}`, new Set(named))
    }
  }
  const to = new Map<string, Set<string>>()
  for (const [made, sources] of from)
    for (const source of sources) (to.get(source) ?? to.set(source, new Set()).get(source)!).add(made)
  const names = new Map(docs.nodes.map(({ id, name }) => [id, name]))
  return {
    from,
    walk(id, column, way) {
      const next = way === 'from' ? from : to
      const seen = new Map<string, number>([[`${id}\0${column}`, 0]])
      for (const [key, steps] of seen)
        for (const other of next.get(key) ?? []) if (!seen.has(other)) seen.set(other, steps + 1)
      return [...seen]
        .filter(([, steps]) => steps > 0)
        .map(([key, steps]) => {
          const [node, name] = key.split('\0') as [string, string]
          return { id: node, name: names.get(node) ?? node, column: name, steps }
        })
        .sort(
          (a, b) => a.steps - b.steps || (a.name < b.name ? -1 : a.name > b.name ? 1 : a.column < b.column ? -1 : 1),
        )
    },
  }
}

async function treesOf(connection: Connection, queries: readonly string[]): Promise<(Json | undefined)[]> {
  const trees: (Json | undefined)[] = []
  for (const sql of queries) {
    const [row] = await connection.rows<{ tree: string }>('select json_serialize_sql($1::varchar)::varchar as tree', [
      sql,
    ])
    const { statements } = JSON.parse(row!.tree) as { statements?: { node: Json }[] }
    trees.push(statements?.[0]?.node)
  }
  return trees
}

/** What a query makes, column by column. */
function resolve(node: Json, ctes: ReadonlyMap<string, Columns>, tables: ReadonlyMap<string, Columns>): Columns {
  const known = new Map(ctes)
  for (const { key, value } of entriesOf(node)) {
    const query = (value.query as { node: Json }).node
    const recursive =
      query.type === 'RECURSIVE_CTE_NODE'
        ? new Map(known).set(key.toLowerCase(), resolve(query.left as Json, known, tables))
        : known
    known.set(key.toLowerCase(), renamed(resolve(query, recursive, tables), value.aliases as string[]))
  }
  if (node.type === 'SET_OPERATION_NODE' || node.type === 'RECURSIVE_CTE_NODE') {
    const sides = [node.left, node.right].map((side) => resolve(side as Json, known, tables))
    return together(sides[0]!, sides[1]!, String(node.setop_type ?? '').includes('BY_NAME'))
  }
  if (node.type !== 'SELECT_NODE') return new Map()
  const sources = sourcesOf(node.from_table as Json, known, tables)
  const made: Columns = new Map()
  for (const [index, item] of (node.select_list as Json[]).entries()) {
    if (item.type === 'STAR') {
      for (const [name, refs] of starOf(item, sources, known, tables)) made.set(name, refs)
      continue
    }
    const alias = (item.alias as string) || (item.column_names as string[] | undefined)?.at(-1) || `column ${index + 1}`
    made.set(alias, refsOf(item, sources, known, tables, made))
  }
  return made
}

function entriesOf(node: Json): { key: string; value: Json }[] {
  return ((node.cte_map as { map?: { key: string; value: Json }[] } | undefined)?.map ?? []) as {
    key: string
    value: Json
  }[]
}

function renamed(columns: Columns, aliases: readonly string[] | undefined): Columns {
  if (aliases === undefined || aliases.length === 0) return columns
  return new Map([...columns].map(([name, refs], index) => [aliases[index] ?? name, refs]))
}

function together(left: Columns, right: Columns, byName: boolean): Columns {
  const rights = [...right.values()]
  const made: Columns = new Map(
    [...left].map(([name, refs], index) => [
      name,
      new Set([...refs, ...((byName ? right.get(name) : rights[index]) ?? [])]),
    ]),
  )
  if (byName) for (const [name, refs] of right) if (!made.has(name)) made.set(name, refs)
  return made
}

function sourcesOf(
  from: Json | null,
  ctes: ReadonlyMap<string, Columns>,
  tables: ReadonlyMap<string, Columns>,
): Source[] {
  if (from === null || from === undefined) return []
  const alias = String(from.alias ?? '').toLowerCase()
  const aliases = from.column_name_alias as string[] | undefined
  switch (from.type) {
    case 'JOIN':
      return [...sourcesOf(from.left as Json, ctes, tables), ...sourcesOf(from.right as Json, ctes, tables)]
    case 'SUBQUERY': {
      const columns = resolve((from.subquery as { node: Json }).node, ctes, tables)
      return [{ alias, columns: renamed(columns, aliases), open: undefined }]
    }
    case 'BASE_TABLE': {
      const name = String(from.table_name)
      const schema = String(from.schema_name ?? '')
      const cte = schema === '' ? ctes.get(name.toLowerCase()) : undefined
      if (cte !== undefined)
        return [{ alias: alias || name.toLowerCase(), columns: renamed(cte, aliases), open: undefined }]
      const relation = `${schema}.${name}`
      const known = [...(tables.get(relation)?.keys() ?? [OPEN])]
      const columns = new Map(
        known.filter((column) => column !== OPEN).map((column) => [column, new Set([`${relation}\0${column}`])]),
      )
      return [
        {
          alias: alias || name.toLowerCase(),
          columns: renamed(columns, aliases),
          open: known.includes(OPEN) ? relation : undefined,
        },
      ]
    }
    case 'PIVOT':
      return sourcesOf(from.source as Json, ctes, tables)
    default: {
      // A function that makes rows: each of its columns comes from what it was given.
      const refs = refsOf(from, [], ctes, tables, new Map())
      return [{ alias, columns: new Map((aliases ?? []).map((name) => [name, refs])), open: undefined }]
    }
  }
}

function starOf(
  item: Json,
  sources: readonly Source[],
  ctes: ReadonlyMap<string, Columns>,
  tables: ReadonlyMap<string, Columns>,
): Columns {
  const of = String(item.relation_name ?? '').toLowerCase()
  const left = new Set(((item.exclude_list as string[]) ?? []).map((name) => name.toLowerCase()))
  const replaced = new Map(
    ((item.replace_list as { key: string; value: Json }[]) ?? []).map(({ key, value }) => [key.toLowerCase(), value]),
  )
  const made: Columns = new Map()
  for (const source of sources) {
    if (of !== '' && source.alias !== of) continue
    for (const [name, refs] of source.columns) {
      if (left.has(name.toLowerCase()) || made.has(name)) continue
      const other = replaced.get(name.toLowerCase())
      made.set(name, other === undefined ? refs : refsOf(other, sources, ctes, tables, new Map()))
    }
  }
  return made
}

/** The columns that an expression reads, in subqueries too. */
function refsOf(
  value: unknown,
  sources: readonly Source[],
  ctes: ReadonlyMap<string, Columns>,
  tables: ReadonlyMap<string, Columns>,
  made: Columns,
): Set<string> {
  const refs = new Set<string>()
  const add = (more: Iterable<string>) => {
    for (const ref of more) refs.add(ref)
  }
  const look = (inner: unknown): void => {
    if (Array.isArray(inner)) {
      for (const each of inner) look(each)
      return
    }
    if (typeof inner !== 'object' || inner === null) return
    const node = inner as Json
    if (node.type === 'COLUMN_REF') {
      add(named(node.column_names as string[], sources, made))
      return
    }
    if (node.type === 'SELECT_NODE' || node.type === 'SET_OPERATION_NODE') {
      for (const found of resolve(node, ctes, tables).values()) add(found)
      return
    }
    for (const each of Object.values(node)) look(each)
  }
  look(value)
  return refs
}

function named(names: readonly string[], sources: readonly Source[], made: Columns): Set<string> {
  const [first = '', second] = names
  const own = sources.find(({ alias }) => alias === first.toLowerCase())
  if (own !== undefined && second !== undefined) return columnOf(own, second)
  for (const known of [true, false])
    for (const source of sources) {
      const found = columnOf(known ? { ...source, open: undefined } : source, first)
      if (found.size > 0) return found
    }
  return made.get(first) ?? new Set()
}

function columnOf({ columns, open }: Source, name: string): Set<string> {
  const found = columns.get(name) ?? [...columns].find(([other]) => other.toLowerCase() === name.toLowerCase())?.[1]
  return found ?? (open === undefined ? new Set() : new Set([`${open}\0${name}`]))
}
