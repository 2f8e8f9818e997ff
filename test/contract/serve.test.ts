import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '../../pipeline/warehouse/duckdb.ts'
import { buildServer } from '../../serve/server.ts'
import { settings } from '../../serve/settings.ts'
import { readUsers } from '../../serve/users.ts'
import { Described, type Document } from '../helpers/openapi.ts'
import { type Answer, publication, publishedMock, type Served, serveMock, USERS } from '../helpers/published-mock.ts'

const OUTCOMES = { linkedin: { done: { status: 'sent', says: 'sent' }, replied: { status: 'replied', says: 'yes' } } }
const PEOPLE = 'select email, full_name, phone, linkedin_url from marts.dim_contacts'

let data: string
let served: Served
let described: Described
let leads: Record<string, unknown>[]
let messages: Record<string, unknown>[]
let people: string[]

/** As the server answers, held against what it says of itself. */
const ask: Served['ask'] = async (path, more = {}) => {
  const answer = await served.ask(path, more)
  const method = more.method ?? (more.body === undefined ? 'GET' : 'POST')
  expect(described.faults(method, path, answer)).toEqual([])
  return answer
}

const ids = ({ body }: Answer, column = 'lead_id') => body.data.map((row) => row[column])
const first = (owner: string | null) => leads.find((lead) => lead.owner === owner)!.lead_id as string

beforeAll(async () => {
  const root = await publishedMock()
  const own = await publication(
    root,
    `update ops.lead_rows set owner = 'ana' where lead_id in
       (select lead_id from ops.lead_rows where contact_id is not null order by lead_id limit 12);
     update marts.fct_outreach_events set status = 'approved', approved_by = 'rui', approved_at = planned_at
     where event_id = (select min(event_id) from marts.fct_outreach_events where channel = 'email')`,
  )
  data = own.data
  served = await serveMock(root, data, { users: USERS, max_body: 20_000 }, { outcomes: OUTCOMES })
  described = new Described((await served.ask('/openapi.json')).body as unknown as Document)
  leads = (await ask('/v1/leads?limit=500', { as: 'adm' })).body.data
  messages = (await ask('/v1/outreach?limit=500', { as: 'adm' })).body.data
  const database = await openDatabase({ path: `${data}/warehouse.duckdb`, read_only: true })
  const connection = await database.connect()
  people = (await connection.rows(PEOPLE))
    .flatMap((row) => Object.values(row))
    .filter((value) => typeof value === 'string')
  connection.close()
  database.close()
}, 240_000)

afterAll(async () => {
  await served?.close()
  rmSync(data, { recursive: true, force: true })
})

const READS = [
  ...['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs', '/docs/style.css', '/unsubscribe'],
  ...['stats', 'pending', 'pauses', 'me', 'score', 'leads', 'leads/facets'].map((name) => `/v1/${name}`),
  ...['companies', 'contacts', 'outreach', 'tasks', 'syncs', 'runs'].map((name) => `/v1/${name}`),
  ...['today', 'day', 'crm', 'crm/plan', 'outreach/overview', 'pipeline', 'review', 'scores', 'ask'].map(
    (name) => `/v1/${name}`,
  ),
]

