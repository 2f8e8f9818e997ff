import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Connection } from '../../../pipeline/warehouse/duckdb.ts'
import { factsDatabase, putFacts } from './lead-facts.ts'
import { BANT, POLICY, readScoring, type ScoreRow, scoreAll } from './score-world.ts'

const COLUMNS = {
  lead_id: 'VARCHAR',
  a: 'INTEGER',
  b: 'INTEGER',
  seen: 'DATE',
  word: 'VARCHAR',
  size: 'DOUBLE',
  tags: 'VARCHAR[]',
}
const AS_OF = '2026-01-31'

let connection: Connection
beforeAll(async () => {
  connection = await factsDatabase(COLUMNS, AS_OF)
})
afterAll(() => connection.close())

interface Lead {
  lead_id?: string
  a?: number | null
  b?: number | null
  seen?: string | null
  word?: string | null
  size?: number | null
  tags?: string[] | null
}

async function score(cards: Record<string, string>, leads: Lead[], policy = POLICY): Promise<ScoreRow[]> {
  const { scoring, problems } = await readScoring(connection, { cards, policy }, COLUMNS)
  expect(problems).toEqual([])
  await putFacts(
    connection,
    leads.map((lead, index) => ({ lead_id: String(index).padStart(3, '0'), ...lead })),
    COLUMNS,
  )
  return scoreAll(connection, scoring, COLUMNS)
}

const FIT = `score: fit
description: d
groups: { size: { max: 50, min: -10 } }
rules:
  - { rule: big, group: size, when: a > 10, points: 40, because: "{a} is big" }
  - { rule: odd, group: size, when: a % 2 = 1, points: 30, because: "{a} is odd" }
  - { rule: tagged, when: "len(tags) > 0", points: 60, because: "tags {tags}" }
  - { rule: wordy, when: word = 'x', points: -20, because: "word {word}" }
`
const ONLY_FIT = POLICY.replace('fit: 0.6', 'fit: 1')

