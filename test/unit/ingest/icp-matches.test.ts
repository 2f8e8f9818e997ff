import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Icp, icpSchema } from '../../../ingest/icp.ts'
import { compileIcp } from '../../../ingest/icp-compile.ts'
import { icpSteps } from '../../../ingest/icp-matches.ts'
import type { Row } from '../../../pipeline/warehouse/duckdb.ts'
import { type TestWorld, world } from '../../helpers/world.ts'

const COMPANIES = `create or replace table intermediate.int_companies_merged (
  company_id varchar, name varchar, domain varchar, cnpj_root varchar, country varchar, state varchar, industry varchar,
  cnae_code varchar, employee_count integer, revenue_usd double, founded_year integer, funding_stage varchar,
  tech_stack varchar[])`

let w: TestWorld
beforeAll(async () => {
  w = await world({ as_of: '2026-01-31' })
  await w.connection.run(`
    create schema if not exists intermediate;
    create schema if not exists seeds;
    create schema if not exists discovery;
    create table seeds.fx_rates (currency varchar, valid_on date, usd_per_unit decimal(18, 8));
    insert into seeds.fx_rates values
      ('BRL', '2025-01-02', 0.1), ('BRL', '2026-01-02', 0.2), ('BRL', '2026-06-01', 0.9), ('EUR', '2026-06-01', 1.1)`)
})
beforeEach(() => w.connection.run(COMPANIES))
afterAll(() => w.close())

function icpOf(hard: object, rest: object = {}, exclude: object = {}): Icp {
  const profile = { description: 'One', hard, ...rest }
  return icpSchema.parse({ version: 1, profiles: { one: profile }, exclude })
}

async function judge(icp: Icp, companies: object[]): Promise<Row[]> {
  const columns = Object.fromEntries(
    (await w.connection.describe('select * from intermediate.int_companies_merged')).map(({ name, type }) => [
      name,
      type,
    ]),
  )
  const rows = companies.map((company, index) => ({ company_id: `cmp_${index}`, ...company }))
  await w.connection.insert('intermediate.int_companies_merged', columns, rows)
  return w.connection.rows(
    `select * exclude (hard, soft) from (${compileIcp(icp, '2026-01-31', 'intermediate.int_companies_merged')})`,
  )
}

const verdict = async (hard: object, company: object) => (await judge(icpOf(hard), [company]))[0]!.is_match

describe('a rule is met, not met, or cannot be judged', () => {
  test.each<[string, object, object, boolean | null]>([
    ['country met', { countries: ['BR', 'US'] }, { country: 'US' }, true],
    ['country not met', { countries: ['BR'] }, { country: 'US' }, false],
    ['country unknown', { countries: ['BR'] }, {}, null],
    ['state', { states: ['SP'] }, { state: 'RJ' }, false],
    ['industry, however it is written', { industries: ['it_services'] }, { industry: 'IT Services' }, true],
    ['CNAE by prefix', { cnae: ['62', '6311'] }, { cnae_code: '6201501' }, true],
    ['CNAE elsewhere', { cnae: ['62', '6311'] }, { cnae_code: '4930202' }, false],
    ['employees at the lower bound', { employees: { min: 20, max: 100 } }, { employee_count: 20 }, true],
    ['employees above', { employees: { min: 20, max: 100 } }, { employee_count: 101 }, false],
    ['employees unknown', { employees: { min: 20 } }, {}, null],
    ['revenue in dollars', { revenue: { min: 100 } }, { revenue_usd: 99.5 }, false],
    ['revenue by the rate of the day', { revenue: { min: 500, currency: 'BRL' } }, { revenue_usd: 100 }, true],
    ['revenue just below', { revenue: { min: 501, currency: 'BRL' } }, { revenue_usd: 100 }, false],
    ['revenue without a rate yet', { revenue: { min: 1, currency: 'EUR' } }, { revenue_usd: 100 }, null],
    ['founded', { founded: { max: 2000 } }, { founded_year: 2001 }, false],
    ['funding stage, however it is written', { funding_stages: ['Series A'] }, { funding_stage: 'series_a' }, true],
    ['wanted technology', { tech: { wanted: ['AWS', 'dbt'] } }, { tech_stack: ['aws'] }, true],
    ['wanted technology missing', { tech: { wanted: ['AWS'] } }, { tech_stack: ['Azure'] }, false],
    ['unwanted technology', { tech: { unwanted: ['Adobe Flash'] } }, { tech_stack: ['adobe flash', 'AWS'] }, false],
    ['technology unknown', { tech: { unwanted: ['Adobe Flash'] } }, {}, null],
    [
      'a known failure outweighs what is unknown',
      { countries: ['BR'], employees: { min: 5 } },
      { country: 'US' },
      false,
    ],
    ['what is unknown outweighs what is met', { countries: ['BR'], employees: { min: 5 } }, { country: 'BR' }, null],
    ['a quote is only a quote', { states: ["S'P"] }, { state: "S'P" }, true],
  ])('%s', async (_name, hard, company, expected) => {
    expect(await verdict(hard, company)).toBe(expected)
  })
})

