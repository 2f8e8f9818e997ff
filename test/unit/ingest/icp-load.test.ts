import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Icp, rulesIn } from '../../../ingest/icp.ts'
import { loadIcp } from '../../../ingest/icp-load.ts'
import type { Problem } from '../../../pipeline/errors.ts'
import { ROOT } from '../../helpers/ingest.ts'

function load(text: string, options: { seeds?: boolean } = {}): { icp: Icp | undefined; problems: Problem[] } {
  const root = mkdtempSync(join(tmpdir(), 'lead-engine-'))
  mkdirSync(join(root, 'seeds'))
  if (options.seeds !== false) cpSync(join(ROOT, 'seeds'), join(root, 'seeds'), { recursive: true })
  writeFileSync(join(root, 'icp.yaml'), text)
  const problems: Problem[] = []
  return { icp: loadIcp(root, 'icp.yaml', problems), problems }
}

const profile = (hard: string, rest = '') =>
  `version: 1\nprofiles:\n  one:\n    description: One\n    hard: ${hard}\n${rest}`

test('the ICP that comes with the project is sound', () => {
  const problems: Problem[] = []
  const icp = loadIcp(ROOT, 'ingest/icp.yaml', problems)
  expect(problems).toEqual([])
  expect(Object.keys(icp!.profiles)).toEqual(['br_software', 'us_saas'])
})

test('an empty rule asks for nothing', () => {
  const { icp } = load(profile('{ countries: [BR], states: [], employees: {}, tech: { wanted: [] } }'))
  expect(rulesIn(icp!.profiles.one!.hard)).toEqual(['countries'])
})

describe('each mistake is said with its line, the value and the mend', () => {
  test.each<[string, string, Partial<Problem>]>([
    ['no profile', 'version: 1\nprofiles: {}\n', { line: 2, message: 'profiles: has no profile' }],
    ['no hard rule', profile('{ states: [] }'), { line: 5, message: expect.stringContaining('has no rule') }],
    [
      'an industry that is in no seed',
      profile('{ industries: [softwear] }'),
      {
        line: 5,
        message: "profiles.one.hard.industries.0: unknown industry 'softwear'",
        hint: 'Did you mean software?',
      },
    ],
    [
      'a country code that is another one',
      profile('{ countries: [UK] }'),
      {
        line: 5,
        message: expect.stringContaining("'UK'"),
        hint: 'The official code is GB.',
      },
    ],
    ['a country that is none', profile('{ countries: [QQ] }'), { hint: 'Use an ISO 3166 code: BR, US.' }],
    ['a country in small letters', profile('{ countries: [br] }'), { message: expect.stringContaining('in capitals') }],
    [
      'a state of another country',
      profile('{ countries: [BR], states: [SP, CA] }'),
      {
        line: 5,
        message: expect.stringContaining("'CA'"),
      },
    ],
    [
      'a soft state outside the hard countries',
      profile('{ countries: [US] }', '    soft: { states: [SP] }\n'),
      { line: 6, message: expect.stringContaining("'SP'") },
    ],
    [
      'a range upside down',
      profile('{ employees: { min: 50, max: 10 } }'),
      {
        message: 'profiles.one.hard.employees: min 50 is above max 10',
      },
    ],
    [
      'an age upside down',
      profile('{ countries: [BR], age_years: { min: 9, max: 2 } }'),
      { message: 'profiles.one.hard.age_years: min 9 is above max 2' },
    ],
    [
      'the name of a municipality for its code',
      profile('{ countries: [BR], municipios: [São Paulo] }'),
      { line: 5, message: expect.stringContaining('a SIAFI code of four digits') },
    ],
    [
      'a porte that there is not',
      profile('{ countries: [BR], porte: ["02"] }'),
      { line: 5, message: expect.stringContaining('01, 03 or 05') },
    ],
    [
      'a currency without a rate',
      profile('{ revenue: { min: 1, currency: XTS } }'),
      {
        message: "profiles.one.hard.revenue.currency: no exchange rate for 'XTS'",
      },
    ],
    ['an unquoted CNAE', profile('{ cnae: [62] }'), { line: 5, message: expect.stringContaining('cnae.0') }],
    [
      'a technology both wanted and not',
      profile('{ tech: { wanted: [AWS], unwanted: [aws] } }'),
      {
        message: expect.stringContaining("'aws'"),
      },
    ],
    [
      'an unknown key',
      profile('{ contries: [BR] }'),
      {
        message: "profiles.one.hard: unknown key 'contries'",
        hint: 'Did you mean countries?',
      },
    ],
    [
      'a persona that asks for nothing',
      profile('{ countries: [BR] }', '    personas:\n      - { name: anyone }\n'),
      { line: 7, message: expect.stringContaining("'anyone' asks for nothing") },
    ],
    [
      'two personas of one name',
      profile(
        '{ countries: [BR] }',
        '    personas:\n      - { name: boss, titles: [CEO] }\n      - { name: boss, titles: [CFO] }\n',
      ),
      { line: 8, message: expect.stringContaining('is there twice') },
    ],
    [
      'a seniority that titles never have',
      profile('{ countries: [BR] }', '    personas:\n      - { name: boss, seniorities: [vpp] }\n'),
      { line: 7, message: expect.stringContaining("unknown seniority 'vpp'") },
    ],
    [
      'an excluded address instead of a domain',
      profile('{ countries: [BR] }', 'exclude: { domains: ["https://acme.com/"] }\n'),
      { line: 6, message: expect.stringContaining('exclude.domains.0') },
    ],
    [
      'half a CNPJ root',
      profile('{ countries: [BR] }', 'exclude: { cnpj_roots: ["1234"] }\n'),
      { message: expect.stringContaining("'1234'") },
    ],
  ])('%s', (_name, text, problem) => {
    const { icp, problems } = load(text)
    expect(icp).toBeUndefined()
    expect(problems).toEqual([expect.objectContaining({ file: 'icp.yaml', ...problem })])
  })

  test('all at once', () => {
    const { problems } = load(
      profile('{ countries: [QQ], industries: [nope, software], employees: { min: 2, max: 1 } }'),
    )
    expect(problems).toHaveLength(3)
  })
})

test('without seeds, names are taken as they are', () => {
  expect(load(profile('{ industries: [anything] }'), { seeds: false }).problems).toEqual([])
})

test('a quoted seed value is read as a CSV reader would', () => {
  const { problems } = load(profile('{ industries: [agribusiness, wholesale] }'))
  expect(problems).toEqual([])
})
