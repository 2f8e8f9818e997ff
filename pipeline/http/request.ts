import { createHash } from 'node:crypto'
import { ProjectError } from '../errors.ts'
import type { HttpOptions, HttpRequest, Method } from '../http.ts'
import type { Redactor } from '../redact.ts'

/** A request, resolved against its service, with the hash that the ledger knows it by. */
export interface Prepared {
  url: URL
  method: Method
  /** Path below the base URL, without query. */
  path: string
  query: Record<string, string>
  body: unknown
  headers: Record<string, string>
  /** sha256 of service, method, path, sorted query and body; the values of secrets are masked before hashing. */
  hash: string
}

/**
 * Resolves a request. Only path and query of `path` count: a "next page" link given by a server never leads to
 * another host, and credentials never follow it there.
 */
export function prepare(options: HttpOptions, request: HttpRequest, mask: Redactor): Prepared {
  if (options.way?.to === 'any_host') return prepareAnywhere(options, request, mask)
  const url = new URL(options.base_url ?? 'http://names.invalid')
  const prefix = url.pathname.replace(/\/$/, '')
  const given = new URL(request.path, 'http://path.invalid')
  const absolute = /^[a-z][a-z0-9+.-]*:\/\//i.test(request.path)
  const path =
    absolute && given.pathname.startsWith(`${prefix}/`) ? given.pathname.slice(prefix.length) : given.pathname
  const pairs: [string, string][] = [...given.searchParams]
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) pairs.push([name, String(value)])
  }
  url.pathname = prefix + path
  for (const [name, value] of pairs) url.searchParams.append(name, value)
  const method = request.method ?? 'GET'
  const sorted = pairs.map(([name, value]) => JSON.stringify([name, value])).sort()
  const identity = canonicalJson([options.service, method, path, sorted, request.body ?? null])
  const hash = createHash('sha256').update(mask(identity)).digest('hex')
  return {
    url,
    method,
    path,
    query: Object.fromEntries(pairs),
    body: request.body,
    headers: request.headers ?? {},
    hash,
  }
}

/** A whole URL, and its hash: who it is about is in its host. */
function prepareAnywhere(options: HttpOptions, request: HttpRequest, mask: Redactor): Prepared {
  const url = new URL(request.path)
  const hash = createHash('sha256').update(mask(canonicalJson([options.service, 'GET', url.href])))
  const query = Object.fromEntries(url.searchParams)
  const path = url.origin + url.pathname
  return { url, method: 'GET', path, query, body: undefined, headers: request.headers ?? {}, hash: hash.digest('hex') }
}

/** JSON with the keys of every object in order, so that equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

/** What answers in the place of the internet is on this machine. */
export function checkWay({ service, way }: Pick<HttpOptions, 'service' | 'way'>): void {
  if (way?.to !== 'any_host' || way.stand_in === undefined || isLoopback(way.stand_in)) return
  const message = `${service}: stand_in '${way.stand_in}' is no server on this machine`
  throw new ProjectError([{ file: 'pipeline.yaml', message, hint: 'It is for tests alone: leave it out.' }])
}

function isLoopback(text: string): boolean {
  return URL.canParse(text) && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(text).hostname)
}

/** Keys travel with the requests: only https, or plain http to this machine. */
export function checkBaseUrl({ service, base_url = '' }: HttpOptions): void {
  const url = URL.canParse(base_url) ? new URL(base_url) : undefined
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(base_url))) return
  throw new ProjectError([
    {
      file: 'pipeline.yaml',
      message: `${service}: base_url '${url === undefined ? base_url : url.origin}' is not an https address`,
      hint: 'Use https:// (http:// is only for a server on this machine).',
    },
  ])
}
