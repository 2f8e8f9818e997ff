import { createHash } from 'node:crypto'
import { appendFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fixture } from '../fixtures/providers/sample.ts'
import { type CliResult, pipeline as command } from '../helpers/cli.ts'
import { put, sourceCopy } from '../helpers/source-copy.ts'
import { type Asked, NEW_FIELD, type Replayed, type VendorServer, vendorServer } from '../helpers/vendor-server.ts'

// The whole graph with a provider that is paid, over HTTP, one run after the other: without a budget, with a cap that
// falls in the middle, with a vendor that goes down, to the end, and once more. The vendor also lists companies of which
// next to nothing is known, and people with names in Thai.

const LONG = 600_000
const USD_PER_CREDIT = 0.1
const CAP_CREDITS = 3
const COMPANIES = 110

/** What the vendor does now. */
const mood = { answers: Number.POSITIVE_INFINITY, drifts: false }
const NOBODY = 'Companhia Sem Dados'
const THAI = ['บริษัท ซอฟต์แวร์ไทย จำกัด', 'บริษัท ข้าวหอม จำกัด']

function vendor({ path, query }: Asked): Replayed {
  if (path === '/companies') {
    const names = query.get('page') === '1' ? [NOBODY, ...THAI] : []
    return { status: 200, body: { rows: names.map((name, n) => ({ id: `s-${n}`, name, employees: null })) } }
  }
  if (mood.answers-- <= 0) return { status: 500, body: { error: 'Internal Server Error' } }
  const name = query.get('name') ?? ''
  const known = [...name].reduce((sum, each) => sum + each.codePointAt(0)!, 0) % 3 !== 0
  const email = known ? `${createHash('md5').update(name).digest('hex').slice(0, 12)}@found.example` : null
  const body = { email, score: known ? 97.5 : null, ...(mood.drifts ? { [NEW_FIELD]: 1 } : {}) }
  const credits = known ? 1 : 0
  return { status: 200, headers: { 'x-credits': String(credits) }, body, credits }
}

const staged = (table: string, columns: string) =>
  `with\n\nsource as (\n\n    select * from {{ source('sample', '${table}') }}\n\n)\n\nselect ${columns}, _fetched_at as fetched_at from source\n`
const twin = (name: string) => `version: 2\n\nmodels:\n  - name: ${name}\n    description: For a test.\n`
const arm = (model: string) => `with\n\nsample_rows as (\n\n    select * from {{ ref('${model}') }}\n\n),`
const first = (text: string, model: string) => text.replace(/^with$/m, arm(model))
const lastArm = (text: string, place: string, select: string) =>
  put(text, place, `    union all by name\n\n${select}\n${place}`)

let root: string
let server: VendorServer
const done: Record<string, CliResult> = {}
/** Credits or requests so far, after each run. */
const after: Record<string, number> = {}
type Open = Record<'subject_id' | 'company_id' | 'full_name' | 'domain', string>
let open: Open[] = []
let planned: { sections: Record<string, { figures: Record<string, number> }> }

const pipeline = (cwd: string, words: readonly string[]) => command(cwd, words, { code: cwd })

async function ask<T = Record<string, string>>(sql: string): Promise<T[]> {
  const shown = await pipeline(root, ['show', '--output', 'json', '--limit', '-1', '--inline', sql])
  expect(shown.code, shown.stderr).toBe(0)
  const read = JSON.parse(shown.stdout) as T[] | { show: T[] }
  return Array.isArray(read) ? read : read.show
}

const run = (name: string, ...words: string[]) =>
  pipeline(root, ['run', ...words]).then((result) => {
    done[name] = result
    return result
  })
const asked = () => server.journal.filter(({ request }) => request.includes('/find'))
const creditsSpent = () => asked().reduce((sum, { credits }) => sum + credits, 0)

function bytesOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      ]),
  )
}

