import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Row } from '../../../pipeline/warehouse/duckdb.ts'
import { type ModelWorld, modelWorld } from '../../helpers/models.ts'

let models: ModelWorld
beforeAll(async () => {
  models = await modelWorld()
})
afterAll(() => models.close())

const SEEN = '2026-11-22T00:00:00'
const RAW_COMPANY = {
  source: 'VARCHAR',
  source_key: 'VARCHAR',
  is_bulk: 'BOOLEAN',
  name: 'VARCHAR',
  website: 'VARCHAR',
  domain: 'VARCHAR',
  cnpj: 'VARCHAR',
  linkedin_url: 'VARCHAR',
  email_host: 'VARCHAR',
  country: 'VARCHAR',
  state: 'VARCHAR',
  city: 'VARCHAR',
  industry: 'VARCHAR',
  cnae_code: 'VARCHAR',
  employee_count: 'BIGINT',
  revenue_amount: 'DOUBLE',
  revenue_currency: 'VARCHAR',
  founded_year: 'BIGINT',
  funding_stage: 'VARCHAR',
  technologies: 'VARCHAR[]',
  phone: 'VARCHAR',
  status: 'VARCHAR',
  updated_at: 'DATE',
  discovered_at: 'TIMESTAMP',
}

async function record(company: Row): Promise<Row> {
  const row = { source: 'mock', source_key: 'a', is_bulk: false, discovered_at: SEEN, ...company }
  await models.give({ 'intermediate.int_company_records_unioned': { columns: RAW_COMPANY, rows: [row] } })
  await models.build(['int_company_records'])
  const [found] = await models.connection.rows<Row>('from intermediate.int_company_records')
  return found!
}

test.each([
  ['https://www.Acme.com.br/home?x=1', 'acme.com.br'],
  ['http://acme.com:8080', 'acme.com'],
  ['acme.com.', 'acme.com'],
  ['www.acme.com/', 'acme.com'],
  ['https://user@shop.acme.com#top', 'shop.acme.com'],
  ['n/a', null],
  ['localhost', null],
])('the host of %s is %s', async (website, host) => {
  expect((await record({ website })).host).toBe(host)
})

test.each([
  ['33.683.111/0002-80', '33683111000280'],
  ['12abc34501de35', '12ABC34501DE35'],
  ['336831110002', null],
  ['00000000000000', null],
])('the CNPJ %s is read as %s', async (cnpj, read) => {
  const company = await record({ cnpj })
  expect([company.cnpj, company.cnpj_root]).toEqual([read, read === null ? null : String(read).slice(0, 8)])
})

test('the industry is the one the source names, or else the longest fitting CNAE prefix', async () => {
  expect((await record({ industry: 'Food and Beverage', cnae_code: '6201501' })).industry).toBe('food_and_beverage')
  expect((await record({ cnae_code: '6201501' })).industry).toBe('software')
  expect((await record({ cnae_code: '6204000' })).industry).toBe('it_services')
  expect((await record({ cnae_code: '0000000' })).industry).toBeNull()
})

test('revenue is brought to dollars at the latest rate on or before as-of; without a currency it is unknown', async () => {
  expect((await record({ revenue_amount: 1000, revenue_currency: 'BRL' })).revenue_usd).toBe(182)
  expect((await record({ revenue_amount: 1000 })).revenue_usd).toBeNull()
  expect((await record({ revenue_amount: 0, revenue_currency: 'USD', employee_count: 0 })).revenue_usd).toBeNull()
})

async function merge(companies: readonly Row[]): Promise<Row> {
  const rows = companies.map((row, index) => ({
    source: 'mock',
    source_key: `r${index}`,
    is_bulk: false,
    discovered_at: SEEN,
    ...row,
  }))
  await models.give({
    'intermediate.int_company_records_unioned': { columns: RAW_COMPANY, rows },
    'intermediate.int_company_records_keyed': {
      columns: { source: 'VARCHAR', source_key: 'VARCHAR', domain: 'VARCHAR' },
      rows,
    },
    'intermediate.int_companies_identified': {
      columns: { source: 'VARCHAR', source_key: 'VARCHAR', company_id: 'VARCHAR', since: 'TIMESTAMP' },
      rows: rows.map((row) => ({ ...row, company_id: 'cmp_1', since: row.discovered_at })),
    },
  })
  await models.build(['int_company_records', 'int_company_values_ranked', 'int_companies_merged'])
  const [found] = await models.connection.rows<Row>('from intermediate.int_companies_merged')
  return found!
}

