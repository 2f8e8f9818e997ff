import { relationText } from './compile.ts'
import { messageOf } from './errors.ts'
import type { Graph } from './graph.ts'
import type { Freshness, SourceNode } from './nodes.ts'
import type { Threshold } from './property-metadata.ts'
import { quoteIdentifier } from './table.ts'
import { lakeSnapshot } from './warehouse/lake.ts'
import { currentLedgerRows, currentRows } from './warehouse/ledger.ts'
import type { Session } from './warehouse/session.ts'

export type FreshnessStatus = 'pass' | 'warn' | 'error' | 'runtime error'

/** How old a source was found to be. */
export interface SourceAge {
  node: SourceNode & { freshness: Freshness }
  status: FreshnessStatus
  /** ISO 8601 UTC; the beginning of time for a table without rows, as in dbt. Absent with a runtime error. */
  max_loaded_at?: string
  snapshotted_at: string
  age_s: number
  error?: string
  started_at: string
  ended_at: string
  seconds: number
}

export interface FreshnessOptions {
  graph: Graph
  /** Ids that were asked for. */
  chosen: ReadonlySet<string>
  session: Session
  /** Where bulk tables' files are. */
  lake: string
  /** The instant that ages are counted from. */
  at: Date
  now(): Date
}

const NEVER = '0001-01-01T00:00:00.000Z'
const SECONDS: Record<Threshold['period'], number> = { minute: 60, hour: 3_600, day: 86_400 }

export function withFreshness(graph: Graph, chosen: ReadonlySet<string>): SourceAge['node'][] {
  return graph.order.flatMap((id) => {
    const node = graph.nodes.get(id)!
    return node.kind === 'source' && node.freshness !== undefined && chosen.has(id) ? [node as SourceAge['node']] : []
  })
}

/** Looks how old the chosen sources are that say how old they may be. One that cannot be read is a runtime error of its own. */
export async function sourceFreshness(options: FreshnessOptions): Promise<SourceAge[]> {
  const ages: SourceAge[] = []
  for (const node of withFreshness(options.graph, options.chosen)) ages.push(await ageOf(node, options))
  return ages
}

async function ageOf(node: SourceAge['node'], { session, lake, at, now }: FreshnessOptions): Promise<SourceAge> {
  const started_at = now().toISOString()
  const clock = performance.now()
  const done = (found: Pick<SourceAge, 'status' | 'max_loaded_at' | 'age_s' | 'error'>): SourceAge => ({
    node,
    ...found,
    snapshotted_at: at.toISOString(),
    started_at,
    ended_at: now().toISOString(),
    seconds: (performance.now() - clock) / 1000,
  })
  try {
    const sql = await latestSql(node, session, lake)
    const [row] = await session.connection.rows<{ latest: string | null }>(
      `select cast(max(cast(latest as timestamp)) as timestamp) as latest from (${sql}\n) as loaded(latest)`,
    )
    const max_loaded_at = milliseconds(row?.latest ?? NEVER)
    const age_s = (at.getTime() - Date.parse(max_loaded_at)) / 1000
    return done({ status: statusOf(node.freshness, age_s), max_loaded_at, age_s })
  } catch (error) {
    return done({ status: 'runtime error', age_s: 0, error: messageOf(error).split('\n')[0] })
  }
}

/** Microseconds are more than `Date` can hold. */
function milliseconds(text: string): string {
  return text.replace(/(\.\d{3})\d*Z$/, '$1Z')
}

function statusOf({ warn_after, error_after }: Freshness, age_s: number): FreshnessStatus {
  const past = (threshold: Threshold | null) =>
    threshold !== null && age_s > threshold.count * SECONDS[threshold.period]
  if (past(error_after)) return 'error'
  return past(warn_after) ? 'warn' : 'pass'
}

async function latestSql({ freshness, ...node }: SourceAge['node'], session: Session, lake: string): Promise<string> {
  return latestOf(freshness, await rowsOf(node, session, lake))
}

/** The SELECT of the instant that a source was last loaded at, over its rows. */
export function latestOf({ loaded_at_query, loaded_at_field, filter }: Freshness, rows: string): string {
  if (loaded_at_query !== undefined) return loaded_at_query.replace(/;\s*$/, '')
  const where = filter === null ? '' : ` where ${filter}`
  const field = /^\w+$/.test(loaded_at_field) ? quoteIdentifier(loaded_at_field) : loaded_at_field
  return `select cast(max(${field}) as timestamp) from ${rows}${where}`
}

/** What the ledger holds as of the session's date, whatever date the build file was last built for. */
async function rowsOf(node: Omit<SourceNode, 'freshness'>, session: Session, lake: string): Promise<string> {
  if (node.source === 'ledger') return `(${currentLedgerRows(node.table, session.as_of)}) as source_rows`
  if (node.ledger === undefined) return relationText(node.relation)
  const landed = node.ledger.bulk ? await lakeSnapshot(session.connection, lake, node.ledger, session.as_of) : undefined
  return `(${currentRows(node.ledger, session.as_of, landed)}) as source_rows`
}
