import { createHmac } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Project } from '../../pipeline/load.ts'
import { hooksOf } from '../../sync/hooks.ts'
import { Described, type Document } from '../helpers/openapi.ts'
import { publication, publishedMock, type Served, serveMock, USERS } from '../helpers/published-mock.ts'

type Row = Record<string, unknown>
const OUTCOMES = { linkedin: { done: { status: 'sent', says: 'sent' }, replied: { status: 'replied', says: 'yes' } } }
const SECRET = `whsec_${Buffer.from('the secret of the mail service').toString('base64')}`
const CRM_SECRET = 'the secret of the app'
const PUBLIC = 'https://leads.example.com'

let root: string
let own: Awaited<ReturnType<typeof publication>>
let served: Served
let described: Described
let messages: Row[]
let tasks: Row[]
let lead: Row

const ask: Served['ask'] = async (path, more = {}) => {
  const answer = await served.ask(path, more)
  expect(described.faults(more.method ?? (more.body === undefined ? 'GET' : 'POST'), path, answer)).toEqual([])
  return answer
}

async function start(): Promise<Served> {
  const crms = { hubspot: { token: 'x', portal_id: '1', webhook_secret: CRM_SECRET }, file: { path: 'crm' } }
  const config = { data: { sync: { crms } }, yaml: { file: 'pipeline.yaml', data: {}, lineOf: () => 1 } }
  return serveMock(
    root,
    own.data,
    { users: USERS, public_url: PUBLIC, hooks: { email_secret_env: 'MAIL' } },
    { outcomes: OUTCOMES, hooks: await hooksOf({ config } as unknown as Project), env: { MAIL: SECRET } },
  )
}

const incoming = () => join(own.data, 'incoming')
const files = () => readdirSync(incoming()).filter((name) => name.endsWith('.json'))
const left = () =>
  files().map((name) => JSON.parse(readFileSync(join(incoming(), name), 'utf8')) as Row & { body: Row })

/** As a run does that takes in what waits; what it publishes is another matter. */
function takenIn(): (Row & { body: Row })[] {
  const taken = left()
  for (const name of files()) rmSync(join(incoming(), name))
  return taken
}

const insertActs = (taken: Row[]) =>
  taken
    .map(
      ({ message_id, kind, at }) =>
        `insert into ops.acts (message_id, kind, sent_at) values ('${message_id}', '${kind}', '${at}');`,
    )
    .join('')

beforeAll(async () => {
  root = await publishedMock()
  own = await publication(root)
  mkdirSync(incoming())
  served = await start()
  described = new Described((await served.ask('/openapi.json')).body as unknown as Document)
  messages = (await ask('/v1/outreach?limit=500&status=planned&channel=email', { as: 'adm' })).body.data
  tasks = (await ask('/v1/tasks?status=planned', { as: 'adm' })).body.data
  lead = (await ask('/v1/leads?limit=1', { as: 'adm' })).body.data[0]!
}, 240_000)

afterAll(async () => {
  await served?.close()
  rmSync(own.data, { recursive: true, force: true })
})