describe('what is read', () => {
  it.each(READS)('%s answers, as it is described, with the headers of all', async (path) => {
    const { status, headers } = await ask(path, { as: 'rui', headers: { origin: 'https://elsewhere.example' } })
    expect(status).toBe(200)
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/)
    expect(headers.get('content-security-policy')).not.toContain('unsafe')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    if (path.startsWith('/v1/')) expect(headers.get('cache-control')).toBe('no-store')
  })

  it('of one lead, everything, and its brief in three forms', async () => {
    const lead_id = leads.find((lead) => lead.qualification_status === 'qualified')!.lead_id as string
    const { body } = await ask(`/v1/leads/${lead_id}`, { as: 'rui' })
    expect(body).toMatchObject({ lead: { lead_id }, gate: { stage: expect.any(String) } })
    for (const part of [
      'company',
      'contact',
      'signals',
      'news',
      'history',
      'outreach',
      'syncs',
      'provenance',
      'values_beaten',
    ])
      expect(body).toHaveProperty(part)
    const forms = { markdown: 'text/markdown', html: 'text/html', json: 'application/json' }
    for (const [format, type] of Object.entries(forms)) {
      const answer = await ask(`/v1/leads/${lead_id}/brief?format=${format}`, { as: 'rui' })
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, expect.stringContaining(type)])
      const accepted = await ask(`/v1/leads/${lead_id}/brief`, { as: 'rui', headers: { accept: type } })
      expect(accepted.text).toBe(answer.text)
    }
  })

  it.each([
    ['status', 'qualified', 'qualification_status'],
    ['tier', 'A', 'tier'],
    ['owner', 'ana', 'owner'],
    ['industry', undefined, 'industry'],
    ['segment', undefined, 'segment'],
  ] as const)('leads by %s: all of those and no others', async (filter, given, column) => {
    const value = given ?? (leads[0]![column] as string)
    const expected = leads.filter((lead) => lead[column] === value).map((lead) => lead.lead_id)
    expect(expected.length).toBeGreaterThan(0)
    const answer = await ask(`/v1/leads?limit=500&${filter}=${encodeURIComponent(value)}`, { as: 'rui' })
    expect(ids(answer).sort()).toEqual(expected.sort())
    const { body } = await ask(`/v1/leads/facets?${filter}=${encodeURIComponent(value)}`, { as: 'rui' })
    expect(body.total).toBe(expected.length)
  })

  it('leads by score, by words whatever their accents, and without an owner', async () => {
    const within = await ask('/v1/leads?limit=500&score_from=40&score_to=70', { as: 'rui' })
    expect(ids(within).sort()).toEqual(
      leads
        .filter(({ score }) => (score as number) >= 40 && (score as number) <= 70)
        .map((lead) => lead.lead_id)
        .sort(),
    )
    const { lead_id, company_name } = leads[3] as { lead_id: string; company_name: string }
    const found = await ask(`/v1/leads?text=${encodeURIComponent(company_name.toUpperCase().slice(1))}`, { as: 'rui' })
    expect(ids(found)).toContain(lead_id)
    const nobody = await ask('/v1/leads?limit=500&owner=none', { as: 'rui' })
    expect(nobody.body.data.length).toBe(leads.length - 12)
  })
})

