import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Connection } from '../../../pipeline/warehouse/duckdb.ts'
import { neverTrue } from '../../../scoring/never.ts'
import { ruleAdvice } from '../../../scoring/rule-advice.ts'
import { factsDatabase, LEAD_FACTS } from './lead-facts.ts'
import { readScoring } from './score-world.ts'

const CARD = `score: fit
description: d
rules:
  - { rule: one, when: a = 1, points: 5, because: b }
  - { rule: same, when: not a <> 1, points: 5, because: b }
  - { rule: other, when: a = 2, points: 5, because: b }
  - { rule: silent, when: a = 99, points: 5, because: b }
  - { rule: empty, when: a > 5 and a < 3, points: 5, because: b }
`
const COLUMNS = { lead_id: 'VARCHAR', a: 'INTEGER' }
const REASONS = `
  create schema marts;
  create table marts.fct_scored_leads as select 'led_' || i as lead_id, 'test' as score_version from range(6) t(i);
  create table marts.fct_score_reasons as
    select 'fit.one' as rule, 'led_' || i as lead_id from range(3) t(i)
    union all select 'fit.same', 'led_' || i from range(3) t(i)
    union all select 'fit.other', 'led_' || (i + 1) from range(3) t(i);`

let facts: Connection
beforeAll(async () => {
  facts = await factsDatabase(COLUMNS)
})
afterAll(() => facts.close())

async function adviceWith(published: Connection | undefined): Promise<string[]> {
  const { scoring, problems } = await readScoring(facts, { cards: { fit: CARD }, policy: POLICY }, COLUMNS)
  expect(problems).toEqual([])
  const told = await ruleAdvice(scoring).tell({ shadow: facts, published })
  return told.map(({ file, line, message }) => `${file}:${line}  ${message}`)
}

const POLICY = `description: how
weights: { fit: 1 }
tiers: [{ tier: A, from: 0, status: qualified }]
bant:
  budget: { when: a > 1 }
  authority: { when: a > 1 }
  need: { when: a > 1 }
  timeline: { when: a > 1 }
`

it('names, with its line, a rule that no lead can meet, before there is any data', async () => {
  expect(await adviceWith(undefined)).toEqual([
    'scoring/scores/fit.yml:8  fit.empty: when: `a > 5 and a < 3` can never be true',
  ])
})

it('names rules that never fired on what was published, and those that always fire together', async () => {
  const published = await factsDatabase(COLUMNS)
  await published.run(REASONS)
  expect(await adviceWith(published)).toEqual([
    'scoring/scores/fit.yml:8  fit.empty: when: `a > 5 and a < 3` can never be true',
    'scoring/scores/fit.yml:7  fit.silent never fired on the 6 leads that were published',
    'scoring/scores/fit.yml:5  fit.same always fires together with fit.one: for the same 3 leads, for none alone',
  ])
  await published.run(`update marts.fct_scored_leads set score_version = 'older'`)
  expect((await adviceWith(published)).slice(1)).toEqual([expect.stringContaining('scored with other cards (older)')])
  published.close()
})

it.each<[string, boolean]>([
  ['employee_count > 10 and employee_count < 5', true],
  ['employee_count between 20 and 10', true],
  ['not (employee_count >= 5) and employee_count > 10', true],
  ["industry in ('a', 'b') and industry = 'c'", true],
  ["industry = 'a' and industry = 'b' or 1 = 2", true],
  [
    'case when signal_count is not null then coalesce(funding_signal_at > as_of() and funding_signal_at < as_of() - 9, false) end',
    true,
  ],
  ['title = null', true],
  ['employee_count > 10', false],
  ["industry = 'a' and industry = 'b' or employee_count = 3", false],
  ["seniority in ('owner', 'vp')", false],
  ['case when signal_count is not null then coalesce(hiring_signal_at > as_of() - 365, false) end', false],
  [
    'employee_count >= coalesce(icp_employees_min, 1) and employee_count <= coalesce(icp_employees_max, employee_count)',
    false,
  ],
])('sees whether `%s` can never be true: %s', async (expression, expected) => {
  const connection = await factsDatabase()
  expect(await neverTrue(connection, [expression], LEAD_FACTS)).toEqual([expected])
  connection.close()
})
