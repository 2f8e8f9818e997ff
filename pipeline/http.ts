import { createJournal } from './http/journal.ts'
import type { Pacer } from './http/pacer.ts'
import { checkBaseUrl } from './http/request.ts'
import { createServiceHttp } from './http/service.ts'
import type { Outward } from './step.ts'
import type { Connection } from './warehouse/duckdb.ts'

export { NotAsked, NotBought } from './http/refused.ts'

/** How a plug-in reaches the outside world: the shared layer does pacing, retries, recording, caching and budgets. */
export interface HttpOptions {
  /** Who is asked, as it appears in the request log: `apollo`. */
  service: string
  base_url: string
  /** Sent with every request; values that are secrets never reach a log. */
  headers?: Record<string, string>
  /** What the service allows. Unless said: 8 at once, 30 s an answer, 4 more tries. */
  limits?: { per_second?: number; per_minute?: number; concurrency?: number; timeout_s?: number; retries?: number }
  /** Answers in place of the network: the mock provider's way to use the same code path. */
  transport?: Transport
  /** Price of one credit; a call that costs credits is made only when the target is live for `spend` and within budget. */
  usd_per_credit?: number
}

export interface HttpRequest {
  method?: 'GET' | 'POST'
  /** Path on `base_url`. Of a whole URL (a server's "next page") only path and query count, never the host. */
  path: string
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  /** Credits this call costs; 0 unless said. */
  credits?: number
  /** Which field it is asked for, and for whom: the request log's columns. */
  field?: string
  company_id?: string
  lead_id?: string
  /** An equal request answered less than so many days ago (as of the run's date) is not made again. 0, or absent: never cached. */
  ttl_days?: number
}

export interface HttpAnswer {
  status: number
  headers: Record<string, string>
  /** The body as text; the ledger already has it. */
  text: string
  /** The body as JSON; RemoteError when it is none. */
  json(): unknown
  /** Wall clock for network answers, as-of's midnight for in-process ones. ISO 8601 UTC. */
  fetched_at: string
  /** Answered from the ledger: nothing was asked, nothing paid. */
  cached: boolean
  call_id: string
}

export type Transport = (request: {
  method: string
  path: string
  query: Record<string, string>
  body: unknown
  as_of: string
}) =>
  | { status: number; headers?: Record<string, string>; body: unknown }
  | Promise<{ status: number; headers?: Record<string, string>; body: unknown }>

export interface Http {
  /**
   * Throws RemoteError after the retries; a status the caller lists in `expect` (default 200–299) is an answer. Throws
   * NotBought for a paid call that may not be made, NotAsked where the past may not be asked of the present.
   */
  send(request: HttpRequest, expect?: readonly number[]): Promise<HttpAnswer>
}

/** ProjectError when `base_url` is none that keys may be sent to. */
export type HttpFactory = (options: HttpOptions) => Http

/** What the layer needs of the world. One for a whole run, so that all who ask a service share its limits. */
export interface HttpDeps {
  /** Sees schema `log`, and is used by nothing else: an open transaction of somebody else would carry the log away. */
  connection: Connection
  run_id: string
  /** `2026-01-31`. */
  as_of: string
  now(): Date
  /** Resolves after so long; rejects when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** In [0, 1). */
  random(): number
  live: ReadonlySet<Outward>
  /** Asked right before each paid call. */
  budget: { allows(service: string, credits: number, usd: number): Promise<boolean> }
  signal: AbortSignal
  /** A replay: what the ledger does not hold is not asked. */
  replay?: boolean
  /** Values that were loaded as secrets: masked in what is logged, stored and thrown. */
  secrets?: Iterable<string>
}

/**
 * The shared HTTP layer. For each request, in this order: an answer in the ledger that is young enough; may it be asked
 * and paid; pacing; the exchange, written to `log.calls` and `log.answers` before anyone reads it; retries of what
 * the service means as "not now". A cached answer is no call: nothing is written for it. A paid call that broke off
 * after it may have reached the service is not repeated, and its credits count as spent.
 */
export function createHttp(deps: HttpDeps): HttpFactory {
  const journal = createJournal(deps.connection, deps.run_id, deps.as_of)
  const pacers = new Map<string, Pacer>()
  return (options) => {
    if (options.transport === undefined) checkBaseUrl(options)
    return createServiceHttp(options, deps, journal, pacers)
  }
}