test('every field is taken from the source that is believed first, then from the newest record, and never from nothing', async () => {
  const merged = await merge([
    { name: 'Old', city: 'Recife', phone: '1', updated_at: '2026-01-01', technologies: ['dbt', 'React'] },
    { name: 'New', city: null, updated_at: '2026-05-01', technologies: ['react', 'AWS'] },
    { name: 'Register', cnae_code: '6201501', source: 'receita_federal', updated_at: '2026-11-01', city: 'Olinda' },
    { name: 'Nobody', source: 'unheard_of', updated_at: '2026-11-02', state: 'PE' },
  ])
  expect(merged).toMatchObject({
    name: 'New',
    city: 'Recife',
    phone: '1',
    cnae_code: '6201501',
    state: 'PE',
    tech_stack: ['AWS', 'dbt', 'React'],
    source: 'mock',
    sources: ['mock', 'receita_federal', 'unheard_of'],
    record_count: 4,
    employee_count: null,
  })
})

test('of equally new records of one source the first key is believed', async () => {
  const merged = await merge([
    { source_key: 'b', name: 'B', updated_at: '2026-01-01' },
    { source_key: 'a', name: 'A', updated_at: '2026-01-01' },
  ])
  expect(merged.name).toBe('A')
})

/** Sources that no seed names precede none of each other; these seeds say what the test is about. */
async function believed(field: 'city' | 'phone', seed: readonly string[], companies: readonly Row[]): Promise<unknown> {
  await models.connection.run('create or replace temp table kept as from seeds.source_precedence')
  await models.connection.run('delete from seeds.source_precedence')
  for (const line of seed) {
    const [source, of, precedence, confidence] = line.split(' ')
    await models.connection.run(
      `insert into seeds.source_precedence (source, field, precedence, confidence)
       values ('${source}', '${of}', ${precedence}, ${confidence})`,
    )
  }
  try {
    return (await merge(companies))[field]
  } finally {
    await models.connection.run('delete from seeds.source_precedence')
    await models.connection.run('insert into seeds.source_precedence from kept')
  }
}

const SURE_AND_UNSURE = ['sure * 50 0.9', 'unsure * 50 0.6', 'other * 50 0.6', 'fourth * 50 0.6', 'first * 10 0.1']
const may = (day: number) => ({ updated_at: `2026-05-0${day}` })
test.each<[string, readonly Row[], string]>([
  [
    'the surer source, whatever its key and its day of the month',
    [
      { source: 'unsure', city: 'Recife', ...may(9) },
      { source: 'sure', city: 'Olinda', ...may(1) },
    ],
    'Olinda',
  ],
  [
    'not the surer one when it is of an older month',
    [
      { source: 'unsure', city: 'Recife', ...may(1) },
      { source: 'sure', city: 'Olinda', updated_at: '2026-04-30' },
    ],
    'Recife',
  ],
  [
    'not the surer one against precedence, which comes before all',
    [
      { source: 'sure', city: 'Recife', ...may(9) },
      { source: 'first', city: 'Olinda', updated_at: '2020-01-01' },
    ],
    'Olinda',
  ],
  [
    'what two sources agree on, however they write it, against the newest day',
    [
      { source: 'unsure', city: 'Recife', ...may(9) },
      { source: 'other', city: 'OLINDA', ...may(2) },
      { source: 'fourth', city: 'Olinda', ...may(1) },
    ],
    'OLINDA',
  ],
  [
    'not what many agree on against one that is surer',
    [
      { source: 'unsure', city: 'Recife', ...may(1) },
      { source: 'other', city: 'Recife', ...may(2) },
      { source: 'sure', city: 'Olinda', ...may(1) },
    ],
    'Olinda',
  ],
  [
    'the newest day where one source alone repeats itself',
    [
      { source: 'unsure', city: 'Recife', ...may(1) },
      { source: 'unsure', city: 'Recife', ...may(2) },
      { source: 'other', city: 'Olinda', ...may(3) },
    ],
    'Olinda',
  ],
])('of a field is believed: %s', async (_what, companies, city) => {
  expect(await believed('city', SURE_AND_UNSURE, companies)).toBe(city)
})