describe('who may what', () => {
  it('nobody who is unknown comes in, however the path is written', async () => {
    const guarded = [...READS.filter((path) => path.startsWith('/v1/')), '/metrics', '/%761/leads', '/v1%2Fleads']
    for (const path of guarded) {
      const { status, body, headers } = await served.ask(path)
      expect([path, [401, 404].includes(status)]).toEqual([path, true])
      expect(headers.get('content-type')).toBe('application/problem+json')
      if (status === 401) expect([body.code, headers.get('www-authenticate')]).toEqual(['unknown_user', 'Bearer'])
    }
    for (const authorization of [
      'Bearer wrong-token-0123456789',
      'Bearer ',
      'Basic YTpi',
      'Bearer token-of-ana-0123456789 ',
    ])
      expect((await served.ask('/v1/me', { headers: { authorization: `${authorization}x` } })).status).toBe(401)
  })

  it('a rep sees their own leads alone, in every list, unless allowed all', async () => {
    const mine = leads.filter(({ owner }) => owner === 'ana')
    expect(ids(await ask('/v1/leads?limit=500', { as: 'ana' })).sort()).toEqual(mine.map((lead) => lead.lead_id).sort())
    expect((await ask('/v1/leads/facets', { as: 'ana' })).body.total).toBe(12)
    const companies = new Set(mine.map(({ company_id }) => company_id))
    for (const list of ['companies', 'contacts']) {
      const rows = (await ask(`/v1/${list}?limit=500`, { as: 'ana' })).body.data
      expect(rows.length).toBeGreaterThan(0)
      for (const { company_id } of rows) expect(companies.has(company_id)).toBe(true)
    }
    const own = new Set(mine.map((lead) => lead.lead_id))
    for (const list of ['outreach', 'tasks'])
      for (const { lead_id } of (await ask(`/v1/${list}?limit=500`, { as: 'ana' })).body.data)
        expect(own.has(lead_id)).toBe(true)
    const records = new Set(mine.flatMap(({ lead_id, company_id, contact_id }) => [lead_id, company_id, contact_id]))
    for (const { record_id } of (await ask('/v1/syncs?limit=500', { as: 'ana' })).body.data)
      expect(records.has(record_id)).toBe(true)
    expect((await ask('/v1/leads?limit=500', { as: 'bia' })).body.data.length).toBe(leads.length)
  })

  it("somebody else's lead looks like none, also to who would decide on it", async () => {
    const other = first(null)
    const event = messages.find(({ owner }) => owner === null)!.event_id
    for (const path of [`/v1/leads/${other}`, `/v1/leads/${other}/brief`, '/v1/leads/nothing'])
      expect((await ask(path, { as: 'ana' })).body.code).toBe('no_such_lead')
    const until = { reason: 'no', until: '2027-01-01' }
    const acts = [
      [`/v1/leads/${other}/reject`, until],
      [`/v1/leads/${other}/snooze`, { until: null }],
      [`/v1/outreach/${event}/reject`, {}],
      [`/v1/tasks/${event}/outcome`, { outcome: 'done' }],
    ] as const
    for (const [path, body] of acts) {
      const { status, body: said } = await ask(path, { as: 'ana', body, key: 'somebody-else' })
      expect([path, status, said.code]).toEqual([path, 404, expect.stringMatching(/^no_such_/)])
    }
  })

  it.each([
    ['ana', { assign: 403, pause: 403, decide: 200, score: 200, metrics: 403, brief: 200 }],
    ['rui', { assign: 200, pause: 200, decide: 200, score: 200, metrics: 200, brief: 200 }],
    ['ops', { assign: 403, pause: 200, decide: 403, score: 200, metrics: 200, brief: 403 }],
    ['adm', { assign: 200, pause: 200, decide: 200, score: 200, metrics: 200, brief: 200 }],
  ] as const)('%s may do what the role says', async (as, expected) => {
    const lead = leads.find(
      ({ owner, qualification_status }) => owner === 'ana' && qualification_status !== 'disqualified',
    )!
    const post = (path: string, body: object) => ask(path, { as, body, key: `may-${as}-${path}`.slice(0, 60) })
    const got = {
      assign: (await post(`/v1/leads/${lead.lead_id}/assign`, { owner: 'ana' })).status,
      pause: (await post('/v1/pause', { what: 'send', mailbox: `${as}@example.com` })).status,
      decide: (await post(`/v1/leads/${lead.lead_id}/promote`, { reason: 'known', until: '2027-01-01' })).status,
      score: (await post('/v1/score', { lead: {} })).status,
      metrics: (await ask('/metrics', { as })).status,
      brief: (await ask(`/v1/leads/${lead.lead_id}/brief`, { as })).status,
    }
    expect(got).toEqual(expected)
    if (expected.pause === 200)
      expect((await post('/v1/resume', { what: 'send', mailbox: `${as}@example.com` })).status).toBe(200)
  })

  it('who may not see people learns of nobody, in no list, page, cursor or search', async () => {
    const { event_id, content_hash } = messages.find(
      ({ status, channel }) => status === 'planned' && channel === 'email',
    )!
    const words = { content_hash, subject: people[0]!.slice(0, 60), body: people.slice(0, 9).join(' ') }
    expect(
      (await ask(`/v1/outreach/${event_id}/edit`, { as: 'rui', body: words, key: 'it names people' })).status,
    ).toBe(200)
    const paths = READS.filter((path) => path.startsWith('/v1/')).flatMap((path) => [path, `${path}?limit=3`])
    const one = leads.filter(({ contact_id }) => contact_id !== null).slice(0, 5)
    for (const path of [...paths, ...one.map(({ lead_id }) => `/v1/leads/${lead_id}`)]) {
      const { text, body } = await served.ask(path, { as: 'ops' })
      const told = `${text} ${Buffer.from(String(body.next ?? ''), 'base64url')}`.toLowerCase()
      const leaked = people.filter((value) => told.includes(value.toLowerCase()))
      expect([path, leaked]).toEqual([path, []])
    }
    const { full_name } = one[0] as { full_name: string }
    for (const list of ['leads', 'contacts', 'outreach']) {
      const search = `/v1/${list}?text=${encodeURIComponent(full_name)}`
      expect((await ask(search, { as: 'rui' })).body.data.length + (list === 'outreach' ? 1 : 0)).toBeGreaterThan(0)
      if (list !== 'contacts') expect((await ask(search, { as: 'ops' })).body.data).toEqual([])
    }
  })

  it('a trusted proxy names the user, and nobody else does', async () => {
    const api = (from: string[]) => {
      const proxied = settings.parse({ users: USERS, trusted_proxy: { header: 'x-user', from } })
      const env = {
        ANA: 'a'.repeat(16),
        BIA: 'b'.repeat(16),
        RUI: 'c'.repeat(16),
        OPS: 'd'.repeat(16),
        ADM: 'e'.repeat(16),
      }
      return readUsers(proxied, env, [], () => undefined)
    }
    const header = (name: string) => (name === 'x-user' ? 'rui' : undefined)
    expect(api(['127.0.0.1']).find(header, '::ffff:127.0.0.1')?.role).toBe('manager')
    expect(api(['127.0.0.1']).find(header, '10.0.0.7')).toBeUndefined()
    expect(api(['127.0.0.1']).find(() => 'nobody', '127.0.0.1')).toBeUndefined()
  })
})

