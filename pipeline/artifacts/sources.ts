import type { SourceAge } from '../freshness.ts'
import { artifactMetadata, type Invocation } from './write.ts'

/** dbt's sources v3: how old the sources were found to be. */
export function sourcesOf(ages: readonly SourceAge[], invocation: Invocation, elapsed_time: number): object {
  return { metadata: artifactMetadata('sources/v3', invocation), results: ages.map(entry), elapsed_time }
}

function entry(age: SourceAge): object {
  const { node, status, error, max_loaded_at, snapshotted_at, started_at, ended_at } = age
  const unique_id = node.id
  if (status === 'runtime error') return { unique_id, error: error ?? null, status }
  const { warn_after, error_after, filter } = node.freshness
  return {
    unique_id,
    max_loaded_at,
    snapshotted_at,
    max_loaded_at_time_ago_in_s: age.age_s,
    status,
    criteria: { warn_after, error_after, filter },
    adapter_response: {},
    timing: [
      { name: 'compile', started_at, completed_at: started_at },
      { name: 'execute', started_at, completed_at: ended_at },
    ],
    thread_id: 'Thread-1',
    execution_time: age.seconds,
  }
}
