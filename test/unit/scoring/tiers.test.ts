import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Connection } from '../../../pipeline/warehouse/duckdb.ts'
import { compileBounds } from '../../../scoring/bounds.ts'
import { cardTests } from '../../../scoring/card-tests.ts'
import { compileScores } from '../../../scoring/compile.ts'
import { compileCutOffs } from '../../../scoring/cut-offs.ts'
import { factsDatabase, putFacts } from './lead-facts.ts'
import { BANT, POLICY, readScoring, type ScoreRow } from './score-world.ts'

const COLUMNS: Record<string, string> = {
  lead_id: 'VARCHAR',
  segment: 'VARCHAR',
  a: 'INTEGER',
  b: 'INTEGER',
  dates: 'DATE[]',
  override_score: 'DECIMAL(9,4)',
  override_tier: 'VARCHAR',
  override_reason: 'VARCHAR',
  override_until: 'DATE',
}
const FACTS = 'intermediate.int_lead_facts'
const NOBODY = `(select '' as segment, '' as tier, '' as "by", 0.0 as cut_off where false)`

let connection: Connection
beforeAll(async () => {
  connection = await factsDatabase(COLUMNS, '2026-01-31')
})
afterAll(() => connection.close())

const card = (name: string, column: string, more = '') => `score: ${name}
description: d
${more}
rules:
  - { rule: much, when: ${column} >= 0, points: 10, frequency: { count: ${column}, up_to: 10 }, because: "{${column}}" }
bands: [{ band: A, from: 70 }, { band: B, from: 40 }, { band: C, from: 0 }]
`
const FIT = card('fit', 'a')
const INTENT = card('intent', 'b')
const TIERS = `tiers:
  - { tier: A, status: qualified }
  - { tier: B, status: nurture }
  - { tier: C, status: disqualified }
`
const MATRIX = `description: how
weights: { fit: 0.6, intent: 0.4 }
matrix:
  rows: fit
  columns: intent
  tiers:
    A: { A: A, B: A, C: B }
    B: { A: B, B: B, C: C }
    C: { A: C, B: C, C: C }
${TIERS}${BANT}`

async function scoringOf(cards: Record<string, string>, policy: string) {
  const { scoring, problems } = await readScoring(connection, { cards, policy }, COLUMNS)
  expect(problems.map(({ message }) => message)).toEqual([])
  return scoring
}

async function put(leads: object[]) {
  const named = leads.map((lead, index) => ({ lead_id: String(index).padStart(4, '0'), ...lead }))
  await putFacts(connection, named, COLUMNS)
}

async function score(cards: Record<string, string>, policy: string, leads: object[], cutOffs = NOBODY) {
  const scoring = await scoringOf(cards, policy)
  await put(leads)
  return connection.rows<ScoreRow & { would_raise: { rule: string; points: number }[] }>(
    `select *, list_sum(list_transform(reasons, lambda r: r.points))::DOUBLE = score as sums_up
     from (${compileScores(scoring, FACTS, COLUMNS, { cutOffs })}) order by lead_id`,
  )
}

const problemsOf = async (policy: string, cards: Record<string, string> = { fit: FIT, intent: INTENT }) =>
  (await readScoring(connection, { cards, policy }, COLUMNS)).problems