describe('what is refused', () => {
  it.each([
    ['/v1/nothing', 404, 'no_such_page', {}],
    ['/v1/leads?limit=0', 422, 'invalid_request', {}],
    ['/v1/leads?sort=score;drop', 422, 'invalid_request', {}],
    ['/v1/leads?after=AAAA', 422, 'invalid_cursor', {}],
    [`/v1/leads?after=${Buffer.from('[{"a":1},"x"]').toString('base64url')}`, 422, 'invalid_cursor', {}],
    ['/v1/pause', 422, 'invalid_request', { body: {} }],
    ['/v1/pause', 422, 'invalid_request', { body: { what: 'everything' }, key: 'long enough' }],
    ['/v1/pause', 400, 'bad_request', { body: '{"what":', key: 'long enough' }],
    ['/v1/pause', 413, 'body_too_large', { body: { mailbox: 'x'.repeat(21_000) }, key: 'long enough' }],
    ['/v1/pause', 403, 'foreign_origin', { body: {}, key: 'long enough', headers: { origin: 'https://evil.example' } }],
    ['/v1/pause', 403, 'foreign_origin', { body: {}, key: 'long enough', headers: { 'sec-fetch-site': 'cross-site' } }],
    ['/v1/leads/none/assign', 404, 'no_such_lead', { body: { owner: 'x' }, key: 'long enough' }],
    ['/v1/score', 422, 'unknown_fact', { body: { lead: { no_such_fact: 1 } } }],
    ['/v1/score', 422, 'wrong_type', { body: { lead: { employee_count: 'many' } } }],
    ['/v1/score', 422, 'invalid_request', { body: { leads: [] } }],
    ['/v1/score', 422, 'invalid_request', { body: { leads: Array.from({ length: 1_001 }, () => ({})) } }],
  ] as const)('%s: %i %s', async (path, status, code, more) => {
    const answer = await ask(path, { as: 'adm', ...more })
    expect([answer.status, answer.body.code]).toEqual([status, code])
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.body).toMatchObject({ status, title: expect.any(String), type: 'about:blank' })
  })

  it('a host that is not ours, and who asks too fast', async () => {
    const root = await publishedMock()
    const { api, context } = buildServer({
      settings: settings.parse({ requests_per_minute: 60 }),
      users: readUsers(settings.parse({}), {}, [], () => undefined),
      ...{ warehouse: `${root}/data/warehouse.duckdb`, data, threads: 1, env: {}, outcomes: {}, hooks: {} },
      ...{ now: () => new Date(0), fault: () => {}, loadScoring: () => Promise.reject(new Error('none')) },
    })
    const at = (host: string) => api.request(`http://${host}/v1/me`, { headers: { host } })
    expect((await at('evil.example')).status).toBe(421)
    const statuses = await Promise.all(Array.from({ length: 12 }, async () => (await at('localhost')).status))
    expect(statuses.filter((status) => status === 429).length).toBe(2)
    const refused = await at('localhost')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
    await context.publications.close()
  })

  it('without anything published everything but health says so', async () => {
    const nothing = await serveMock(await publishedMock(), `${data}/nowhere`)
    expect((await nothing.ask('/healthz')).status).toBe(200)
    for (const path of ['/readyz', '/v1/leads', '/v1/stats'])
      expect(await nothing.ask(path)).toMatchObject({ status: 503, body: { code: 'nothing_published' } })
    expect((await nothing.ask('/v1/pending')).body.data).toEqual([])
    await nothing.close()
  })
})

it('everything that is read was answered above, as it is described', () => {
  // What is told of one node of the graph is tried where there is a browser to look at it.
  const reads = described.operations.filter((operation) => /^GET (?!\/v1\/pipeline\/)/.test(operation))
  expect(reads.filter((operation) => !described.succeeded.has(operation))).toEqual([])
})

it('every path there is stands in the document', async () => {
  const { paths } = (await served.ask('/openapi.json')).body as unknown as Document
  const { api, context } = buildServer({
    settings: settings.parse({}),
    users: readUsers(settings.parse({}), {}, [], () => undefined),
    ...{ warehouse: '', data, threads: 1, env: {}, outcomes: {}, hooks: {}, now: () => new Date(), fault: () => {} },
    loadScoring: () => Promise.reject(new Error('none')),
  })
  await context.publications.close()
  const own = api.routes
    .filter(
      ({ method, path }) =>
        method !== 'ALL' && !['*', '/*'].includes(path) && !path.startsWith('/docs') && path !== '/openapi.json',
    )
    .map(({ path }) => path.replaceAll(/:(\w+)(\{[^/]*\})?/g, '{$1}'))
  expect([...new Set(own)].sort()).toEqual(Object.keys(paths).sort())
})
