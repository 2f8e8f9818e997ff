import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Problem } from '../../pipeline/errors.ts'
import type { Connection } from '../../pipeline/warehouse/duckdb.ts'
import { bindCard, bindSource, bindTypes } from '../../scoring/bind.ts'
import { type Brief, loadBrief, type Template } from '../../scoring/brief.ts'
import { loadCard, type Scorecard } from '../../scoring/card.ts'
import { cardTests } from '../../scoring/card-tests.ts'
import { OUTPUTS } from '../../scoring/compile.ts'
import { checkParts } from '../../scoring/parts.ts'
import { checkMatrix, loadPolicy } from '../../scoring/qualification.ts'
import { readSources } from '../../scoring/source.ts'
import { factsDatabase, LEAD_FACTS } from '../unit/scoring/lead-facts.ts'

const root = resolve(import.meta.dirname, '../..')
const namesIn = (folder: string) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.yml'))
    .map((file) => file.slice(0, -4))
const missing: Problem = { file: '', message: 'is missing' }
const FACTS = 'intermediate.int_lead_facts'

let connection: Connection
beforeAll(async () => {
  connection = await factsDatabase()
})
afterAll(() => connection.close())

describe.each(namesIn('scoring/scores'))('scoring/scores/%s.yml', (name) => {
  const problems: Problem[] = []
  let card: Scorecard
  beforeAll(async () => {
    card = loadCard(root, name, problems, missing)!
    await readSources(connection, card === undefined ? [] : [card.source], problems)
  })

  it('is a valid card whose every expression DuckDB reads', () => {
    expect(problems).toEqual([])
  })

  it('reads only columns of the facts, in types it can use', async () => {
    expect(bindCard(card, LEAD_FACTS)).toEqual([])
    expect(await bindTypes(connection, card.source, FACTS)).toEqual([])
  })

  it('says how it looks in examples, the empty lead among them, which scores nothing', () => {
    const empty = card.card.examples.filter(({ given }) => Object.keys(given).length === 0)
    expect(empty.map(({ expect: { score, rules } }) => ({ score, rules }))).toEqual([{ score: 0, rules: [] }])
  })

  it('scores its examples as it says, and has the properties that it declares', async () => {
    const tests = cardTests([card], FACTS)
    expect(tests).toHaveLength(1 + card.card.properties.length)
    for (const { name: test, sql } of tests) expect([test, await connection.rows(sql)]).toEqual([test, []])
  })
})

describe('scoring/qualification.yml', () => {
  it('is valid, weighs every card, and reads only the facts', async () => {
    const problems: Problem[] = []
    const cards = namesIn('scoring/scores').map((name) => loadCard(root, name, problems, missing)!)
    const parts = cards.map(({ part }) => part)
    const policy = loadPolicy(root, parts, problems)!
    checkParts(cards)
    checkMatrix(policy, cards)
    await readSources(connection, [policy.source], problems)
    problems.push(...bindSource(policy.source, LEAD_FACTS))
    problems.push(...(await bindTypes(connection, policy.source, FACTS)))
    expect(problems).toEqual([])
  })
})

const briefs = [
  ...new Set(readdirSync(join(root, 'scoring/briefs')).map((file) => file.replace(/\.[a-z]{2}\.md$/, ''))),
]
describe.each(briefs)('scoring/briefs/%s.<language>.md', (name) => {
  const problems: Problem[] = []
  let brief: Brief
  beforeAll(() => {
    brief = loadBrief(root, name, problems, missing)!
  })

  it('is valid, cites all it states, and reads only facts and scores', async () => {
    await readSources(connection, brief.sources, problems)
    const outputs = Object.entries(OUTPUTS).map(([column, type]) => `null::${type} as ${column}`)
    const facts = `(select *, ${outputs.join(', ')} from ${FACTS})`
    for (const source of brief.sources) {
      problems.push(...bindSource(source, { ...LEAD_FACTS, ...OUTPUTS }))
      problems.push(...(await bindTypes(connection, source, facts)))
    }
    expect(problems).toEqual([])
  })

  it('says the same in every language', () => {
    const said = ({ sections }: Template) =>
      sections.flatMap(({ sentences }) =>
        sentences.map(({ bullet, states, when, within }) => ({ bullet, states, when: when?.sql, within })),
      )
    for (const template of brief.templates) expect(said(template)).toEqual(said(brief.templates[0]!))
    expect(brief.templates.map(({ language }) => language).sort()).toEqual(['en', 'pt'])
  })

  it('rests on rows of marts that are there', () => {
    for (const { table } of brief.rows)
      expect(existsSync(join(root, `models/marts/${table}.sql`)), `models/marts/${table}.sql`).toBe(true)
  })
})

const twin = join(root, 'models/intermediate/int_lead_facts.yml')
describe('the facts these tests run on', () => {
  it.skipIf(!existsSync(twin))('are columns that the model int_lead_facts declares', () => {
    const { models } = parse(readFileSync(twin, 'utf8')) as { models: { columns?: { name: string }[] }[] }
    const declared = (models[0]?.columns ?? []).map(({ name }) => name)
    expect(Object.keys(LEAD_FACTS).filter((column) => !declared.includes(column))).toEqual([])
  })
})