describe('a rule of the register', () => {
  beforeAll(async () => {
    await w.connection.run(`
      create or replace table intermediate.int_companies_registered (cnpj_root varchar, municipality_codes varchar[],
        started_on date, branch_started_on date, size_class_code varchar, legal_nature_code varchar,
        share_capital_brl decimal(18, 2));
      insert into intermediate.int_companies_registered values
        ('11222333', ['6001', '7107'], '2020-01-31', '2022-01-31', '05', '2062', 1000.5),
        ('12ABC345', null, null, '2020-01-31', null, null, null)`)
  })
  const HEAD = '11222333'
  const BRANCH = '12ABC345'
  test.each<[string, object, string | null, boolean | null]>([
    ['one of its municipalities', { municipios: ['7107', '9701'] }, HEAD, true],
    ['none of them', { municipios: ['9701'] }, HEAD, false],
    ['no municipality known', { municipios: ['9701'] }, BRANCH, null],
    ['porte', { porte: ['03', '05'] }, HEAD, true],
    ['another porte', { porte: ['01'] }, HEAD, false],
    ['no porte known', { porte: ['01'] }, BRANCH, null],
    ['legal nature by prefix', { naturezas: ['206'] }, HEAD, true],
    ['another legal nature', { naturezas: ['213', '2305'] }, HEAD, false],
    ['capital at the bound', { capital: { min: 1000.5, max: 1000.5 } }, HEAD, true],
    ['capital below', { capital: { min: 1000.51 } }, HEAD, false],
    ['capital above', { capital: { max: 1000 } }, HEAD, false],
    ['six years old', { age_years: { min: 5.9, max: 6.1 } }, HEAD, true],
    ['too young', { age_years: { min: 7 } }, HEAD, false],
    ['too old', { age_years: { max: 5 } }, HEAD, false],
    ['a branch so old makes the company so old', { age_years: { min: 5 } }, BRANCH, true],
    ['a branch too old makes the company too old', { age_years: { max: 5 } }, BRANCH, false],
    ['a branch too young says nothing', { age_years: { min: 7 } }, BRANCH, null],
    ['a branch young enough says nothing', { age_years: { max: 7 } }, BRANCH, null],
    ['a company that is not in the register', { porte: ['05'] }, '99999999', null],
    ['a company without CNPJ', { porte: ['05'] }, null, null],
  ])('%s', async (_name, hard, cnpj_root, expected) => {
    expect(await verdict(hard, { cnpj_root })).toBe(expected)
  })
})

test('the rules that failed, that are unknown and that are met are named in order', async () => {
  const icp = icpOf(
    { countries: ['BR'], employees: { min: 5 }, founded: { min: 2000 }, states: ['SP'] },
    { soft: { industries: ['saas'], tech: { wanted: ['dbt', 'AWS'], unwanted: ['Flash'] }, revenue: { min: 1 } } },
  )
  const [row] = await judge(icp, [{ country: 'US', state: 'CA', founded_year: 2010, industry: 'saas', revenue_usd: 2 }])
  expect(row).toMatchObject({
    profile: 'one',
    is_match: false,
    failed_rules: ['countries', 'states'],
    unknown_rules: ['employees'],
    soft_met: ['industries', 'revenue'],
    soft_total: 3,
    tech_wanted: ['AWS', 'dbt'],
    tech_unwanted: ['Flash'],
  })
})

test('the ranges that it asks for are columns, hard rules and wishes together, in dollars', async () => {
  const icp = icpOf(
    { employees: { min: 20, max: 1000 } },
    { soft: { employees: { min: 50 }, revenue: { min: 500, currency: 'BRL' } } },
  )
  const [row] = await judge(icp, [{}])
  expect(row).toMatchObject({
    employees_min: 50,
    employees_max: 1000,
    revenue_usd_min: 100,
    revenue_usd_max: null,
  })
})

test('what is excluded matches no profile, and says why', async () => {
  const icp = icpOf(
    { countries: ['BR'] },
    {},
    { domains: ['acme.com.br'], cnpj_roots: ['99000001'], industries: ['government'], name_contains: ['sindicato'] },
  )
  const country = 'BR'
  const rows = await judge(icp, [
    { country, domain: 'acme.com.br' },
    { country, cnpj_root: '99000001' },
    { country, industry: 'government' },
    { country, name: 'SINDICÁTO dos Testes' },
    { country, name: 'Acme', domain: 'acme.com' },
    { country },
  ])
  expect(rows.map(({ is_match, failed_rules }) => [is_match, failed_rules])).toEqual([
    [false, ['exclude.domains']],
    [false, ['exclude.cnpj_roots']],
    [false, ['exclude.industries']],
    [false, ['exclude.name_contains']],
    [true, []],
    [true, []],
  ])
})

