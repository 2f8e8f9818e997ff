import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { COMMON_REFUSALS, drawFaults, type FaultPlan, type Faults, NO_FAULTS } from './faults.ts'
import type { Journal } from './journal.ts'

/** A request as a fake vendor sees it. */
export interface Asked {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  text: string
  /** The body as JSON; undefined when it is none. */
  body: unknown
  in_flight: number
}

/** A body that is no text goes out as JSON; absent: no body. */
export interface Answer {
  status: number
  headers?: Record<string, string>
  body?: unknown
}

export interface Vendor {
  journal: Journal
  /** Applies the request and says what came of it. Synchronous: requests are applied one after the other. */
  handle(asked: Asked): Answer
  /** Its own ways of saying no that a plan may name. */
  refusals?: Record<string, () => Answer>
  /** What its admin port knows beside `/journal` and `/faults`. */
  admin?: Record<string, (body: unknown) => unknown>
}

export interface FakeServer {
  base_url: string
  admin_url: string
  /** From now on. */
  faults(faults: Faults): void
  close(): Promise<void>
}

export interface ServerOptions {
  port?: number
  admin_port?: number
  faults?: Faults
  /** Each answer takes so long. */
  latency_ms?: number
}

/** A fake vendor on this machine, with its admin on a port of its own. */
export async function fakeServer(vendor: Vendor, options: ServerOptions = {}): Promise<FakeServer> {
  const { journal } = vendor
  const refusals = { ...COMMON_REFUSALS, ...vendor.refusals }
  let faults = options.faults ?? NO_FAULTS
  let in_flight = 0

  const api = createServer((request, response) => {
    in_flight++
    response.on('close', () => in_flight--)
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://vendor.invalid')
      const text = Buffer.concat(chunks).toString('utf8')
      const { method = '', headers } = request
      const path = decodeURIComponent(url.pathname)
      const asked = { method, path, query: url.searchParams, headers, text, body: tryJson(text), in_flight }
      const fault = faults.next(`${method} ${path}`)
      const note = (status: number) =>
        journal.add({ kind: 'request', method, path, status, fault, in_flight: asked.in_flight })
      if (fault === 'reset before') {
        note(0)
        request.socket.resetAndDestroy()
        return
      }
      if (fault === 'hang before') return note(0)
      const refusal = fault === null ? undefined : refusals[fault]
      const answer = refusal === undefined ? vendor.handle(asked) : refusal()
      note(fault === 'reset after' || fault === 'hang after' ? 0 : fault === '502 after' ? 502 : answer.status)
      const send = () => answerWith(response, answer, refusal === undefined ? fault : null)
      if (options.latency_ms) setTimeout(send, options.latency_ms)
      else send()
    })
  })

  const commands: Record<string, (body: unknown) => unknown> = {
    '/journal': () => journal.entries(),
    '/faults': (body) => {
      const plan = body as (Omit<FaultPlan, 'target'> & { target?: string }) | null
      faults =
        plan === null ? NO_FAULTS : drawFaults({ ...plan, target: plan.target ? new RegExp(plan.target) : undefined })
      return { faults: plan }
    },
    ...vendor.admin,
  }
  const admin = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const command = commands[request.url ?? '']
      const result = command?.(tryJson(Buffer.concat(chunks).toString('utf8')) ?? null)
      const status = command === undefined ? 404 : 200
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(result ?? null))
    })
  })

  const [base_url, admin_url] = await Promise.all([listen(api, options.port), listen(admin, options.admin_port)])
  return {
    base_url,
    admin_url,
    faults: (next) => {
      faults = next
    },
    close: async () => {
      await Promise.all([close(api), close(admin)])
    },
  }
}

const DRIP_MS = 20
const DROPS = 5

function answerWith(response: ServerResponse, answer: Answer, fault: string | null): void {
  const isText = typeof answer.body === 'string'
  const text = answer.body === undefined ? '' : isText ? (answer.body as string) : JSON.stringify(answer.body)
  const type = isText ? 'text/plain' : 'application/json;charset=utf-8'
  const headers = { ...(text === '' ? {} : { 'content-type': type }), ...answer.headers }
  switch (fault) {
    case 'reset after':
      response.socket?.resetAndDestroy()
      return
    case 'hang after':
      return
    case '502 after':
      response.writeHead(502, { 'content-type': 'text/html' }).end('<html><body>502 Bad Gateway</body></html>')
      return
    case 'truncated':
      response.writeHead(answer.status, headers).end(text.slice(0, Math.floor(text.length / 2)))
      return
    case 'wrong type':
      response.writeHead(answer.status, { ...headers, 'content-type': 'text/html' }).end(text)
      return
    case 'drip':
      response.writeHead(answer.status, headers)
      drip(response, text, 0)
      return
    default:
      response.writeHead(answer.status, headers).end(text)
  }
}

function drip(response: ServerResponse, text: string, from: number): void {
  const length = Math.max(1, Math.ceil(text.length / DROPS))
  if (from >= text.length) response.end()
  else {
    response.write(text.slice(from, from + length))
    setTimeout(() => drip(response, text, from + length), DRIP_MS)
  }
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function listen(server: Server, port = 0): Promise<string> {
  server.keepAliveTimeout = 30_000
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