describe('each act is one file, with who and when', () => {
  beforeEach(() => void takenIn())

  it.each([
    [
      'reject',
      { reason: 'no', until: '2027-01-01' },
      'score_override',
      { tier: 'C', reason: 'no', until: '2027-01-01' },
    ],
    [
      'promote',
      { reason: 'yes', until: '2027-01-01' },
      'score_override',
      { tier: 'A', reason: 'yes', until: '2027-01-01' },
    ],
    ['snooze', { until: '2027-02-01', reason: 'later' }, 'lead_snooze', { until: '2027-02-01', reason: 'later' }],
    ['assign', { owner: 'ana' }, 'lead_assign', { owner: 'ana' }],
  ])('a lead: %s', async (what, body, kind, expected) => {
    const answer = await ask(`/v1/leads/${lead.lead_id}/${what}`, { as: 'rui', key: `lead-${what}`, body })
    expect(answer.body).toMatchObject({ repeated: false, taken_in: 'next_run' })
    expect(left()).toEqual([
      {
        id: answer.body.message_id,
        kind,
        at: expect.any(String),
        body: { lead_id: lead.lead_id, ...expected, by: 'rui' },
      },
    ])
    const { pending } = (await ask(`/v1/leads/${lead.lead_id}`, { as: 'rui' })).body as unknown as { pending: Row[] }
    expect(pending[0]).toMatchObject({ kind, by: 'rui', waits_for: 'next_run', subject_id: lead.lead_id })
  })

  it('a message: approve, edit, reject; a task: its outcome once it is approved', async () => {
    const [approved, edited, refused] = messages as { event_id: string; content_hash: string }[]
    const post = (path: string, body: object) => ask(path, { as: 'bia', key: `first-${path}`, body })
    await post(`/v1/outreach/${approved!.event_id}/approve`, { content_hash: approved!.content_hash })
    const words = { content_hash: edited!.content_hash, subject: 'Other', body: 'words' }
    await post(`/v1/outreach/${edited!.event_id}/edit`, words)
    await post(`/v1/outreach/${refused!.event_id}/reject`, { reason: 'too early' })
    const task = tasks[0] as { event_id: string; content_hash: string }
    const outcome = (body: object, key: string) => ask(`/v1/tasks/${task.event_id}/outcome`, { as: 'bia', key, body })
    expect((await outcome({ outcome: 'done' }, 'not approved yet')).body.code).toBe('not_approved')
    expect((await outcome({ outcome: 'dances' }, 'no such word')).body.code).toBe('unknown_outcome')
    await post(`/v1/outreach/${task.event_id}/approve`, { content_hash: task.content_hash })
    expect((await outcome({ outcome: 'done', note: 'by hand' }, 'now it is')).status).toBe(200)
    const no_task = `/v1/tasks/${messages[5]!.event_id}/outcome`
    expect((await ask(no_task, { as: 'bia', key: 'a machine', body: { outcome: 'done' } })).body.code).toBe('no_task')
    expect(left().map(({ kind, body }) => [kind, body])).toEqual([
      ['approve', { messages: [{ event_id: approved!.event_id, content_hash: approved!.content_hash }], by: 'bia' }],
      ['edit', { event_id: edited!.event_id, ...words, approve: false, by: 'bia' }],
      ['reject', { events: [refused!.event_id], reason: 'too early', by: 'bia' }],
      ['approve', { messages: [{ event_id: task.event_id, content_hash: task.content_hash }], by: 'bia' }],
      ['task', { event_id: task.event_id, outcome: 'done', note: 'by hand', by: 'bia' }],
    ])
  })

  it('a header cannot be written into a subject', async () => {
    const { event_id, content_hash } = messages[6]!
    const body = { content_hash, subject: 'Hello\r\nBcc: all@example.com', body: 'x' }
    expect((await ask(`/v1/outreach/${event_id}/edit`, { as: 'rui', key: 'two lines', body })).status).toBe(422)
    expect(left()).toEqual([])
  })

  it('a pause is in force, and a resume lifts it', async () => {
    const post = (what: string, body: object) => ask(`/v1/${what}`, { as: 'ops', key: `${what} it all`, body })
    const held = async () => (await ask('/v1/pauses', { as: 'ops' })).body.data
    await post('pause', { what: 'send', sequence: 'first_touch' })
    expect(await held()).toMatchObject([{ what: 'send', scope: { sequence: 'first_touch' } }])
    await new Promise((next) => setTimeout(next, 5))
    await post('resume', { what: 'send', sequence: 'first_touch' })
    expect(await held()).toEqual([])
  })
})

