import { createHash } from 'node:crypto'
import { type Problem, ProjectError } from './errors.ts'
import type { Graph } from './graph.ts'
import type { Connection } from './warehouse/duckdb.ts'
import type { BuildState } from './warehouse/state.ts'

interface Parsed {
  error: boolean
  error_type?: string
  error_message?: string
  position?: string
}

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
    const memory = `sql.${createHash('sha256').update(node.sql).digest('hex')}`
    return state.get(memory) === undefined ? [{ node, memory }] : []
  })
  if (unknown.length === 0) return
  const [answer] = await connection.rows<{ trees: string[] }>(
    `select list(cast(json_serialize_sql(cast(s as varchar)) as varchar)) as trees from (select unnest(from_json($1::json, '["VARCHAR"]')) as s)`,
    [JSON.stringify(unknown.map(({ node }) => node.sql))],
  )
  const problems: Problem[] = []
  for (const [index, { node, memory }] of unknown.entries()) {
    const parsed = JSON.parse(answer!.trees[index]!) as Parsed
    if (parsed.error && parsed.error_type === 'parser') {
      const position = parsed.position === undefined ? undefined : Number(parsed.position)
      const line = position === undefined ? undefined : node.sql.slice(0, position).split('\n').length
      const generated = node.kind === 'test' && node.attached !== undefined
      problems.push({
        file: node.file,
        ...(line === undefined || generated ? {} : { line }),
        message: generated
          ? `the test ${node.name} is not valid SQL: ${parsed.error_message}`
          : `is not valid SQL: ${parsed.error_message}`,
      })
    } else state.remember(memory, { key: 'parsed', version: '', rows: null })
  }
  await state.flush()
  if (problems.length > 0) throw new ProjectError(problems)
}
