import type { Connection } from '../pipeline/warehouse/duckdb.ts'

/** What DuckDB's own parser says of an expression: the columns it reads, or why it is refused. */
export interface Reading {
  /** Lower case, sorted. */
  columns: string[]
  error?: string
}

interface Node {
  class?: string
  type?: string
  column_names?: string[]
  function_name?: string
  query_location?: number
  lhs?: Node
  expr?: Node
  [key: string]: unknown
}

interface Serialized {
  error: boolean
  error_message?: string
  statements?: { node: Record<string, unknown> & { select_list?: Node[] } }[]
}

const ALLOWED = new Set([
  'CONSTANT',
  'COLUMN_REF',
  'COMPARISON',
  'CONJUNCTION',
  'BETWEEN',
  'OPERATOR',
  'FUNCTION',
  'CAST',
  'CASE',
  'COLLATE',
  'LAMBDA',
])

const REFUSED: Record<string, string> = {
  SUBQUERY: 'a subquery',
  WINDOW: 'a window function',
  STAR: 'a star',
  PARAMETER: 'a parameter',
}

/** Functions whose check needs no look at DuckDB's catalogue. The engine defines as_of(); the rest are DuckDB's, pure and scalar. */
const ORDINARY = new Set(
  `as_of + - * / // % ^ ** || ~~ !~~ ~~* !~~* abs ceil ceiling coalesce concat concat_ws contains date_add date_diff date_part
  date_sub date_trunc datediff datepart ends_with floor greatest least len length list_aggregate list_any_value list_apply
  list_contains list_count list_distinct list_extract list_filter list_has_all list_has_any list_max list_min list_position
  list_sort list_sum list_transform list_unique list_value lower ltrim nullif prefix regexp_extract regexp_full_match
  regexp_matches replace round rtrim split_part starts_with strftime strip_accents struct_extract struct_pack substring suffix
  to_days to_months to_weeks to_years trim trunc upper`.split(/\s+/),
)

/** Pure by DuckDB's book, but they tell of the session, not of the lead. */
const SESSION = new Set(['current_setting', 'getvariable', 'current_schemas'])

/**
 * Reads expressions with DuckDB's parser. Refused: what does not parse, is more than one expression, holds a subquery,
 * window, star or parameter, or calls anything but a pure scalar function (so no aggregate, no file, no clock, no chance).
 */
export async function readExpressions(connection: Connection, expressions: readonly string[]): Promise<Reading[]> {
  if (expressions.length === 0) return []
  const rows = await connection.rows<{ tree: string }>(
    `select json_serialize_sql('select (' || e || chr(10) || ')') as tree
     from (select unnest($1::json::varchar[]) as e, generate_subscripts($1::json::varchar[], 1) as i) order by i`,
    [JSON.stringify(expressions)],
  )
  const found = rows.map(({ tree }) => readTree(JSON.parse(tree) as Serialized))
  const called = new Set(found.flatMap(({ functions }) => [...functions]).filter((name) => !ORDINARY.has(name)))
  const impure = await impureAmong(connection, called)
  return found.map(({ columns, functions, error }) => {
    const refused = [...functions].find((name) => impure.has(name))
    return {
      columns: [...columns].sort(),
      error: error ?? (refused === undefined ? undefined : `calls ${refused}(), which ${impure.get(refused)}`),
    }
  })
}

interface Found {
  columns: Set<string>
  functions: Set<string>
  error?: string
}

function readTree(tree: Serialized): Found {
  const found: Found = { columns: new Set(), functions: new Set() }
  if (tree.error) {
    found.error = `does not parse: ${(tree.error_message ?? '').replace(/^Only SELECT.*$/, 'it is more than one statement')}`
    return found
  }
  const select = tree.statements?.length === 1 ? tree.statements[0]?.node : undefined
  const expression = select?.select_list?.length === 1 ? select.select_list[0] : undefined
  const plain =
    select?.type === 'SELECT_NODE' &&
    (select.from_table as Node).type === 'EMPTY' &&
    [select.where_clause, select.having, select.qualify, select.sample].every((clause) => clause === null) &&
    [select.modifiers, select.group_expressions].every((clause) => (clause as unknown[]).length === 0)
  if (!plain || expression === undefined) found.error = 'is more than one SQL expression'
  else visit(expression, found, new Set())
  return found
}

function visit(value: unknown, found: Found, bound: ReadonlySet<string>): void {
  if (value === null || typeof value !== 'object') return
  if (Array.isArray(value)) {
    for (const item of value) visit(item, found, bound)
    return
  }
  const node = value as Node
  if (node.class !== undefined && !ALLOWED.has(node.class)) {
    found.error ??= `holds ${REFUSED[node.class] ?? node.class.toLowerCase()}: only an expression over the lead's own columns is allowed`
    return
  }
  if (node.class === 'CONSTANT') return
  if (node.class === 'COLUMN_REF') {
    const column = (node.column_names?.[0] ?? '').toLowerCase()
    if (!bound.has(column)) found.columns.add(column)
    return
  }
  if (node.class === 'LAMBDA') {
    const names = lambdaNames(node.lhs)
    if (names === undefined) found.error ??= 'holds an arrow (->): write lambda x: …'
    else visit(node.expr, found, new Set([...bound, ...names]))
    return
  }
  if (node.class === 'FUNCTION') {
    // The parser itself writes main.list_value() for [a, b].
    if (![undefined, '', 'main'].includes(node.schema as string) || node.catalog)
      found.error ??= `calls a function by its schema ('${String(node.schema)}')`
    if (node.filter || node.distinct) found.error ??= 'holds an aggregate'
    found.functions.add((node.function_name ?? '').toLowerCase())
  }
  if (node.type === 'GROUPING_FUNCTION') found.error ??= 'holds an aggregate'
  for (const child of Object.values(node)) visit(child, found, bound)
}

/** DuckDB gives the parameters of `lambda x:` no place in the text; those of the arrow, which may also mean JSON, have one. */
function lambdaNames(lhs: Node | undefined): string[] | undefined {
  const parameters = lhs?.class === 'COLUMN_REF' ? [lhs] : ((lhs?.children as Node[] | undefined) ?? [])
  const placed = parameters.some(({ query_location }) => Number.isSafeInteger(query_location ?? 0))
  return placed ? undefined : parameters.map(({ column_names }) => (column_names?.[0] ?? '').toLowerCase())
}

async function impureAmong(connection: Connection, names: ReadonlySet<string>): Promise<Map<string, string>> {
  const impure = new Map<string, string>()
  if (names.size === 0) return impure
  const rows = await connection.rows<{ name: string; types: string[]; pure: boolean }>(
    `select function_name as name, list_sort(list_distinct(list(function_type))) as types,
       bool_and(coalesce(stability = 'CONSISTENT', false)) as pure
     from duckdb_functions() where list_contains($1::json::varchar[], function_name) group by all`,
    [JSON.stringify([...names])],
  )
  const known = new Map(rows.map((row) => [row.name, row]))
  for (const name of names) {
    const row = known.get(name)
    if (row === undefined) impure.set(name, 'DuckDB does not know')
    else if (row.types.length > 1 || row.types[0] !== 'scalar')
      impure.set(name, `is a ${row.types.join(' and ')} function`)
    else if (!row.pure || SESSION.has(name)) impure.set(name, 'answers differently from one call to the next')
  }
  return impure
}