describe('the compiled SELECT', () => {
  it('adds rules, caps groups, clamps cards, and gives each as a reason by weight, then name', async () => {
    const [lead] = await score({ fit: FIT }, [{ a: 11, b: 1, word: 'y', tags: ['p', 'q'] }], ONLY_FIT)
    expect(lead).toMatchObject({ score: 100, fit_score: 100, intent_score: null, tier: 'A', needs_data: [] })
    expect(lead!.reasons).toEqual([
      { rule: 'fit.tagged', points: 60, because: 'tags p, q', evidence: 'tags=p, q' },
      { rule: 'fit.big', points: 40, because: '11 is big', evidence: 'a=11' },
      { rule: 'fit.odd', points: 30, because: '11 is odd', evidence: 'a=11' },
      { rule: 'fit.size.cap', points: -20, because: 'size counts from -10 to 50: it was 70', evidence: null },
      { rule: 'fit.range', points: -10, because: 'fit counts from 0 to 100: it was 110', evidence: null },
    ])
    expect(lead!.score_possible).toEqual({ min: 100, max: 100 })
  })

  it('never scores what is unknown: it widens what is possible and says what to find out', async () => {
    const [none, some] = await score({ fit: FIT }, [{}, { a: 11, tags: [] }], ONLY_FIT)
    expect(none).toMatchObject({
      score: 0,
      score_possible: { min: 0, max: 100 },
      needs_data: ['a', 'tags', 'word'],
      qualification_status: 'nurture',
      budget_signal: null,
    })
    expect(none!.reasons.map(({ rule }) => rule)).toEqual(['status.missing_data'])
    expect(some).toMatchObject({ score: 50, score_possible: { min: 30, max: 50 }, needs_data: ['word'] })
    expect(some!.bant_evidence).toMatchObject({ budget: 'a=11' })
  })

  it('disqualifies below the line only when nothing unknown could reach it', async () => {
    const leads = await score(
      { fit: FIT },
      [
        { a: 2, tags: [], word: 'y' },
        { a: 2, word: 'y' },
      ],
      ONLY_FIT,
    )
    expect(leads.map(({ tier, qualification_status: status }) => [tier, status])).toEqual([
      ['C', 'disqualified'],
      ['C', 'nurture'],
    ])
    expect(leads[0]!.reasons).toEqual([
      { rule: 'status.below_line', points: 0, because: 'below the line at 30: at most 0', evidence: null },
    ])
  })

  it('disqualifies for a known reason whatever the score, and for an unknown one nobody', async () => {
    const policy = `${ONLY_FIT}disqualify:\n  - { rule: wrong, when: b = 1, because: "b is {b}" }\n`
    const leads = await score(
      { fit: FIT },
      [
        { a: 11, tags: ['p'], word: 'y', b: 1 },
        { a: 11, tags: ['p'], word: 'y' },
      ],
      policy,
    )
    expect(leads.map(({ score, tier, qualification_status }) => [score, tier, qualification_status])).toEqual([
      [100, 'A', 'disqualified'],
      [100, 'A', 'qualified'],
    ])
    expect(leads[0]!.reasons.at(-1)).toEqual({ rule: 'status.wrong', points: 0, because: 'b is 1', evidence: 'b=1' })
  })

  it('leaves the status to the tier where no tier disqualifies', async () => {
    const policy = ONLY_FIT.replace('status: disqualified', 'status: nurture')
    const [lead] = await score({ fit: FIT }, [{ a: 2, tags: [], word: 'y' }], policy)
    expect(lead).toMatchObject({ tier: 'C', qualification_status: 'nurture', reasons: [] })
  })

  it('halves a dated rule every half-life; without the date it is unknown', async () => {
    const card = `score: fit
description: d
rules:
  - { rule: seen, when: a = 1, points: 40, because: "seen {seen}", decay: { by: seen, half_life_days: 30 } }
`
    const leads = await score(
      { fit: card },
      [
        { a: 1, seen: AS_OF },
        { a: 1, seen: '2026-01-01' },
        { a: 1, seen: '2026-03-01' },
        { a: 1 },
        { seen: '2026-01-01' },
        { a: 0 },
      ],
      ONLY_FIT,
    )
    expect(leads.map((lead) => [lead.score, lead.score_possible.max, lead.needs_data])).toEqual([
      [40, 40, []],
      [20, 20, []],
      [40, 40, []],
      [0, 40, ['seen']],
      [0, 20, ['a']],
      [0, 0, []],
    ])
  })

  it('shows numbers, lists and unknown slots as people read them', async () => {
    const card = `score: fit
description: d
rules:
  - { rule: all, when: a = 1, points: 1, because: "it's {size}, {tags}, {word}", evidence: [size, word] }
`
    const [lead] = await score({ fit: card }, [{ a: 1, size: 12_500_000, tags: [] }], ONLY_FIT)
    expect(lead!.reasons[0]).toMatchObject({ because: "it's 12500000, unknown, unknown", evidence: 'size=12500000' })
  })

  it('gives each weight as a reason and clamps the whole to 100', async () => {
    const card = (name: string) =>
      `score: ${name}\ndescription: d\nrules:\n  - { rule: r, when: a = 1, points: 100, because: b }\n`
    const policy = POLICY.replace('fit: 0.6, intent: 0.4', 'fit: 0.75, intent: 0.5')
    const [lead] = await score({ fit: card('fit'), intent: card('intent') }, [{ a: 1 }], policy)
    expect(lead).toMatchObject({ score: 100, fit_score: 100, intent_score: 100 })
    expect(lead!.reasons.map(({ rule, points, because }) => [rule, points, because])).toEqual([
      ['fit.r', 100, 'b'],
      ['intent.r', 100, 'b'],
      ['intent.weight', -50, 'intent counts 50%: 100 becomes 50'],
      ['fit.weight', -25, 'fit counts 75%: 100 becomes 75'],
      ['score.range', -25, 'the score counts from 0 to 100: it was 125'],
    ])
  })
})

