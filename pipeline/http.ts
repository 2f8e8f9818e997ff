import { setMaxListeners } from 'node:events'
import type { Budget } from './budget.ts'
import { createCircuit, NO_CIRCUIT } from './http/circuit.ts'
import { createJournal } from './http/journal.ts'
import type { PaceStore } from './http/pace-store.ts'
import { createPacer } from './http/pacer.ts'
import { checkBaseUrl, checkWay } from './http/request.ts'
import { createServiceHttp, type Shared } from './http/service.ts'
import type { Outward } from './step.ts'
import type { Connection } from './warehouse/duckdb.ts'

export { NotAsked, NotBought } from './http/refused.ts'

/** How a plug-in reaches the outside world: the shared layer does pacing, retries, recording, caching and budgets. */
export interface HttpOptions {
  /** Who is asked, as it appears in the request log: `apollo`. */
  service: string
  /** Absent only where there is another `way`. */
  base_url?: string
  /** Requests leave another way than over HTTP to `base_url`. */
  way?: Way
  /** Sent with every request; values that are secrets never reach a log. */
  headers?: Record<string, string>
  /** What the service allows over all its endpoints, and how it tells how much is left. */
  limits?: Limits
  /** What it allows to some of its endpoints on top of that, by a name that their requests bear as `bucket`. */
  buckets?: Readonly<Record<string, Pick<Limits, 'per_second' | 'per_minute' | 'windows'>>>
  /**
   * What an answer means, where its status does not say: the vendor's own words for a used-up quota, an error inside a
   * 200, a 202 that wants to be asked again. Undefined: by status. Looks at the answer alone, and never throws.
   */
  meaning?(answer: Told): Meaning | undefined
  /**
   * Credits that an answer really cost, as its headers or body tell; fractions are fine. Undefined, or absent: what the
   * request announced if it was answered as expected, else nothing. `announced`: the credits of the request.
   */
  charged?(answer: Told, announced: number): number | undefined
  /** Seconds to wait that an answer tells of in its body; before those of `Retry-After`. */
  wait_s?(answer: Told): number | undefined
  /** False: answers are not kept (they carry tokens). They are asked for again each time, and are in no replay. */
  record?: boolean
  /** Answers in place of the network: the mock provider's way to use the same code path. */
  transport?: Transport
  /** Price of one credit; a call that costs credits is made only when the target is live for `spend` and within budget. `budget.providers.<name>.usd_per_credit` goes before it. */
  usd_per_credit?: number
}

/**
 * - `any_host`: requests name whole URLs on any host of the public internet, one that others wrote into a list. What is not
 *   public is refused, by the address that is then connected to. No redirect is followed. Pages only, cut at `max_bytes`
 *   (500,000 unless said). `stand_in`: a server on this machine that answers in the place of every named host, for tests.
 *   Each host is a service of its own: none of them makes the others wait.
 * - `name_servers`: requests are `/resolve?name=…&type=…`, answered in the JSON of DNS over HTTPS. `servers`: `1.1.1.1:53`;
 *   those of this machine unless said.
 */
export type Way =
  | { to: 'any_host'; max_bytes?: number; stand_in?: string }
  | { to: 'name_servers'; servers?: readonly string[] }

/** What a service allows. Unless said: 8 at once (64 where a rate is said), 30 s an answer, 4 more tries. */
export interface Limits {
  per_second?: number
  /** Never more than this many starts in any 60 s; bursts within it are fine. */
  per_minute?: number
  concurrency?: number
  timeout_s?: number
  retries?: number
  /** Windows that the service tells of with each answer. When one has nothing left, nothing starts until it begins anew. */
  windows?: readonly RateWindow[]
}

/** The headers in which a service tells of one of its rate windows, in lower case. */
export interface RateWindow {
  /** How many requests are left: `x-minute-requests-left`. An empty or absent header: no limit. */
  remaining: string
  /** When it begins anew: seconds from now, or seconds or milliseconds since 1970 (told apart by size). */
  reset?: string
  /** Its length, where no header says when it ends; it is taken to begin with the first request that it counts. */
  period_s?: number
  /** Seconds until it begins anew, where no header says and the plug-in knows; undefined: not known now. Asked with each answer. */
  ends_in_s?(): number | undefined
}

/**
 * - `ok`: an answer, whatever its status
 * - `rate`: too fast; nothing of the service starts for a while, then the same is asked again
 * - `later`: not ready, or broken for the moment; the same is asked again
 * - `quota`, `key`: used up, or not accepted; the service is asked nothing more in this run
 * - `forbidden`: this endpoint is not for this key; its bucket (or path) is asked nothing more in this run
 * - `refused`: this question gets no answer; others may
 */
export type Meaning = 'ok' | 'rate' | 'later' | 'quota' | 'key' | 'forbidden' | 'refused'

