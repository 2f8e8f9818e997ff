import { describe, expect, it } from 'vitest'
import { type HttpDeps, type HttpOptions, NotAsked, NotBought, type Transport } from '../../../../pipeline/http.ts'
import { type HttpWorld, httpWorld, RICH } from '../../../helpers/http-world.ts'

const OPTIONS: HttpOptions = { service: 'acme', base_url: 'https://acme.example/v1' }

function counting(status = 200) {
  const asked: Parameters<Transport>[0][] = []
  const transport: Transport = (request) => ({ status, body: { n: asked.push(request) } })
  return { asked, transport }
}

async function cacheWorld(deps: Partial<HttpDeps> = {}, options: Partial<HttpOptions> = {}) {
  const { asked, transport } = counting()
  const world: HttpWorld = await httpWorld(deps)
  const at = (more: Partial<HttpDeps> = {}) => world.again(more)({ ...OPTIONS, transport, ...options })
  return { ...world, asked, at, http: at() }
}

describe('an in-process transport', () => {
  it('takes the same path: asked with as-of, recorded, dated as-of midnight', async () => {
    const { http, asked, calls } = await cacheWorld()
    const answer = await http.send({ path: '/a?b=1', query: { c: 2 }, method: 'POST', body: { d: 3 } })
    expect(asked).toEqual([
      { method: 'POST', path: '/a', query: { b: '1', c: '2' }, body: { d: 3 }, as_of: '2026-03-10' },
    ])
    expect(answer).toMatchObject({
      status: 200,
      text: '{"n":1}',
      fetched_at: '2026-03-10T00:00:00.000Z',
      cached: false,
    })
    expect((await calls())[0]).toMatchObject({ requested_at: '2026-03-10T00:00:00.000Z' })
  })
})

describe('answers in the ledger', () => {
  it('are used while young, and nothing is written for them', async () => {
    const { at, asked, calls } = await cacheWorld()
    const first = await at().send({ path: '/x', ttl_days: 7 })
    const before = await calls()
    const second = await at({ run_id: 'run_2', as_of: '2026-03-16' }).send({ path: '/x', ttl_days: 7 })
    expect(second).toMatchObject({
      text: first.text,
      call_id: first.call_id,
      fetched_at: first.fetched_at,
      cached: true,
    })
    expect(await calls()).toEqual(before)
    const third = await at({ run_id: 'run_3', as_of: '2026-03-17' }).send({ path: '/x', ttl_days: 7 })
    expect(third).toMatchObject({ cached: false, text: '{"n":2}' })
    expect(asked).toHaveLength(2)
  })

  it('are not used without a time to live, nor for another request', async () => {
    const { http, asked } = await cacheWorld()
    await http.send({ path: '/x' })
    await http.send({ path: '/x', ttl_days: 0 })
    await http.send({ path: '/x', query: { page: 1 }, ttl_days: 1 })
    await http.send({ path: '/x', query: { page: 2 }, ttl_days: 1 })
    await http.send({ path: '/x', query: { page: 2 }, method: 'POST', ttl_days: 1 })
    expect(asked).toHaveLength(5)
  })

  it('are found whatever the order of query and body keys', async () => {
    const { http, asked } = await cacheWorld()
    await http.send({ path: '/x', query: { a: 1, b: 2 }, body: { c: { e: 1, d: [2] } }, ttl_days: 1 })
    await http.send({ path: '/x?b=2', query: { a: 1 }, body: { c: { d: [2], e: 1 } }, ttl_days: 1 })
    expect(asked).toHaveLength(1)
  })

  it('are asked for once when two want the same at the same time', async () => {
    const { http, asked, calls } = await cacheWorld()
    const both = await Promise.all([http.send({ path: '/x', ttl_days: 1 }), http.send({ path: '/x', ttl_days: 1 })])
    expect(both.map(({ cached }) => cached)).toEqual([false, true])
    expect(asked).toHaveLength(1)
    expect(await calls()).toHaveLength(1)
  })

  it('count only with a status the caller expects', async () => {
    const world = await httpWorld()
    const refusing = world.http({ ...OPTIONS, transport: counting(404).transport })
    await expect(refusing.send({ path: '/x', ttl_days: 9 })).rejects.toMatchObject({ details: { status: 404 } })
    expect(await refusing.send({ path: '/x', ttl_days: 9 }, [200, 404])).toMatchObject({ cached: true, status: 404 })
    const answering = world.http({ ...OPTIONS, transport: counting(200).transport })
    expect(await answering.send({ path: '/x', ttl_days: 9 })).toMatchObject({ cached: false, status: 200 })
  })

  it('of the future do not exist for a past as-of, and the network is not asked about the past', async () => {
    const { at, asked } = await cacheWorld()
    await at().send({ path: '/x', ttl_days: 30 })
    const past = at({ as_of: '2026-03-09' })
    expect(await past.send({ path: '/x', ttl_days: 30 })).toMatchObject({ cached: false })
    expect(asked).toHaveLength(2)
    const network = await httpWorld({ as_of: '2026-03-09' })
    await expect(network.http(OPTIONS).send({ path: '/x' })).rejects.toBeInstanceOf(NotAsked)
    expect(await network.calls()).toEqual([])
  })

  it('bear ids that do not depend on which answer came first', async () => {
    const ids = async (order: number[]) => {
      const { http, calls } = await cacheWorld()
      for (const n of order) await http.send({ path: '/x', query: { n } })
      return (await calls()).map(({ call_id }) => call_id).sort()
    }
    const [forth, back] = [await ids([1, 2, 3, 3]), await ids([3, 2, 3, 1])]
    expect(forth).toEqual(back)
    expect(new Set(forth).size).toBe(4)
  })

  it('bear ids of their own also when two parts of a run ask the same', async () => {
    const { at, calls } = await cacheWorld()
    await at().send({ path: '/x' })
    await at().send({ path: '/x' })
    expect(new Set((await calls()).map(({ call_id }) => call_id)).size).toBe(2)
  })

  it('go in together when many come at once', async () => {
    const { http, calls } = await cacheWorld({}, { limits: { concurrency: 50 } })
    await Promise.all(Array.from({ length: 200 }, (_, n) => http.send({ path: '/x', query: { n }, ttl_days: 1 })))
    expect(await calls()).toHaveLength(200)
  })

  it('must be written before they are returned: an unwritable ledger fails the call', async () => {
    const { http, connection } = await cacheWorld()
    await connection.run('drop table log.answers')
    await expect(http.send({ path: '/x' })).rejects.toThrow(/answers/)
    expect(await connection.rows('select * from log.calls')).toEqual([])
  })
})

