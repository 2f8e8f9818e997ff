import { expect, test } from 'vitest'
import { identity } from '../../../ingest/identity.ts'
import { world } from '../../helpers/world.ts'

test('ids are remembered once; a merge is a new version under the surviving id', async () => {
  const w = await world()
  await w.connection.run(`
    create schema if not exists intermediate;
    create table intermediate.int_companies_identified as select * from (values
      ('mock', 'directory-1', 'cmp_a', timestamp '2026-01-01'),
      ('mock', 'registry-1', 'cmp_b', timestamp '2026-01-02')) as t(source, source_key, company_id, since);
    create table intermediate.int_contacts_identified as
      select 'mock' as source, 'p-1' as source_key, 'con_a' as contact_id, timestamp '2026-01-01' as since`)
  const context = await w.context(identity)
  expect((await identity.run(context)).rows).toBe(3)
  expect((await identity.run(context)).rows).toBe(0)

  await w.connection.run(`update intermediate.int_companies_identified set company_id = 'cmp_a'`)
  expect((await identity.run(context)).rows).toBe(1)
  expect(
    await w.connection.rows('select entity, alias_key, id from raw.identity__aliases order by entity, alias_key'),
  ).toEqual([
    { entity: 'company', alias_key: 'directory-1', id: 'cmp_a' },
    { entity: 'company', alias_key: 'registry-1', id: 'cmp_a' },
    { entity: 'contact', alias_key: 'p-1', id: 'con_a' },
  ])
  w.close()
})

test('more records than one page', async () => {
  const w = await world()
  await w.connection.run(`
    create schema if not exists intermediate;
    create table intermediate.int_companies_identified as
      select 'mock' as source, 'k' || i as source_key, 'cmp_' || i as company_id, timestamp '2026-01-01' as since
      from range(100001) as t(i);
    create table intermediate.int_contacts_identified as
      select source, source_key, company_id as contact_id, since from intermediate.int_companies_identified limit 0`)
  expect((await identity.run(await w.context(identity))).rows).toBe(100_001)
  w.close()
})
