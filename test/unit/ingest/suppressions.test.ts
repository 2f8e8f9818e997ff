import { expect, it } from 'vitest'
import { suppressedBy } from '../../../ingest/suppressions.ts'

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
