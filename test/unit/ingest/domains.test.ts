import { expect, test } from 'vitest'
import { registrableDomains } from '../../../ingest/domains.ts'
import { registrableDomain } from '../../../ingest/registrable-domain.ts'
import { world } from '../../helpers/world.ts'

test.each([
  ['acme.com', 'acme.com'],
  ['www.acme.com.br', 'acme.com.br'],
  ['a.b.acme.co.uk', 'acme.co.uk'],
  ['loja.acme.example', 'acme.example'],
  ['acme.github.io', 'acme.github.io'],
  ['com.br', null],
  ['192.168.0.1', null],
  ['localhost', null],
  ['not a host', null],
])('%s is registered as %s', (host, domain) => {
  expect(registrableDomain(host)).toBe(domain)
})

test('every host once, of web addresses and e-mail', async () => {
  const w = await world()
  await w.connection.run(`
    create schema if not exists intermediate;
    create table intermediate.int_company_records as
      select * from (values ('www.acme.com', 'acme.com'), ('acme.com', null), (null, 'mail.other.com.br')) as t(host, email_host);
    create table intermediate.int_contact_records as select 'acme.com' as email_host`)
  const summary = await registrableDomains.run(await w.context(registrableDomains))
  expect(summary.text).toBe('3 hosts, 2 registrable domains')
  expect(await w.connection.rows('select * from discovery.registrable_domains order by host')).toEqual([
    { host: 'acme.com', registrable_domain: 'acme.com' },
    { host: 'mail.other.com.br', registrable_domain: 'other.com.br' },
    { host: 'www.acme.com', registrable_domain: 'acme.com' },
  ])
  w.close()
})
