import { expect, it } from 'vitest'
import type { Pushdown, PushedDown } from '../../../ingest/bulk.ts'
import { registerOnly, wantedCompany, wantedEstablishment } from '../../../ingest/register-filter.ts'

const only = registerOnly.parse({})
/** Whose rules on state and activity are met. */
const pushed = (...rules: Pushdown[]): PushedDown => ({
  rules,
  all: false,
  mayPass: (_state, _codes, meets = () => true) => rules.some(meets),
})

function row(fields: Record<number, string>) {
  const list = Array.from({ length: 30 }, (_, index) => fields[index] ?? '')
  let at = 0
  const starts = new Int32Array(30)
  const ends = new Int32Array(30)
  for (const [index, text] of list.entries()) {
    starts[index] = at
    ends[index] = at += text.length
    at++
  }
  return { buffer: Buffer.from(list.join(';')), starts, ends, field: (index: number) => list[index]! }
}

const establishment = (matriz: string, inicio: string, municipio = '7107') =>
  row({ 3: matriz, 5: '02', 10: inicio, 11: '6201501', 19: 'SP', 20: municipio })
const lands = (rules: Pushdown[], ...of: Parameters<typeof establishment>) =>
  wantedEstablishment(only, '2026-01-31', pushed(...rules))!(establishment(...of))

it.each([
  ['a head office old enough', { min: 5, max: 10 }, '1', '20200101', true],
  ['a young head office', { min: 5 }, '1', '20240101', false],
  ['a young branch: its company may be old', { min: 5 }, '2', '20240101', true],
  ['an old head office', { max: 5 }, '1', '20100101', false],
  ['an old branch: its company is as old', { max: 5 }, '2', '20100101', false],
  ['a start that is not known', { min: 5, max: 10 }, '1', '', true],
])('by age of the company: %s', (_, age_years, matriz, inicio, expected) => {
  expect(lands([{ age_years }], matriz, inicio)).toBe(expected)
})

it('an establishment lands that could pass any one profile, by all of its rules', () => {
  const rules = [{ municipios: ['7107'], age_years: { min: 5 } }, { municipios: ['6001'] }]
  expect(lands(rules, '1', '20100101', '7107')).toBe(true)
  expect(lands(rules, '1', '20240101', '7107')).toBe(false)
  expect(lands(rules, '1', '20240101', '6001')).toBe(true)
  expect(lands(rules, '1', '20100101', '9701')).toBe(false)
  expect(lands(rules, '1', '20240101', '')).toBe(true)
})

const company = (porte: string, capital: string, natureza = '2062') => row({ 2: natureza, 4: capital, 5: porte })

it.each([
  ['the size', { porte: ['05'] }, company('05', '1,00'), true],
  ['another size', { porte: ['05'] }, company('01', '1,00'), false],
  ['a size that is not said', { porte: ['05'] }, company('00', '1,00'), true],
  ['capital', { capital: { min: 1000 } }, company('05', '1000,00'), true],
  ['too little capital', { capital: { min: 1000 } }, company('05', '999,99'), false],
  ['a legal nature', { naturezas: ['206'] }, company('05', '1,00'), true],
  ['another legal nature', { naturezas: ['213'] }, company('05', '1,00'), false],
])('of companies: %s', (_, rule, of, expected) => {
  expect(wantedCompany(only, pushed(rule))!(of)).toBe(expected)
})

it('companies are not looked at where a profile does not ask, and `only:` holds for all profiles', () => {
  expect(wantedCompany(only, pushed({ porte: ['05'] }, {}))).toBeUndefined()
  expect(wantedCompany(only, pushed())).toBeUndefined()
  const both = wantedCompany(
    registerOnly.parse({ capital: { min: 10 } }),
    pushed({ porte: ['05'] }, { porte: ['03'] }),
  )!
  expect([both(company('03', '10,00')), both(company('05', '9,00')), both(company('01', '10,00'))]).toEqual([
    true,
    false,
    false,
  ])
})