beforeAll(async () => {
  server = await vendorServer({ ...fixture, vendor: () => vendor })
  const switched = JSON.stringify(fixture.settings(server.base_url))
  root = sourceCopy({
    'ingest/providers/sample.ts': `export { sample as default } from '../../test/fixtures/providers/sample.ts'\n`,
    'models/staging/sample/stg_sample__emails.sql': staged('emails', 'subject_id, email'),
    'models/staging/sample/stg_sample__emails.yml': twin('stg_sample__emails'),
    'models/staging/sample/stg_sample__companies.sql': staged('companies', 'id, name'),
    'models/staging/sample/stg_sample__companies.yml': twin('stg_sample__companies'),
    'models/intermediate/int_emails_told.sql': (text) =>
      lastArm(
        first(text, 'stg_sample__emails'),
        '\n),\n\ntold as (',
        `    select 'sample' as source, subject_id, email, 'valid' as status, null::double as confidence, fetched_at from sample_rows where email is not null`,
      ),
    'models/intermediate/int_company_records_unioned.sql': (text) =>
      lastArm(
        first(text, 'stg_sample__companies'),
        '\n)\n\nselect * from unioned',
        `    select 'sample' as source, id as source_key, false as is_bulk, name, fetched_at::date as updated_at, fetched_at as discovered_at from sample_rows`,
      ),
    'models/intermediate/int_contact_records.sql': (text) =>
      lastArm(
        first(text, 'stg_sample__companies'),
        '\n),\n\nspelled as (',
        `    select 'sample' as source, 'p-' || n as source_key, id as company_source_key,
        ['สมชาย ใจดี', 'สุดา แก้วใส'][n] as full_name, null as title, null as email, null as linkedin_url, null as phone,
        fetched_at::date as updated_at, fetched_at as discovered_at
    from sample_rows cross join range(1, 3) as people(n) where id = 's-1'`,
      ),
    'pipeline.yaml': (text) =>
      put(
        put(
          put(
            text,
            'mock: { seed: 7, companies: 300 }',
            `mock: { seed: 7, companies: ${COMPANIES} }\n    sample: ${switched}`,
          ),
          'providers: { mock: {} }',
          `providers: { mock: {}, sample: ${switched} }`,
        ),
        'email: [mock]',
        'email: [sample, mock]',
      ),
  })
  const begun = await pipeline(root, ['ledger', 'init'])
  const ledger_id = /led[-_][\w-]+/.exec(begun.stdout)![0]
  const config = join(root, 'pipeline.yaml')
  writeFileSync(
    config,
    put(
      readFileSync(config, 'utf8'),
      'exports: data/exports, threads: 4 }',
      `exports: data/exports, threads: 4, ledger_id: ${ledger_id}, live: [spend] }`,
    ),
  )
  await run('free')

  // Whom it would have bought about: one is suppressed now, one is found among the customers.
  open = await ask<Open>(`
    select decisions.subject_id, contacts.company_id, contacts.full_name, companies.domain
    from raw.enrichment__decisions as decisions
    join marts.dim_contacts as contacts on contacts.contact_id = decisions.subject_id
    join marts.dim_companies as companies on companies.company_id = contacts.company_id
    where decisions.reason = 'budget' and companies.domain is not null
    qualify row_number() over (partition by contacts.company_id order by contacts.contact_id) = 1
    order by companies.company_id`)
  await pipeline(root, ['suppress', 'add', open[0]!.domain!])
  appendFileSync(join(root, 'seeds/excluded_companies.csv'), `customer,One of ours,${open[1]!.domain},\n`)
  planned = JSON.parse((await pipeline(root, ['plan', '--output', 'json', '--set', 'budget.usd_per_month=50'])).stdout)
  await run('capped', '--set', 'budget.usd_per_month=50', '--set', `budget.usd_per_run=${CAP_CREDITS * USD_PER_CREDIT}`)
  after.capped = creditsSpent()
  mood.answers = 1
  await run('down', '--set', 'budget.usd_per_month=50')
  after.down = asked().filter(({ status }) => status === 200).length
  Object.assign(mood, { answers: Number.POSITIVE_INFINITY, drifts: true })
  await run('rest', '--set', 'budget.usd_per_month=50')
  after.rest = asked().length
  cpSync(join(root, 'data/exports/'), join(root, 'kept'), { recursive: true, dereference: true })
  await run('again', '--set', 'budget.usd_per_month=50')
  after.again = asked().length
}, LONG)
afterAll(async () => {
  await server.close()
  rmSync(root, { recursive: true, force: true })
}, LONG)

