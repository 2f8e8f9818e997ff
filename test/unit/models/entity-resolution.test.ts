import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ModelWorld, modelWorld } from '../../helpers/models.ts'

const COMPANY = {
  source: 'VARCHAR',
  source_key: 'VARCHAR',
  cnpj_root: 'VARCHAR',
  linkedin_key: 'VARCHAR',
  host: 'VARCHAR',
  discovered_at: 'TIMESTAMP',
}
const CONTACT = {
  source: 'VARCHAR',
  source_key: 'VARCHAR',
  company_source_key: 'VARCHAR',
  name_key: 'VARCHAR',
  email: 'VARCHAR',
  linkedin_key: 'VARCHAR',
  discovered_at: 'TIMESTAMP',
}
const ALIAS = { entity: 'VARCHAR', alias_source: 'VARCHAR', alias_key: 'VARCHAR', id: 'VARCHAR', since: 'TIMESTAMP' }
const RESOLUTION = [
  'int_company_records_keyed',
  'int_match_keys',
  'int_records_connected',
  'int_companies_linked',
  'int_contacts_linked',
]
const IDENTITY = [
  'int_companies_clustered',
  'int_contacts_clustered',
  'int_records_identified',
  'int_companies_identified',
  'int_contacts_identified',
  'int_subjects_resolved',
]

interface Company {
  key: string
  cnpj_root?: string
  host?: string
  linkedin_key?: string
  discovered_at?: string
}
interface Contact {
  key: string
  company: string
  name_key?: string
  email?: string
  linkedin_key?: string
}
interface Alias {
  key: string
  id: string
  since: string
}

let models: ModelWorld
beforeAll(async () => {
  models = await modelWorld()
})
afterAll(() => models.close())

/** Company ids by key of the record. */
async function resolve(
  companies: readonly Company[],
  contacts: readonly Contact[] = [],
  aliases: readonly Alias[] = [],
): Promise<Map<string, string>> {
  const hosts = [...new Set(companies.flatMap(({ host }) => host ?? []))]
  const seen = '2026-11-22T00:00:00'
  await models.give({
    'intermediate.int_company_records': {
      columns: COMPANY,
      rows: companies.map(({ key, ...keys }) => ({ source: 's', source_key: key, discovered_at: seen, ...keys })),
    },
    'intermediate.int_contact_records': {
      columns: CONTACT,
      rows: contacts.map(({ key, company, ...keys }) => ({
        source: 's',
        source_key: key,
        company_source_key: company,
        discovered_at: seen,
        ...keys,
      })),
    },
    'discovery.registrable_domains': {
      columns: { host: 'VARCHAR', registrable_domain: 'VARCHAR' },
      rows: hosts.map((host) => ({ host, registrable_domain: host.split('.').slice(-2).join('.') })),
    },
    'intermediate.int_shared_addresses': { columns: { channel: 'VARCHAR', address: 'VARCHAR' }, rows: [] },
    'staging.stg_identity__aliases': {
      columns: ALIAS,
      rows: aliases.map(({ key, id, since }) => ({ entity: 'company', alias_source: 's', alias_key: key, id, since })),
    },
  })
  await models.build(RESOLUTION)
  // Likeness is a step's, with tests of its own: here exact keys are alone.
  await models.connection.run(`create or replace table discovery.company_clusters as
    select source, source_key, cluster_key from intermediate.int_companies_linked;
    create or replace table discovery.contact_clusters as
    select source, source_key, cluster_key from intermediate.int_contacts_linked`)
  await models.build(IDENTITY)
  return ids('select source_key as key, company_id as id from intermediate.int_companies_identified')
}

async function ids(sql: string): Promise<Map<string, string>> {
  const rows = await models.connection.rows<{ key: string; id: string }>(sql)
  return new Map(rows.map(({ key, id }) => [key, id]))
}

const contactIds = () => ids('select source_key as key, contact_id as id from intermediate.int_contacts_identified')

test('a CNPJ root, a domain of its own and a LinkedIn page join records, through others too', async () => {
  const found = await resolve([
    { key: 'a', cnpj_root: '11111111', host: 'www.acme.com' },
    { key: 'b', host: 'acme.com', linkedin_key: 'company/acme' },
    { key: 'c', linkedin_key: 'company/acme' },
    { key: 'd', cnpj_root: '11111111' },
    { key: 'e', host: 'other.com' },
  ])
  expect(new Set(['a', 'b', 'c', 'd'].map((key) => found.get(key))).size).toBe(1)
  expect(found.get('e')).not.toBe(found.get('a'))
})

test('public mailboxes and hosts with many tenants join nothing', async () => {
  const found = await resolve([
    { key: 'a', host: 'gmail.com' },
    { key: 'b', host: 'gmail.com' },
    { key: 'c', host: 'acme.wixsite.com' },
    { key: 'd', host: 'other.wixsite.com' },
    { key: 'e', host: 'linkedin.com' },
    { key: 'f', host: 'linkedin.com' },
  ])
  expect(new Set(found.values()).size).toBe(6)
})

test('a shared domain does not make one company of two legal entities', async () => {
  const found = await resolve([
    { key: 'a', cnpj_root: '11111111', host: 'group.com' },
    { key: 'b', cnpj_root: '22222222', host: 'group.com' },
    { key: 'c', host: 'group.com' },
    { key: 'd', host: 'group.com' },
  ])
  expect(new Set(found.values()).size).toBe(3)
  expect(found.get('c')).toBe(found.get('d'))
})