describe('a matrix', () => {
  it('makes the tier of the bands, says so, and leaves the score the weighted sum', async () => {
    const [first, second, third] = await score({ fit: FIT, intent: INTENT }, MATRIX, [
      { a: 7, b: 4 },
      { a: 10, b: 0 },
      { a: 4, b: 10 },
    ])
    expect([first, second, third].map((lead) => [lead!.score, lead!.tier, lead!.qualification_status])).toEqual([
      [58, 'A', 'qualified'],
      [60, 'B', 'nurture'],
      [64, 'B', 'nurture'],
    ])
    expect(second!.reasons.find(({ rule }) => rule === 'tier.matrix')!.because).toBe('fit A and intent C make tier B')
  })

  it('keeps a lead that only lacks data above the line, and says what it could reach', async () => {
    const [unknown, known] = await score({ fit: FIT, intent: INTENT }, MATRIX, [{ a: 7 }, { a: 0, b: 10 }])
    expect(unknown).toMatchObject({ tier: 'B', score_possible: { min: 42, max: 82 } })
    expect(known).toMatchObject({ tier: 'C', qualification_status: 'disqualified' })
    const [open] = await score({ fit: FIT, intent: INTENT }, MATRIX, [{ a: 4 }])
    expect(open).toMatchObject({ tier: 'C', qualification_status: 'nurture', needs_data: ['b'] })
  })

  it('moves with a threshold exactly the leads between the two, and no score', async () => {
    const leads = Array.from({ length: 121 }, (_, index) => ({ a: index % 11, b: Math.floor(index / 11) }))
    const before = await score({ fit: FIT, intent: INTENT }, MATRIX, leads)
    const after = await score({ fit: FIT.replace('from: 70', 'from: 60'), intent: INTENT }, MATRIX, leads)
    expect(after.map((lead) => lead.score)).toEqual(before.map((lead) => lead.score))
    const moved = before.filter(({ tier }, index) => tier !== after[index]!.tier)
    expect(moved.map(({ lead_id }) => lead_id)).toEqual(
      before.filter(({ fit_score }) => fit_score! >= 60 && fit_score! < 70).map(({ lead_id }) => lead_id),
    )
    expect(moved).toHaveLength(11)
  })

  it.each([
    ['a band that no card has', ['B: { A: B', 'D: { A: B'], "matrix: 'D' is no band of fit"],
    ['a cell too few', ['A: A, B: A, C: B', 'A: A, B: A'], 'no tier for band C of intent'],
    ['a tier that is none', ['A: A, B: A, C: B', 'A: A, B: Z, C: B'], "'Z' is no tier"],
    ['a better band with a worse tier', ['C: { A: C', 'C: { A: A'], 'has the better tier than a better band'],
    ['a part that no card is', ['rows: fit', 'rows: fitt'], "no card in use is of part 'fitt'"],
  ])('with %s is refused with its line', async (_, [from, to], message) => {
    const problems = await problemsOf(MATRIX.replace(from!, to!))
    expect(problems.map((problem) => problem.message).join('\n')).toContain(message)
    expect(problems[0]).toMatchObject({ file: 'scoring/qualification.yml', line: expect.any(Number) })
  })
})

describe('cards of one part', () => {
  const US = card('fit_us', 'b', 'part: fit\nsegment: [US]')
  it('score the leads of their segments, and nobody else', async () => {
    const policy = POLICY.replace('fit: 0.6', 'fit: 1')
    const leads = await score({ fit: FIT, fit_us: US }, policy, [
      { segment: 'BR', a: 3, b: 9 },
      { segment: 'US', a: 3, b: 9 },
      { a: 3, b: 9 },
      { segment: 'US', a: 3 },
    ])
    expect(leads.map(({ fit_score }) => fit_score)).toEqual([30, 90, 30, 0])
    expect(leads[1]!.reasons[0]).toMatchObject({ rule: 'fit_us.much', points: 90 })
    expect(leads[3]).toMatchObject({ needs_data: ['b'], score_possible: { min: 0, max: 100 } })
    expect(leads.every(({ sums_up }) => sums_up !== false)).toBe(true)
  })

  it.each([
    [{ fit: FIT, fit_us: US.replace('segment: [US]', '') }, 'both score every lead'],
    [{ fit_us: US }, 'no card of part'],
    [{ fit: FIT, fit_us: US, fit_ca: US.replace('score: fit_us', 'score: fit_ca') }, 'is scored by'],
  ])('that overlap or leave leads out are refused', async (cards, message) => {
    const problems = await problemsOf(POLICY, cards as Record<string, string>)
    expect(problems.map((problem) => problem.message).join('\n')).toContain(message)
  })
})

