import { afterAll, beforeAll, expect, test } from 'vitest'
import { contactMatches } from '../../../ingest/contact-matches.ts'
import { matchSchema } from '../../../ingest/match/settings.ts'
import type { StepContext } from '../../../pipeline/step.ts'
import { relationName } from '../../../pipeline/table.ts'
import { type ModelWorld, modelWorld } from '../../helpers/models.ts'

const TEXT = (names: string) => Object.fromEntries(names.split(' ').map((name) => [name, 'VARCHAR']))

interface Person {
  key: string
  name: string
  source?: string
  company?: string
  email?: string
  linkedin_key?: string
  exact?: string
}

let models: ModelWorld
beforeAll(async () => {
  models = await modelWorld()
})
afterAll(() => models.close())

const ownId = async (source: string, key: string) => {
  const [row] = await models.connection.rows<{ id: string }>(
    `select 'con_' || left(sha256('${source}' || chr(31) || '${key}'), 20) as id`,
  )
  return row!.id
}

/** Clusters by key, and the pairs that wait for a person, as `pipeline review` gets them. */
async function people(
  persons: readonly Person[],
  decisions: readonly (readonly [string, string, string])[] = [],
): Promise<{ cluster: Map<string, string>; asked: string[] }> {
  const sourceOf = new Map(persons.map(({ key, source = 'a' }) => [key, source]))
  const reviews = []
  for (const [index, [left, right, decision]] of decisions.entries()) {
    const ids = [await ownId(sourceOf.get(left)!, left), await ownId(sourceOf.get(right)!, right)]
    const decided_at = `2026-01-0${index + 1}T00:00:00`
    reviews.push({
      kind: 'contact_match',
      item_id: ids.sort().join('~'),
      decision,
      decided_at,
      review_id: String(index),
    })
  }
  const companies = [
    ...new Set(persons.map(({ source = 'a', company = 'acme' }) => JSON.stringify([source, company]))),
  ].map((text) => JSON.parse(text) as [string, string])
  await models.give({
    'intermediate.int_contact_records': {
      columns: TEXT('source source_key company_source_key full_name name_key email phone linkedin_key'),
      rows: persons.map(({ key, name, source = 'a', company = 'acme', email, linkedin_key }) => ({
        source,
        source_key: key,
        company_source_key: company,
        full_name: name,
        name_key: name
          .normalize('NFD')
          .replaceAll(/\p{M}/gu, '')
          .toLowerCase()
          .replaceAll(/[^a-z0-9]+/g, ' ')
          .trim(),
        email,
        linkedin_key,
      })),
    },
    'intermediate.int_contacts_linked': {
      columns: TEXT('source source_key cluster_key'),
      rows: persons.map(({ key, source = 'a', exact }) => ({
        source,
        source_key: key,
        cluster_key: exact ?? `record ${source} ${key}`,
      })),
    },
    'discovery.company_clusters': {
      columns: TEXT('source source_key cluster_key'),
      rows: companies.map(([source, company]) => ({ source, source_key: company, cluster_key: `company ${company}` })),
    },
    'intermediate.int_shared_addresses': { columns: TEXT('channel address'), rows: [] },
    'staging.stg_ledger__reviews': {
      columns: { ...TEXT('kind item_id decision review_id'), decided_at: 'TIMESTAMP' },
      rows: reviews,
    },
    'staging.stg_identity__aliases': { columns: TEXT('entity alias_source alias_key id'), rows: [] },
  })
  const { connection } = models
  const build: StepContext['build'] = (table, select) =>
    connection.run(`create or replace table ${relationName(table)} as ${select}`)
  await contactMatches(matchSchema.parse({})).run({ connection, build, progress: () => {} } as unknown as StepContext)
  await models.build(['review_contact_matches'])
  const rows = await connection.rows<{ key: string; cluster: string }>(
    'select source_key as key, cluster_key as cluster from discovery.contact_clusters',
  )
  const asked = await connection.rows<{ question: string }>('select question from ops.review_contact_matches')
  return {
    cluster: new Map(rows.map(({ key, cluster }) => [key, cluster])),
    asked: asked.map(({ question }) => question),
  }
}