test('a source is sure of one field and not of another', async () => {
  const seed = ['a * 50 0.9', 'a phone 50 0.2', 'b * 50 0.5']
  const companies = [
    { source: 'a', city: 'Recife', phone: '1', ...may(1) },
    { source: 'b', city: 'Olinda', phone: '2', ...may(1) },
  ]
  expect([await believed('city', seed, companies), await believed('phone', seed, companies)]).toEqual(['Recife', '2'])
})

test('every value that lost is kept below the one that is believed, with how many sources say it', async () => {
  await believed('city', SURE_AND_UNSURE, [
    { source: 'sure', city: 'Olinda', ...may(1) },
    { source: 'unsure', city: 'Recife', ...may(1) },
    { source: 'other', city: 'recife', ...may(1) },
  ])
  expect(
    await models.connection.rows(`
      select position, value, source, confidence::double as confidence, agreeing_sources
      from intermediate.int_company_values_ranked where field = 'city' order by position`),
  ).toEqual([
    { position: 1, value: 'Olinda', source: 'sure', confidence: 0.9, agreeing_sources: 1 },
    { position: 2, value: 'recife', source: 'other', confidence: 0.6, agreeing_sources: 2 },
    { position: 3, value: 'Recife', source: 'unsure', confidence: 0.6, agreeing_sources: 2 },
  ])
})

const CONTACT = {
  company_key: 'VARCHAR',
  contact_key: 'VARCHAR',
  full_name: 'VARCHAR',
  title: 'VARCHAR',
  email: 'VARCHAR',
  linkedin_url: 'VARCHAR',
  phone: 'VARCHAR',
  updated_on: 'DATE',
  fetched_at: 'TIMESTAMP',
}
const PARTNER = {
  partner_key: 'VARCHAR',
  cnpj_root: 'VARCHAR',
  full_name: 'VARCHAR',
  title: 'VARCHAR',
  fetched_at: 'TIMESTAMP',
}

const LISTED = {
  contact_key: 'VARCHAR',
  company_key: 'VARCHAR',
  masked_name: 'VARCHAR',
  title: 'VARCHAR',
  refreshed_on: 'DATE',
  fetched_at: 'TIMESTAMP',
}

async function people(rows: readonly Row[]): Promise<Row[]> {
  await models.give({
    'staging.stg_mock__contacts': {
      columns: CONTACT,
      rows: rows.map((row, index) => ({ contact_key: `p${index}`, company_key: 'a', fetched_at: SEEN, ...row })),
    },
    'intermediate.int_receita_federal__contacts': { columns: PARTNER, rows: [] },
    'staging.stg_apollo__people': { columns: LISTED, rows: [] },
  })
  await models.build(['int_contact_records', 'int_titles_classified'])
  return models.connection.rows<Row>(`
    select records.*, seniority, department
    from intermediate.int_contact_records as records
    left join intermediate.int_titles_classified using (title_key)
    order by source_key`)
}

test.each([
  ['Ana@Acme.com.br', 'ana@acme.com.br'],
  ["o'neil+x@a-b.io", "o'neil+x@a-b.io"],
  ['ana@@acme.com', null],
  ['ana at acme.com', null],
  ['ana.@acme.com', null],
  ['ana@acme', null],
])('the e-mail %s is read as %s', async (email, read) => {
  const [person] = await people([{ email }])
  expect([person!.email, person!.has_malformed_email]).toEqual([read, read === null])
})

test.each([
  ['Sócio-Administrador', 'owner', 'executive'],
  ['Diretora de Tecnologia (CTO)', 'c_level', 'engineering'],
  ['Gerente de Vendas', 'manager', 'sales'],
  ['Vice President, Engineering', 'vp', 'engineering'],
  ['Executive Assistant to the CEO', 'specialist', 'executive'],
  ['Head of Data', 'head', 'data'],
  ['Estagiária de Marketing', 'intern', 'marketing'],
  ['Co-Founder', 'founder', 'executive'],
  ['Poet', null, null],
])('%s is %s in %s', async (title, seniority, department) => {
  const [person] = await people([{ title }])
  expect([person!.seniority, person!.department]).toEqual([seniority, department])
})
