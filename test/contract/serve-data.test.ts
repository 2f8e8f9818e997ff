import { rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '../../pipeline/warehouse/duckdb.ts'
import { toCsv } from '../../serve/app/csv.ts'
import { publication, publishedMock, type Served, serveMock } from '../helpers/published-mock.ts'

type Row = Record<string, unknown>

/** What somebody may call a company, or themselves. */
const HOSTILE = [
  `<script>alert(1)</script>`,
  `"><img src=x onerror=alert(1)>`,
  `'); drop table ops.lead_rows; --`,
  `=HYPERLINK("https://evil.example","x")`,
  `+1+cmd|' /C calc'!A0`,
  `Evil\r\nSet-Cookie: a=b`,
  `[click](javascript:alert(1)) ![x](https://evil.example/p.png)`,
  `\u202Eelpmaxe\u2066 %0d%0aX-Injected: 1 \${7*7} {{7*7}}`,
]

let root: string
let own: Awaited<ReturnType<typeof publication>>
let served: Served

const sql = (text: string) => `'${text.replaceAll("'", "''")}'`

beforeAll(async () => {
  root = await publishedMock()
  const named = (column: string) =>
    `list_extract([${HOSTILE.map(sql).join(', ')}], (1 + cast(hash(${column}) % ${HOSTILE.length} as bigint)))`
  own = await publication(
    root,
    `update ops.lead_rows set company_name = ${named('lead_id')}, search_text = lower(${named('lead_id')}), owner = 'ana';
     update marts.dim_companies set name = ${named('company_id')};
     update marts.dim_contacts set full_name = ${named('contact_id')};
     update marts.fct_outreach_events set subject = ${named('event_id')}, body = ${named('event_id')};
     update marts.fct_scored_leads set deal_brief = '# ' || ${named('lead_id')} || chr(10) || chr(10) || ${named('lead_id')}
       where deal_brief is not null`,
  )
  served = await serveMock(root, own.data)
}, 240_000)

afterAll(async () => {
  await served?.close()
  rmSync(own.data, { recursive: true, force: true })
})

async function all(search: string, limit: number): Promise<Row[]> {
  const rows: Row[] = []
  for (let after = ''; ; ) {
    const { status, body } = await served.ask(`/v1/${search}${search.includes('?') ? '&' : '?'}limit=${limit}${after}`)
    expect(status).toBe(200)
    rows.push(...body.data)
    if (body.next === null) return rows
    after = `&after=${body.next}`
  }
}

describe('scores', () => {
  it('every lead over HTTP as the run scored it', async () => {
    const database = await openDatabase({ path: join(root, 'data', '.build', 'warehouse.duckdb'), read_only: true })
    const connection = await database.connect()
    const leads = await connection.rows('select * from intermediate.int_lead_facts order by lead_id')
    const scored = await connection.rows(
      `select lead_id, score, fit_score, intent_score, tier, qualification_status, budget_signal, authority_signal, need_signal,
         timeline_signal, reasons from marts.fct_scored_leads order by lead_id`,
    )
    connection.close()
    database.close()
    expect(leads.length).toBeGreaterThan(20)
    const columns = Object.keys(scored[0]!)
    const told = (rows: Row[]) => rows.map((row) => Object.fromEntries(columns.map((name) => [name, row[name]])))
    const { body } = await served.ask('/v1/score', { body: { leads } })
    expect(told(body.data)).toEqual(scored)
    // Many clients at once are answered together, and each gets its own.
    const some = leads.slice(0, 8)
    const answers = await Promise.all(some.map((lead) => served.ask('/v1/score', { body: { lead } })))
    expect(told(answers.flatMap((answer) => answer.body.data))).toEqual(scored.slice(0, 8))
  })

  it('one who asks wrongly does not spoil it for who asks at the same time', async () => {
    const [right, wrong] = await Promise.all([
      served.ask('/v1/score', { body: { lead: { country: 'BR' } } }),
      served.ask('/v1/score', { body: { lead: { employee_count: 'x' } } }),
    ])
    expect([right.status, wrong.status]).toEqual([200, 422])
    const quoted = await served.ask('/v1/score', {
      body: { lead: { country: `BR'); drop table ops.acts; --`, lead_id: `'"` } },
    })
    expect([quoted.status, quoted.body.data[0]!.lead_id]).toEqual([200, `'"`])
  })
})

describe('pages', () => {
  it('lose no lead and double none, whatever the filter, order and length', async () => {
    const whole = await all('leads', 500)
    const order = fc.record({
      sort: fc.constantFrom(
        'score',
        'company_name',
        'enriched_at',
        'discovered_at',
        'enrichment_completeness',
        'employee_count',
      ),
      order: fc.constantFrom('asc', 'desc'),
      limit: fc.integer({ min: 1, max: 40 }),
      status: fc.constantFrom(undefined, 'qualified', 'nurture,disqualified'),
      score_from: fc.constantFrom(undefined, 30),
    })
    await fc.assert(
      fc.asyncProperty(order, async ({ sort, order, limit, status, score_from }) => {
        const filters = `${status === undefined ? '' : `&status=${status}`}${score_from === undefined ? '' : `&score_from=${score_from}`}`
        const rows = await all(`leads?sort=${sort}&order=${order}${filters}`, limit)
        const wanted = whole.filter(
          (lead) =>
            (status === undefined || status.split(',').includes(lead.qualification_status as string)) &&
            (score_from === undefined || (lead.score as number) >= score_from),
        )
        expect(rows.map(({ lead_id }) => lead_id).sort()).toEqual(wanted.map(({ lead_id }) => lead_id).sort())
        const values = rows.map((row) => row[sort]).filter((value) => value !== null) as (string | number)[]
        const bytes = (value: string | number) => (typeof value === 'string' ? Buffer.from(value) : value)
        const compare = (a: string | number, b: string | number) =>
          typeof a === 'string' ? Buffer.compare(bytes(a) as Buffer, bytes(b) as Buffer) : a - (b as number)
        const sorted = [...values].sort((a, b) => (order === 'asc' ? compare(a, b) : compare(b, a)))
        expect(values).toEqual(sorted)
        // Unknown comes last either way.
        expect(rows.slice(values.length).every((row) => row[sort] === null)).toBe(true)
      }),
      { numRuns: 12 },
    )
  })

  it.each(['companies', 'contacts', 'outreach', 'tasks', 'syncs', 'runs'])('of %s, too', async (list) => {
    const ids = async (limit: number) => (await all(list, limit)).map((row) => JSON.stringify(row)).sort()
    expect(await ids(7)).toEqual(await ids(500))
  })
})

describe('what others wrote stays text', () => {
  it('in JSON, which no browser takes for a page, and in no header', async () => {
    for (const path of ['leads', 'companies', 'contacts', 'outreach']) {
      const { headers, body } = await served.ask(`/v1/${path}?limit=500`)
      expect([headers.get('content-type'), headers.get('x-content-type-options')]).toEqual([
        'application/json',
        'nosniff',
      ])
      expect(headers.get('set-cookie')).toBeNull()
      expect(headers.get('x-injected')).toBeNull()
      expect(body.data.length).toBeGreaterThan(0)
    }
  })

  it('in a brief: no markup of its own, no link that runs, no picture from elsewhere', async () => {
    const seen = new Set<string>()
    for (const { lead_id, qualification_status, company_name } of await all('leads', 500)) {
      if (qualification_status === 'disqualified' || seen.has(company_name as string)) continue
      seen.add(company_name as string)
      const { text, headers } = await served.ask(`/v1/leads/${lead_id}/brief?format=html`)
      expect(text).not.toMatch(/<script|<img[^>]*onerror|onerror=[^&]*>|href="javascript:/i)
      expect(headers.get('content-security-policy')).toContain("img-src 'self' data:")
      expect(headers.get('set-cookie')).toBeNull()
    }
    expect(seen.size).toBeGreaterThan(4)
  })

  it.each(HOSTILE)('as a filter, a search, a cursor and an id: %j finds itself or nothing', async (text) => {
    const word = encodeURIComponent(text)
    const found = (await served.ask(`/v1/leads?limit=500&text=${word}`)).body.data
    expect(found.every(({ company_name }) => company_name === text)).toBe(true)
    const asked = [
      [`/v1/leads?owner=${word}`, 200],
      [`/v1/outreach?sequence=${word}`, 200],
      [`/v1/companies?text=${word}`, 200],
      [`/v1/leads?sort=${word}`, 422],
      [`/v1/leads?after=${word}`, 422],
      [`/v1/leads/${word}`, 404],
      [`/v1/leads?after=${Buffer.from(JSON.stringify([text, text])).toString('base64url')}`, 200],
      [`/v1/leads?sort=company_name&after=${Buffer.from(JSON.stringify([text, text])).toString('base64url')}`, 200],
    ] as const
    for (const [path, status] of asked) {
      const answer = await served.ask(path)
      expect([path, answer.status]).toEqual([path, status])
      expect(answer.headers.get('x-injected')).toBeNull()
      if (status !== 200) expect(answer.text).not.toContain(text)
    }
    expect(served.faults).toEqual([])
    expect((await all('leads', 500)).length).toBeGreaterThan(20)
  })

  it('in a spreadsheet: no cell begins a formula', async () => {
    const rows = await all('leads', 500)
    const cells = toCsv(['company_name', 'full_name'], rows).split('\r\n').slice(1)
    for (const line of cells) expect(line).not.toMatch(/^"?[=+@\t-]|,"?[=+@\t-]/)
    expect(cells.some((line) => line.includes("'=HYPERLINK"))).toBe(true)
  })

  it('in a log line: a fault of ours is one line without what it is about', async () => {
    const broken = await serveMock(
      root,
      own.data,
      {},
      {
        loadScoring: () => Promise.reject(new Error(`no card for 'maria@example.com'\n[ERROR] forged line`)),
      },
    )
    expect((await broken.ask('/v1/score', { body: { lead: {} } })).body).toMatchObject({ status: 500, code: 'fault' })
    await broken.close()
    expect(broken.faults.length).toBe(1)
    expect(broken.faults[0]).toMatch(/^POST \/v1\/score: Error: no card for '…'$/)
  })
})

it('a publication that is replaced while it is asked for: each answer is of one of them, whole', async () => {
  const swapped = await publication(root, `update ops.lead_rows set company_name = '1'`)
  const asked = await serveMock(root, swapped.data)
  let stop = false
  const wrong: unknown[] = []
  const seen = new Set<string>()
  const clients = Array.from({ length: 4 }, async () => {
    while (!stop) {
      const { status, body } = await asked.ask('/v1/leads?limit=20&sort=employee_count')
      const published = String(body.published)
      seen.add(published)
      if (status !== 200 || body.data.some(({ company_name }) => company_name !== published)) wrong.push([status, body])
    }
  })
  for (let id = 2; id <= 5; id++) {
    await swapped.publish(`update ops.lead_rows set company_name = '${id}'`)
    const published = Date.now()
    const { body } = await asked.ask('/v1/leads?limit=1')
    expect([body.published, Date.now() - published < 2_000]).toEqual([String(id), true])
    rmSync(join(swapped.data, '.published', String(id - 1).padStart(6, '0')), { recursive: true })
  }
  stop = true
  await Promise.all(clients)
  await asked.close()
  expect(wrong).toEqual([])
  expect(seen.size).toBeGreaterThan(1)
  expect(asked.faults).toEqual([])
  rmSync(swapped.data, { recursive: true, force: true })
})
