import { expect, test } from 'vitest'
import { bandsOf } from '../../../../ingest/icp-terms.ts'
import vendor from '../../../../ingest/providers/crunchbase.json' with { type: 'json' }
import provider from '../../../../ingest/providers/crunchbase.ts'
import { BRAZIL, crunchbase, KEY, subject, USA, uuidOf } from '../../../fixtures/providers/crunchbase.ts'
import { askedInProcess } from '../../../helpers/asked-in-process.ts'

const given = { settings: { api_key: KEY, page_size: 2 }, headers: { 'x-cb-user-key': KEY } }
const search = '/searches/organizations'

test('pages are read on from the last id, with the same body', async () => {
  const { rows, asked } = await askedInProcess(provider, 'organizations', crunchbase(), given)
  const bodies = asked.filter(({ path }) => path === search).map(({ body }) => body)
  expect(bodies.map(({ after_id }) => after_id)).toEqual([undefined, uuidOf(2), uuidOf(4)])
  const [first, ...others] = bodies.map(({ after_id: _, ...body }) => body)
  for (const body of others) expect(body).toEqual(first)
  expect(rows.map(({ uuid }) => uuid)).toEqual([1, 2, 3, 4, 5].map(uuidOf))
})

test('names become ids first: the country, not the town of that name; a category that is spelled another way', async () => {
  const hard = { countries: ['BR', 'US'], industries: ['fintech', 'no_such_thing'], employees: { min: 60, max: 90 } }
  const { asked } = await askedInProcess(provider, 'organizations', crunchbase(), { ...given, icp: { hard } })
  expect(asked.findIndex(({ path }) => path === search)).toBe(4)
  const { query } = asked.at(-1)!.body as { query: { field_id: string; values: string[] }[] }
  const values = Object.fromEntries(query.map((each) => [each.field_id, each.values]))
  expect(values.location_identifiers).toEqual([BRAZIL, USA])
  expect(values.categories).toHaveLength(1)
  expect(values.num_employees_enum).toEqual(['c_00051_00100'])
})

test('a country that Crunchbase does not know is not looked for: without it everything would be found', async () => {
  const icp = { hard: { countries: ['AQ'] } }
  const { rows, asked } = await askedInProcess(provider, 'organizations', crunchbase(), { ...given, icp })
  expect([rows, asked.map(({ path }) => path)]).toEqual([[], ['/autocompletes']])
})

test('money is in USD, places are by kind, and what is empty is null', async () => {
  const { rows } = await askedInProcess(provider, 'organizations', crunchbase(), given)
  expect(rows[0]).toMatchObject({
    ...{ name: 'Firma 1', city: 'Recife', country: 'Brazil', founded_on: '2018-01-01', categories: ['FinTech'] },
    ...{
      funding_total_usd: 19.6e6,
      last_funding_total_usd: 12e6,
      linkedin_url: 'https://www.linkedin.com/company/firma-1/',
    },
  })
  expect(rows[2]).toMatchObject({
    website_url: null,
    num_employees_enum: null,
    funding_total_usd: null,
    categories: [],
  })
  expect(rows[3]!.funding_stage).toBe('stage_of_tomorrow')
})

test('a field that the licence does not serve is left out once, and missed rather than empty', async () => {
  const { rows, asked } = await askedInProcess(provider, 'organizations', crunchbase('rank_org'), given)
  expect(rows).toHaveLength(5)
  expect(rows.some((row) => 'rank_org' in row)).toBe(false)
  const fields = asked
    .filter(({ path }) => path === search)
    .map(({ body }) => (body.field_ids as string[]).includes('rank_org'))
  expect(fields).toEqual([true, false, true, false, true, false])
})

test('a company is known by its key or its domain, with its rounds', async () => {
  const subjects = [subject(1, { own_key: uuidOf(1) }), subject(2), subject(9, { name: 'Firma 1' })]
  const { rows, asked } = await askedInProcess(provider, 'profiles', crunchbase(), { ...given, subjects })
  expect(rows.map(({ subject_id, uuid }) => [subject_id, uuid])).toEqual([
    ['s1', uuidOf(1)],
    ['s2', uuidOf(2)],
  ])
  expect(asked[0]!.path).toBe(`/entities/organizations/${uuidOf(1)}`)
  expect(rows[0]!.raised_funding_rounds).toMatchObject([
    {
      announced_on: '2026-02-18',
      money_raised: 60e6,
      money_raised_usd: 12e6,
      currency: 'BRL',
      lead_investors: ['Fundo'],
    },
  ])
})

test('a range touches the bands that it overlaps', () => {
  expect(bandsOf(vendor.headcounts, { min: 100, max: 101 })).toEqual(['c_00051_00100', 'c_00101_00250'])
  expect(bandsOf(vendor.headcounts, { min: 20_000 })).toEqual(['c_10001_max'])
  expect(bandsOf(vendor.headcounts, undefined)).toBeUndefined()
})
