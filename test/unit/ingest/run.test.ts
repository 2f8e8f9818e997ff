import { describe, expect, test } from 'vitest'
import { ingest } from '../../helpers/ingest.ts'

const DEFAULT = `
discovery:
  icp: ingest/icp.yaml
  providers:
    mock: { seed: 7, companies: 300 }
enrichment:
  providers: { mock: {} }
  waterfall: { email: [mock], tech_stack: [mock], news: [mock], signals: [mock], social: [mock] }
`

describe('steps', () => {
  test('one per list, one per field, and those that say who is who and who fits', async () => {
    const { steps, problems } = await ingest(DEFAULT)
    expect(problems).toEqual([])
    expect(steps.map(({ name }) => name)).toEqual([
      'mock__companies',
      'mock__contacts',
      'icp_prospects',
      'icp_matches',
      'icp_personas',
      'registrable_domains',
      'enrichment_fields',
      'company_matches',
      'contact_matches',
      'identity',
      'enrich_email',
      'enrich_tech_stack',
      'enrich_news',
      'enrich_signals',
      'enrich_social',
    ])
    expect(new Set(steps.map(({ stage }) => stage))).toEqual(new Set(['discovery', 'enrichment']))
  })

  test('tables of providers that are switched off are declared, each table once', async () => {
    const { steps, tables } = await ingest('discovery: { providers: { mock: {} } }')
    const recorded = steps.flatMap(({ records = [] }) => records)
    const names = [...recorded, ...tables].map(({ source, table }) => `${source}.${table}`)
    expect(names).toEqual([...new Set(names)])
    expect(names).toContain('mock.signals')
    expect(names).toContain('receita_federal.estabelecimentos')
    expect(names).toContain('identity.aliases')
    expect(names).toContain('enrichment.asked')
  })

  test('with nothing switched on there is nothing to take in, and still every table', async () => {
    const { steps, tables } = await ingest('{}')
    expect(steps.map(({ name }) => name)).toEqual([
      'icp_prospects',
      'icp_matches',
      'icp_personas',
      'registrable_domains',
      'enrichment_fields',
      'company_matches',
      'contact_matches',
      'identity',
    ])
    expect(tables.map(({ source, table }) => `${source}.${table}`)).toContain('mock.companies')
  })

  test('a provider with nothing below its name has its defaults', async () => {
    const { problems, steps } = await ingest('discovery:\n  providers:\n    mock:\n')
    expect(problems).toEqual([])
    expect(steps[0]?.name).toBe('mock__companies')
  })

  test('the fingerprint follows settings and ICP, and nothing else', async () => {
    const of = async (text: string) => (await ingest(text)).steps.map(({ fingerprint }) => fingerprint)
    expect(await of(DEFAULT)).toEqual(await of(DEFAULT))
    const [before] = await of(DEFAULT)
    const [after] = await of(DEFAULT.replace('seed: 7', 'seed: 8'))
    expect(after).not.toBe(before)
  })
})

describe('problems of pipeline.yaml have a line, the value and the mend', () => {
  test.each([
    [
      'a provider that is no file',
      'discovery:\n  providers:\n    mok: {}\n',
      { line: 3, message: "there is no provider 'mok'", hint: 'Did you mean mock?' },
    ],
    [
      'a setting that the provider does not know',
      'discovery:\n  providers:\n    mock:\n      sed: 8\n',
      { line: 4, message: "discovery.providers.mock: unknown key 'sed'", hint: 'Did you mean seed?' },
    ],
    [
      'a setting of the wrong kind',
      'discovery:\n  providers:\n    mock:\n      seed: lots\n',
      { line: 4, message: expect.stringContaining('discovery.providers.mock.seed') },
    ],
    [
      'a field that nobody can fill',
      'enrichment:\n  providers: { mock: {} }\n  waterfall:\n    emial: [mock]\n',
      { line: 4, message: "no provider can fill the field 'emial'", hint: 'Did you mean email?' },
    ],
    [
      'a waterfall over a provider that is switched off',
      'enrichment:\n  providers: { mock: {} }\n  waterfall:\n    email:\n      - mock\n      - mocc\n',
      { line: 6, message: "provider 'mocc' is not switched on", hint: 'Did you mean mock?' },
    ],
  ])('%s', async (_name, text, problem) => {
    const { problems } = await ingest(text)
    expect(problems).toEqual([expect.objectContaining({ file: 'pipeline.yaml', ...problem })])
  })

  test('a provider that cannot fill the field', async () => {
    const { problems } = await ingest(
      'enrichment:\n  providers: { receita_federal: { path: x } }\n  waterfall: { email: [receita_federal] }\n',
    )
    expect(problems).toEqual([expect.objectContaining({ line: 3, message: "receita_federal cannot fill 'email'" })])
  })

  test('an ICP that cannot be read takes no step away, so that nothing else seems wrong', async () => {
    const { steps, problems } = await ingest('discovery: { icp: nowhere.yaml, providers: { mock: {} } }')
    expect(problems).toHaveLength(1)
    expect(steps.map(({ name }) => name)).toContain('icp_matches')
  })

  test('all are collected', async () => {
    const { problems } = await ingest('discovery: { icp: nowhere.yaml, providers: { a: {}, b: {} } }')
    expect(problems.map(({ message }) => message)).toEqual([
      'is not there',
      "there is no provider 'a'",
      "there is no provider 'b'",
    ])
  })
})