it(
  'without a budget nothing is bought, and the plan says what would be',
  () => {
    expect(done.free!.code, done.free!.stderr).toBe(0)
    expect(done.free!.stderr).toContain('was not asked: no budget is set')
    const { figures } = planned.sections.purchases!
    expect(figures.questions_first).toBeGreaterThan(CAP_CREDITS + 2)
    expect(figures.usd).toBeGreaterThan(CAP_CREDITS * USD_PER_CREDIT)
  },
  LONG,
)

it(
  'a cap that falls in the middle of a run stops at the credit',
  () => {
    expect(done.capped!.code, done.capped!.stderr).toBe(0)
    expect(after.capped).toBe(CAP_CREDITS)
    expect(done.capped!.stderr).toContain(`budget.usd_per_run is ${CAP_CREDITS * USD_PER_CREDIT}`)
  },
  LONG,
)

it(
  'a vendor that goes down: the rest goes on and is published, exit 3, and the next run finishes',
  async () => {
    expect(done.down!.code, done.down!.stderr).toBe(3)
    expect(done.down!.stderr).toMatch(/published +data\/warehouse.duckdb/)
    expect(done.down!.stderr).toContain('sample: GET /find')
    expect(done.rest!.code, done.rest!.stderr).toBe(0)
    expect(after.rest).toBeGreaterThan(after.down!)
    const waiting =
      await ask(`select * from raw.enrichment__decisions where decision = 'skipped' and reason in ('budget', 'not_reached')
    and subject_id not in (select subject_id from raw.enrichment__decisions where decision = 'bought')
    and company_id not in (select company_id from intermediate.int_companies_excluded)`)
    expect(waiting).toEqual([])
  },
  LONG,
)

it(
  'drift is in the report by its name',
  () => {
    expect(done.rest!.stderr).toContain(`sample.emails has new fields: ${NEW_FIELD}`)
  },
  LONG,
)

it(
  'what has been answered is not paid for again',
  () => {
    expect(done.again!.code).toBe(0)
    expect(after.again).toBe(after.rest)
    const answered = asked()
      .filter(({ status }) => status === 200)
      .map(({ request }) => request)
    expect(new Set(answered).size).toBe(answered.length)
  },
  LONG,
)

it(
  'the calls are those of the vendor’s own journal, with credits, money, hit and company',
  async () => {
    const calls = await ask(`
    select calls.endpoint, calls.status::integer as status, calls.credits::double as credits, calls.usd::double as usd,
      calls.hit, contacts.full_name
    from marts.fct_provider_calls as calls
    left join marts.dim_contacts as contacts on contacts.company_id = calls.company_id
    where calls.provider = 'sample' and calls.field = 'email' and calls.status = 200`)
    const paid = asked().filter(({ status }) => status === 200)
    const ids = await ask<{ n: number; credits: number; usd: number; hits: number; companies: number }>(`
    select count(*)::integer as n, sum(credits)::double as credits, sum(usd)::double as usd, count(*) filter (hit)::integer as hits,
      count(company_id)::integer as companies
    from marts.fct_provider_calls where provider = 'sample' and field = 'email' and status = 200`)
    const credits = paid.reduce((sum, entry) => sum + entry.credits, 0)
    expect(ids).toEqual([
      {
        n: paid.length,
        credits,
        usd: Number((credits * USD_PER_CREDIT).toFixed(6)),
        hits: credits,
        companies: paid.length,
      },
    ])
    const about = new Set(calls.map(({ full_name }) => full_name))
    const names = paid.map(({ request }) =>
      new URL(JSON.parse(request)[1], 'http://vendor.invalid').searchParams.get('name'),
    )
    expect(names.filter((name) => !about.has(name!))).toEqual([])
  },
  LONG,
)

