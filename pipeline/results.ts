import type { GraphNode } from './nodes.ts'
import type { StepSummary } from './step.ts'

/** What became of one node. `reused`: nothing it depends on has changed, so that what stands is what would be built. */
export type Status = 'success' | 'reused' | 'error' | 'skipped' | 'pass' | 'warn' | 'fail'

export interface NodeResult {
  node: GraphNode
  status: Status
  /** What happened or why not, for people; without personal data. */
  message: string
  /** Why it was built and not reused. */
  reason?: string
  rows?: number
  failures?: number
  /** What a step says it did. */
  summary?: StepSummary
  /** The query that shows the rows of a failed test. */
  query?: string
  /** Set when a remote service, not the project or the data, was the cause. */
  remote?: boolean
  /** Set when a bug was the cause: the calls that led to it. For people; in no file and no table. */
  stack?: string
  /** Wall clock, ISO 8601 UTC. */
  started_at: string
  ended_at: string
  seconds: number
}

export function failed({ status }: NodeResult): boolean {
  return status === 'error' || status === 'fail'
}

/** What a run tells while it goes on. All printing happens on the other side of this. */
export interface Listener {
  started?(node: GraphNode): void
  finished?(result: NodeResult): void
  progress?(step: string, text: string, done?: number, total?: number): void
  note?(text: string): void
}
