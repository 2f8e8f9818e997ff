import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { RemoteError } from '../../../../pipeline/errors.ts'
import { filePaces } from '../../../../pipeline/http/pace-store.ts'
import { createPacer } from '../../../../pipeline/http/pacer.ts'
import type { HttpDeps, HttpOptions, Meaning } from '../../../../pipeline/http.ts'
import { type FaultServer, faultServer, type Handler, json } from '../../../helpers/fault-server.ts'
import { httpWorld, RICH } from '../../../helpers/http-world.ts'

const open: FaultServer[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

async function world(handler: Handler, options: Partial<HttpOptions> = {}, deps: Partial<HttpDeps> = {}) {
  const server = await faultServer(handler)
  open.push(server)
  const ledger = await httpWorld({ live: new Set(['spend']), budget: RICH, ...deps })
  const own: HttpOptions = { service: 'acme', base_url: server.base_url, usd_per_credit: 0.1, ...options }
  return { ...ledger, server, own, http: ledger.http(own) }
}

const failure = (sent: Promise<unknown>) =>
  sent.then(
    () => undefined,
    (error: unknown) => error as RemoteError,
  )
const inside: HttpOptions['meaning'] = ({ data }) => (data as { mean?: Meaning } | undefined)?.mean

describe('what an answer means', () => {
  it.each([
    ['quota', 'quota'],
    ['key', 'key'],
  ] as const)('%s in a 200: the service is asked nothing more in this run', async (mean, reason) => {
    const { http, server, own, again } = await world((response) => json(response, 200, { mean }), { meaning: inside })
    expect((await failure(http.send({ path: '/a' })))?.reason).toBe(reason)
    expect((await failure(http.send({ path: '/b' })))?.reason).toBe('closed')
    expect(server.seen).toHaveLength(1)
    expect((await failure(again({ run_id: 'run_2' })(own).send({ path: '/b' })))?.reason).toBe(reason)
  })

  it('forbidden closes the endpoint alone, refused this question alone', async () => {
    const { http, server } = await world(
      (response, { url }) =>
        json(response, 200, url.startsWith('/no') ? { mean: 'forbidden' } : url === '/x' ? { mean: 'refused' } : {}),
      { meaning: inside },
    )
    expect((await failure(http.send({ path: '/no' })))?.reason).toBe('forbidden')
    expect((await failure(http.send({ path: '/no' })))?.reason).toBe('closed')
    expect((await failure(http.send({ path: '/x' })))?.reason).toBe('refused')
    await http.send({ path: '/y' })
    expect(server.seen.map(({ url }) => url)).toEqual(['/no', '/x', '/y'])
  })

  it('later inside a 2xx: the same is asked again, and charged once', async () => {
    const { http, calls } = await world((response, _seen, nth) => json(response, nth < 3 ? 202 : 200, {}), {
      meaning: ({ status }) => (status === 202 ? 'later' : undefined),
    })
    expect((await http.send({ path: '/x', credits: 1 })).status).toBe(200)
    expect((await calls()).map(({ status, credits }) => [status, Number(credits)])).toEqual([
      [202, 0],
      [202, 0],
      [200, 1],
    ])
  })

  it('a plug-in that stumbles over an answer loses none: it is kept, and charged in full', async () => {
    const stumble = () => {
      throw new TypeError('no such field')
    }
    const { http, calls, answers } = await world((response) => json(response, 200, []), {
      meaning: stumble,
      charged: stumble,
    })
    await http.send({ path: '/x', credits: 2, hit: stumble })
    expect(await calls()).toEqual([expect.objectContaining({ credits: '2.0000', hit: null })])
    expect(await answers()).toHaveLength(1)
  })
})

describe('what it cost, and whether it helped', () => {
  it('fractions from a header, a miss for nothing', async () => {
    const { http, calls } = await world(
      (response, { url }) => json(response, 200, {}, { 'x-cost': url === '/hit' ? '0.5' : '0' }),
      { charged: ({ headers }) => Number(headers['x-cost']) },
    )
    const ask = (path: string) => http.send({ path, credits: 9, hit: () => path === '/hit' })
    await ask('/hit')
    await ask('/miss')
    const rows = (await calls()).map(({ endpoint, credits, usd, hit }) => [endpoint, Number(credits), Number(usd), hit])
    expect(rows.sort()).toEqual([
      ['GET /hit', 0.5, 0.05, true],
      ['GET /miss', 0, 0, false],
    ])
  })

  it('an answer that is not to be kept is in no table, and its call is', async () => {
    const { http, calls, answers } = await world((response) => json(response, 200, { access_token: 'abc' }))
    await http.send({ method: 'POST', path: '/token', body: 'grant_type=x', record: false, ttl_days: 9 })
    expect((await http.send({ method: 'POST', path: '/token', body: 'grant_type=x', record: false })).cached).toBe(
      false,
    )
    expect(await answers()).toEqual([])
    expect(await calls()).toHaveLength(2)
  })
})

describe('a paid call that broke off', () => {
  const cut: Handler = (response, _seen, nth) => (nth === 1 ? response.destroy() : json(response, 200, {}))

  it('is not made again by a later run either, while its answer would have stood', async () => {
    const { http, server, own, again, calls } = await world(cut)
    await failure(http.send({ path: '/x', credits: 1, ttl_days: 30 }))
    const later = again({ run_id: 'run_2', as_of: '2026-04-01' })(own)
    expect(await failure(later.send({ path: '/x', credits: 1, ttl_days: 30 }))).toMatchObject({ reason: 'in_doubt' })
    expect(server.seen).toHaveLength(1)
    const much_later = again({ run_id: 'run_3', as_of: '2026-05-01' })(own)
    await much_later.send({ path: '/x', credits: 1, ttl_days: 30 })
    expect((await calls()).map(({ credits }) => Number(credits))).toEqual([1, 1])
  })

  it('is made again where the vendor charges an equal one once, and counts once', async () => {
    const { http, server, calls } = await world(cut)
    await http.send({ path: '/x', credits: 1, ttl_days: 30, repeatable: true })
    expect(server.seen).toHaveLength(2)
    expect((await calls()).reduce((sum, { credits }) => sum + Number(credits), 0)).toBe(1)
  })
})

it('a service that is broken is left alone after ten faults in a row, then one request finds out', async () => {
  let broken = true
  let now = Date.parse('2026-03-10T08:00:00Z')
  const deps = { now: () => new Date(now), sleep: async () => {} }
  const { http, server } = await world((response) => json(response, broken ? 503 : 200, {}), {}, deps)
  for (const path of ['/a', '/b']) expect((await failure(http.send({ path })))?.reason).toBe('later')
  expect(server.seen).toHaveLength(10)
  expect((await failure(http.send({ path: '/c' })))?.reason).toBe('closed')
  now += 31_000
  expect((await failure(http.send({ path: '/d' })))?.reason).toBe('later')
  expect(server.seen).toHaveLength(11)
  broken = false
  now += 61_000
  await http.send({ path: '/e' })
  await http.send({ path: '/f' })
  expect(server.seen).toHaveLength(13)
})

describe('windows that the service tells of', () => {
  /** Three requests in each fixed window of ten seconds, which begins with the first of them. */
  function vendor(now: () => number) {
    let since = Number.NEGATIVE_INFINITY
    let used = 0
    let refused = 0
    const handler: Handler = (response) => {
      if (now() >= since + 10_000) [since, used] = [now(), 0]
      if (++used > 3) refused++
      json(response, used > 3 ? 429 : 200, {}, { 'x-left': String(Math.max(0, 3 - used)) })
    }
    return { handler, refused: () => refused }
  }

  it('are kept without a single 429, over runs, by what a small file remembers', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lead-engine-pace-'))
    let at = Date.parse('2026-03-10T08:00:00Z')
    const sleep = async (ms: number) => {
      at += ms
    }
    const { handler, refused } = vendor(() => at)
    const clock = { now: () => new Date(at), sleep }
    const pace = (service: string) => filePaces(join(folder, `${service}.json`), clock)
    const limits = { concurrency: 2, windows: [{ remaining: 'x-left', period_s: 10 }] }
    const { http, server, again, own } = await world(handler, { limits }, { ...clock, pace })
    for (let n = 0; n < 8; n++) await http.send({ path: `/${n}` })
    const next = again({ run_id: 'run_2' })(own)
    await Promise.all([next.send({ path: '/a' }), next.send({ path: '/b' }), next.send({ path: '/c' })])
    expect(refused()).toBe(0)
    expect(server.seen).toHaveLength(11)
    expect(at - Date.parse('2026-03-10T08:00:00Z')).toBeLessThan(41_000)
    rmSync(folder, { recursive: true })
  })

  it('that last longer than a run may wait fail the request, and no later one asks', async () => {
    const { http, server } = await world((response) => json(response, 200, {}, { 'x-left': '0', 'x-reset': '3600' }), {
      limits: { windows: [{ remaining: 'x-left', reset: 'x-reset' }] },
    })
    await http.send({ path: '/a' })
    expect((await failure(http.send({ path: '/b' })))?.details).toMatchObject({ reason: 'rate', retry_after_s: 3600 })
    expect(server.seen).toHaveLength(1)
  })

  it('of buckets hold for their requests alone', async () => {
    let at = 0
    const sleep = async (ms: number) => {
      at += ms
    }
    const clock = { now: () => new Date(at), sleep }
    const pacer = createPacer({ per_second: 100 }, clock, { search: { per_second: 1 } })
    const start = (bucket?: string) => pacer.run(async () => at, bucket)
    const first = await start('search')
    expect((await start()) - first).toBeLessThan(100)
    expect((await start('search')) - first).toBeGreaterThanOrEqual(1000)
  })
})
