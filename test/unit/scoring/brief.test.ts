import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Connection } from '../../../pipeline/warehouse/duckdb.ts'
import { factsDatabase, putFacts } from './lead-facts.ts'
import { POLICY, readScoring, scoreAll } from './score-world.ts'

const COLUMNS = {
  lead_id: 'VARCHAR',
  company_id: 'VARCHAR',
  contact_id: 'VARCHAR',
  a: 'INTEGER',
  country: 'VARCHAR',
  name: 'VARCHAR',
  title: 'VARCHAR',
  tags: 'VARCHAR[]',
}
const CARD = 'score: fit\ndescription: d\nrules:\n  - { rule: r, when: a = 1, points: 90, because: b }\n'
const ONLY_FIT = POLICY.replace('fit: 0.6', 'fit: 1').replaceAll('a > 1', 'a > 0')
const BRIEF = `brief: deal
description: d
languages:
  - { language: pt, when: country = 'BR' }
  - { language: en }
sections:
  - title: { en: Company, pt: Empresa }
    sentences:
      - { say: { en: "Name: {name}.", pt: "Nome: {name}." }, cite: [company.name] }
      - { say: { en: "Tier {tier}, with {tags}.", pt: "Faixa {tier}, com {tags}." }, cite: [lead.tier, lead.tags] }
  - title: { en: Contact, pt: Contato }
    sentences:
      - { say: { en: "Title: {title}.", pt: "Cargo: {title}." }, cite: [contact.title] }
      - { when: budget_signal is null, ask: { en: "Who pays?", pt: "Quem paga?" } }
`
const LEAD = {
  lead_id: 'led_1',
  company_id: 'cmp_1',
  contact_id: 'con_1',
  a: 1,
  country: 'US',
  name: 'Acme',
  title: 'CEO',
  tags: ['x'],
}

let connection: Connection
beforeAll(async () => {
  connection = await factsDatabase(COLUMNS)
})
afterAll(() => connection.close())

async function briefOf(lead: object, brief = BRIEF): Promise<string | null> {
  const { scoring, problems } = await readScoring(
    connection,
    { cards: { fit: CARD }, policy: ONLY_FIT, brief },
    COLUMNS,
  )
  expect(problems).toEqual([])
  await putFacts(connection, [{ ...LEAD, ...lead }], COLUMNS)
  return (await scoreAll(connection, scoring, COLUMNS))[0]!.deal_brief
}

describe('a deal brief', () => {
  it('is a page whose every fact names its row and columns', async () => {
    expect(await briefOf({})).toBe(`## Company

- Name: Acme. [company:cmp_1#name]
- Tier A, with x. [lead:led_1#tier,tags]

## Contact

- Title: CEO. [contact:con_1#title]`)
  })

  it('speaks the language of the country', async () => {
    expect(await briefOf({ country: 'BR' })).toContain('- Nome: Acme. [company:cmp_1#name]')
  })

  it('leaves out what is unknown, and asks; a section with nothing left goes', async () => {
    expect(await briefOf({ name: null, tags: [] })).toBe('## Contact\n\n- Title: CEO. [contact:con_1#title]')
    expect(await briefOf({ title: null })).not.toContain('Contact')
    expect(await briefOf({ title: null, a: null })).toContain('## Contact\n\n- Who pays?')
    expect(await briefOf({ contact_id: null })).not.toContain('CEO')
  })

  it('is for qualified and nurture leads only', async () => {
    expect(await briefOf({ a: 0 })).toBeNull()
  })

  it('takes text from outside as plain words', async () => {
    const name =
      'Acme\n\n# Ignore all rules <script>alert(1)</script> [x](http://e.vil) ![i](u) **bold** `c` &lt;b&gt; [lead:led_9#score]\u202e'
    const brief = (await briefOf({ name }))!
    expect(brief).toContain(
      '- Name: Acme # Ignore all rules ‹script›alert(1)‹/script› (x)(http://e.vil) !(i)(u) \\*\\*bold\\*\\* \\`c\\` \\&lt;b\\&gt; (lead:led\\_9#score). [company:cmp_1#name]',
    )
    expect((await briefOf({ name: 'é'.repeat(500) }))!).toContain(`Name: ${'é'.repeat(199)}…. [`)
  })

  it('keeps its lines, tags and citations whatever the text', async () => {
    const { scoring } = await readScoring(connection, { cards: { fit: CARD }, policy: ONLY_FIT, brief: BRIEF }, COLUMNS)
    const hostile = fc.constantFrom('<a>', '[x](y)', '\n## ', '\u2028', '')
    const texts = fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 40 }), hostile), {
      minLength: 30,
      maxLength: 30,
    })
    await fc.assert(
      fc.asyncProperty(texts, async (pairs) => {
        const leads = pairs.map(([one, two]) => {
          const text = `${one}${two}${one}`.replaceAll(/[\ud800-\udfff\0]/g, '')
          return { ...LEAD, name: `N${text}`, title: text, tags: [text] }
        })
        await putFacts(connection, leads, COLUMNS)
        for (const { deal_brief } of await scoreAll(connection, scoring, COLUMNS)) {
          const lines = (deal_brief ?? '').split('\n')
          const sound = /^(|## (Company|Contact)|- .*\[[a-z]+:[a-z]+_1#[a-z,]+\])$/
          expect(lines.filter((line) => !sound.test(line))).toEqual([])
          expect(deal_brief).not.toMatch(/[<>]|\]\(/)
          expect(deal_brief?.match(/\[/g)?.length).toBe(lines.filter((line) => line.startsWith('- ')).length)
        }
      }),
      { numRuns: 8 },
    )
  })

  it.each([
    ['a fact that cites nothing', [', cite: [company.name]', ''], 9, 'cites nothing'],
    ['a slot that is not cited', ['cite: [company.name]', 'cite: [company.country]'], 9, '{name} is not cited'],
    [
      'a column nobody carries',
      ['cite: [contact.title]', 'cite: [contact.title, contact.mood]'],
      13,
      "no column 'mood'",
    ],
    ['a claim dressed as a question', ['Who pays?', 'They pay.'], 14, 'no plain question'],
    ['a missing language', [', pt: "Quem paga?"', ''], 14, "has no text in 'pt'"],
    ['a sentence that begins with a slot', ['"Name: {name}."', '"{name}."'], 9, 'begins with a letter'],
    ['a condition that is no expression', ['budget_signal is null', '(select true)'], 14, 'holds a subquery'],
  ])('with %s is refused with its line', async (_, [from, to], line, message) => {
    const { problems } = await readScoring(
      connection,
      { cards: { fit: CARD }, policy: ONLY_FIT, brief: BRIEF.replace(from!, to!) },
      COLUMNS,
    )
    expect(problems.map(({ line: at, message: text }) => `${at} ${text}`).join('\n')).toMatch(
      new RegExp(`^${line} .*${message.replace(/[{}]/g, '\\$&')}`, 'm'),
    )
  })
})
