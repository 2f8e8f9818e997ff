import { createWriteStream } from 'node:fs'
import { isIP, type LookupFunction } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import type { Agent, Dispatcher } from 'undici'
import { messageOf } from '../errors.ts'

/** What came back, whole. */
export interface Fetched {
  status: number
  /** Lower-case names; cookies are left out. */
  headers: Record<string, string>
  text: string
}

/** The exchange broke. `sent`: the service may have acted on the request (and charged for it) all the same. */
export class Fault extends Error {
  override readonly name = 'Fault'

  constructor(
    message: string,
    readonly sent: boolean,
    cause?: unknown,
  ) {
    super(message, { cause })
  }
}

export interface Wire {
  method: string
  headers: Record<string, string>
  body: string | undefined
}

const CONNECT_TIMEOUT_MS = 5_000
const MAX_BODY_BYTES = 32 * 1024 * 1024

const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

const decoders: Record<string, (data: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}

/** Loads the client, so that the first request leaves as promptly as all others. */
export async function loadNetwork(): Promise<void> {
  await import('undici')
}

export type Network = (url: URL, wire: Wire) => Promise<Fetched>

/** The network: no redirects followed, no retries, sizes and times capped. Everything above it decides. */
export function createNetwork(options: { timeout_ms: number; concurrency: number; signal: AbortSignal }): Network {
  let agent: Agent | undefined

  return async (url: URL, wire: Wire): Promise<Fetched> => {
    // A bundle gives CommonJS modules only their default export.
    const { default: undici } = await import('undici')
    agent ??= new undici.Agent({
      connections: options.concurrency,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      maxResponseSize: MAX_BODY_BYTES,
    })
    const abort = new AbortController()
    const stop = () => abort.abort()
    const timer = setTimeout(stop, options.timeout_ms)
    options.signal.addEventListener('abort', stop, { once: true })
    try {
      const { statusCode, headers, body } = await undici.request(url, {
        dispatcher: agent,
        method: wire.method as Dispatcher.HttpMethod,
        headers: { 'accept-encoding': 'gzip, br', ...wire.headers },
        body: wire.body,
        signal: abort.signal,
      })
      const plain = plainHeaders(headers)
      const bytes = await decode(Buffer.from(await body.arrayBuffer()), plain['content-encoding'])
      return { status: statusCode, headers: plain, text: toText(bytes, plain['content-type']) }
    } catch (error) {
      throw toFault(error, abort.signal.aborted && !options.signal.aborted ? options.timeout_ms : undefined)
    } finally {
      clearTimeout(timer)
      options.signal.removeEventListener('abort', stop)
    }
  }
}

function plainHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name, value]) => value !== undefined && name !== 'set-cookie')
      .map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value!]),
  )
}

async function decode(bytes: Buffer, encoding: string | undefined): Promise<Buffer> {
  const decoder = decoders[encoding?.trim().toLowerCase() ?? '']
  return decoder === undefined ? bytes : decoder(bytes, { maxOutputLength: MAX_BODY_BYTES })
}

/** By the charset that it is declared to be in. */
export function toText(bytes: Buffer, contentType = ''): string {
  const charset = /charset="?([\w-]+)/i.exec(contentType)?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return new TextDecoder().decode(bytes)
  }
}

function toFault(error: unknown, timeout_ms: number | undefined): Fault {
  if (timeout_ms !== undefined) return new Fault(`did not answer within ${timeout_ms / 1000} s`, true, error)
  const { code } = error as { code?: string }
  const sent = !NEVER_SENT.has(code ?? '')
  const reason = code ?? messageOf(error)
  return new Fault(sent ? `broke off the exchange (${reason})` : `cannot be reached (${reason})`, sent, error)
}

const REDIRECTS = 5
const DOWNLOAD_TIMEOUT_MS = 60_000

/**
 * Fetches a file of any size to disk, following redirects, but none from https to http. Throws Fault, or an Error that
 * says the status.
 */
export async function download(url: string, file: string, signal: AbortSignal): Promise<void> {
  const { default: undici } = await import('undici')
  let at = new URL(url)
  for (let hop = 0; hop <= REDIRECTS; hop++) {
    const options = { headersTimeout: DOWNLOAD_TIMEOUT_MS, bodyTimeout: DOWNLOAD_TIMEOUT_MS, signal }
    try {
      const { statusCode, headers, body } = await undici.request(at, options)
      const { location } = headers
      if (statusCode >= 300 && statusCode < 400 && typeof location === 'string') {
        await body.dump()
        const next = new URL(location, at)
        if (at.protocol === 'https:' && next.protocol !== 'https:') throw new Error('it redirects from https to http')
        at = next
        continue
      }
      if (statusCode !== 200) {
        await body.dump()
        throw new Error(`it answers ${statusCode}`)
      }
      await pipeline(body, createWriteStream(file))
      return
    } catch (error) {
      const { code } = error as { code?: string }
      throw code === undefined ? error : toFault(error, undefined)
    }
  }
  throw new Error(`it redirects more than ${REDIRECTS} times`)
}

/** A body that is read as it comes. */
export interface Streamed {
  status: number
  headers: Record<string, string>
  body: AsyncIterable<Buffer>
  /** Ends the exchange, whatever is still to come. */
  close(): void
}

/** Whatever the name: these addresses, which somebody has looked at. */
function fixedLookup(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }))
  return (_host, options, callback) => {
    if (options.all) callback(null, all)
    else callback(null, all[0]!.address, all[0]!.family)
  }
}

/**
 * One exchange of any size, as it is sent (no decoding), on a connection of its own. Throws Fault; the body does, too.
 * `addresses`: where to connect to, whatever the name means to others.
 */
export async function openStream(
  url: URL,
  wire: Pick<Wire, 'method' | 'headers'>,
  options: { idle_ms: number; signal: AbortSignal; addresses?: readonly string[] },
): Promise<Streamed> {
  const { default: undici } = await import('undici')
  const { idle_ms, signal, addresses } = options
  const timeouts = { headersTimeout: idle_ms, bodyTimeout: idle_ms }
  const lookup = addresses === undefined ? {} : { lookup: fixedLookup(addresses) }
  const agent = new undici.Agent({ connect: { timeout: CONNECT_TIMEOUT_MS, ...lookup }, ...timeouts })
  const close = () => void agent.destroy().catch(() => {})
  try {
    const method = wire.method as 'GET'
    const headers = { 'accept-encoding': 'identity', ...wire.headers }
    const answer = await undici.request(url, { dispatcher: agent, method, headers, signal })
    const body = async function* () {
      try {
        for await (const piece of answer.body) yield piece as Buffer
      } catch (error) {
        throw toFault(error, undefined)
      }
    }
    return { status: answer.statusCode, headers: plainHeaders(answer.headers), body: body(), close }
  } catch (error) {
    close()
    throw toFault(error, undefined)
  }
}