describe('who was first', () => {
  let event_id: string
  let content_hash: string
  const post = (what: string, key: string, body: object, as: 'bia' | 'rui' = 'bia') =>
    ask(`/v1/outreach/${event_id}/${what}`, { as, key, body })
  beforeAll(() => {
    ;({ event_id, content_hash } = messages[8] as { event_id: string; content_hash: string })
  })

  it('two at once: one decides, the other is told who did', async () => {
    const both = await Promise.all([
      post('approve', 'both-at-once', { content_hash }, 'bia'),
      post('reject', 'both-at-once', {}, 'rui'),
    ])
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
    const second = both.find(({ status }) => status === 409)!
    const first = both[0]!.status === 200 ? ['approve', 'bia'] : ['reject', 'rui']
    expect(second.body).toMatchObject({ code: 'decided_already', decided: { decision: first[0], by: first[1] } })
  })

  it('the same key: done once, and no other request', async () => {
    ;({ event_id, content_hash } = messages[9] as { event_id: string; content_hash: string })
    const before = files().length
    const answers = await Promise.all([1, 2, 3].map(() => post('approve', 'the same key', { content_hash })))
    expect(answers.map(({ body }) => body.repeated).sort()).toEqual([false, true, true])
    expect(new Set(answers.map(({ body }) => body.message_id)).size).toBe(1)
    expect(files().length).toBe(before + 1)
    expect((await post('approve', 'the same key', { content_hash: 'of other words' })).body.code).toBe(
      'idempotency_key_reused',
    )
    expect((await ask(`/v1/outreach/${event_id}/approve`, { as: 'bia', body: { content_hash } })).status).toBe(422)
  })

  it('stands after a restart; between a run and its publication; and when it is published', async () => {
    await served.close()
    served = await start()
    expect((await post('reject', 'after a restart', {}, 'rui')).body).toMatchObject({
      decided: { decision: 'approve', by: 'bia' },
    })
    const before = (await ask('/v1/pending', { as: 'rui' })).body.data
    takenIn()
    await served.close()
    served = await start()
    expect((await post('reject', 'while it runs', {}, 'rui')).body).toMatchObject({
      decided: { decision: 'approve', by: 'bia' },
    })
    const mine = (await ask('/v1/pending', { as: 'rui' })).body.data.find(({ subject_id }) => subject_id === event_id)
    expect(mine).toMatchObject({ kind: 'approve', by: 'bia', waits_for: 'publication' })
    await own.publish(
      `update marts.fct_outreach_events set status = 'approved', approved_by = 'bia', approved_at = planned_at
       where event_id = '${event_id}'; ${insertActs(before)}`,
    )
    expect((await ask('/v1/pending', { as: 'rui' })).body.data).toEqual([])
    expect((await post('reject', 'when published', {}, 'rui')).body).toMatchObject({
      code: 'decided_already',
      decided: { decision: 'approved', by: 'bia' },
    })
    expect(await post('approve', 'the same key', { content_hash })).toMatchObject({
      status: 200,
      body: { repeated: true, taken_in: 'done' },
    })
    expect(readdirSync(join(incoming(), '.acts'))).toEqual([])
    // Who has seen that it is approved may take that back.
    expect((await post('reject', 'I know of it', { overrule: true }, 'rui')).status).toBe(200)
  })

  it('words that changed since they were looked at are not approved', async () => {
    ;({ event_id } = messages[11] as { event_id: string })
    expect((await post('approve', 'old words', { content_hash: 'of yesterday' })).body.code).toBe('words_changed')
  })
})

