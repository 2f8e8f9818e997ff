import { expect, test } from 'vitest'
import { isCnpj } from '../../../ingest/cnpj.ts'
import mock from '../../../ingest/providers/mock.ts'

type Row = Record<string, unknown>
const transport = mock.http!({ seed: 7, companies: 300 }).transport!

async function list(path: string, seed = 7, companies = 300, as_of = '2026-01-31'): Promise<Row[]> {
  const rows: Row[] = []
  for (let page = 1, more = true; more; page++) {
    const query = { seed: String(seed), companies: String(companies), page: String(page) }
    const answer = await transport({ method: 'GET', path, query, body: undefined, as_of })
    const body = answer.body as { rows: Row[]; more: boolean }
    rows.push(...body.rows)
    more = body.more
  }
  return rows
}

const share = (rows: Row[], is: (row: Row) => boolean) => rows.filter(is).length / rows.length
const entity = ({ id }: Row) => String(id).split('-')[1]
const groups = (rows: Row[]) => {
  const found = new Map<string | undefined, Row[]>()
  for (const row of rows) found.set(entity(row), [...(found.get(entity(row)) ?? []), row])
  return found
}

test('a market that looks like one: two countries, two lists, holes', async () => {
  const rows = await list('/companies')
  expect(new Set(rows.map(entity)).size).toBe(300)
  expect(share(rows, ({ country }) => country === 'BR')).toBeGreaterThan(0.5)
  expect(share(rows, ({ country }) => country === 'BR')).toBeLessThan(0.7)
  const twice = rows.length - 300
  expect(twice / 300).toBeGreaterThan(0.08)
  expect(twice / 300).toBeLessThan(0.16)
  for (const column of ['website', 'domain', 'linkedin_url', 'industry', 'country', 'employee_count', 'technologies']) {
    const missing = share(rows, (row) => row[column] === null)
    expect(missing, column).toBeGreaterThan(0)
    expect(missing, column).toBeLessThan(0.7)
  }
  expect(rows.some(({ technologies }) => (technologies as string[] | null)?.includes('Adobe Flash'))).toBe(true)
})

test('CNPJs are valid, in both spellings, some with letters, none shared', async () => {
  const rows = (await list('/companies')).filter(({ cnpj }) => cnpj !== null)
  const numbers = rows.map(({ cnpj }) => String(cnpj))
  expect(numbers.filter((cnpj) => !isCnpj(cnpj))).toEqual([])
  expect(numbers.some((cnpj) => cnpj.includes('/'))).toBe(true)
  expect(numbers.some((cnpj) => /[A-Z]/.test(cnpj))).toBe(true)
  const owners = new Map<string, Set<unknown>>()
  for (const row of rows) {
    const bare = String(row.cnpj).replaceAll(/[./-]/g, '')
    owners.set(bare, (owners.get(bare) ?? new Set()).add(entity(row)))
  }
  expect([...owners.values()].filter(({ size }) => size > 1)).toEqual([])
})

test('a company of both lists is spelled in two ways, and most can be joined by number or domain', async () => {
  const rows = await list('/companies', 7, 3000)
  const pairs = [...groups(rows).values()].filter(({ length }) => length === 2)
  expect(pairs.every(([one, other]) => one!.name !== other!.name)).toBe(true)
  const bare = (row: Row) => String(row.cnpj).replaceAll(/[./-]/g, '')
  const joined = pairs.filter(([one, other]) => {
    const byNumber = one!.cnpj !== null && other!.cnpj !== null && bare(one!) === bare(other!)
    return byNumber || (one!.domain !== null && one!.domain === other!.domain)
  })
  expect(joined.length / pairs.length).toBeGreaterThan(0.4)
  expect(joined.length).toBeLessThan(pairs.length)
})

