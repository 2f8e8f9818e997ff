import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatProblem } from '../../../pipeline/errors.ts'
import type { Connection } from '../../../pipeline/warehouse/duckdb.ts'
import { bindTypes, failing } from '../../../scoring/bind.ts'
import { factsDatabase, LEAD_FACTS, putFacts } from './lead-facts.ts'
import { POLICY, readScoring } from './score-world.ts'

let connection: Connection
beforeAll(async () => {
  connection = await factsDatabase()
})
afterAll(() => connection.close())

const FACTS = 'intermediate.int_lead_facts'
const SOUND = `score: fit
description: d
rules:
  - rule: big
    when: employee_count > 10
    points: 40
    because: "{employee_count} employees"
bands:
  - { band: A, from: 50 }
  - { band: B, from: 0 }
`
const policy = POLICY.replaceAll('a > 1', 'employee_count > 1')

async function problemsOf(fit: string, how = policy): Promise<string[]> {
  const { problems } = await readScoring(connection, { cards: { fit }, policy: how }, LEAD_FACTS)
  return problems.map(formatProblem)
}

describe('a card', () => {
  it('that is sound has no problems', async () => {
    expect(await problemsOf(SOUND)).toEqual([])
  })

  it.each([
    ['an unknown key', ['points: 40', 'point: 40'], 6, "unknown key 'point'"],
    ['a name that is not the file’s', ['score: fit', 'score: fitness'], 1, "score is 'fitness'"],
    [
      'an unknown column',
      ['employee_count > 10', 'employe_count > 10'],
      5,
      "no column 'employe_count'\n  Did you mean employee_count",
    ],
    ['an unknown slot', ['{employee_count}', '{employees}'], 7, "no column 'employees'"],
    ['a stray brace', ['{employee_count}', '{employee count}'], 7, 'a brace that is not a slot'],
    ['SQL that does not parse', ['> 10', '> '], 5, 'does not parse'],
    ['a subquery', ['> 10', '> (select 1)'], 5, 'holds a subquery'],
    ['a semicolon', ['> 10', '> 10; select 1'], 5, 'does not parse'],
    ['the clock', ['> 10', '> 10 and current_date > as_of()'], 5, 'The date of the run is as_of()'],
    ['points beyond the range', ['score: fit', 'score: fit\nrange: [0, 30]'], 7, '40 points are beyond the range'],
    ['points beyond all ranges', ['points: 40', 'points: 400'], 6, '(it is 400)'],
    ['an empty range', ['score: fit', 'score: fit\nrange: [90, 10]'], 2, 'range [90, 10] is empty'],
    ['overlapping bands', ['from: 50', 'from: 0'], 10, 'from 0 overlaps the one above it'],
    ['bands with a hole', ['from: 0', 'from: 10'], 10, 'the last one starts at 10'],
    ['a group that is not declared', ['points: 40', 'points: 40\n    group: size'], 7, "group 'size' is not declared"],
    [
      'a decay by no date',
      ['points: 40', 'points: 40\n    decay: { by: title, half_life_days: 9 }'],
      7,
      'title is VARCHAR, not a date',
    ],
    ['a reserved name', ['rule: big', 'rule: weight'], 4, "'weight' is taken"],
    [
      'evidence that is no column',
      ['points: 40', 'points: 40\n    evidence: [emplyee_count]'],
      7,
      "no column 'emplyee_count'",
    ],
  ])('with %s is refused with file and line', async (_, [from, to], line, message) => {
    const problems = await problemsOf(SOUND.replace(from!, to!))
    expect(problems.filter((problem) => problem.startsWith(`scoring/scores/fit.yml:${line}  `)).join('\n')).toContain(
      message,
    )
  })

  it('reports all its problems at once, duplicates and examples included', async () => {
    const rule = '  - { rule: big, when: "true", points: 1, because: b }\n'
    const examples = 'examples:\n  - { given: { employes: 3 }, expect: { score: 1, band: Z, rules: [bigg] } }\n'
    const problems = await problemsOf(SOUND.replace('bands:', `${rule}bands:`) + examples)
    expect(problems).toEqual([
      "scoring/scores/fit.yml:8  rule 'big' is there already, at line 4\n  Give it another name.",
      "scoring/scores/fit.yml:13  band 'Z' is not declared",
      "scoring/scores/fit.yml:13  'bigg' is no rule of this card\n  Did you mean big?",
      expect.stringContaining("no column 'employes'"),
    ])
  })

  it.each([
    ['employee_count', 'is INTEGER, not true or false'],
    ['title', 'is VARCHAR, not true or false'],
    ['lower(employee_count) = title and title + 1 > 0', 'No function matches'],
  ])('with a rule of the wrong type is refused: %s', async (when, message) => {
    const { scoring } = await readScoring(
      connection,
      { cards: { fit: SOUND.replace('employee_count > 10', when) }, policy },
      LEAD_FACTS,
    )
    const problems = await bindTypes(connection, scoring.cards[0]!.source, FACTS)
    expect(problems).toMatchObject([
      { file: 'scoring/scores/fit.yml', line: 5, message: expect.stringContaining(message) },
    ])
  })

  it('whose rule fails on a value is named with its line', async () => {
    const when = 'employee_count > title::integer'
    const { scoring } = await readScoring(
      connection,
      { cards: { fit: SOUND.replace('employee_count > 10', when) }, policy },
      LEAD_FACTS,
    )
    await putFacts(connection, [{ employee_count: 3, title: 'many' }])
    const problems = await failing(connection, scoring.cards[0]!.source, FACTS)
    expect(problems).toMatchObject([{ file: 'scoring/scores/fit.yml', line: 5 }])
    expect(problems[0]!.message).toContain("Could not convert string '…' to INT32")
  })
})

describe('the qualification', () => {
  it.each([
    ['no weight for a card', ['fit: 0.6, ', ''], "no weight for 'fit'"],
    ['overlapping tiers', ['from: 60', 'from: 30'], 'from 30 overlaps the one above it, from 30'],
    ['a tier too low to be reached', ['from: 0', 'from: 5'], 'the last one starts at 5'],
    [
      'a better status below',
      ['from: 0, status: disqualified', 'from: 0, status: qualified'],
      'A lower tier cannot have',
    ],
    ['an unknown status', ['status: nurture', 'status: nurtured'], 'tiers.1.status'],
    ['an unknown signal', ['budget:', 'bugdet:'], "unknown key 'bugdet'"],
  ])('with %s is refused', async (_, [from, to], message) => {
    expect((await problemsOf(SOUND, policy.replace(from!, to!))).join('\n')).toContain(message)
  })
})