it(
  'the bill of the month is the vendor’s journal, with what a qualified lead cost',
  async () => {
    const month = new Date().toISOString().slice(0, 7)
    const bill = await pipeline(root, ['status', '--spend', '--month', month, '--output', 'csv'])
    const find = bill.stdout.split('\n').find((line) => line.includes('/find'))!
    const of = Object.fromEntries(
      bill.stdout
        .split('\n')[0]!
        .split(',')
        .map((name, at) => [name, find.split(',')[at]]),
    )
    expect(of).toMatchObject({ month, provider: 'sample', field: 'email', calls: String(asked().length) })
    expect([Number(of.credits), Number(of.usd)]).toEqual([
      creditsSpent(),
      Number((creditsSpent() * USD_PER_CREDIT).toFixed(6)),
    ])
    expect(bill.stderr).toMatch(/USD for each of \d+ qualified leads/)
    // Asked first, the free one would have saved what it knows: told from what was logged, and nothing was asked for it.
    const { stdout } = await pipeline(root, ['status', '--spend', '--month', month, '--output', 'json'])
    const { other_orders: orders } = JSON.parse(stdout) as {
      other_orders: { field: string; order: string; usd: number; usd_spent: number }[]
    }
    const of_email = orders.filter(({ field }) => field === 'email')
    expect(of_email.map(({ order }) => order)).toEqual(['mock, sample', 'sample, mock'])
    expect(of_email[0]!.usd).toBeLessThan(of_email[1]!.usd)
    expect(of_email[0]!.usd_spent).toBeCloseTo(creditsSpent() * USD_PER_CREDIT, 4)
  },
  LONG,
)

it(
  'nobody who is suppressed or a customer is bought about, and why says so; and why each was bought or not',
  async () => {
    const asked_names = asked().map(({ request }) =>
      new URL(JSON.parse(request)[1], 'http://vendor.invalid').searchParams.get('domain'),
    )
    const [suppressed, customer, bought] = open as [Open, Open, Open]
    for (const [one, reason] of [
      [suppressed, 'suppressed'],
      [customer, 'customer'],
    ] as const) {
      expect(asked_names).not.toContain(one.domain)
      const { stdout } = await pipeline(root, ['why', one.company_id])
      expect(stdout).toContain(`never asked about, bought or written to: ${reason}`)
    }
    const { stdout } = await pipeline(root, ['why', bought.subject_id])
    expect(stdout).toMatch(/sample was asked for email: (knew|knew nothing) \(request /)
    expect(stdout).toMatch(/email bought \(sample\): could_change_tier, expected at [\d.]+ USD, in run_/)
    const [settled] = await ask(
      `select subject_id from raw.enrichment__decisions where reason = 'tier_settled' order by 1 limit 1`,
    )
    const left = await pipeline(root, ['why', settled!.subject_id!])
    expect(left.stdout).toContain('email skipped (sample): tier_settled')
  },
  LONG,
)

it(
  'little data, no e-mail, names in Thai: the whole chain',
  async () => {
    const rows = await ask(`
    select companies.name, contacts.full_name, scored.tier is not null as is_scored, synced.operation,
      events.status, events.skip_reason
    from marts.dim_companies as companies
    join marts.fct_enriched_leads as leads on leads.company_id = companies.company_id
    join marts.fct_scored_leads as scored on scored.lead_id = leads.lead_id
    left join marts.dim_contacts as contacts on contacts.contact_id = leads.contact_id
    left join marts.fct_crm_syncs as synced on synced.record_id = companies.company_id
    left join marts.fct_outreach_events as events on events.lead_id = leads.lead_id
    where list_contains(companies.sources, 'sample')
    order by 1, 2`)
    const found = { is_scored: true, operation: 'create', status: null, skip_reason: null }
    expect(rows).toEqual([
      { name: NOBODY, full_name: null, ...found },
      { name: THAI[1], full_name: null, ...found },
      { name: THAI[0], full_name: 'สมชาย ใจดี', ...found },
      { name: THAI[0], full_name: 'สุดา แก้วใส', ...found },
    ])
  },
  LONG,
)

it(
  'a replay gives the same bytes, with nobody there to ask',
  async () => {
    await server.close()
    const runs = await ask(`select run_id from marts.fct_runs where command = 'run' order by run_id`)
    const last = runs.at(-1)!.run_id!
    const replayed = await pipeline(root, ['run', '--replay', last])
    expect(replayed.code, replayed.stderr).toBe(0)
    expect(bytesOf(join(root, `data/replays/${last}/exports/`))).toEqual(bytesOf(join(root, 'kept')))
  },
  LONG,
)
