import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { diceOf } from '../../../../ingest/sample.ts'
import { type Candidate, chooseRound, type OpenLead } from '../../../../ingest/waterfall/decide.ts'
import { chanceOf, drawn, Experience, type Odds } from '../../../../ingest/waterfall/odds.ts'
import { isSettled, orderOf } from '../../../../ingest/waterfall/order.ts'

const odds = (chance: number, cost: number): Odds => ({
  ...{ alpha: chance * 100, beta: (1 - chance) * 100, hit: chance, cost, seconds: 0 },
})
const FREE = { call: 0, hit: 0, miss: 0 }
const once = { provider: 'p', field: 'f', segment: 'BR', age_days: 0, asked: 1, hits: 0, valid: 0, cost: 0, seconds: 0 }
const many = (count: number, rest: object) => Array.from({ length: count }, () => ({ ...once, ...rest }))

describe('the order', () => {
  test('by believable hits for the money, whatever stands first', () => {
    const places = [odds(0.2, 1), odds(0.9, 2), odds(0.5, 1)].map((each, source) => ({ source, odds: each }))
    expect(orderOf(places, 'fixed').map(({ source }) => source)).toEqual([0, 1, 2])
    expect(orderOf(places, 'learned').map(({ source }) => source)).toEqual([2, 1, 0])
  })

  test('swapping two expects to pay no less for the first hit', () => {
    const chance = fc.double({ min: 0.01, max: 0.99, noNaN: true })
    const cost = fc.double({ min: 0.01, max: 9, noNaN: true })
    fc.assert(
      fc.property(fc.array(fc.tuple(chance, cost), { minLength: 2, maxLength: 5 }), (given) => {
        const places = given.map(([p, c], source) => ({ source, odds: odds(p, c) }))
        const expected = (order: typeof places) => {
          let [left, sum] = [1, 0]
          for (const place of order) [sum, left] = [sum + left * place.odds.cost, left * (1 - chanceOf(place.odds))]
          return sum
        }
        const chosen = orderOf(places, 'learned')
        for (let at = 0; at + 1 < chosen.length; at++) {
          const swapped = chosen.with(at, chosen[at + 1]!).with(at + 1, chosen[at]!)
          expect(expected(chosen)).toBeLessThanOrEqual(expected(swapped) + 1e-6)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('lots are drawn around what is known, and the same lots draw the same', () => {
    const known = { ...odds(0, 1), alpha: 6, beta: 2 }
    const draw = (next: () => number) => Array.from({ length: 2000 }, () => drawn(known, next))
    const draws = draw(diceOf('lots').next)
    expect(draw(diceOf('lots').next)).toEqual(draws)
    expect(draws.every((each) => each >= 0 && each <= 1)).toBe(true)
    expect(draws.reduce((a, b) => a + b) / draws.length).toBeCloseTo(0.75, 1)
  })
})

describe('experience', () => {
  test('without any, all are alike; a segment of which little is known is like the others', () => {
    expect(chanceOf(new Experience().odds('p', 'f', 'BR', FREE))).toBe(0.5)
    const learned = new Experience(many(50, { segment: 'US', hits: 1, valid: 1 }))
    expect(chanceOf(learned.odds('p', 'f', 'BR', FREE))).toBeGreaterThan(0.9)
    for (const each of many(50, {})) learned.add(each)
    expect(chanceOf(learned.odds('p', 'f', 'BR', FREE))).toBeLessThan(0.1)
    expect(chanceOf(learned.odds('p', 'f', 'US', FREE))).toBeGreaterThan(0.9)
  })

  test('what is old counts less, and what cannot be believed is no hit', () => {
    const known = [...many(30, { age_days: 300, hits: 1, valid: 1 }), ...many(10, { hits: 1 })]
    expect(chanceOf(new Experience(known).odds('p', 'f', 'BR', FREE))).toBeLessThan(0.2)
  })

  test('the price is the declared one until it is known what is really paid', () => {
    const price = { call: 1, hit: 2, miss: 0 }
    expect(new Experience().odds('p', 'f', 'BR', price).cost).toBe(2)
    expect(new Experience(many(600, { cost: 0.5 })).odds('p', 'f', 'BR', price).cost).toBeCloseTo(0.5, 1)
  })
})

test('a field is settled by so many believable answers that say the same', () => {
  const yes = (value: string) => ({ valid: true, value })
  expect(isSettled([], 1)).toBe(false)
  expect(isSettled([{ valid: false, value: '' }], 1)).toBe(false)
  expect(isSettled([yes('9')], 1)).toBe(true)
  expect(isSettled([yes('9'), yes('8')], 2)).toBe(false)
  expect(isSettled([yes('9'), yes('8'), yes('9')], 2)).toBe(true)
})

describe('a round', () => {
  const lead = (lead_id: string, rest: Partial<OpenLead> = {}): OpenLead => ({
    ...{ lead_id, subjects: ['cmp', lead_id], is_open: true, tier: 'B', width: 40 },
    columns: new Map([
      ['size', { swing: 10, alone: false }],
      ['email', { swing: 30, alone: false }],
    ]),
    ...rest,
  })
  const ask = (subject_id: string, field: string, cost = 1): Candidate => ({
    ...{ subject_id, field, facts: [[field]], odds: odds(0.5, cost) },
  })

  test('buys one thing for each lead, and what decides most for its price', () => {
    const fieldsOf = (...asked: Candidate[]) => chooseRound([lead('a')], asked).map(({ candidate }) => candidate.field)
    expect(fieldsOf(ask('cmp', 'size'), ask('a', 'email'))).toEqual(['email'])
    expect(fieldsOf(ask('cmp', 'size', 0.1), ask('a', 'email'))).toEqual(['size'])
  })

  test('what several leads of a company need is worth more, and is bought once', () => {
    const leads = ['a', 'b', 'c', 'd'].map((id) => lead(id))
    const chosen = chooseRound(leads, [ask('cmp', 'size'), ...leads.map(({ lead_id }) => ask(lead_id, 'email'))])
    expect(chosen.map(({ candidate }) => candidate.subject_id)).toEqual(['cmp'])
  })

  test('nothing for a lead whose tier is settled, unless all of that tier is wanted', () => {
    const settled = lead('a', { is_open: false, columns: new Map() })
    expect(chooseRound([settled], [ask('a', 'email')])).toEqual([])
    expect(chooseRound([settled], [ask('a', 'email')], new Set(['B']))[0]).toMatchObject({ reason: 'tier_wanted' })
    expect(chooseRound([settled], [ask('a', 'email')], new Set(['A']))).toEqual([])
  })

  test('nothing that no rule reads', () => {
    expect(chooseRound([lead('a')], [ask('cmp', 'founded')])).toEqual([])
  })
})
