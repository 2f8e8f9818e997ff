import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BudgetOptions, createBudget, NO_BUDGET } from '../../../pipeline/budget.ts'
import { NotBought } from '../../../pipeline/http.ts'
import { httpWorld } from '../../helpers/http-world.ts'

const NOW = new Date('2026-03-31T23:59:59Z')
const budgetOf = (limits: BudgetOptions['limits'], more: Partial<BudgetOptions> = {}) =>
  createBudget({ limits, spent: [], now: () => NOW, ...more })

describe('no budget, no paid call', () => {
  it.each([
    [{ providers: {} }, 'no budget is set'],
    [{ providers: { other: { credits_per_month: 5 } } }, 'no budget is set'],
    [{ usd_per_month: 0, providers: {} }, 'budget.usd_per_month is 0, and 0 of it is spent'],
  ])('%j', (limits, because) => {
    expect(budgetOf(limits).reserve('acme', 1, 0.1)).toMatchObject({ reason: 'budget', because })
  })

  it('and none without a budget at all', () => {
    expect(NO_BUDGET.reserve('acme', 1, 0.1)).toMatchObject({ reason: 'budget' })
  })
})

describe('caps', () => {
  it('are over everything paid, in a calendar month of UTC, and over credits of each provider', () => {
    let now = NOW
    const spent = [
      { month: '2026-03', service: 'acme', credits: '8.0000', usd: '0.800000' },
      { month: '2026-02', service: 'acme', credits: '500.0000', usd: '50.000000' },
    ]
    const limits = { usd_per_month: 1, providers: { acme: { credits_per_month: 9, usd_per_credit: 0.1 } } }
    const budget = createBudget({ limits, spent, now: () => now })
    expect(budget.priceOf('acme')).toBe(0.1)
    expect(budget.reserve('acme', 1, 0.1)).toHaveProperty('settle')
    expect(budget.reserve('acme', 1, 0.1)).toMatchObject({ because: expect.stringMatching(/credits_per_month is 9/) })
    expect(budget.reserve('llm', 1, 0.1)).toHaveProperty('settle')
    expect(budget.reserve('llm', 1, 0.000001)).toMatchObject({ because: expect.stringMatching(/usd_per_month is 1/) })
    now = new Date('2026-04-01T00:00:00Z')
    expect(budget.reserve('acme', 9, 0.9)).toHaveProperty('settle')
  })

  it('of a run count from its start', () => {
    const spent = [{ month: '2026-03', service: 'acme', credits: '8', usd: '8' }]
    const budget = budgetOf({ usd_per_run: 2, providers: {} }, { spent })
    expect(budget.reserve('acme', 2, 2)).toHaveProperty('settle')
    expect(budget.reserve('acme', 1, 0.01)).toMatchObject({ reason: 'budget' })
  })

  it('say that nothing is bought while spending is paused', () => {
    let because: string | undefined
    const budget = budgetOf({ usd_per_run: 2, providers: {} }, { paused: () => because })
    expect(budget.reserve('acme', 1, 1)).toHaveProperty('settle')
    because = 'spend is paused'
    expect(budget.reserve('acme', 1, 1)).toEqual({ reason: 'paused', because })
  })
})

describe('16 at once, misses that cost less, a cap in the middle of the run', () => {
  /** Calls in the order of asking: credits at most, and really charged. */
  const calls = fc.array(
    fc.record({
      most: fc.integer({ min: 1, max: 50 }),
      share: fc.integer({ min: 0, max: 10 }),
      ms: fc.integer({ min: 0, max: 3 }),
    }),
    { minLength: 17, maxLength: 60 },
  )

  it('never one credit over, and no call is refused that the cap would have had room for', async () => {
    const world = await httpWorld()
    let run = 0
    await fc.assert(
      fc.asyncProperty(calls, fc.integer({ min: 0, max: 400 }), async (wanted, cap) => {
        const price = 0.37
        const limits = { usd_per_month: (cap / 10) * price, providers: { acme: { usd_per_credit: price } } }
        const http = world.again({ run_id: `run_${run++}`, live: new Set(['spend']), budget: budgetOf(limits) })({
          service: 'acme',
          base_url: 'https://acme.example',
          limits: { concurrency: 16 },
          transport: async ({ body }) => {
            const { ms, most, share } = body as (typeof wanted)[number]
            await new Promise((resolve) => setTimeout(resolve, ms))
            return { status: 200, headers: { 'x-cost': String((most * share) / 100) }, body: {} }
          },
          charged: ({ headers }) => Number(headers['x-cost']),
        })
        const ends = await Promise.all(
          wanted.map((call, n) =>
            http.send({ method: 'POST', path: `/${n}`, body: call, credits: call.most / 10 }).then(
              () => undefined,
              (error: unknown) => error,
            ),
          ),
        )
        expect(ends.filter((error) => error !== undefined && !(error instanceof NotBought))).toEqual([])
        const [sums] = await world.connection.rows<{ credits: number; calls: number }>(
          `select coalesce(sum(credits), 0)::double as credits, count(*) as calls from log.calls where run_id = 'run_${run - 1}'`,
        )
        expect(sums!.credits).toBeLessThanOrEqual(cap / 10 + 1e-9)
        expect(sums!.calls).toBe(ends.filter((error) => error === undefined).length)
        const refused = wanted.filter((_call, n) => ends[n] !== undefined).map(({ most }) => most / 10)
        if (refused.length > 0) expect(sums!.credits + Math.max(...refused)).toBeGreaterThan(cap / 10 - 1e-9)
      }),
      { numRuns: 25 },
    )
  })

  it('stops exactly at the cap when every call costs the same', async () => {
    const world = await httpWorld()
    let asked = 0
    const http = world.again({ live: new Set(['spend']), budget: budgetOf({ usd_per_month: 3, providers: {} }) })({
      service: 'acme',
      base_url: 'https://acme.example',
      usd_per_credit: 0.1,
      limits: { concurrency: 16 },
      transport: () => ({ status: 200, body: asked++ }),
    })
    const sent = Array.from({ length: 100 }, (_, n) => http.send({ path: `/${n}`, credits: 1 }).catch(() => 'refused'))
    expect((await Promise.all(sent)).filter((end) => end === 'refused')).toHaveLength(70)
    expect(asked).toBe(30)
  })
})
