import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { Interrupted, ProjectError, RemoteError } from '../../../pipeline/errors.ts'
import type { HttpDeps, HttpOptions } from '../../../pipeline/http.ts'
import { type FaultServer, faultServer, type Handler, json } from '../../helpers/fault-server.ts'
import { httpWorld, RICH } from '../../helpers/http-world.ts'

const KEY = 'sk-canary-93hf72kd01'
const open: FaultServer[] = []

afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

async function world(handler: Handler, options: Partial<HttpOptions> = {}, deps: Partial<HttpDeps> = {}) {
  const server = await faultServer(handler)
  open.push(server)
  const ledger = await httpWorld({ secrets: [KEY], ...deps })
  const http = ledger.http({
    service: 'acme',
    base_url: `${server.base_url}/v1`,
    headers: { 'X-Api-Key': KEY },
    ...options,
  })
  return { ...ledger, server, http }
}

async function failure(promise: Promise<unknown>): Promise<RemoteError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(RemoteError)
  return error as RemoteError
}

describe('a request', () => {
  it('sends method, path below the base, query, headers and JSON body', async () => {
    const { http, server } = await world((response) => json(response, 200, { ok: true }))
    const answer = await http.send({
      method: 'POST',
      path: '/people/search',
      query: { page: 2, q: 'é', none: undefined },
      body: { a: 1 },
    })
    expect(answer.json()).toEqual({ ok: true })
    expect(server.seen[0]).toMatchObject({ method: 'POST', url: '/v1/people/search?page=2&q=%C3%A9', body: '{"a":1}' })
    expect(server.seen[0]!.headers).toMatchObject({ 'x-api-key': KEY, 'content-type': 'application/json' })
  })

  it('is in the ledger, with the whole answer, when the caller gets it', async () => {
    const { http, calls, answers } = await world((response) => json(response, 200, { id: '9007199254740993' }))
    const answer = await http.send({ path: '/x', field: 'email', company_id: 'cmp_1', lead_id: 'led_1' })
    expect(await calls()).toEqual([
      expect.objectContaining({
        call_id: answer.call_id,
        run_id: 'run_1',
        service: 'acme',
        endpoint: 'GET /x',
        field: 'email',
        company_id: 'cmp_1',
        lead_id: 'led_1',
        status: 200,
        credits: '0.0000',
        usd: '0.000000',
        cached: false,
        hit: null,
        requested_at: '2026-03-10T08:00:00.000Z',
      }),
    ])
    expect(await answers()).toEqual([
      expect.objectContaining({ call_id: answer.call_id, status: 200, body: '{"id":"9007199254740993"}' }),
    ])
    expect(answer.fetched_at).toBe('2026-03-10T08:00:00.000Z')
  })

  it('never follows a link of the server to another host, nor a redirect', async () => {
    const { http, server } = await world((response, { url }) => {
      if (url.startsWith('/v1/redirect')) response.writeHead(302, { location: 'http://127.0.0.1:1/steal' }).end()
      else json(response, 200, {})
    })
    await http.send({ path: 'https://evil.example/v1/next?page=2' })
    await http.send({ path: '//evil.example/up/../other' })
    expect(server.seen.map(({ url }) => url)).toEqual(['/v1/next?page=2', '/v1/other'])
    expect((await failure(http.send({ path: '/redirect' }))).details.status).toBe(302)
    expect(server.seen).toHaveLength(3)
  })

  it('reads compressed answers and other charsets', async () => {
    const { http } = await world((response, _seen, nth) => {
      if (nth === 1) response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('ação'))
      else
        response.writeHead(200, { 'content-type': 'text/csv; charset=ISO-8859-1' }).end(Buffer.from('ação', 'latin1'))
    })
    expect((await http.send({ path: '/a' })).text).toBe('ação')
    expect((await http.send({ path: '/b' })).text).toBe('ação')
  })

  it('goes only over https, or to this machine', async () => {
    const { again } = await httpWorld()
    expect(() => again()({ service: 'acme', base_url: 'http://api.example.com' })).toThrow(ProjectError)
    expect(() => again()({ service: 'acme', base_url: 'nonsense' })).toThrow(/not an https address/)
    expect(() => again()({ service: 'acme', base_url: 'https://api.example.com' })).not.toThrow()
  })
})

