import { afterAll, beforeAll, expect, test } from 'vitest'
import { ASKED } from '../../../ingest/asked.ts'
import { icpSchema } from '../../../ingest/icp.ts'
import { ingestChapters, judgeUnknown, whoIs } from '../../../ingest/why.ts'
import { fieldChapter } from '../../../ingest/why-field.ts'
import type { Library } from '../../../pipeline/story.ts'
import { type TestWorld, world } from '../../helpers/world.ts'

const hard = { countries: ['BR'], employees: { min: 10 } }
const icp = icpSchema.parse({ version: 1, profiles: { big: { description: 'Big', hard } } })
let w: TestWorld
let library: Library

beforeAll(async () => {
  w = await world({ as_of: '2026-01-31' })
  const step = { name: 'one', kind: 'step', stage: 'enrichment', file: '', description: '', reads: [] } as const
  const context = await w.context({ ...step, records: [ASKED], fingerprint: null, run: () => Promise.reject() })
  const answer = { field: 'headcount', provider: 'mock', subject_id: 'cmp_1', inputs: 'x', asked_on: '2026-01-20' }
  const call = { call_id: 'call_1', subjects_of_call: 10, hit: true, valid: true }
  const email = {
    ...answer,
    field: 'email',
    provider: 'hunter',
    subject_id: 'con_1',
    call_id: 'call_2',
    subjects_of_call: 1,
  }
  await context.record(ASKED, [
    [
      { ...answer, ...call },
      { ...email, hit: true, valid: true },
    ],
  ])
  await w.connection.run(`
    create schema marts; create schema intermediate; create schema discovery;
    create schema if not exists log;
    create or replace view log.calls as select * from (values
      ('call_1', 5.0::decimal(9,2), 50.0::decimal(9,2)), ('call_2', 0.15, 1.5)) as t(call_id, usd, credits);
    create table intermediate.int_companies_merged (company_id varchar, name varchar, domain varchar, cnpj varchar,
      cnpj_root varchar, country varchar, state varchar, cnae_code varchar, employee_count integer, industry varchar);
    create table marts.dim_companies as select 'cmp_1' as company_id, 'Água Viva' as name, 'agua.example' as domain,
      '11222333000181' as cnpj, '11222333' as cnpj_root;
    create table marts.dim_contacts as select 'con_1' as contact_id, 'cmp_1' as company_id, 'Ana Luz' as full_name, 'ana@agua.example' as email, '+55 11 5555-0100' as phone;
    create table marts.fct_enriched_leads as select 'lead_1' as lead_id, 'cmp_1' as company_id, 'con_1' as contact_id, 'ana@agua.example' as email;
    create table discovery.icp_matches as select 'cmp_1' as company_id, 'big' as profile, false as is_match,
      ['employees'] as failed_rules, []::varchar[] as unknown_rules;
    create table intermediate.int_company_values_contested as select * from (values
      ('cmp_1', 'employee_count', 1, '40', 'mock', 'cmp_1', 50, date '2026-01-20', 0.9, timestamp '2026-01-20', true),
      ('cmp_1', 'employee_count', 2, '35', 'receita_federal', 'r1', 60, date '2025-12-01', null, null, false)
    ) as t(company_id, field, position, value, source, source_key, precedence, observed_at, confidence, fetched_at, is_found);
    create table intermediate.int_contacts_identified as select 'con_1' as contact_id, 'apollo' as source, 'p1' as source_key;
    create table intermediate.int_contact_records as select 'apollo' as source, 'p1' as source_key, 'a@old.example' as email,
      '+55 11 5555-0100' as phone, timestamp '2026-01-10' as discovered_at;
    create table intermediate.int_contact_values_found as select * from (values
      ('con_1', 'phone', 'hunter', 'con_1', '+55 11 5555-0199', null::double, timestamp '2026-01-20')
    ) as t(contact_id, field, source, source_key, value, confidence, fetched_at);
    create table intermediate.int_emails_told as select * from (values
      ('con_1', 'hunter', 'con_1', 'ana@agua.example', 'valid', 0.97, timestamp '2026-01-20')
    ) as t(contact_id, source, subject_id, email, status, confidence, fetched_at);
    create table intermediate.int_company_values_ranked as select company_id, field, 1 as position, value, source,
      source_key, precedence, observed_at from intermediate.int_company_values_contested where not is_found`)
  const there = await w.connection.rows<{ name: string }>(`
    select schema_name || '.' || table_name as name from duckdb_tables() union all
    select schema_name || '.' || view_name from duckdb_views()`)
  const names = new Set(there.map(({ name }) => name))
  library = { connection: w.connection, as_of: '2026-01-31', has: (relation) => names.has(relation) }
})
afterAll(() => w.close())

test.each([
  'cmp_1',
  'lead_1',
  'ana@agua.example',
  'AGUA.example',
  '11.222.333/0001-81',
  '11222333000262',
  'agua viva',
  'Ana Luz',
])('%s is found', async (key) => {
  expect(await whoIs(library, key)).toMatchObject({ company_ids: ['cmp_1'], lead_ids: ['lead_1'] })
})

test('nobody is nobody', async () => {
  expect(await whoIs(library, "O'Nobody")).toEqual({ company_ids: [], contact_ids: [], lead_ids: [] })
})

test('the rule that refused it, and who was asked, with request and share of the price', async () => {
  const chapters = await ingestChapters(library, await whoIs(library, 'cmp_1'))
  const lines = chapters.flatMap((chapter) => chapter.lines.map(({ text }) => text))
  expect(lines).toContain('profile big: refused by employees')
  expect(lines).toContain('mock was asked for headcount: knew (request call_1, 5 credits)')
})

test('a value knows its origin, its price, its ground, and what it beat', async () => {
  const { lines } = await fieldChapter(library, await whoIs(library, 'cmp_1'), 'employee_count')
  expect(lines).toEqual([
    {
      at: '2026-01-20',
      text: 'believed: 40, from mock (cmp_1), precedence 50, request call_1, 0.5 USD, confidence 0.9, no personal data',
    },
    { at: '2025-12-01', text: 'beaten: 35, from receita_federal (r1), precedence 60, held as public_record' },
  ])
})

test('so does an address, and a number, of a person', async () => {
  const lines = async (key: string, field: string) =>
    (await fieldChapter(library, await whoIs(library, key), field)).lines
  expect(await lines('ana@agua.example', 'email')).toEqual([
    {
      at: '2026-01-20',
      text: 'believed: ana@agua.example, valid, from hunter (con_1), request call_2, 0.15 USD, confidence 0.97, held as legitimate_interest',
    },
    { at: '2026-01-10', text: 'beaten: a@old.example, from apollo (p1), held as legitimate_interest' },
  ])
  expect(await lines('agua.example', 'phone')).toEqual([
    { at: '2026-01-10', text: 'believed: +55 11 5555-0100, from apollo (p1), held as legitimate_interest' },
    {
      at: '2026-01-20',
      text: 'beaten: +55 11 5555-0199, from hunter (con_1), request call_2, 0.15 USD, held as legitimate_interest',
    },
  ])
})

test('a company in no table is judged by what its key tells', async () => {
  const lines = async (key: string) => (await judgeUnknown(library, icp, key)).lines.map(({ text }) => text)
  expect(await lines('04252011000110')).toContain('profile big: cannot be judged: employees not known')
  expect(await lines('nobody.example')).toContain('profile big: cannot be judged: countries, employees not known')
})
