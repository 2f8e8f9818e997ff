/** How a plug-in reaches the outside world: the shared layer does pacing, retries, recording, caching and budgets. */
export interface HttpOptions {
  /** Who is asked, as it appears in the request log: `apollo`. */
  service: string
  base_url: string
  /** Sent with every request; values that are secrets never reach a log. */
  headers?: Record<string, string>
  limits?: { per_second?: number; per_minute?: number; concurrency?: number; timeout_s?: number; retries?: number }
  /** Answers in place of the network: the mock provider's way to use the same code path. */
  transport?: Transport
  /** Price of one credit; a call that costs credits is made only when the target is live for `spend` and within budget. */
  usd_per_credit?: number
}

export interface HttpRequest {
  method?: 'GET' | 'POST'
  /** Path on `base_url`. */
  path: string
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  /** Credits this call costs; 0 unless said. */
  credits?: number
  /** Which field it is asked for, and for whom: the request log's columns. */
  field?: string
  company_id?: string
  lead_id?: string
  /** An equal request answered less than so many days ago (as of the run's date) is not made again. 0: never cached. */
  ttl_days?: number
}

export interface HttpAnswer {
  status: number
  headers: Record<string, string>
  /** The body as text; the ledger already has it. */
  text: string
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
  /** Throws RemoteError after the retries; a status the caller lists in `expect` (default 200–299) is an answer. */
  send(request: HttpRequest, expect?: readonly number[]): Promise<HttpAnswer>
}

export type HttpFactory = (options: HttpOptions) => Http