test('no two companies share a domain, and no address or number can be anybody else’s', async () => {
  const rows = await list('/companies', 3, 5000)
  const domains = new Map<unknown, unknown>()
  for (const row of rows) {
    if (row.domain === null) continue
    expect(String(row.domain)).toMatch(/\.example$/)
    expect(domains.get(row.domain) ?? entity(row)).toBe(entity(row))
    domains.set(row.domain, entity(row))
  }
  for (const { email } of await list('/contacts', 3, 1000)) {
    if (email === null) continue
    const [user = '', host = ''] = String(email).split(/@+| at /)
    if (host === 'gmail.com') expect(user.replaceAll('.', '').length).toBeGreaterThan(30)
    else expect(host).toMatch(/\.example$/)
  }
})

test('people: bad, shared, free and missing addresses, each person in a company that is there', async () => {
  const companies = new Set((await list('/companies')).map(({ id }) => id))
  const people = await list('/contacts')
  expect(people.filter(({ company_key }) => !companies.has(company_key))).toEqual([])
  expect(new Set(people.map(({ id }) => id)).size).toBe(people.length)
  const emails = people.map(({ email }) => email as string | null)
  expect(emails.some((email) => email === null)).toBe(true)
  expect(emails.some((email) => email?.includes('@@'))).toBe(true)
  expect(emails.some((email) => email?.endsWith('@gmail.com'))).toBe(true)
  expect(emails.some((email) => /^(contato|info)@/.test(email ?? ''))).toBe(true)
})

test('the same on every day and for every number of companies; another seed is another market', async () => {
  const rows = await list('/companies')
  expect(await list('/companies', 7, 300, '2027-05-01')).toEqual(rows)
  const few = await list('/companies', 7, 50)
  expect(rows.slice(0, few.length)).toEqual(few)
  expect((await list('/companies', 8)).map(({ name }) => name)).not.toEqual(rows.map(({ name }) => name))
})

test('answers: hits and misses, by who is asked about, dated before as-of', async () => {
  const subjects = (await list('/companies')).map(({ id, name, domain, country }) => ({
    subject_id: id,
    ...{ company_id: id, name, domain, cnpj: null, country, full_name: null, email: null, linkedin_url: null },
  }))
  const ask = async (field: string, whom: object[], as_of = '2026-03-15') => {
    const request = { method: 'POST', path: `/enrich/${field}`, query: { seed: '7' }, body: whom, as_of }
    return ((await transport(request)).body as { rows: Row[] }).rows
  }
  for (const field of ['tech_stack', 'signals', 'news', 'social']) {
    const rows = await ask(field, subjects)
    const hit = new Set(rows.map(({ subject_id }) => subject_id)).size / subjects.length
    expect(hit, field).toBeGreaterThan(0.2)
    expect(hit, field).toBeLessThan(0.95)
    expect(await ask(field, subjects.slice(0, 5).reverse()), field).toEqual(
      expect.arrayContaining(
        rows.filter(({ subject_id }) => subjects.slice(0, 5).some((one) => one.subject_id === subject_id)),
      ),
    )
    const dates = rows.flatMap((row) => [row.observed_at, row.published_at, row.last_post_at]).filter(Boolean)
    expect(dates.filter((date) => String(date) >= '2026-03-15')).toEqual([])
  }
  const person = { ...subjects[0]!, full_name: 'Ana Souza', domain: 'acme.example', country: 'BR' }
  expect(await ask('email', [{ ...person, email: 'ana@@acme.example' }])).toMatchObject([{ status: 'invalid' }])
  expect(await ask('email', [{ ...person, email: 'contato@acme.example' }])).toMatchObject([{ status: 'risky' }])
  const guesses = await ask(
    'email',
    Array.from({ length: 40 }, (_, i) => ({ ...person, full_name: `Ana Souza${i}` })),
  )
  expect(guesses.length).toBeGreaterThan(10)
  expect(guesses.length).toBeLessThan(40)
  expect(guesses[0]).toMatchObject({ email: expect.stringMatching(/^ana\.souza\d+@acme\.example$/) })
})
