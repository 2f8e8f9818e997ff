import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDatabase, type Row } from '../../pipeline/warehouse/duckdb.ts'
import { pipeline, projectCopy } from '../helpers/cli.ts'

const LONG = 300_000
let root: string
let who: { contact_id: string; full_name: string; email: string; linkedin_url: string }
let before: Record<string, Row[]>

async function query<T = Row>(file: string, sql: string): Promise<T[]> {
  const database = await openDatabase({ path: join(root, file), read_only: true })
  const connection = await database.connect()
  try {
    return await connection.rows<T>(sql)
  } finally {
    connection.close()
    database.close()
  }
}

/** Names of files whose bytes hold a name of theirs. */
function naming(...more: string[]): string[] {
  const wanted = [who.email, who.linkedin_url.replace(/^.*linkedin\.com\/|\/$/g, ''), who.contact_id, ...more]
  return ['data', 'target'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name, parentPath }) => join(parentPath, name))
      .filter((path) => {
        const bytes = readFileSync(path, 'latin1').toLowerCase()
        return wanted.some((word) => bytes.includes(Buffer.from(word).toString('latin1').toLowerCase()))
      }),
  )
}

const LESS = {
  people: `select * from marts.dim_contacts where contact_id <> $ order by contact_id`,
  companies: 'select * from marts.dim_companies order by company_id',
  leads: `select lead_id, company_id, contact_id, score, tier, qualification_status, deal_brief from marts.fct_scored_leads
    where contact_id is not null and contact_id <> $ order by lead_id`,
  messages: `select event_id, contact_id, status, subject, body from marts.fct_outreach_events
    where contact_id <> $ order by event_id`,
}

async function published(file: string): Promise<Record<string, Row[]>> {
  const entries = Object.entries(LESS).map(async ([name, sql]) => [
    name,
    await query(file, sql.replace('$', `'${who.contact_id}'`)),
  ])
  return Object.fromEntries(await Promise.all(entries)) as Record<string, Row[]>
}

beforeAll(async () => {
  root = projectCopy({}, 40)
  const first = await pipeline(root, ['run', '--quiet'])
  expect(first.code, first.stderr).toBe(0)
  const [person] = await query<typeof who>(
    'data/warehouse.duckdb',
    `select contact_id, full_name, email, linkedin_url from marts.dim_contacts as contacts
     where linkedin_url is not null and email is not null and not email_is_shared
       and contact_id in (select contact_id from marts.fct_outreach_events)
       and (select count(*) from marts.dim_contacts as others where others.full_name = contacts.full_name) = 1
     order by contact_id limit 1`,
  )
  who = person!
  before = await published('data/warehouse.duckdb')
}, LONG)
afterAll(() => rmSync(root, { recursive: true, force: true }))

it(
  'killed at any moment: as it was, or forgotten by whoever comes next',
  async () => {
    expect(naming().length).toBeGreaterThan(4)
    for (const ms of [1_500, 4_000]) {
      await pipeline(root, ['forget', who.email], {
        onStart: (child) => setTimeout(() => child.kill('SIGKILL'), ms),
      })
      const status = await pipeline(root, ['ledger', 'check'])
      expect(status.code, status.stderr).toBe(0)
      const [there] = await query<{ n: number }>(
        'data/ledger.duckdb',
        `select count(*) as n from raw.identity__aliases where id = '${who.contact_id}'`,
      )
      const people = await query(
        'data/warehouse.duckdb',
        `select 1 from marts.dim_contacts where contact_id = '${who.contact_id}'`,
      )
      expect(people.length, 'ledger and publication are of one mind').toBe(there!.n > 0 ? 1 : 0)
    }
    const done = await pipeline(root, ['forget', who.email])
    expect(done.code, done.stderr).toBe(0)
    expect(readdirSync(join(root, 'data')).filter((name) => name.includes('forgetting'))).toEqual([])
  },
  LONG,
)

it('no byte of them is left in any file: not the address, nor the name, nor the page, nor the id', () => {
  expect(naming(who.full_name)).toEqual([])
})

it(
  'a replay of the first run is that run less the person',
  async () => {
    const replayed = await pipeline(root, ['run', '--quiet', '--replay', 'run_000001'])
    expect(replayed.code, replayed.stderr).toBe(0)
    expect(await published('data/replays/run_000001/warehouse.duckdb')).toEqual(before)
    expect(naming(who.full_name)).toEqual([])
  },
  LONG,
)

it(
  'asked again, the source tells of them, and nobody keeps it',
  async () => {
    const again = await pipeline(root, ['run', '--quiet', '--set', 'discovery.providers.mock.companies=42'])
    expect(again.code, again.stderr).toBe(0)
    const [calls] = await query<{ n: number }>(
      'data/ledger.duckdb',
      `select count(*) as n from log.calls where run_id = 'run_000002' and endpoint = 'GET /contacts'`,
    )
    expect(calls!.n).toBeGreaterThan(0)
    expect(
      await query('data/warehouse.duckdb', `select 1 from marts.dim_contacts where contact_id = '${who.contact_id}'`),
    ).toEqual([])
    // Somebody else of the larger market may have the same name.
    expect(naming()).toEqual([])
  },
  LONG,
)