const ANA = [
  { key: 'a1', name: 'Ana Carolina Souza', source: 'a' },
  { key: 'b1', name: 'ANA CAROLINA SOUZA', source: 'b', email: 'ana@acme.com' },
]

test('one name at one company, told by two sources, is one person; elsewhere, or another name, it is not', async () => {
  const { cluster } = await people([
    ...ANA,
    { key: 'b2', name: 'Ana Carolina Souza', source: 'b', company: 'zeta' },
    { key: 'b3', name: 'Paulo Souza', source: 'b' },
    { key: 'b4', name: 'José Prado', source: 'b' },
    { key: 'a4', name: 'João Prado', source: 'a' },
  ])
  expect(cluster.get('a1')).toBe(cluster.get('b1'))
  expect(new Set(cluster.values()).size).toBe(5)
})

test('two people of one source, and two LinkedIn pages, are two, also through a third record', async () => {
  const { cluster } = await people([
    { key: 'a1', name: 'Ana Souza', source: 'a', linkedin_key: 'in/ana-1' },
    { key: 'a2', name: 'Ana Souza', source: 'a' },
    { key: 'b1', name: 'Ana Souza', source: 'b' },
    { key: 'c1', name: 'Ana Souza', source: 'c', linkedin_key: 'in/ana-2' },
  ])
  expect(cluster.get('a1')).not.toBe(cluster.get('a2'))
  expect(cluster.get('a1')).not.toBe(cluster.get('c1'))
})

test('in doubt a person is asked; the answer wins, the latest over the earlier, and nothing is asked twice', async () => {
  const doubtful = [
    { key: 'a1', name: 'Carol Souza', source: 'a' },
    { key: 'b1', name: 'Carolina Prado Souza', source: 'b' },
  ]
  const before = await people(doubtful)
  expect(before.cluster.get('a1')).not.toBe(before.cluster.get('b1'))
  expect(before.asked).toHaveLength(1)
  expect(before.asked[0]).toContain('Carolina Prado Souza (b:b1)')

  const merged = await people(doubtful, [['a1', 'b1', 'same']])
  expect(merged.cluster.get('a1')).toBe(merged.cluster.get('b1'))
  const split = await people(doubtful, [
    ['a1', 'b1', 'same'],
    ['a1', 'b1', 'different'],
  ])
  expect(split.cluster.get('a1')).not.toBe(split.cluster.get('b1'))
  expect([merged.asked, split.asked]).toEqual([[], []])
})

test('a person joins people of two companies, and takes apart what likeness or an address had joined', async () => {
  const elsewhere = { key: 'b2', name: 'Ana Souza-Lima', source: 'b', company: 'zeta' }
  const moved = await people([...ANA, elsewhere], [['a1', 'b2', 'same']])
  expect(new Set(moved.cluster.values()).size).toBe(1)
  const apart = await people(ANA, [['a1', 'b1', 'different']])
  expect(apart.cluster.get('a1')).not.toBe(apart.cluster.get('b1'))
  const shared = ANA.map((person) => ({ ...person, exact: 'component 1' }))
  expect(new Set((await people(shared)).cluster.values()).size).toBe(1)
  const told = await people(shared, [['a1', 'b1', 'different']])
  expect(told.cluster.get('a1')).not.toBe(told.cluster.get('b1'))
})

test('masked names say too little', async () => {
  const { cluster } = await people([
    { key: 'a1', name: 'Ana So***a', source: 'a' },
    { key: 'b1', name: 'Ana So***a', source: 'b' },
  ])
  expect(cluster.get('a1')).not.toBe(cluster.get('b1'))
})
