import { type Problem, ProjectError } from './errors.ts'
import type { Graph } from './graph.ts'
import { parseTrees, treeMemory } from './state/tree.ts'
import type { Connection } from './warehouse/duckdb.ts'
import type { BuildState } from './warehouse/state.ts'

/** Refuses SQL that DuckDB's parser refuses, before anything is run. What has parsed once is not parsed again. */
export async function checkSyntax(
  connection: Connection,
  graph: Graph,
  ids: readonly string[],
  state: BuildState,
): Promise<void> {
  const unknown = ids.flatMap((id) => {
    const node = graph.nodes.get(id)!
    if (node.kind !== 'model' && node.kind !== 'test') return []
    const texts =
      node.kind === 'model' && node.sql_incremental !== undefined ? [node.sql, node.sql_incremental] : [node.sql]
    return texts.flatMap((sql) => {
      const memory = treeMemory(sql)
      return state.get(memory) === undefined ? [{ node, sql, memory }] : []
    })
  })
  if (unknown.length === 0) return
  const trees = await parseTrees(
    connection,
    unknown.map(({ sql }) => sql),
  )
  const problems: Problem[] = []
  for (const [index, { node, sql, memory }] of unknown.entries()) {
    const { hash, error } = trees[index]!
    if (error === undefined) {
      state.remember(memory, { key: 'parsed', version: hash ?? '', rows: null })
      continue
    }
    const line = error.position === undefined ? undefined : sql.slice(0, error.position).split('\n').length
    const generated = node.kind === 'test' && node.attached !== undefined
    problems.push({
      file: node.file,
      ...(line === undefined || generated ? {} : { line }),
      message: generated
        ? `the test ${node.name} is not valid SQL: ${error.message}`
        : `is not valid SQL: ${error.message}`,
    })
  }
  await state.flush()
  if (problems.length > 0) throw new ProjectError(problems)
}