describe('what services tell', () => {
  const svix = (id: string, body: string, at = Math.floor(Date.now() / 1000)) => ({
    'svix-id': id,
    'svix-timestamp': String(at),
    'svix-signature': `v1,${createHmac('sha256', Buffer.from(SECRET.slice(6), 'base64'))
      .update(`${id}.${at}.${body}`)
      .digest('base64')}`,
  })
  const crm = (body: string, path = '/hooks/hubspot', at = Date.now()) => ({
    'x-hubspot-request-timestamp': String(at),
    'x-hubspot-signature-v3': createHmac('sha256', CRM_SECRET)
      .update(`POST${PUBLIC}${path}${body}${at}`)
      .digest('base64'),
  })
  beforeEach(() => void takenIn())

  it('of mail: only with its signature over the bytes, once, with the raw body', async () => {
    const body = JSON.stringify({ type: 'email.complained', data: { from: 'us@example.com', to: ['a@example.com'] } })
    const hook = (headers: object) => ask('/hooks/email', { body, headers })
    expect((await hook(svix('m1', `${body} `))).body.code).toBe('wrong_signature')
    expect((await hook(svix('m1', body, Math.floor(Date.now() / 1000) - 400))).status).toBe(401)
    expect((await hook({})).status).toBe(401)
    expect(left()).toEqual([])
    expect((await hook(svix('m1', body))).body).toEqual({ taken: true })
    await hook(svix('m1', body))
    const all = left()
    expect(all.map(({ kind }) => kind).sort()).toEqual(['email_hook', 'mail', 'suppress'])
    expect(all.find(({ kind }) => kind === 'email_hook')!.body).toEqual({ raw: body })
    expect((await ask('/hooks/email', { body: 'no json', headers: svix('m2', 'no json') })).body.code).toBe(
      'unreadable_hook',
    )
  })

  it('of a CRM: signed, version 3, over method, public address, bytes and time; taken once', async () => {
    const body = JSON.stringify([
      {
        eventId: 7,
        subscriptionType: 'contact.propertyChange',
        objectId: 42,
        occurredAt: Date.now(),
        propertyName: 'ação',
      },
    ])
    const hook = (headers: object, path = '/hooks/hubspot') => ask(path, { body, headers })
    expect((await hook(crm(body.replace('42', '43')))).status).toBe(401)
    expect((await hook(crm(body, '/hooks/other'))).status).toBe(401)
    expect((await hook(crm(body, '/hooks/hubspot', Date.now() - 301_000))).status).toBe(401)
    expect((await hook(crm(body), '/hooks/file')).status).toBe(404)
    expect((await hook(crm(body), '/hooks/constructor')).status).toBe(404)
    expect(left()).toEqual([])
    expect((await hook(crm(body))).body).toEqual({ taken: true })
    await hook(crm(body))
    expect(left()).toMatchObject([
      { kind: 'crm_hook', body: { instance: 'hubspot', raw: body, changes: [{ object: 'contacts', crm_id: '42' }] } },
    ])
    const other = '{"of": "no form of theirs"}'
    expect((await ask('/hooks/hubspot', { body: other, headers: crm(other) })).body.code).toBe('unreadable_hook')
  })
})

describe('who wants no more messages', () => {
  const tokenOf = (event_id: unknown) => {
    const { ledger_id } = JSON.parse(readFileSync(join(own.data, '.published', 'current', 'publication.json'), 'utf8'))
    return createHmac('sha256', ledger_id).update(String(event_id)).digest('hex').slice(0, 32)
  }
  beforeEach(() => void takenIn())

  it('is asked by a page that does nothing, and left alone by a POST, whoever asks', async () => {
    const { event_id, contact_id } = messages[0]!
    const page = await ask(`/unsubscribe?t=${tokenOf(event_id)}`, { headers: { 'accept-language': 'pt-BR' } })
    expect(page.text).toContain('Cancelar inscrição')
    expect(left()).toEqual([])
    const click = (token: string) =>
      ask(`/unsubscribe?t=${token}`, {
        body: 'List-Unsubscribe=One-Click',
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://mail.example' },
      })
    const done = await click(tokenOf(event_id))
    expect(left().map(({ kind, body }) => [kind, body])).toEqual([
      ['suppress', { action: 'add', by: 'contact_id', value: contact_id, reason: 'unsubscribed' }],
      ['mail', expect.objectContaining({ class: 'unsubscribe', tokens: [tokenOf(event_id)] })],
    ])
    await click(tokenOf(event_id))
    expect(left().length).toBe(2)
    takenIn()
    // A message that left since: who it is about is found when it is taken in. Nothing tells the one from the other.
    const unknown = await click('0'.repeat(32))
    expect(left().map(({ kind }) => kind)).toEqual(['mail'])
    expect([unknown.status, unknown.text]).toEqual([done.status, done.text])
    takenIn()
    expect((await click('"><script>alert(1)</script>')).text).toBe(done.text)
    expect(left()).toEqual([])
  })
})

it('everything that is done was answered above, as it is described', () => {
  // Scores are compared in serve-data; what the pages add (many at once, reviews, questions) is tried with them.
  const elsewhere = ['/v1/score', '/v1/outreach/decide', '/v1/review/{id}', '/v1/ask'].map((path) => `POST ${path}`)
  const acts = described.operations.filter(
    (operation) => operation.startsWith('POST ') && !elsewhere.includes(operation),
  )
  expect(acts.filter((operation) => !described.succeeded.has(operation))).toEqual([])
})
