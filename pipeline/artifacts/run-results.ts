import { relationText } from '../compile.ts'
import type { GraphNode } from '../nodes.ts'
import type { NodeResult } from '../results.ts'
import { artifactMetadata, type Invocation } from './write.ts'

/** dbt's run_results v6. A step's result stands under the models it builds, or under its own id where it builds none. */
export function runResultsOf(
  results: readonly NodeResult[],
  {
    invocation,
    elapsed,
    args,
    project,
  }: { invocation: Invocation; elapsed: number; args: Record<string, unknown>; project: string },
): Record<string, unknown> {
  return {
    metadata: artifactMetadata('run-results/v6', invocation),
    results: results.flatMap((result) => idsOf(result.node, project).map((unique_id) => entry(result, unique_id))),
    elapsed_time: elapsed,
    args,
  }
}

function idsOf(node: GraphNode, project: string): string[] {
  const builds = node.kind === 'step' ? (node.step.builds ?? []) : []
  return builds.length === 0 ? [node.id] : builds.map(({ name }) => `model.${project}.${name}`)
}

function entry(result: NodeResult, unique_id: string): Record<string, unknown> {
  const { node, status, message, rows, failures, seconds, started_at, ended_at } = result
  const compiled_code = node.kind === 'model' || node.kind === 'snapshot' || node.kind === 'test' ? node.sql : null
  return {
    status,
    timing: [
      { name: 'compile', started_at, completed_at: started_at },
      { name: 'execute', started_at, completed_at: ended_at },
    ],
    thread_id: 'Thread-1',
    execution_time: seconds,
    adapter_response: rows === undefined ? {} : { rows_affected: rows },
    message: message === '' ? null : message,
    failures: failures ?? null,
    unique_id,
    compiled: compiled_code !== null,
    compiled_code,
    relation_name: 'relation' in node ? relationText(node.relation) : null,
  }
}
