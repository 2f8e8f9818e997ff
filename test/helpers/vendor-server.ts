import type { Field, Provider, Subject } from '../../ingest/define.ts'
import { type FaultServer, faultServer, type Seen } from './fault-server.ts'

/** A request as a vendor sees it. */
export interface Asked {
  method: string
  /** Below `base_url`, without query. */
  path: string
  query: URLSearchParams
  headers: Seen['headers']
  /** JSON, or the text if it is none. */
  body: unknown
}

/** What a vendor answers; a body that is no text goes out as JSON. */
export interface Replayed {
  status: number
  headers?: Record<string, string>
  body: unknown
  /** Credits that the vendor charges for this. 0 unless said. */
  credits?: number
}

/** One thing that is asked of a provider, and what comes of it when all is well. */
export interface Scene {
  resource: string
  /** For enrichment. The suite hands them over in batches of the resource's `batch`, several at once, as the waterfall does. */
  subjects?: readonly Subject[]
  /** For enrichment: all that the resource `fills` unless said. */
  fields?: readonly Field[]
  /** Rows in the ledger afterwards, each key once. */
  rows: number
  /** Credits that the whole scene costs. 0 unless said. */
  credits?: number
  /** Requests that faults are put on, where a scene makes several kinds; any unless said. */
  target?: RegExp
  /** Where its answers look unlike those of the other scenes. */
  drift?: Drift
  /** Faults that cannot happen here, each with its reason. */
  exempt?: Partial<Record<FaultKind, string>>
}

/**
 * `test/fixtures/providers/<name>.ts` exports one of these as `fixture`: the vendor's replay server and what a run against
 * it yields. The contract suite (test/contract/provider-faults.test.ts) then plays every fault on it.
 */
export interface ProviderFixture {
  /** What `pipeline.yaml` would say below the provider's name. */
  settings(base_url: string): Record<string, unknown>
  /** The vendor when all is well. Made anew for each test, so that it may keep jobs, cursors, tokens. Synchronous and the same each time. */
  vendor(): (asked: Asked) => Replayed
  scenes: readonly Scene[]
  /** The vendor's own words where a status would not say it. */
  words: {
    /** The key is not accepted. */
    expired_key: Replayed
    /** Credits, or the plan's quota, are used up. Absent: everything is free. */
    exhausted?: Replayed
    /** Too many requests; without `retry-after`, which the suite adds in one of the cases. 429 with JSON unless said. */
    rate?: Replayed
    /** 200, and an error inside. Absent: the vendor does not do that. */
    error_inside?: Replayed
    /** A page, or an answer, with nothing in it. */
    empty: Replayed
  }
  /**
   * The objects in a body that become rows, by reference, and names of fields in them: the suite adds one, drops
   * `missing` and turns `retyped` into an object. The report must say the name as it is given here, or in snake_case. `missing` is one
   * whose absence is worth a word; null where a vendor leaves out whatever is empty. A text: why no answer can drift so.
   */
  drift: Drift | string
  /** Absent: the provider is in ingest/providers/. */
  provider?: Provider
}

export interface Drift {
  rowsIn(body: unknown): Record<string, unknown>[]
  missing: string | null
  retyped: string
}

export const FAULTS = [
  '429 with retry-after',
  '429 without',
  '500',
  '502 with a page',
  'timeout',
  'reset in the middle',
  'truncated JSON',
  'wrong content type',
  '200 with an error inside',
  'empty page',
  'duplicate page',
  'an extra field',
  'a missing field',
  'a retyped field',
  'expired key',
  'credits exhausted',
  'down for good',
] as const
export type FaultKind = (typeof FAULTS)[number]

/** From the fault on, the vendor stays that way. */
const LASTING = new Set<FaultKind>(['expired key', 'credits exhausted', 'down for good'])
/** The same in every answer. */
const EVERYWHERE = new Set<FaultKind>(['an extra field', 'a missing field', 'a retyped field'])

/** One exchange, as the vendor's own books have it. */
export interface Entry {
  /** Method, path, query and body: equal requests have equal ones. */
  request: string
  status: number
  /** What the vendor charged, whether or not the answer arrived. */
  credits: number
  /** The body went out whole. */
  whole: boolean
  text: string
  faulty: boolean
}

export interface VendorServer extends FaultServer {
  journal: Entry[]
  /** Whether the fault has happened. */
  struck(): boolean
  /** The vendor mends itself. */
  mend(): void
}

