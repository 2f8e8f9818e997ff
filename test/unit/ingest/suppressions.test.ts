import { expect, it } from 'vitest'
import { allSuppressedBy, linesOfList, readNamed, standing, suppressedBy } from '../../../ingest/suppressions.ts'

it.each([
  ['Ana@Example.com', { by: 'email', value: 'ana@example.com' }],
  ['https://www.Acme.com.br/contato?x=1', { by: 'domain', value: 'acme.com.br' }],
  ['12.ABC.345/01DE-35', { by: 'cnpj_root', value: '12ABC345' }],
  ['33683111000280', { by: 'cnpj_root', value: '33683111' }],
  ['33683111', { by: 'cnpj_root', value: '33683111' }],
  ['cmp_0a1b', { by: 'company_id', value: 'cmp_0a1b' }],
  ['con_0a1b', { by: 'contact_id', value: 'con_0a1b' }],
  ['33683111000281', undefined],
  ['Acme', undefined],
  ['', undefined],
])('%s', (text, who) => {
  expect(suppressedBy(text)).toEqual(who)
})

const read = (content: string) => readNamed(linesOfList(content, 'no.csv'))

it('an address with a tag stands for the one without, too', () => {
  expect(allSuppressedBy('Ana Luz <Ana+News@Example.com>')).toEqual([
    { by: 'email', value: 'ana+news@example.com' },
    { by: 'email', value: 'ana@example.com' },
  ])
  expect(allSuppressedBy('mailto:bo@example.com')).toEqual([{ by: 'email', value: 'bo@example.com' }])
})

it('a list as people keep them: BOM, capitals, blanks, quotes, any column, CRLF; what names nobody is said, the rest stands', () => {
  const { entries, problems } = read(
    '\uFEFFName;E-Mail;Note\r\n"Luz; Ana";  ANA@Example.COM\u00a0;x\r\n\r\nBo;bo@example.com # asked\r\nCy;not an address;\r\nDi;;no mail\r\n',
  )
  expect(entries).toEqual([
    { by: 'email', value: 'ana@example.com' },
    { by: 'email', value: 'bo@example.com' },
  ])
  expect(problems.map(({ file, line, message }) => `${file}:${line} ${message}`)).toEqual([
    "no.csv:5 'not an address' is none of what can be suppressed",
    "no.csv:6 'Di' is none of what can be suppressed",
  ])
})

it('one a line, without a heading', () => {
  expect(read('acme.com\n# nobody\n33.683.111/0002-80\n').entries).toEqual([
    { by: 'domain', value: 'acme.com' },
    { by: 'cnpj_root', value: '33683111' },
  ])
})

it('the last word on each, of one or of a list', () => {
  const entries = [
    { by: 'email', value: 'a@x.com' },
    { by: 'domain', value: 'y.com' },
  ]
  const stands = standing([
    { at: '2026-01-01T10:00:00Z', body: { action: 'add', reason: 'a list', entries } },
    { at: '2026-01-02T10:00:00Z', body: { action: 'remove', by: 'domain', value: 'y.com' } },
    { at: '2026-01-03T10:00:00Z', body: { action: 'add', by: 'nothing' } },
  ])
  expect([...stands.values()]).toEqual([
    { by: 'email', value: 'a@x.com', since: '2026-01-01T10:00:00Z', reason: 'a list' },
  ])
})
