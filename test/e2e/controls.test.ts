import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { pipeline, projectCopy } from '../helpers/cli.ts'

const LONG = 120_000
type Company = Record<string, string>
let root: string

beforeAll(async () => {
  root = projectCopy({}, 20)
  const first = await pipeline(root, ['run', '--quiet'])
  expect(first.code, first.stderr).toBe(0)
}, LONG)
afterAll(() => rmSync(root, { recursive: true, force: true }))

const rows = async (sql: string) => {
  const shown = await pipeline(root, ['show', '--output', 'json', '--inline', sql])
  expect(shown.code, shown.stderr).toBe(0)
  const read = JSON.parse(shown.stdout) as Record<string, string>[] | { show: Record<string, string>[] }
  return Array.isArray(read) ? read : read.show
}

it(
  'who is suppressed, from words, from a file with a BOM and a header, or by the CRM, is asked nothing from the next run on',
  async () => {
    const companies = await rows(
      'select company_id, domain from marts.dim_companies where domain is not null order by 1 limit 4',
    )
    const [one, two, three, four] = companies as [Company, Company, Company, Company]
    const [person] = await rows(`select email from marts.dim_contacts where email is not null order by 1 limit 1`)
    mkdirSync(join(root, 'data/crm'), { recursive: true })
    const customer = { id: '1', domain: four.domain, relationship: 'customer' }
    const no_more = { id: '2', email: person!.email, opted_out: true }
    writeFileSync(join(root, 'data/crm/companies.json'), JSON.stringify([customer]))
    writeFileSync(join(root, 'data/crm/contacts.json'), JSON.stringify([no_more]))
    writeFileSync(
      join(root, 'no.csv'),
      `\uFEFFdomain,why\r\n${one.domain!.toUpperCase()},asked\r\n\r\n${two.domain},x\r\n`,
    )
    expect((await pipeline(root, ['suppress', 'import', 'no.csv'])).code).toBe(0)
    expect((await pipeline(root, ['suppress', 'add', three.company_id!, '--reason', 'a partner'])).code).toBe(0)
    expect((await pipeline(root, ['suppress', 'remove', two.domain!])).code).toBe(0)
    const listed = JSON.parse((await pipeline(root, ['suppress', 'list', '--output', 'json'])).stdout)
    expect(listed).toMatchObject([
      { by: 'company_id', value: three.company_id, reason: 'a partner' },
      { by: 'domain', value: one.domain!.toLowerCase(), reason: null },
    ])
    const next = await pipeline(root, ['run', '--quiet'])
    expect(next.code, next.stderr).toBe(0)
    const excluded = await rows('select company_id from intermediate.int_companies_excluded order by 1')
    expect(excluded.map(({ company_id }) => company_id)).toEqual(
      [one.company_id, three.company_id, four.company_id].sort(),
    )
    const told = await rows(
      `select suppressed_value as who from intermediate.int_suppressions_combined where origin = 'file' and suppressed_by = 'email'`,
    )
    expect(told).toEqual([{ who: person!.email!.toLowerCase() }])
  },
  LONG,
)

it(
  'a long list is one message; lines that name nobody are said, and the rest of it is suppressed',
  async () => {
    const many = Array.from({ length: 20_000 }, (_, n) => `Someone+${n}@Example${n}.com`)
    writeFileSync(join(root, 'bad.csv'), `email\n${many.join('\n')}\nnot an address\n`)
    const before = readdirSync(join(root, 'data/incoming')).length
    const done = await pipeline(root, ['suppress', 'import', 'bad.csv', '--reason', 'the old list'])
    expect(done.code).toBe(1)
    expect(done.stderr).toContain("bad.csv:20002  'not an address' is none of what can be suppressed")
    expect(done.stderr).toContain('40000 suppressed')
    expect(readdirSync(join(root, 'data/incoming'))).toHaveLength(before + 1)
    const listed = (await pipeline(root, ['suppress', 'list'])).stdout
    expect(listed).toContain('someone+19999@example19999.com')
    const refused = await pipeline(root, ['suppress', 'add', 'fine.example', 'not an address'])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain("'not an address' is none of what can be suppressed")
    expect((await pipeline(root, ['suppress', 'list'])).stdout).not.toContain('fine.example')
  },
  LONG,
)

it(
  'a pause stands until it is lifted by its own words, and status says so',
  async () => {
    expect((await pipeline(root, ['pause', 'spend'])).code).toBe(0)
    expect((await pipeline(root, ['pause', 'send', '--mailbox', 'ana@example.com'])).code).toBe(0)
    const paused = await pipeline(root, ['status'])
    expect(paused.stdout + paused.stderr).toMatch(/spend[\s\S]*send of mailbox ana@example.com/)
    expect((await pipeline(root, ['resume', 'spend'])).code).toBe(0)
    const left = await pipeline(root, ['status'])
    expect(left.stdout + left.stderr).toMatch(/send of mailbox ana@example.com/)
    expect((await pipeline(root, ['resume'])).code).toBe(0)
    const none = await pipeline(root, ['status'])
    expect(none.stdout + none.stderr).not.toContain('ana@example.com')
  },
  LONG,
)

it(
  'what was spent is CSV to hold against an invoice, also when it was nothing',
  async () => {
    const spend = await pipeline(root, ['status', '--spend', '--month', '2026-03', '--output', 'csv'])
    expect(spend.code, spend.stderr).toBe(0)
    expect(spend.stdout.split('\n')[0]).toMatch(/^month,provider,endpoint,field,.*credits.*usd/)
  },
  LONG,
)
