import { isIP } from 'node:net'
import { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { messageOf } from '../errors.ts'
import { isPublicAddress } from './addresses.ts'
import { makeResolver } from './name-servers.ts'
import { Fault, type Fetched, type Network, openStream, type Streamed, toText } from './network.ts'

/** Who decides where a request to an unknown host may go. */
export interface Reach {
  /** The addresses of a host. Throws with a `code`, as Node's resolver does. */
  resolve(host: string): Promise<string[]>
  allows(address: string, port: number): boolean
}

export interface WebOptions {
  timeout_ms: number
  signal: AbortSignal
  max_bytes?: number
  stand_in?: string
  /** The public internet unless said. */
  reach?: Reach
}

const MAX_BYTES = 500_000
const PORTS = [80, 443]
const RESOLVE_TIMEOUT_MS = 3_000
const PAGE = /^\s*(text\/(html|plain|xml)|application\/(xhtml\+xml|xml))\b|^\s*$/i

/** What a server may compress with; it was asked for no other. */
const decoders: Record<string, () => NodeJS.ReadWriteStream> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

/**
 * Any host of the public internet. Where a host cannot be asked for good (no such name, an address that is not public, a
 * refused connection, a wrong certificate) that is an answer: status 0, with the reason in `x-fault`. What may pass is a
 * Fault. The connection goes to the address that was checked, so that a name cannot mean another one a moment later.
 */
export function createWeb(options: WebOptions): Network {
  const reach = options.reach ?? publicInternet()
  const stand_in = options.stand_in === undefined ? undefined : new URL(options.stand_in)
  return async (url, { method, headers }) => {
    const overtime = AbortSignal.timeout(options.timeout_ms)
    try {
      const place = await placeOf(url, reach, stand_in)
      if ('refused' in place) return nothing(place.refused)
      const { to, addresses } = place
      const signal = AbortSignal.any([overtime, options.signal])
      const wire = { method, headers: { ...headers, host: url.host, 'accept-encoding': 'gzip, br' } }
      const stream = await openStream(to, wire, { idle_ms: options.timeout_ms, signal, addresses })
      return await read(stream, options.max_bytes ?? MAX_BYTES).finally(stream.close)
    } catch (error) {
      if (options.signal.aborted) throw error
      if (overtime.aborted) throw new Fault(`did not answer within ${options.timeout_ms / 1000} s`, true, error)
      if (!(error instanceof Fault)) throw new Fault(`broke off the exchange (${messageOf(error)})`, true, error)
      if (isForGood(error)) return nothing(error.message)
      throw error
    }
  }
}

type Place = { to: URL; addresses?: readonly string[] } | { refused: string }

/** Where to connect to, or why not. Reads every way to write an address as the URL standard does. */
async function placeOf(url: URL, reach: Reach, stand_in: URL | undefined): Promise<Place> {
  const { protocol, hostname, port } = url
  if (protocol !== 'http:' && protocol !== 'https:') return { refused: `is no web address (${protocol})` }
  if (url.username !== '' || url.password !== '') return { refused: 'is refused: the address brings a user' }
  const at = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  const literal = hostname.replace(/^\[|\]$/g, '')
  const isLiteral = isIP(literal) !== 0
  if (!isLiteral && stand_in !== undefined) return { to: new URL(url.pathname + url.search, stand_in) }
  if (!isLiteral && !/\.[a-z0-9-]*[a-z][a-z0-9-]*\.?$/i.test(hostname)) return { refused: 'is refused: no public name' }
  const addresses = isLiteral ? [literal] : await reach.resolve(hostname).catch(unresolved)
  if ('refused' in addresses) return addresses
  const wrong = addresses.find((address) => !reach.allows(address, at))
  if (wrong !== undefined || addresses.length === 0) return { refused: 'is refused: it is not on the public internet' }
  return { to: url, addresses }
}

function unresolved(error: unknown): { refused: string } {
  const { code = messageOf(error) } = error as { code?: string }
  if (['ENOTFOUND', 'ENODATA', 'EBADNAME'].includes(code)) return { refused: `has no address (${code})` }
  throw new Fault(`cannot be reached (${code})`, false, error)
}

function publicInternet(): Reach {
  let resolver: ReturnType<typeof makeResolver> | undefined
  return {
    async resolve(host) {
      resolver ??= makeResolver({ timeout_ms: RESOLVE_TIMEOUT_MS })
      const names = await resolver
      return names.resolve4(host).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENODATA') throw error
        return names.resolve6(host)
      })
    },
    allows: (address, port) => isPublicAddress(address) && PORTS.includes(port),
  }
}

/** Text of a page, as far as it may be long; of anything else nothing. However much is sent, no more than that is taken. */
async function read({ status, headers, body }: Streamed, max_bytes: number): Promise<Fetched> {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? ''
  const decoder = decoders[encoding]
  if (!PAGE.test(headers['content-type'] ?? '') || (decoder === undefined && !['', 'identity'].includes(encoding)))
    return { status, headers, text: '' }
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of decoder === undefined ? body : decoded(body, decoder())) {
    pieces.push(piece)
    size += piece.length
    if (size >= max_bytes) break
  }
  const bytes = Buffer.concat(pieces).subarray(0, max_bytes)
  return { status, headers, text: toText(bytes, headers['content-type']) }
}

async function* decoded(body: AsyncIterable<Buffer>, decoder: NodeJS.ReadWriteStream): AsyncGenerator<Buffer> {
  const source = Readable.from(body, { objectMode: false })
  const stream = source.on('error', (error) => (decoder as unknown as Readable).destroy(error)).pipe(decoder)
  try {
    yield* stream as unknown as AsyncIterable<Buffer>
  } finally {
    source.destroy()
    ;(decoder as unknown as Readable).destroy()
  }
}

/** Asked again, it would be the same. */
function isForGood({ cause }: Fault): boolean {
  const { code = '' } = (cause ?? {}) as { code?: string }
  return code === 'ECONNREFUSED' || /CERT|SSL|TLS|SELF_SIGNED|ALTNAME/.test(code)
}

function nothing(reason: string): Fetched {
  return { status: 0, headers: { 'x-fault': reason }, text: '' }
}