const when = fc.constantFrom(
  'a > 3',
  'b > 3',
  'a > b',
  'seen is not null',
  "word = 'x'",
  'a = 1 or b = 2',
  'size < 4',
  'true',
)
const points = fc.integer({ min: -1_000_000, max: 1_000_000 }).map((value) => value / 10_000)
const rule = fc.record({
  when,
  points,
  group: fc.constantFrom(undefined, 'g', 'h'),
  half_life: fc.option(fc.integer({ min: 1, max: 90 }), { nil: undefined }),
})
const cap = fc.record({ min: points.map((value) => -Math.abs(value)), max: points.map(Math.abs) })
const card = fc.record({ rules: fc.array(rule, { minLength: 1, maxLength: 6 }), g: cap, h: cap })
const weight = fc.integer({ min: 1, max: 10_000 }).map((value) => value / 10_000)
const number = fc.option(fc.integer({ min: 0, max: 6 }), { nil: null })
const lead = fc.record({
  a: number,
  b: number,
  size: number,
  word: fc.constantFrom('x', 'y', null),
  seen: fc.constantFrom('2026-01-30', '2025-11-02', '2026-02-01', null),
})

type RuleOf = { when: string; points: number; group: string | undefined; half_life: number | undefined }
type CardOf = typeof card extends fc.Arbitrary<infer T> ? T : never
type LeadOf = typeof lead extends fc.Arbitrary<infer T> ? T : never

const yamlOf = (name: string, { rules, g, h }: Omit<CardOf, 'rules'> & { rules: RuleOf[] }) =>
  JSON.stringify({
    score: name,
    description: 'd',
    groups: { g, h },
    rules: rules.map(({ when: sql, points: value, group, half_life }, index) => ({
      rule: `r${index}`,
      when: sql,
      points: value,
      because: '{a} and {word}',
      group,
      decay: half_life === undefined ? undefined : { by: 'seen', half_life_days: half_life },
    })),
  })

/** Every way to fill in what is unknown of a lead, small enough to try them all. */
function completions(lead: LeadOf): LeadOf[] {
  const values = { a: [0, 1, 4], b: [0, 2, 5], size: [1, 9], word: ['x', 'y'], seen: ['2026-01-31', '2024-01-01'] }
  let all: LeadOf[] = [lead]
  for (const [column, options] of Object.entries(values)) {
    all = all.flatMap((one) =>
      one[column as keyof LeadOf] === null ? options.map((value) => ({ ...one, [column]: value }) as LeadOf) : [one],
    )
  }
  return all
}

describe('whatever the cards and the facts', () => {
  it('reasons sum to the score exactly, in order, and the bounds hold it', async () => {
    await fc.assert(
      fc.asyncProperty(
        card,
        card,
        weight,
        weight,
        fc.array(lead, { minLength: 1, maxLength: 8 }),
        async (fit, intent, w, v, leads) => {
          const policy = `description: how\nweights: { fit: ${w}, intent: ${v} }\ntiers: [{ tier: A, from: 0, status: qualified }]\n${BANT}`
          const rows = await score({ fit: yamlOf('fit', fit), intent: yamlOf('intent', intent) }, leads, policy)
          for (const row of rows) {
            expect(row.sums_up).toBe(true)
            expect(row.score).toBeGreaterThanOrEqual(row.score_possible.min)
            expect(row.score).toBeLessThanOrEqual(row.score_possible.max)
            for (const value of [
              row.score,
              row.fit_score,
              row.intent_score,
              row.score_possible.min,
              row.score_possible.max,
            ]) {
              expect(value).toBeGreaterThanOrEqual(0)
              expect(value).toBeLessThanOrEqual(100)
            }
            const order = [...row.reasons].sort(
              (x, y) => Math.abs(y.points) - Math.abs(x.points) || (x.rule < y.rule ? -1 : 1),
            )
            expect(row.reasons).toEqual(order)
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  it('no way to fill in the unknown leaves the bounds', async () => {
    await fc.assert(
      fc.asyncProperty(card, lead, async (fit, one) => {
        const policy = `description: how\nweights: { fit: 1 }\ntiers: [{ tier: A, from: 0, status: qualified }]\n${BANT}`
        const rules = fit.rules.map((one) => (one.when === 'seen is not null' ? { ...one, when: 'a > 3' } : one))
        const [unfilled, ...filled] = await score(
          { fit: yamlOf('fit', { ...fit, rules }) },
          [one, ...completions(one)],
          policy,
        )
        const possible = unfilled!.score_possible
        for (const { score: value } of filled) {
          expect(value).toBeGreaterThanOrEqual(possible.min)
          expect(value).toBeLessThanOrEqual(possible.max)
        }
      }),
      { numRuns: 25 },
    )
  })
})
