import type { ModelNode } from '../nodes.ts'

/** What of a model counts when it is asked whether what stands is what would be built. */
export function modelParts(
  { sql, sql_incremental, materialized, incremental }: ModelNode,
  tree: (sql: string) => string,
): { sql: string; config: unknown } {
  const both = sql_incremental === undefined ? tree(sql) : `${tree(sql)}+${tree(sql_incremental)}`
  return { sql: both, config: incremental === undefined ? materialized : { materialized, ...incremental } }
}

/** Whether a model looks at the date of the run. */
export function readsDate({ sql, sql_incremental = '', incremental }: ModelNode): boolean {
  return [sql, sql_incremental, ...(incremental?.predicates ?? [])].some((text) => /\bas_of\s*\(/i.test(text))
}
