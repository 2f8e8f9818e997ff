import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cleanValue, parseTemplate, render } from '../../../outreach/template.ts'
import type { Problem } from '../../../pipeline/errors.ts'

const SLOTS = ['first_name', 'company_name']

function parse(text: string) {
  const problems: Problem[] = []
  return { template: parseTemplate('t.md', text, SLOTS, problems), problems }
}

describe('a template', () => {
  const { template } = parse(
    '---\nsubject: "For {company_name}"\n---\n\nHi {first_name|there},\nabout {company_name}.\n',
  )

  test('fills slots, and falls back where it says so', () => {
    expect(render(template!, (slot) => (slot === 'company_name' ? 'Acme' : null))).toEqual({
      subject: 'For Acme',
      body: 'Hi there,\nabout Acme.',
    })
  })

  test('is unfilled when a slot has neither value nor fallback, and says which', () => {
    expect(render(template!, () => null)).toEqual({ unfilled: ['company_name'] })
  })

  test('does not read slots in what others wrote', () => {
    expect(render(template!, () => '{first_name}')).toMatchObject({ subject: 'For {first_name}' })
  })

  test('names file and line of every problem', () => {
    const { problems } = parse('---\nsubject: "For {compny_name}"\ntitle: x\n---\nHi {first_name|there\nand {nobody}\n')
    expect(problems).toMatchObject([
      { file: 't.md', line: 3, message: expect.stringContaining("unknown key 'title'") as string },
      { file: 't.md', line: 5, message: expect.stringContaining("'{'") as string },
      { file: 't.md', line: 6, message: "unknown slot '{nobody}'" },
    ])
    expect(parse('---\nsubject: "For {compny_name}"\n---\nHi\n').problems).toMatchObject([
      { line: 2, hint: 'Did you mean company_name?' },
    ])
    expect(parse('---\nsubject: "a\\nb"\n---\nHi\n').problems).toMatchObject([{ line: 2 }])
    expect(parse('---\nsubject: a\n---\n').problems).toMatchObject([{ message: 'has no text' }])
  })
})

test('values are one line without control or direction characters, whatever a provider sends', () => {
  expect(cleanValue('Acme\r\nBcc: all@example.com')).toBe('Acme Bcc: all@example.com')
  expect(cleanValue('a\u202eb\u2066c\u0000d')).toBe('abc d')
  expect(cleanValue(' \t\u200b ')).toBeNull()
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const clean = cleanValue(text)
      expect(clean ?? '').not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u)
      expect([...(clean ?? '')].length).toBeLessThanOrEqual(200)
      expect(cleanValue(clean)).toBe(clean)
    }),
  )
})

test('what a text claims must be carried by a row: by any of its values, whatever fallback there is', () => {
  const problems: Problem[] = []
  const text =
    '---\nclaims: { tech: [Salesforce, HubSpot], signal_evidence: any }\n---\nYou run {tech}. {news_title|News!}\n'
  const template = parseTemplate('t.md', text, ['tech', 'signal_evidence', 'news_title'], problems)!
  expect(problems).toEqual([])
  const values: Record<string, string[]> = { tech: ['SAP', 'hubspot'], signal_evidence: ['Hires'] }
  const said = (known: Record<string, string[]>) =>
    render(
      template,
      (slot) => known[slot]?.[0] ?? null,
      (slot) => known[slot] ?? [],
    )
  expect(said(values)).toMatchObject({ subject: null })
  expect(said({ ...values, tech: ['SAP'] })).toEqual({ uncarried: ['tech'] })
  expect(said({ tech: ['HubSpot'], signal_evidence: ['  '] })).toEqual({ uncarried: ['signal_evidence'] })
  parseTemplate('t.md', '---\nclaims: { tec: any }\n---\nHi\n', ['tech'], problems)
  expect(problems).toMatchObject([{ file: 't.md', line: 2, message: "unknown slot 'tec'" }])
})
