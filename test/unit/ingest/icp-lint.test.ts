import { expect, it } from 'vitest'
import { icpSchema } from '../../../ingest/icp.ts'
import { lintIcp, redundantRules } from '../../../ingest/icp-lint.ts'

const KNOWN = ['01', '62', '6201501']
const icp = (hard: object, soft: object = {}, exclude: object = {}) =>
  icpSchema.parse({ version: 1, profiles: { p: { description: '', hard, soft } }, exclude })
const found = (...given: Parameters<typeof icp>) =>
  lintIcp(icp(...given), KNOWN).map(({ path, message }) => `${path.map(String).join('.')} ${message}`)

it.each([
  ['sound rules', { countries: ['BR'], cnae: ['62', '620150', '6202300'], employees: { min: 1 } }, {}, {}, []],
  ['an unknown activity', { cnae: ['62', '99'] }, {}, {}, [/hard\.cnae\.1 '99' matches nothing/]],
  ['CNAE abroad', { countries: ['US'], cnae: ['62'] }, {}, {}, [/hard\.cnae matches nothing: companies of US/]],
  ['CNAE abroad, wished for', { countries: ['US'] }, { cnae: ['62'] }, {}, [/soft\.cnae matches nothing/]],
  ['the register abroad', { countries: ['US'], porte: ['05'] }, {}, {}, [/hard\.porte matches nothing: .* register/]],
  ['the register, of any country', { municipios: ['7107'], capital: { min: 1 } }, {}, {}, []],
  ['every size', { porte: ['01', '03', '05'] }, {}, {}, [/hard\.porte matches everything/]],
  ['a capital of nothing', { capital: { min: 0 } }, {}, {}, [/hard\.capital matches everything/]],
  ['an age that cannot be', { age_years: { min: 2010 } }, {}, {}, [/hard\.age_years matches nothing/]],
  ['a floor of nothing', { employees: { min: 0 } }, {}, {}, [/hard\.employees matches everything/]],
  ['a floor of nothing with a ceiling', { employees: { min: 0, max: 10 } }, {}, {}, []],
  ['a year that cannot be', { founded: { min: 20240 } }, {}, {}, [/hard\.founded matches nothing/]],
  ['a year before all', { founded: { max: 1499 } }, {}, {}, [/hard\.founded matches nothing/]],
  [
    'all wanted is excluded',
    { industries: ['saas'] },
    {},
    { industries: ['saas'] },
    [/hard\.industries matches nothing/],
  ],
  ['some wanted is excluded', { industries: ['saas', 'x'] }, {}, { industries: ['saas'] }, []],
])('%s', (_, hard, soft, exclude, expected) => {
  const lints = found(hard, soft, exclude)
  expect(lints).toHaveLength(expected.length)
  for (const [index, pattern] of expected.entries()) expect(lints[index]).toMatch(pattern)
})

it('knows no activity as unknown where the project has no list of them', () => {
  expect(lintIcp(icp({ cnae: ['99'] }), [])).toEqual([])
})

it('finds soft rules that every match meets', () => {
  const both = icp(
    { countries: ['BR'], states: ['SP', 'RJ'], employees: { min: 20, max: 100 }, revenue: { min: 5, currency: 'BRL' } },
    {
      states: ['SP', 'RJ', 'MG'],
      employees: { min: 10 },
      revenue: { min: 5, currency: 'USD' },
      founded: { min: 2000 },
    },
  )
  expect(redundantRules(both).map(({ path }) => path.at(-1))).toEqual(['states', 'employees'])
  expect(redundantRules(icp({ states: ['SP', 'RJ'] }, { states: ['SP'] }))).toEqual([])
})
