import { expect, test } from 'vitest'
import { isMeant, mayBe } from '../../../../ingest/likeness.ts'
import provider from '../../../../ingest/providers/apollo.ts'
import {
  apollo,
  FREE_PLAN,
  KEY,
  OUT_OF_SCOPE,
  PEOPLE,
  REQUEST_ID,
  subject,
} from '../../../fixtures/providers/apollo.ts'
import { askedInProcess } from '../../../helpers/asked-in-process.ts'
import type { Replayed } from '../../../helpers/vendor-server.ts'

const given = { settings: { api_key: KEY, webhook_url: 'https://hooks.example/apollo' }, headers: { 'x-api-key': KEY } }

test('a list longer than may be shown is split by headcount, without a gap, an overlap or a page past the 500th', async () => {
  // 1,200 companies of each size from 1 to 100
  const PER_SIZE = 1200
  const pages: { range: [number, number]; page: number; total: number }[] = []
  const vendor = ({ body }: { body: unknown }): Replayed => {
    const { organization_num_employees_ranges: ranges, page } = body as Record<string, unknown>
    const [min, max] = String(ranges).split(',').map(Number) as [number, number]
    const total = Math.max(0, Math.min(max, 100) - min + 1) * PER_SIZE
    pages.push({ range: [min, max], page: Number(page), total })
    const organizations = (Number(page) - 1) * 100 < total ? [{ id: `${min}-${max}-${page}` }] : []
    return { status: 200, body: { organizations, accounts: [], pagination: { total_entries: total } } }
  }
  const icp = { hard: { countries: ['BR'], employees: { min: 1, max: 100 } } }
  await askedInProcess(provider, 'companies', vendor, { ...given, icp })
  expect(pages.filter(({ page }) => page > 500)).toEqual([])
  const whole = pages.filter(({ page, total }) => page === 1 && total <= 50_000).map(({ range }) => range)
  expect(whole.length).toBeGreaterThan(1)
  const sizes = whole.flatMap(([min, max]) => Array.from({ length: max - min + 1 }, (_, n) => min + n))
  expect(sizes.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1))
  for (const [min, max] of whole) {
    const own = pages.filter(({ range }) => range[0] === min && range[1] === max)
    expect(own.length).toBe(Math.ceil(own[0]!.total / 100))
  }
})

test('what the ICP asks for is what Apollo is asked for, under its own names', async () => {
  const hard = {
    ...{ countries: ['BR'], industries: ['it_services'], employees: { min: 20 }, tech: { wanted: ['Google Cloud'] } },
    revenue: { min: 1_000_000, currency: 'USD' },
  }
  const { asked } = await askedInProcess(provider, 'companies', apollo(), { ...given, icp: { hard } })
  expect(asked[0]!.body).toEqual({
    ...{ organization_locations: ['Brazil'], q_organization_keyword_tags: ['it services'], page: 1, per_page: 100 },
    ...{ currently_using_any_of_technology_uids: ['google_cloud'], revenue_range: { min: 1_000_000 } },
    organization_num_employees_ranges: ['20,10000000'],
  })
})

test("companies of the caller's CRM go by Apollo's id, not by the CRM's", async () => {
  const { rows } = await askedInProcess(provider, 'companies', apollo(), given)
  expect(rows.find(({ account_id }) => account_id !== null)).toMatchObject({
    ...{ id: 'org4', account_id: 'crm4', primary_domain: 'firma-4.example' },
  })
})

test('people are told apart by who they are: in another order, with holes, masked', async () => {
  const { rows, asked } = await askedInProcess(provider, 'matches', apollo(), { ...given, subjects: PEOPLE })
  expect(Object.fromEntries(rows.map(({ subject_id, id }) => [subject_id, id]))).toEqual({
    ...{ s1: 'per1', s2: 'per2', s3: 'per3', s5: 'per5', s7: 'per7' },
  })
  // verified, it says, and shows no address
  expect(rows.find(({ id }) => id === 'per5')).toMatchObject({ email: null, email_status: 'verified' })
  const paths = asked.map(({ path }) => path)
  expect(paths.lastIndexOf('/mixed_people/api_search')).toBeLessThan(paths.indexOf('/people/bulk_match'))
  // of the sixth the free list says that there is no address; of the ninth nothing is known
  const { details } = asked.at(-1)!.body as { details: object[] }
  expect(details).toEqual([
    ...[{ id: 'per1' }, { linkedin_url: 'https://br.linkedin.com/in/nome-2/' }, { email: 'NOME3@firma-3.example' }],
    ...[{ linkedin_url: 'https://www.linkedin.com/in/nobody-4' }, { id: 'per5' }, { id: 'per7' }],
    { name: 'Alguém Desconhecido', domain: 'firma-8.example' },
  ])
})

test('phone numbers are fetched by an int64 id that a double cannot hold', async () => {
  const subjects = [subject(1, { own_key: 'per1' }), subject(2, { own_key: 'per2' })]
  const vendor = apollo()
  const patient = (asked: Parameters<typeof vendor>[0]): Replayed => {
    const answer = vendor(asked)
    return answer.status === 404 ? vendor(asked) : answer
  }
  const { rows, asked } = await askedInProcess(provider, 'phones', patient, { ...given, subjects, fields: ['phone'] })
  expect(Number.isSafeInteger(Number(REQUEST_ID))).toBe(false)
  expect(asked.at(-1)!.path).toBe(`/webhook_result/${REQUEST_ID}`)
  expect(rows.map(({ subject_id, sanitized_number }) => [subject_id, sanitized_number])).toEqual([
    ['s2', '+558190000002'],
    ['s1', '+558190000001'],
  ])
})

test('what an answer means, and what it cost', () => {
  const http = provider.http!({ ...given.settings, base_url: 'https://apollo.example', people_per_company: 5 })
  const told = ({ status, body }: Replayed) => ({ status, headers: {}, text: JSON.stringify(body), data: body })
  expect(http.meaning!(told(OUT_OF_SCOPE))).toBe('forbidden')
  expect(http.meaning!(told(FREE_PLAN))).toBe('forbidden')
  expect(http.meaning!(told({ status: 404, body: { error_code: 'result_pending' } }))).toBe('later')
  expect(http.charged!(told({ status: 200, body: { matches: [], credits_consumed: 2.5 } }), 3)).toBe(2.5)
  expect(http.charged!(told({ status: 200, body: { person: null } }), 1)).toBe(0)
  expect(http.charged!(told({ status: 200, body: {} }), 1)).toBe(0)
})

test('a masked name may be a whole one, whatever its accents; a name counts only with the domain', () => {
  expect(mayBe('Família', 'Fa***a')).toBe(true)
  expect(mayBe('Silva', 'So***a')).toBe(false)
  expect(mayBe('Sa', 'Sa***a')).toBe(false)
  const row = { name: 'Ana Maria Família', organization: { primary_domain: 'firma.example' } }
  expect(isMeant({ name: 'Ana Familia', domain: 'www.firma.example' }, row)).toBe(true)
  expect(isMeant({ name: 'Ana Familia', domain: 'other.example' }, row)).toBe(false)
})