/** An answer as it came. */
export interface Told {
  status: number
  /** Names in lower case. */
  headers: Record<string, string>
  text: string
  /** The body as JSON; undefined when it is none. Numbers that a double cannot hold are text. */
  data: unknown
}

/** A free request is asked again after a fault, whatever its method: what writes must be such that twice is the same as once. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface HttpRequest {
  method?: Method
  /** Path on `base_url`; with the way to `any_host` a whole URL. Of another whole URL (a server's "next page") only path and query count, never the host. */
  path: string
  query?: Record<string, string | number | boolean | undefined>
  /** On top of those of the service: `content-type` of a body that is text. */
  headers?: Record<string, string>
  /** Sent as JSON, or as it is when it is text. */
  body?: unknown
  /** The most that this call can cost, in credits; reserved in the budget before it, settled by `charged` after. 0 unless said. */
  credits?: number
  /** The vendor charges an equal request once only: one that broke off may be asked again at no further cost. */
  repeatable?: boolean
  /**
   * Doing it twice is not the same as once: where it may have been acted on (it broke off, a 5xx, an answer cut short), it
   * is not asked again but thrown, for the caller to look into. What was refused for its pace is asked again as ever.
   */
  once?: boolean
  /** Which of the service's `buckets` it counts in. */
  bucket?: string
  /** Which field it is asked for, and for whom: the request log's columns. */
  field?: string
  company_id?: string
  lead_id?: string
  /** Did the answer help? Kept with the call (`fct_provider_calls.hit`), NULL unless said. */
  hit?(answer: Told): boolean
  /** An equal request answered less than so many days ago (as of the run's date) is not made again. 0, or absent: never cached. */
  ttl_days?: number
  /**
   * Whether what came last, when the retries are over, is the answer all the same: another status, or 0 with the reason in
   * the header `x-fault` where nothing came. For free questions to which "it is broken" is an answer.
   */
  last_word?(answer: Told): boolean
  /** False: this answer is not kept; see `HttpOptions.record`. */
  record?: boolean
}

export interface HttpAnswer {
  status: number
  headers: Record<string, string>
  /** The body as text; the ledger already has it. */
  text: string
  /** The body as JSON; RemoteError when it is none. A number that a double cannot hold exactly (an int64 id) is text. */
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
   * Throws RemoteError (with its reason) after the retries; a status the caller lists in `expect` (default 200–299) is an
   * answer. Throws NotBought for a paid call that may not be made, NotAsked where the past may not be asked of the present.
   * Each concerns this request alone; whether the next one has a chance is the layer's to know.
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
  budget: Budget
  /** Where the pace of a service is remembered, across runs and processes; in this process alone unless said. */
  pace?(service: string): PaceStore
  signal: AbortSignal
  /** A replay: what the ledger does not hold is not asked. */
  replay?: boolean
  /** Values that were loaded as secrets: masked in what is logged, stored and thrown. */
  secrets?: Iterable<string>
}

/** Nobody is bothered by more at once, and what comes together is written together. */
const IN_PROCESS_CONCURRENCY = 64

/**
 * The shared HTTP layer. For each request, in this order: an answer in the ledger that is young enough; is the service
 * worth asking; pacing; may it be paid, with room set aside in the budget and the intent committed to `log.intents`; the
 * exchange, written to `log.calls` and `log.answers` before anyone reads it; what it really cost; retries of what the
 * service means as "not now". A cached answer is no call: nothing is written for it. A paid call that broke off after it
 * may have reached the service is not repeated, neither by a later run, and its credits count as spent.
 */
export function createHttp(deps: HttpDeps): HttpFactory {
  // Everything that is under way listens to it; Node warns of a leak from the eleventh on.
  setMaxListeners(0, deps.signal)
  const journal = createJournal(deps.connection, deps.run_id, deps.as_of)
  const services = new Map<string, Shared>()
  const clock = { now: deps.now, sleep: (ms: number) => deps.sleep(ms, deps.signal) }
  return (options) => {
    const { service, transport, way, limits, buckets } = options
    if (way !== undefined) checkWay(options)
    else if (transport === undefined) checkBaseUrl(options)
    let shared = services.get(service)
    if (shared === undefined) {
      const pace = transport === undefined ? limits : { concurrency: IN_PROCESS_CONCURRENCY, ...limits }
      const store = transport === undefined ? deps.pace?.(service) : undefined
      const pacer = createPacer(pace, clock, buckets, store)
      const circuit = way?.to === 'any_host' ? NO_CIRCUIT : createCircuit(service, deps.now)
      shared = { pacer, circuit, underway: new Map() }
      services.set(service, shared)
    }
    return createServiceHttp(options, deps, journal, shared)
  }
}
