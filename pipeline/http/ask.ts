import type { HttpDeps, HttpOptions, Way } from '../http.ts'
import { createNameServers } from './name-servers.ts'
import { createNetwork, type Fetched, loadNetwork, type Network } from './network.ts'
import { PACED_CONCURRENCY } from './pacer.ts'
import type { Prepared } from './request.ts'
import { createWeb } from './web.ts'

/** Asks once. Throws Fault when the exchange breaks. */
export interface Ask {
  (asked: Prepared): Promise<Fetched>
  /** What time it is where the answers come from: as-of's midnight in process, else the wall clock. */
  clock(): string
  /** Resolves when a request can leave at once. */
  ready(): Promise<void>
}

const DEFAULT_TIMEOUT_S = 30

/** The way to a service: its in-process transport, or the network. */
export function createAsk(options: HttpOptions, deps: HttpDeps, shared: { network?: Network }): Ask {
  const { transport, limits, way } = options
  if (transport !== undefined) {
    const inProcess = async ({ method, path, query, body }: Prepared): Promise<Fetched> => {
      const answer = await transport({ method, path, query, body, as_of: deps.as_of })
      const isText = typeof answer.body === 'string'
      const headers = { 'content-type': isText ? 'text/plain' : 'application/json', ...answer.headers }
      return {
        status: answer.status,
        headers,
        text: isText ? wellFormed(answer.body as string) : (JSON.stringify(answer.body) ?? ''),
      }
    }
    return Object.assign(inProcess, {
      clock: () => `${deps.as_of}T00:00:00.000Z`,
      ready: async () => {},
    })
  }
  const timeout_ms = (limits?.timeout_s ?? DEFAULT_TIMEOUT_S) * 1000
  const concurrency = limits?.concurrency ?? PACED_CONCURRENCY
  const world = { timeout_ms, concurrency, signal: deps.signal }
  shared.network ??= way === undefined ? createNetwork(world) : networkOf(way, world)
  const { network } = shared
  const overNetwork = ({ url, method, body, headers: own }: Prepared): Promise<Fetched> => {
    const headers: Record<string, string> = { 'user-agent': 'lead-engine', accept: 'application/json, */*;q=0.5' }
    if (body !== undefined) headers['content-type'] = typeof body === 'string' ? 'text/plain' : 'application/json'
    for (const [name, value] of Object.entries({ ...options.headers, ...own })) headers[name.toLowerCase()] = value
    const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    return network(url, { method, headers, body: payload })
  }
  return Object.assign(overNetwork, { clock: () => deps.now().toISOString(), ready: loadNetwork })
}

function networkOf(way: Way, world: { timeout_ms: number; signal: AbortSignal }): Network {
  if (way.to === 'name_servers') return createNameServers({ ...way, ...world })
  return createWeb({ ...way, ...world })
}

/** Lone surrogates, which no UTF-8 can carry, become U+FFFD, as they would on a wire. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}