/** A vendor's replay server on this machine, with one fault on the nth of the requests that match. */
export async function vendorServer(
  fixture: ProviderFixture,
  fault?: { kind: FaultKind; nth: number; scene: Scene },
): Promise<VendorServer> {
  const vendor = fixture.vendor()
  const journal: Entry[] = []
  let matched = 0
  let struck = false
  let mended = false
  let before: Replayed | undefined
  const server = await faultServer((response, seen) => {
    const url = new URL(seen.url, 'http://vendor.invalid')
    const asked: Asked = {
      method: seen.method,
      path: url.pathname,
      query: url.searchParams,
      headers: seen.headers,
      body: jsonOrText(seen.body),
    }
    const isTarget = fault?.scene.target?.test(`${seen.method} ${seen.url}`) ?? true
    if (isTarget) matched++
    const hit =
      fault !== undefined &&
      !mended &&
      isTarget &&
      (EVERYWHERE.has(fault.kind) || matched === fault.nth || (LASTING.has(fault.kind) && matched > fault.nth))
    struck ||= hit
    const played = hit
      ? playFault(
          fault.kind,
          { words: fixture.words, drift: fault.scene.drift ?? fixture.drift },
          () => vendor(asked),
          before,
        )
      : { answer: vendor(asked) }
    if (isTarget && !hit) before = played.answer
    const { answer, cut } = played
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
    const sent = cut === 'text' ? text.slice(0, Math.max(1, Math.floor(text.length / 2))) : text
    journal.push({
      request: JSON.stringify([seen.method, seen.url, seen.body]),
      status: answer.status,
      credits: answer.credits ?? 0,
      whole: cut === undefined,
      text: sent,
      faulty: hit,
    })
    if (cut === 'silence') return
    const type = typeof answer.body === 'string' ? 'text/plain' : 'application/json'
    const headers = { 'content-type': type, ...lowerCase(answer.headers) }
    if (cut === 'reset') {
      response.writeHead(answer.status, { ...headers, 'content-length': String(Buffer.byteLength(text) + 100) })
      response.write(text.slice(0, 1))
      setImmediate(() => response.destroy())
    } else response.writeHead(answer.status, headers).end(sent)
  })
  return Object.assign(server, {
    journal,
    struck: () => struck,
    mend: () => {
      mended = true
    },
  })
}

interface Played {
  answer: Replayed
  /** How the exchange breaks. */
  cut?: 'silence' | 'reset' | 'text'
}

const PAGE = '<!doctype html><html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>'
const HTML = { 'content-type': 'text/html; charset=utf-8' }

function playFault(
  kind: FaultKind,
  { words, drift }: Pick<ProviderFixture, 'words' | 'drift'>,
  fine: () => Replayed,
  before: Replayed | undefined,
): Played {
  const rate = words.rate ?? { status: 429, body: { message: 'Too many requests' } }
  switch (kind) {
    case '429 with retry-after':
      return { answer: { ...rate, headers: { ...rate.headers, 'retry-after': '7' } } }
    case '429 without':
      return { answer: rate }
    case '500':
    case 'down for good':
      return { answer: { status: 500, body: { error: 'Internal Server Error' } } }
    case '502 with a page':
      return { answer: { status: 502, headers: HTML, body: PAGE } }
    case 'timeout':
      return { answer: fine(), cut: 'silence' }
    case 'reset in the middle':
      return { answer: fine(), cut: 'reset' }
    case 'truncated JSON':
      return { answer: fine(), cut: 'text' }
    case 'wrong content type':
      return { answer: { ...fine(), headers: HTML, body: PAGE } }
    case '200 with an error inside':
      return { answer: words.error_inside! }
    case 'empty page':
      return { answer: words.empty }
    case 'duplicate page':
      return { answer: before ?? fine() }
    case 'expired key':
      return { answer: words.expired_key }
    case 'credits exhausted':
      return { answer: words.exhausted! }
    default:
      return { answer: drifted(kind, drift as Drift, fine()) }
  }
}

/** A field that no vendor has. */
export const NEW_FIELD = 'field_of_tomorrow'

function drifted(kind: FaultKind, { rowsIn, missing, retyped }: Drift, answer: Replayed): Replayed {
  const body = structuredClone(answer.body)
  for (const row of rowsIn(body)) {
    if (kind === 'an extra field') row[NEW_FIELD] = 1
    else if (kind === 'a missing field') delete row[missing!]
    else row[retyped] = { now: 'an object' }
  }
  return { ...answer, body }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function lowerCase(headers: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
