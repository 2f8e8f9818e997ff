import { quoteIdentifier as id } from '../pipeline/table.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import type { Columns } from './text.ts'

interface Node {
  class?: string
  type?: string
  function_name?: string
  children?: Node[]
  case_checks?: { when_expr: Node; then_expr: Node }[]
  else_expr?: Node
  [key: string]: unknown
}

interface Tree {
  statements: { node: { select_list: Node[] } }[]
}

/** Beyond so many, ways to hold are not told apart any more. */
const MOST_WAYS = 64

/**
 * Which of these expressions can be true for no values of the columns at all, as far as DuckDB's optimizer sees: constants
 * folded, ranges held against each other, every way through `or`, `case` and `coalesce` by itself. Needs no data.
 */
export async function neverTrue(
  connection: Connection,
  expressions: readonly string[],
  types: Columns,
): Promise<boolean[]> {
  const columns = Object.entries(types).map(([name, type]) => `${id(name)} ${type}`)
  // Nothing may be concluded from there being no rows.
  await connection.run(`
    create or replace temp table "any lead" (${columns.join(', ')});
    set disabled_optimizers = 'statistics_propagation'`)
  try {
    const answers: boolean[] = []
    for (const expression of expressions) answers.push(await isNever(connection, expression))
    return answers
  } finally {
    await connection.run(`reset disabled_optimizers; drop table "any lead"`)
  }
}

async function isNever(connection: Connection, expression: string): Promise<boolean> {
  const [read] = await connection.rows<{ tree: string }>(
    `select json_serialize_sql('select (' || $1 || chr(10) || ')') as tree`,
    [expression],
  )
  // Where it stood in the text: a number that JavaScript cannot hold, and that nothing needs.
  const tree = JSON.parse(read!.tree.replaceAll(/"query_location":\d+/g, '"query_location":0')) as Tree
  const [select] = tree.statements
  for (const way of waysOf(select!.node.select_list[0]!)) {
    select!.node.select_list = [allOf(way)]
    const [written] = await connection.rows<{ sql: string }>('select json_deserialize_sql($1::json) as sql', [
      JSON.stringify(tree),
    ])
    const condition = written!.sql.replace(/^SELECT /i, '')
    const plan = await connection.rows<{ explain_value: string }>(
      `explain select lead_id from "any lead" where ${condition}`,
    )
    if (!plan.some(({ explain_value }) => explain_value.includes('EMPTY_RESULT'))) return false
  }
  return true
}

/** The ways in which an expression may come out true: each a list of conditions that hold together. */
function waysOf(node: Node): Node[][] {
  const children = node.children ?? []
  if (node.type === 'CONJUNCTION_OR') return few(children.flatMap(waysOf), node)
  if (node.type === 'CONJUNCTION_AND') {
    const ways = children.map(waysOf).reduce((all, next) => all.flatMap((one) => next.map((two) => [...one, ...two])))
    return few(ways, node)
  }
  if (node.type === 'OPERATOR_COALESCE' || node.function_name === 'coalesce') return few(children.flatMap(waysOf), node)
  if (node.type === 'COMPARE_IN') {
    const [left, ...values] = children
    return few(
      values.map((right) => [
        { class: 'COMPARISON', type: 'COMPARE_EQUAL', alias: '', query_location: 0, left, right } as Node,
      ]),
      node,
    )
  }
  if (node.type === 'CASE_EXPR') {
    const branches = (node.case_checks ?? []).flatMap(({ when_expr, then_expr }) =>
      waysOf(then_expr).map((way) => [when_expr, ...way]),
    )
    return few([...branches, ...(node.else_expr === undefined ? [] : waysOf(node.else_expr))], node)
  }
  return [[node]]
}

function few(ways: Node[][], node: Node): Node[][] {
  return ways.length > MOST_WAYS ? [[node]] : ways
}

function allOf([first, ...more]: Node[]): Node {
  if (more.length === 0) return first!
  return {
    class: 'CONJUNCTION',
    type: 'CONJUNCTION_AND',
    alias: '',
    query_location: 0,
    children: [first!, ...more],
  }
}