describe('points that depend on how often', () => {
  it('count each, up to so many; dates each fade', async () => {
    const dated = `score: fit
description: d
rules:
  - { rule: seen, when: len(dates) > 0, points: 20, frequency: { dates: dates, up_to: 2 }, decay: { by: dates, half_life_days: 30 }, because: b }
`
    const policy = POLICY.replace('fit: 0.6', 'fit: 1')
    const leads = await score({ fit: dated }, policy, [
      { dates: ['2026-01-31', '2026-01-01', '2025-01-01'] },
      { dates: ['2026-01-01'] },
      { dates: [] },
      {},
    ])
    expect(leads.map((lead) => [lead.score, lead.score_possible.max])).toEqual([
      [30, 30],
      [10, 10],
      [0, 0],
      [0, 40],
    ])
    const counted = await score({ fit: FIT }, policy, [{ a: 3 }, { a: 30 }, {}])
    expect(counted.map((lead) => [lead.score, lead.score_possible.max])).toEqual([
      [30, 30],
      [100, 100],
      [0, 100],
    ])
  })
})

describe('tiers by share and by capacity', () => {
  const policy = (tiers: string, within = '') =>
    `description: how\nweights: { fit: 1 }\n${within}tiers:\n${tiers}  - { tier: C, status: nurture }\n${BANT}`
  const leads = Array.from({ length: 100 }, (_, index) => ({ a: index % 10, segment: index % 4 === 0 ? 'US' : 'BR' }))

  async function frozen(yaml: string, all: object[]) {
    const scoring = await scoringOf({ fit: FIT }, yaml)
    await put(all)
    await connection.run(`create or replace table frozen as ${compileCutOffs(scoring, FACTS, COLUMNS)}`)
    const rows = await connection.rows<{ segment: string; tier: string; by: string; cut_off: number }>(
      'select segment, tier, "by", cut_off from frozen order by all',
    )
    return rows.map(({ segment, tier, by, cut_off }) => `${segment} ${tier} ${by} ${cut_off}`)
  }

  it('are cut once per run, and hold for one lead scored alone', async () => {
    const yaml = policy(
      '  - { tier: A, top_percent: 20, status: qualified }\n  - { tier: B, top_percent: 50, status: nurture }\n',
    )
    expect(await frozen(yaml, leads)).toEqual(['* A percentile 80', '* B percentile 50', '* C score 0'])
    const all = await score({ fit: FIT }, yaml, leads, 'frozen')
    expect(['A', 'B', 'C'].map((tier) => all.filter((lead) => lead.tier === tier).length)).toEqual([20, 30, 50])
    expect(all[1]!.reasons.at(-1)).toMatchObject({
      rule: 'tier.cut_off',
      because: 'tier B starts at 50: the score is 10',
    })
    const [alone] = await score({ fit: FIT }, yaml, [{ a: 6 }], 'frozen')
    expect(alone!.tier).toBe('B')
  })

  it('never hold more than can be worked in a week, by segment and after the tiers above', async () => {
    const yaml = policy(
      '  - { tier: A, capacity_per_week: { BR: 12, US: 3 }, from: 50, status: qualified }\n  - { tier: B, capacity_per_week: 20, status: nurture }\n',
      'within: segment\n',
    )
    await frozen(yaml, leads)
    const all = await score({ fit: FIT }, yaml, leads, 'frozen')
    const count = (tier: string, segment: string) =>
      all.filter((lead, index) => lead.tier === tier && leads[index]!.segment === segment).length
    expect(count('A', 'BR')).toBeLessThanOrEqual(12)
    expect(count('A', 'BR')).toBeGreaterThan(0)
    expect(count('A', 'BR') + count('B', 'BR')).toBeLessThanOrEqual(32)
    expect(all.every(({ tier, score: value }) => tier !== 'A' || value >= 50)).toBe(true)
  })
})

describe('what a person sets', () => {
  it('is a reason with its points and its last day, and decides the tier', async () => {
    const set = { override_reason: 'met at the fair', override_until: '2026-02-28' }
    const policy = `${POLICY.replace('fit: 0.6', 'fit: 1')}disqualify:\n  - { rule: no, when: b = 1, because: no }\n`
    const [scored, tiered] = await score({ fit: FIT }, policy, [
      { a: 2, b: 0, override_score: 80, ...set },
      { a: 2, b: 1, override_tier: 'A', ...set },
    ])
    expect(scored).toMatchObject({ score: 80, tier: 'A', sums_up: true, would_raise: [] })
    expect(scored!.reasons[0]).toMatchObject({
      rule: 'score.override',
      points: 60,
      because: 'set to 80 until 2026-02-28: met at the fair',
    })
    expect(tiered).toMatchObject({ score: 20, tier: 'A', qualification_status: 'qualified', sums_up: true })
  })
})