test('nor does a chain of weak keys; who stands in the middle goes to its domain', async () => {
  const found = await resolve([
    { key: 'a', cnpj_root: '11111111', host: 'one.com' },
    { key: 'b', host: 'one.com', linkedin_key: 'company/two' },
    { key: 'c', cnpj_root: '22222222', linkedin_key: 'company/two' },
  ])
  expect(found.get('b')).toBe(found.get('a'))
  expect(found.get('c')).not.toBe(found.get('a'))
})

test('people are joined by e-mail and page, not by a role, nor across first names', async () => {
  await resolve(
    [{ key: 'x' }, { key: 'y' }],
    [
      { key: 'a', company: 'x', name_key: 'ana souza', email: 'ana@acme.com' },
      { key: 'b', company: 'x', name_key: 'ana s', email: 'ana@acme.com', linkedin_key: 'in/ana' },
      { key: 'c', company: 'y', name_key: 'souza', linkedin_key: 'in/ana' },
      { key: 'd', company: 'x', name_key: 'bruno', email: 'ana@acme.com' },
      { key: 'e', company: 'x', name_key: 'rita', email: 'contato@acme.com' },
      { key: 'f', company: 'y', name_key: 'rita', email: 'contato@acme.com' },
      { key: 'g', company: 'unknown', name_key: 'zoe' },
    ],
  )
  const found = await contactIds()
  expect(new Set(['a', 'b', 'c'].map((key) => found.get(key))).size).toBe(1)
  expect(new Set(['a', 'd', 'e', 'f'].map((key) => found.get(key))).size).toBe(4)
  expect(found.has('g')).toBe(false)
})

const T1 = '2026-01-01T00:00:00.000Z'
const T2 = '2026-02-01T00:00:00.000Z'

test('a merge keeps the oldest id, and the other is still found by what was bought for it', async () => {
  const apart = await resolve([{ key: 'a' }, { key: 'b' }])
  const [old, late] = [apart.get('b')!, apart.get('a')!]
  const merged = await resolve(
    [
      { key: 'a', host: 'acme.com' },
      { key: 'b', host: 'acme.com' },
    ],
    [],
    [
      { key: 'b', id: old, since: T1 },
      { key: 'a', id: late, since: T2 },
    ],
  )
  expect([merged.get('a'), merged.get('b')]).toEqual([old, old])
  const resolved = await ids('select subject_id as key, id from intermediate.int_subjects_resolved')
  expect(resolved.get(late)).toBe(old)
})

test('when a company comes apart, the part with the oldest record keeps the id', async () => {
  const aliases = ['a', 'b', 'c'].map((key) => ({ key, id: 'cmp_old', since: key === 'b' ? T1 : T2 }))
  const found = await resolve(
    [{ key: 'a', host: 'parts.com' }, { key: 'b' }, { key: 'c', host: 'parts.com' }],
    [],
    aliases,
  )
  expect(found.get('b')).toBe('cmp_old')
  expect(found.get('a')).toBe(found.get('c'))
  expect(found.get('a')).not.toBe('cmp_old')
})

const key = (of: string, count: number) =>
  fc.option(
    fc.integer({ min: 1, max: count }).map((n) => of.replace('#', `${n}`)),
    { nil: undefined, freq: 2 },
  )
const records = fc
  .array(fc.record({ cnpj_root: key('1000000#', 5), host: key('d#.com', 8), linkedin_key: key('company/#', 8) }), {
    maxLength: 25,
  })
  .map((list) => list.map((keys, index) => ({ key: `r${String(index).padStart(2, '0')}`, ...keys })))

test('whatever the keys: one id a record, one CNPJ root an id, equal roots together, order of no consequence', async () => {
  await fc.assert(
    fc.asyncProperty(records, async (companies) => {
      const found = await resolve(companies)
      expect(found.size).toBe(companies.length)
      const roots = new Map<string, Set<string>>()
      for (const { key, cnpj_root } of companies)
        if (cnpj_root !== undefined) {
          const id = found.get(key)!
          roots.set(id, (roots.get(id) ?? new Set()).add(cnpj_root))
        }
      for (const set of roots.values()) expect(set.size).toBe(1)
      expect(roots.size).toBe(new Set(companies.flatMap(({ cnpj_root }) => cnpj_root ?? [])).size)
      expect(await resolve([...companies].reverse())).toEqual(found)
    }),
    { numRuns: 15 },
  )
})

test('without a CNPJ, records are together exactly when a path of keys joins them', async () => {
  await fc.assert(
    fc.asyncProperty(records, async (companies) => {
      const rootless = companies.map(({ cnpj_root: _root, ...keys }) => keys)
      const found = await resolve(rootless)
      const leader = new Map(rootless.map(({ key }) => [key, key]))
      const find = (of: string): string => (leader.get(of) === of ? of : find(leader.get(of)!))
      for (const one of rootless)
        for (const other of rootless)
          if ((one.host && one.host === other.host) || (one.linkedin_key && one.linkedin_key === other.linkedin_key))
            leader.set(find(one.key), find(other.key))
      for (const one of rootless)
        for (const other of rootless)
          expect(found.get(one.key) === found.get(other.key)).toBe(find(one.key) === find(other.key))
    }),
    { numRuns: 15 },
  )
})

test('a chain of a thousand records is one company', async () => {
  const chain = Array.from({ length: 1000 }, (_, n) => ({
    key: `r${(n * 7919) % 1000}`,
    host: `d${Math.floor(n / 2)}.com`,
    linkedin_key: `company/${Math.floor((n + 1) / 2)}`,
  }))
  expect(new Set((await resolve(chain)).values()).size).toBe(1)
})