test('every profile judges every company', async () => {
  const icp = icpSchema.parse({
    version: 1,
    profiles: {
      us: { description: 'US', hard: { countries: ['US'] } },
      br: { description: 'BR', hard: { countries: ['BR'] } },
    },
  })
  const rows = await judge(icp, [{ country: 'BR' }, { country: 'US' }])
  expect(rows.map(({ company_id, profile, is_match }) => [company_id, profile, is_match])).toEqual([
    ['cmp_0', 'br', true],
    ['cmp_0', 'us', false],
    ['cmp_1', 'br', false],
    ['cmp_1', 'us', true],
  ])
})

test('knowing more never turns a known verdict around', async () => {
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null })
  const company = fc.record({
    country: maybe(fc.constantFrom('BR', 'US')),
    employee_count: maybe(fc.integer({ min: 1, max: 50 })),
    tech_stack: maybe(fc.subarray(['AWS', 'dbt', 'Flash'])),
    revenue_usd: maybe(fc.integer({ min: 0, max: 20 })),
  })
  const icp = icpOf({
    countries: ['BR'],
    employees: { min: 10, max: 30 },
    revenue: { min: 50, currency: 'BRL' },
    tech: { wanted: ['AWS'], unwanted: ['Flash'] },
  })
  await fc.assert(
    fc.asyncProperty(
      company,
      fc.constantFrom('country', 'employee_count', 'tech_stack', 'revenue_usd'),
      async (full, key) => {
        await w.connection.run(COMPANIES)
        const [known, less] = await judge(icp, [full, { ...full, [key]: null }])
        if (less!.is_match !== null) expect(known!.is_match).toBe(less!.is_match)
        expect(known!.unknown_rules).toEqual(
          (less!.unknown_rules as string[]).filter((rule) => !ruleOf(key, full).includes(rule)),
        )
      },
    ),
    { numRuns: 40 },
  )
  function ruleOf(key: string, full: Record<string, unknown>): string[] {
    if (full[key] === null) return []
    return { country: ['countries'], employee_count: ['employees'], tech_stack: ['tech'], revenue_usd: ['revenue'] }[
      key
    ]!
  }
})

test('the steps build their tables, and what enrichment found is judged anew', async () => {
  const icp = icpOf(
    { countries: ['BR'], employees: { min: 5 } },
    {
      personas: [
        { name: 'boss', titles: ['CEO'] },
        { name: 'data', departments: ['data'] },
      ],
    },
  )
  const [prospects, matches, personas] = icpSteps(icp)
  await judge(icp, [{ country: 'BR', employee_count: 9 }, { country: 'US' }, { country: 'BR' }])
  expect(await prospects!.run(await w.context(prospects!))).toMatchObject({ rows: 3 })
  await w.connection.run(`
    create or replace table intermediate.int_companies_completed as
      select * replace (coalesce(employee_count, 4) as employee_count) from intermediate.int_companies_merged;
    create or replace table intermediate.int_company_values_contested as select '' as company_id where false`)
  const listed = await matches!.run(await w.context(matches!))
  expect(listed).toMatchObject({ rows: 3, text: '1 of 3 companies match, 1 cannot be judged yet' })
  await w.connection.run(`insert into intermediate.int_company_values_contested values ('cmp_2')`)
  const found = await matches!.run(await w.context(matches!))
  expect(found).toMatchObject({ rows: 3, text: '1 of 3 companies match, 0 cannot be judged yet' })
  expect(await personas!.run(await w.context(personas!))).toMatchObject({ rows: 2 })
  expect(await w.connection.rows('select * from discovery.icp_personas order by position')).toEqual([
    { profile: 'one', persona: 'boss', position: 1, titles: ['CEO'], seniorities: [], departments: [] },
    { profile: 'one', persona: 'data', position: 2, titles: [], seniorities: [], departments: ['data'] },
  ])
})

test('the register is read only where a profile asks it', () => {
  expect(icpSteps(icpOf({ porte: [] }))[0]!.reads).toEqual(['int_companies_merged'])
  for (const step of icpSteps(icpOf({ countries: ['BR'] }, { soft: { porte: ['05'] } })).slice(0, 2))
    expect(step.reads).toContain('int_companies_registered')
})

test('rates are read only where a profile needs them', () => {
  expect(icpSteps(icpOf({ revenue: { min: 1 } }))[0]!.reads).toEqual(['int_companies_merged'])
  expect(icpSteps(icpOf({ revenue: { min: 1, currency: 'BRL' } }))[0]!.reads).toContain('fx_rates')
})