describe('what is open', () => {
  it('is the tiers that completions reach, and the fields that could change them', async () => {
    const number = fc.option(fc.integer({ min: 0, max: 10 }), { nil: null })
    const scoring = await scoringOf({ fit: FIT, intent: INTENT }, MATRIX)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ a: number, b: number }), { minLength: 1, maxLength: 5 }), async (leads) => {
        await put(leads)
        const bounds = await connection.rows<{
          tier_min: string
          tier_max: string
          is_open: boolean
          fields: { field: string; tier_min: string; tier_max: string }[]
        }>(`select * from (${compileBounds(scoring, FACTS, COLUMNS, NOBODY)}) order by lead_id`)
        for (const [index, lead] of leads.entries()) {
          const options = [lead.a === null ? [0, 10] : [lead.a], lead.b === null ? [0, 10] : [lead.b]]
          const filled = options[0]!.flatMap((a) => options[1]!.map((b) => ({ a, b })))
          const tiers = (await score({ fit: FIT, intent: INTENT }, MATRIX, filled)).map(({ tier }) => tier).sort()
          const { tier_min, tier_max, is_open, fields } = bounds[index]!
          expect([tier_max, tier_min, is_open]).toEqual([tiers[0], tiers.at(-1), tiers[0] !== tiers.at(-1)])
          const unknown = is_open ? (['a', 'b'] as const).filter((field) => lead[field] === null) : []
          expect(fields.map(({ field }) => field)).toEqual(unknown)
        }
      }),
      { numRuns: 5 },
    )
  })

  it('says what one field could do alone, and nothing of a lead that is decided', async () => {
    const scoring = await scoringOf({ fit: FIT, intent: INTENT }, MATRIX)
    await put([{ a: 7 }, {}, { override_tier: 'A', override_reason: 'r' }])
    const rows = await connection.rows<{ is_open: boolean; fields: object[] }>(
      `select is_open, fields from (${compileBounds(scoring, FACTS, COLUMNS, NOBODY)}) order by lead_id`,
    )
    const field = { field: 'b', score_min: 42, score_max: 82, tier_min: 'B', tier_max: 'A', changes_alone: true }
    expect(rows[0]).toEqual({ is_open: true, fields: [field] })
    expect(rows[1]!.fields).toMatchObject([
      { field: 'a', tier_min: 'C', tier_max: 'B' },
      { field: 'b', changes_alone: false },
    ])
    expect(rows[2]).toEqual({ is_open: false, fields: [] })
  })
})

describe('what would raise the score', () => {
  it('adds exactly what it says', async () => {
    const policy = POLICY
    const [now] = await score({ fit: FIT, intent: INTENT }, policy, [{ a: 4, b: 0 }])
    expect(now!.would_raise.map(({ rule, points }) => [rule, points])).toEqual([
      ['intent.much', 40],
      ['fit.much', 36],
    ])
    const [before, after] = await score({ fit: FIT, intent: INTENT }, policy, [{ a: 4 }, { a: 4, b: 10 }])
    expect(before!.score + before!.would_raise[0]!.points).toBe(after!.score)
  })
})

describe('the tests of a card', () => {
  const tested = `${FIT}examples:
  - { given: { a: 7 }, expect: { score: 70, band: A, rules: [much] } }
properties:
  - monotone: a up to 10
`
  it('find an example that comes out otherwise, and a score that falls', async () => {
    await put([{ a: 1 }])
    const run = async (text: string) => {
      const { cards } = await scoringOf({ fit: text }, POLICY)
      const tests = cardTests(cards, FACTS)
      return Object.fromEntries(
        await Promise.all(tests.map(async ({ name, sql }) => [name, (await connection.rows(sql)).length])),
      )
    }
    expect(await run(tested)).toEqual({ score_fit_examples: 0, score_fit_monotone_a_up_to_10: 0 })
    const falling = tested.replace('a >= 0', 'a between 0 and 6')
    const found = await run(falling)
    expect(found.score_fit_examples).toBe(1)
    expect(found.score_fit_monotone_a_up_to_10).toBeGreaterThan(0)
  })
})
