import { afterAll, beforeAll, expect, test } from 'vitest'
import { companyMatches } from '../../../ingest/company-matches.ts'
import { matchSchema } from '../../../ingest/match/settings.ts'
import type { StepContext } from '../../../pipeline/step.ts'
import { relationName } from '../../../pipeline/table.ts'
import { type ModelWorld, modelWorld } from '../../helpers/models.ts'

const TEXT = (names: string) => Object.fromEntries(names.split(' ').map((name) => [name, 'VARCHAR']))

interface Company {
  key: string
  name: string
  domain?: string
  phone?: string
  cnpj_root?: string
  exact?: string
}

let models: ModelWorld
beforeAll(async () => {
  models = await modelWorld()
})
afterAll(() => models.close())

/** Clusters by key of the record, as the step makes them; `decisions`: [left, right, same or different], the latest last. */
async function clusters(
  companies: readonly Company[],
  decisions: readonly (readonly [string, string, string])[] = [],
): Promise<Map<string, string>> {
  const own = async (key: string) => {
    const [row] = await models.connection.rows<{ id: string }>(
      `select 'cmp_' || left(sha256('s' || chr(31) || '${key}'), 20) as id`,
    )
    return row!.id
  }
  const reviews = []
  for (const [index, [left, right, decision]] of decisions.entries()) {
    const item_id = [await own(left), await own(right)].sort().join('~')
    const decided_at = `2026-01-0${index + 1}T00:00:00`
    reviews.push({ kind: 'match', item_id, decision, decided_at, review_id: String(index) })
  }
  await models.give({
    'intermediate.int_company_records': {
      columns: TEXT('source source_key name name_key country state city phone cnpj_root'),
      rows: companies.map(({ key, name, phone, cnpj_root }) => ({
        source: 's',
        source_key: key,
        name,
        name_key: name.toLowerCase(),
        country: 'BR',
        phone,
        cnpj_root,
      })),
    },
    'intermediate.int_company_records_keyed': {
      columns: TEXT('source source_key domain'),
      rows: companies.map(({ key, domain }) => ({ source: 's', source_key: key, domain })),
    },
    'intermediate.int_companies_linked': {
      columns: TEXT('source source_key cluster_key'),
      rows: companies.map(({ key, exact }) => ({
        source: 's',
        source_key: key,
        cluster_key: exact ?? `record s ${key}`,
      })),
    },
    'intermediate.int_contact_records': { columns: TEXT('source company_source_key name_key'), rows: [] },
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
  const step = companyMatches(matchSchema.parse({}))
  await step.run({ connection, build, progress: () => {} } as unknown as StepContext)
  const rows = await connection.rows<{ key: string; cluster: string }>(
    'select source_key as key, cluster_key as cluster from discovery.company_clusters',
  )
  return new Map(rows.map(({ key, cluster }) => [key, cluster]))
}

const ACME = [
  { key: 'a', name: 'Acme Robótica Ltda', phone: '+55 11 3222-1111' },
  { key: 'b', name: 'ACME ROBOTICA', phone: '1132221111' },
  { key: 'c', name: 'Delta Transportes Ltda', phone: '+55 11 4000-0001' },
  { key: 'd', name: 'Delta Tecnologia SA', phone: '+55 11 4000-0002' },
]

test('alike in name and phone is one company, one ordinary word in common is none', async () => {
  const found = await clusters(ACME)
  expect(found.get('a')).toBe(found.get('b'))
  expect(found.get('c')).not.toBe(found.get('d'))
})

test('what people decided wins, the latest over the earlier, and a split pair stays apart', async () => {
  const split = await clusters(ACME, [['a', 'b', 'different']])
  expect(split.get('a')).not.toBe(split.get('b'))
  const changed = await clusters(ACME, [
    ['c', 'd', 'different'],
    ['a', 'c', 'same'],
    ['a', 'd', 'same'],
  ])
  expect(changed.get('a')).toBe(changed.get('d'))
  expect(changed.get('c')).not.toBe(changed.get('d'))
})

test('exact keys hold, two legal entities stay two, also where a person says otherwise', async () => {
  const entities = [
    { key: 'x', name: 'Acme Holding', phone: '1132221111', cnpj_root: '11111111', exact: 'cnpj 11111111' },
    { key: 'y', name: 'Zeta Filial', phone: '', cnpj_root: '11111111', exact: 'cnpj 11111111' },
    { key: 'z', name: 'Acme Holding', phone: '1132221111', cnpj_root: '22222222', exact: 'cnpj 22222222' },
  ]
  const found = await clusters([...entities, ...ACME], [['x', 'z', 'same']])
  expect(found.get('x')).toBe(found.get('y'))
  expect(found.get('x')).not.toBe(found.get('z'))
})