describe('faults', () => {
  it.each([
    ['429 with seconds', 429, { 'retry-after': '7' }, 7_000],
    ['429 with a date', 429, { 'retry-after': 'Tue, 10 Mar 2026 08:00:09 GMT' }, 9_000],
    ['429 without', 429, {}, 375],
    ['500', 500, {}, 375],
    ['502 with a page', 502, { 'content-type': 'text/html' }, 375],
    ['503', 503, { 'retry-after': '3' }, 3_000],
    ['504', 504, {}, 375],
  ])('%s: waits and asks again', async (_name, status, headers, waited) => {
    const { http, waits, calls } = await world((response, _seen, nth) =>
      nth === 1 ? response.writeHead(status, headers).end('<h1>not now</h1>') : json(response, 200, { ok: true }),
    )
    expect((await http.send({ path: '/x' })).json()).toEqual({ ok: true })
    expect(waits).toEqual([waited])
    expect((await calls()).map((call) => call.status)).toEqual([status, 200])
  })

  it('gives up after the retries, with status and the words of the vendor', async () => {
    const { http, waits, server } = await world((response) => json(response, 503, { message: 'down for repairs' }), {
      limits: { retries: 2 },
    })
    const error = await failure(http.send({ path: '/x' }))
    expect(error.message).toBe('acme: GET /x answered 503 after 3 tries: {"message":"down for repairs"}')
    expect(error).toMatchObject({ service: 'acme', details: { status: 503, body: '{"message":"down for repairs"}' } })
    expect(waits).toEqual([375, 750])
    expect(server.seen).toHaveLength(3)
  })

  it('does not hold the ledger for a vendor that wants an hour', async () => {
    const { http, waits } = await world((response) => json(response, 429, {}, { 'retry-after': '3600' }))
    expect((await failure(http.send({ path: '/x' }))).details).toMatchObject({ status: 429, retry_after_s: 3600 })
    expect(waits).toEqual([])
  })

  it.each([400, 401, 402, 403, 404, 422, 451])('%i: fails at once, and is kept', async (status) => {
    const { http, server, answers } = await world((response) => json(response, status, { errors: ['no'] }))
    expect((await failure(http.send({ path: '/x' }))).details.status).toBe(status)
    expect(server.seen).toHaveLength(1)
    expect(await answers()).toEqual([expect.objectContaining({ status, body: '{"errors":["no"]}' })])
  })

  it('a status that the caller expects is an answer, whatever it is', async () => {
    const { http, server } = await world((response) => json(response, 503, { empty: true }))
    expect((await http.send({ path: '/x' }, [200, 503])).status).toBe(503)
    expect(server.seen).toHaveLength(1)
  })

  it('no answer in time, a reset in the middle, nobody there: asks again, then says which', async () => {
    const silent = await world(() => {}, { limits: { timeout_s: 0.05, retries: 1 } })
    expect((await failure(silent.http.send({ path: '/x' }))).message).toBe(
      'acme: GET /x did not answer within 0.05 s after 2 tries',
    )
    const reset = await world(
      (response, _seen, nth) => {
        if (nth > 2) return json(response, 200, { ok: true })
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"ok":')
        setImmediate(() => response.destroy())
      },
      { limits: { retries: 2 } },
    )
    expect((await reset.http.send({ path: '/x' })).json()).toEqual({ ok: true })
    const gone = await world(() => {}, { limits: { retries: 1 } })
    await gone.server.close()
    expect((await failure(gone.http.send({ path: '/x' }))).message).toMatch(/cannot be reached \(ECONNREFUSED\)/)
    expect(gone.waits).toEqual([375])
  })

  it('truncated JSON: a free call is asked again, a paid one is kept as it came', async () => {
    const cut: Handler = (response, _seen, nth) => {
      if (nth === 2) return json(response, 200, { ok: true })
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"name": "Ana So')
    }
    const free = await world(cut)
    expect((await free.http.send({ path: '/x' })).json()).toEqual({ ok: true })
    expect(free.server.seen).toHaveLength(2)

    const paid = await world(cut, { usd_per_credit: 1 }, { live: new Set(['spend']), budget: RICH })
    const answer = await paid.http.send({ path: '/x', credits: 1 })
    expect(() => answer.json()).toThrow(
      'acme: GET /x answered 200 with 16 characters of application/json that are not JSON',
    )
    expect(paid.server.seen).toHaveLength(1)
    expect(await paid.answers()).toEqual([expect.objectContaining({ body: '{"name": "Ana So' })])
  })

  it('a page in place of data is said with its text', async () => {
    const { http } = await world((response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Are you a robot?</title>'),
    )
    const answer = await http.send({ path: '/x' })
    expect(() => answer.json()).toThrow(/text\/html that are not JSON: <title>Are you a robot\?<\/title>/)
  })

  it('stops at once when the run is interrupted', async () => {
    const abort = new AbortController()
    const { http } = await world(() => abort.abort(), {}, { signal: abort.signal })
    await expect(http.send({ path: '/x' })).rejects.toBeInstanceOf(Interrupted)
  })
})

describe('secrets', () => {
  it('are in no message, no body, no log and no answer, also when the vendor quotes them back', async () => {
    const handler: Handler = (response, { url }) =>
      json(
        response,
        url.includes('fine') ? 200 : 422,
        { detail: `key ${KEY} of ana.souza@example.com is not valid` },
        { echo: KEY },
      )
    const { http, calls, answers } = await world(handler, { headers: { Authorization: `Bearer ${KEY}` } })
    const error = await failure(http.send({ path: `/keys/${KEY}/ana.souza@example.com`, query: { api_key: KEY } }))
    expect(error.message).toContain('key [redacted] of a***@example.com is not valid')
    const fine = await http.send({ path: '/fine', query: { api_key: KEY } })
    const everything = JSON.stringify([
      error.message,
      error.stack,
      error.details,
      fine.text,
      await calls(),
      await answers(),
    ])
    expect(everything).not.toContain(KEY)
    expect(error.message + JSON.stringify(error.details)).not.toContain('ana.souza')
  })

  it('do not decide whether two requests are equal', async () => {
    const { again, server, http } = await world((response) => json(response, 200, {}))
    await http.send({ path: '/x', query: { api_key: KEY }, ttl_days: 1 })
    const rotated = again({ secrets: ['sk-another-key-77'] })({ service: 'acme', base_url: `${server.base_url}/v1` })
    expect((await rotated.send({ path: '/x', query: { api_key: 'sk-another-key-77' }, ttl_days: 1 })).cached).toBe(true)
    expect(server.seen).toHaveLength(1)
  })
})

describe('limits', () => {
  it('caps what is under way at once, over all who ask the service', async () => {
    const slow: Handler = (response) => void setTimeout(() => json(response, 200, {}), 5)
    const { http, server, waits } = await world(slow, { limits: { concurrency: 3 } })
    await Promise.all(Array.from({ length: 20 }, (_, n) => http.send({ path: '/x', query: { n } })))
    expect(server.most_at_once()).toBe(3)
    expect(waits).toEqual([])
  })
})
