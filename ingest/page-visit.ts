import type { Http, HttpAnswer, HttpRequest } from '../pipeline/http.ts'
import { type Robots, readRobots } from './robots.ts'

/** What became of looking at a company's site. */
export interface Visit {
  /** `page`; `robots`: its owner asks us not to look; `unreachable`; `redirects`: it leads nowhere. */
  outcome: 'page' | 'robots' | 'unreachable' | 'redirects'
  /** Where it ended. */
  url: string
  /** Of the last answer; null where there was none. */
  status: number | null
  /** Why there was none. */
  fault: string | null
  headers: Record<string, string>
  text: string
}

const HOPS = 5
/** A site that cannot be reached by the first may be by the next. */
const WAYS = [
  (domain: string) => `https://${domain}/`,
  (d: string) => `https://www.${d}/`,
  (d: string) => `http://${d}/`,
]

/**
 * The first page of a domain. Each host's `robots.txt` is asked before any page of it, and each redirect is a request of
 * its own, so that it is checked like any other address.
 */
export async function visit(http: Http, domain: string, agent: string, about: Partial<HttpRequest>): Promise<Visit> {
  const get = (url: URL) => http.send({ ...about, path: url.href, ttl_days: 1, last_word: () => true })
  const robots = new Map<string, Robots>()
  let last: Visit | undefined
  for (const way of WAYS) {
    if (!URL.canParse(way(domain))) continue
    const visited = await follow(new URL(way(domain)), get, robots, agent)
    if (visited.outcome !== 'unreachable') return visited
    last ??= visited
  }
  return last ?? { ...NOWHERE, outcome: 'unreachable', url: domain, fault: 'is no domain' }
}

type Get = (url: URL) => Promise<HttpAnswer>

const NOWHERE = { status: null, fault: null, headers: {}, text: '' }

async function follow(start: URL, get: Get, robots: Map<string, Robots>, agent: string): Promise<Visit> {
  let url: URL | undefined = start
  for (let hop = 0; hop <= HOPS && url !== undefined; hop++) {
    const at: string = url.href
    let allows = robots.get(url.origin)
    if (allows === undefined) {
      const file = await robotsFile(new URL('/robots.txt', url), get)
      if (file.status === 0) return { ...NOWHERE, outcome: 'unreachable', url: at, fault: faultOf(file) }
      allows = await readRobots(new URL('/robots.txt', url).href, file.status, file.text, agent)
      robots.set(url.origin, allows)
    }
    if (!allows(at)) return { ...NOWHERE, outcome: 'robots', url: at }
    const answer = await get(url)
    const { status, headers, text } = answer
    if (status === 0) return { ...NOWHERE, outcome: 'unreachable', url: at, fault: faultOf(answer) }
    const next = nextOf(answer, url)
    if (next === undefined) return { outcome: 'page', url: at, status, fault: null, headers, text }
    url = next.href === at ? undefined : next
  }
  return { ...NOWHERE, outcome: 'redirects', url: (url ?? start).href }
}

/** Where it leads may be another host's: its word counts for the one that was asked (RFC 9309). */
async function robotsFile(start: URL, get: Get): Promise<HttpAnswer> {
  let answer = await get(start)
  let url = start
  for (let hop = 0; hop < HOPS; hop++) {
    const next = nextOf(answer, url)
    if (next === undefined) break
    url = next
    answer = await get(url)
  }
  return answer
}

/** Where an answer leads, if it is a redirect to a web page. */
function nextOf({ status, headers }: HttpAnswer, url: URL): URL | undefined {
  const { location } = headers
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return undefined
  if (!URL.canParse(location, url.href)) return undefined
  const next = new URL(location, url)
  next.hash = ''
  return next.protocol === 'http:' || next.protocol === 'https:' ? next : undefined
}

function faultOf({ headers }: HttpAnswer): string {
  return headers['x-fault'] ?? 'did not answer'
}