describe('paid calls', () => {
  const live: HttpDeps['live'] = new Set(['spend'])
  const rich = RICH

  it.each([
    ['not_live', {}, { usd_per_credit: 0.1 }],
    ['no_price', { live, budget: rich }, {}],
    ['budget', { live }, { usd_per_credit: 0.1 }],
  ] as const)('are not made: %s', async (reason, deps, options) => {
    const { http, asked, calls } = await cacheWorld(deps, options)
    const error = await http.send({ path: '/x', credits: 2 }).catch((refused: unknown) => refused)
    expect(error).toBeInstanceOf(NotBought)
    expect(error).toMatchObject({ reason, credits: 2, service: 'acme' })
    expect(asked).toHaveLength(0)
    expect(await calls()).toEqual([])
  })

  it('are made when live, priced and in the budget, and recorded with what they cost', async () => {
    const wanted: unknown[] = []
    const budget: HttpDeps['budget'] = {
      priceOf: () => undefined,
      reserve: (...call) => ({ settle: (...real) => void wanted.push([call, real]) }),
    }
    const { http, calls } = await cacheWorld({ live, budget }, { usd_per_credit: 0.1 })
    await http.send({ path: '/x', credits: 1.5 })
    const asked = ['acme', 1.5, 1.5 * 0.1]
    expect(wanted).toEqual([
      [asked, [0, 0]],
      [asked, [1.5, 1.5 * 0.1]],
    ])
    const [call] = await calls()
    expect([Number(call!.credits), Number(call!.usd)]).toEqual([1.5, 0.15])
  })

  it('cost nothing when refused or answered from the ledger', async () => {
    const { at, calls } = await cacheWorld({ live, budget: rich }, { usd_per_credit: 1 })
    await at().send({ path: '/x', credits: 1, ttl_days: 1 })
    await at({ live: new Set() }).send({ path: '/x', credits: 1, ttl_days: 1 })
    expect(await calls()).toHaveLength(1)
    const refused = await cacheWorld({ live, budget: rich }, { usd_per_credit: 1, transport: counting(422).transport })
    await expect(refused.http.send({ path: '/y', credits: 1 })).rejects.toThrow(/422/)
    expect(Number((await refused.calls())[0]!.credits)).toBe(0)
  })
})
