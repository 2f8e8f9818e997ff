import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFileHosts, type FileHostFactory } from '../../pipeline/http/download.ts'
import type { Exchange } from '../../pipeline/http/journal.ts'
import { type FaultServer, faultServer, type Seen } from './fault-server.ts'

/** What happens to a download instead of its answer: answers true when it has dealt with it. */
export type Mischief = (
  response: ServerResponse,
  request: { path: string; from: number; nth: number; body: Buffer },
) => boolean

export interface Host extends FaultServer {
  /** Content by path below the base: `2026-08/Empresas0.zip`. */
  files: Map<string, Buffer>
  mischief: Mischief | undefined
  /** Called before each listing, which it may change. */
  listed: (path: string, nth: number) => void
  /** Bytes of files that were sent. */
  sent: number
}

const NOT_FOUND = `<?xml version="1.0" encoding="utf-8"?>
<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"><s:exception>Sabre\\DAV\\Exception\\NotFound</s:exception></d:error>`

/** A public share as Nextcloud serves it, or a web server's pages of links: PROPFIND, Basic token, Range, If-Range, 416. */
export async function fileHost(
  options: { token?: string; listing?: 'webdav' | 'html'; base?: string } = {},
): Promise<Host> {
  const { token, listing = 'webdav', base = '/public.php/webdav' } = options
  const files = new Map<string, Buffer>()
  const gets = new Map<string, number>()
  let listings = 0
  const host = { files, sent: 0, mischief: undefined, listed: () => {} } as Pick<
    Host,
    'files' | 'sent' | 'mischief' | 'listed'
  >
  const answer = (response: ServerResponse, { method, url, headers }: Seen) => {
    const path = decodeURIComponent(url).slice(base.length).replace(/^\//, '')
    const basic = `Basic ${Buffer.from(`${token}:`).toString('base64')}`
    if (token !== undefined && headers.authorization !== basic) {
      return response
        .writeHead(401, { 'content-type': 'application/xml' })
        .end(NOT_FOUND.replace('NotFound', 'NotAuthenticated'))
    }
    if (method === 'PROPFIND' || path === '' || path.endsWith('/')) {
      host.listed(path, ++listings)
      const inside = [...files].filter(([name]) => name.startsWith(path))
      if (inside.length === 0) return response.writeHead(404).end(NOT_FOUND)
      const names = [...new Set(inside.map(([name]) => name.slice(path.length).replace(/\/.*/, '/')))].sort()
      const sizeOf = (name: string) => files.get(path + name)
      if (listing === 'html') return response.end(pageOf(names, sizeOf))
      return response
        .writeHead(207, { 'content-type': 'application/xml' })
        .end(multistatusOf(`${base}/${path}`, names, sizeOf))
    }
    const body = files.get(path)
    if (body === undefined) return response.writeHead(404).end(NOT_FOUND)
    const range = /^bytes=(\d+)-$/.exec(headers.range ?? '')
    const etag = etagOf(body)
    const from = range !== null && (headers['if-range'] ?? etag) === etag ? Number(range[1]) : 0
    const nth = (gets.get(path) ?? 0) + 1
    gets.set(path, nth)
    if (host.mischief?.(response, { path, from, nth, body })) return undefined
    if (range !== null && from >= body.length) {
      return response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end()
    }
    const partial = range !== null && from > 0
    const length = body.length - from
    const more = partial ? { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` } : {}
    host.sent += length
    return response.writeHead(partial ? 206 : 200, { etag, 'content-length': length, ...more }).end(body.subarray(from))
  }
  const server = await faultServer(answer)
  return Object.assign(host, server, { base_url: `${server.base_url}${base}` }) as Host
}

export function etagOf(body: Buffer): string {
  return `"${body.length.toString(16)}-${body.reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7).toString(16)}"`
}

function multistatusOf(folder: string, names: readonly string[], sizeOf: (name: string) => Buffer | undefined): string {
  const response = (href: string, body: Buffer | undefined) => {
    const about =
      body === undefined
        ? '<d:resourcetype><d:collection/></d:resourcetype>'
        : `<d:getcontentlength>${body.length}</d:getcontentlength><d:getetag>${etagOf(body).replaceAll('"', '&quot;')}</d:getetag><d:resourcetype/>`
    const status = '<d:status>HTTP/1.1 200 OK</d:status>'
    return `<d:response><d:href>${encodeURI(href)}</d:href><d:propstat><d:prop>${about}</d:prop>${status}</d:propstat></d:response>`
  }
  const all = [response(folder, undefined), ...names.map((name) => response(folder + name, sizeOf(name)))]
  return `<?xml version="1.0"?>\n<d:multistatus xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">${all.join('')}</d:multistatus>`
}

function pageOf(names: readonly string[], sizeOf: (name: string) => Buffer | undefined): string {
  const row = (name: string) => {
    const size = sizeOf(name)?.length
    const cells = `<td align="right">2024-08-14 11:48  </td><td align="right">${size === undefined ? '  - ' : `${Math.ceil(size / 1024)}K`}</td>`
    return `<tr><td><a href="${name}">${name}</a>   </td>${cells}</tr>`
  }
  return `<html><body><table><tr><th><a href="?C=N;O=D">Name</a></th></tr>\n<tr><td><a href="/CNPJ/">Parent Directory</a></td></tr>\n${names.map(row).join('\n')}\n</table></body></html>`
}

/** Hosts as a run has them, whose pauses pass at once and are told. */
export function fileHosts(
  options: { pauses?: number[]; signal?: AbortSignal; as_of?: string; now?: () => Date; calls?: Exchange[] } = {},
): FileHostFactory {
  const {
    pauses = [],
    signal = new AbortController().signal,
    as_of = '2026-11-22',
    now = () => new Date('2026-11-22T12:00:00Z'),
    calls = [],
  } = options
  const pass = async (ms: number) => {
    pauses.push(ms)
    await sleep(1)
  }
  const journal = { write: (call: Exchange) => Promise.resolve(`cal_${calls.push(call)}`) }
  return createFileHosts({ journal, now, sleep: pass, random: () => 1, signal, as_of, secrets: [] })
}
