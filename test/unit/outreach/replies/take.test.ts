import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { EVENTS, type OutreachEvent, UNSENT } from '../../../../outreach/events.ts'
import { HEARD_KIND, hear } from '../../../../outreach/replies/heard.ts'
import { hookMessages } from '../../../../outreach/replies/hook.ts'
import { type Position, readFolder } from '../../../../outreach/replies/poll.ts'
import { readMail } from '../../../../outreach/replies/read-mail.ts'
import { loadRules } from '../../../../outreach/replies/rules.ts'
import { isSigned } from '../../../../outreach/replies/svix.ts'
import { REPLIES, takeReplies } from '../../../../outreach/replies/take.ts'
import type { IncomingMessage } from '../../../../pipeline/incoming.ts'
import type { MailFolder } from '../../../../pipeline/mail.ts'
import type { Step } from '../../../../pipeline/step.ts'
import { type TestWorld, world } from '../../../helpers/world.ts'

const rules = loadRules()
const NOW = new Date('2026-11-22T12:00:00Z')
const OURS = 'ana@lead.test'
const TOKEN = 'a'.repeat(32)

const open: TestWorld[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

function event(id: string, over: Partial<OutreachEvent> = {}): OutreachEvent {
  return {
    event_id: id,
    lead_id: 'led_1',
    contact_id: 'con_1',
    channel: 'email',
    sequence: 'first_touch',
    sequence_version: 'v',
    sequence_step: 1,
    step_id: id,
    variant: null,
    status: 'sent',
    response_type: null,
    mailbox: OURS,
    address: 'bob@acme.test',
    language: 'en',
    subject: 'A word about Acme',
    body: 'Hello',
    planned_at: '2026-11-20T00:00:00.000Z',
    sent_at: '2026-11-20T10:00:00.000Z',
    responded_at: null,
    skip_reason: null,
    approved_by: 'ana',
    approved_at: '2026-11-20T09:00:00.000Z',
    content_hash: null,
    pinned: false,
    ...UNSENT,
    message_id: `<${id}@lead.test>`,
    claimed_at: '2026-11-20T10:00:00.000Z',
    ...over,
  }
}

const hearing = async (lines: readonly string[]) =>
  hear(await readMail(Buffer.from(lines.join('\r\n'))), { mailbox: OURS, own: new Set([OURS]) }, rules, NOW)

const reply = (text: string, over: Record<string, string> = {}) => [
  ...Object.entries({
    From: 'Bob <bob@acme.test>',
    To: OURS,
    Subject: 'Re: A word about Acme',
    'Message-ID': '<r@acme.test>',
    ...over,
  }).map(([name, value]) => `${name}: ${value}`),
  '',
  text,
]

async function take(events: readonly OutreachEvent[], arrived: readonly IncomingMessage[]) {
  const mail = arrived.filter(({ kind }) => kind === HEARD_KIND)
  const made = await world({ acts: { taken: async () => mail } })
  open.push(made)
  await made.connection.run(
    "create schema if not exists seeds; create table seeds.free_mail_domains as select 'gmail.com' as domain",
  )
  const step: Step = {
    name: 'outreach_hear',
    kind: 'step',
    stage: 'outreach',
    file: 'outreach/replies/take.ts',
    description: '',
    reads: [],
    records: [EVENTS, REPLIES],
    outward: 'send',
    fingerprint: null,
    run: takeReplies,
  }
  const context = await made.context(step)
  await context.record(EVENTS, [events])
  const summary = await takeReplies(context)
  const read = () =>
    made.connection.rows<OutreachEvent>(
      'select * exclude (_fetched_at, _run_id, _load) from raw.outreach__events order by event_id',
    )
  const rows = await read()
  const replies = await made.connection.rows<Record<string, string | null>>(
    'select * from raw.outreach__replies order by reply_id',
  )
  const folder = join(made.world.paths.data, 'incoming')
  const left = existsSync(folder)
    ? readdirSync(folder).map((file) => (JSON.parse(readFileSync(join(folder, file), 'utf8')) as IncomingMessage).body)
    : []
  /** A run of another day, in which more may have come. */
  const on = async (day: string, more: readonly IncomingMessage[] = []) => {
    mail.push(...more.filter(({ kind }) => kind === HEARD_KIND))
    made.world.now = () => new Date(`${day}T12:00:00Z`)
    const { text } = await takeReplies(await made.context(step))
    return { text, rows: await read() }
  }
  return { summary, rows, replies, left, again: () => takeReplies(context), on }
}

describe('an answer', () => {
  it('is told by its headers, stops the sequence, and is taken in once', async () => {
    const heard = (await hearing(reply('Yes, let us talk on Tuesday.', { 'In-Reply-To': '<intro@lead.test>' })))!
    const { rows, replies, again } = await take(
      [event('intro'), event('other', { lead_id: 'led_2', address: 'x@y.test' })],
      heard,
    )
    expect(rows.map(({ status, response_type, responded_at }) => [status, response_type, responded_at])).toEqual([
      ['replied', 'meeting', NOW.toISOString()],
      ['sent', null, null],
    ])
    expect(replies).toMatchObject([
      { class: 'meeting', event_id: 'intro', matched_by: 'message_id', from_address: 'bob@acme.test' },
    ])
    expect((await again()).rows).toBe(0)
  })

  it.each([
    ['token', { To: `bounces+${TOKEN}@lead.test`, From: 'someone@else.test', Subject: 'hm' }],
    ['address', { From: 'Bob <BOB+work@acme.test>', Subject: 'hm' }],
    ['domain_and_thread', { From: 'Carla <carla@acme.test>' }],
  ])('is told by %s', async (by, over) => {
    const heard = (await hearing(reply('Tell me more', over)))!
    const { replies } = await take([event('intro', { token: TOKEN })], heard)
    expect(replies).toMatchObject([{ event_id: 'intro', matched_by: by }])
  })

  it('of a stranger, or of a neighbour at a free mail host, is kept without an address and changes nothing', async () => {
    for (const [from, to] of [
      ['carla@other.test', 'bob@acme.test'],
      ['carla@gmail.com', 'bob@gmail.com'],
    ] as const) {
      const heard = (await hearing(reply('Tell me more', { From: from })))!
      const { rows, replies, summary } = await take([event('intro', { address: to })], heard)
      expect(rows[0]!.status).toBe('sent')
      expect(replies).toMatchObject([{ event_id: null, from_address: null, class: 'interested' }])
      expect(summary.text).toContain('1 about no message of ours')
    }
  })

  it('of ours is none, and what a person wrote is nowhere in what is kept', async () => {
    expect(await hearing(reply('hello', { From: OURS }))).toBeUndefined()
    const heard = await hearing(reply('Secret words, call me'))
    expect(JSON.stringify(heard)).not.toContain('Secret')
    expect(JSON.stringify(heard)).not.toContain('A word about')
  })

  it('that came in the meantime shows that what was in doubt had left', async () => {
    const heard = (await hearing(reply('No, thanks', { 'In-Reply-To': '<intro@lead.test>' })))!
    const { rows } = await take([event('intro', { status: 'in_doubt', sent_at: null })], heard)
    expect(rows[0]).toMatchObject({
      status: 'replied',
      response_type: 'not_interested',
      sent_at: '2026-11-20T10:00:00.000Z',
    })
  })
})

describe('an opt-out', () => {
  it('is in force before anything takes it in, and for the address and person that were written to', async () => {
    const heard = (await hearing(
      reply('Great! But please remove me', { From: 'bob@private.test', 'In-Reply-To': '<intro@lead.test>' }),
    ))!
    expect(heard.slice(1)).toMatchObject([
      { kind: 'suppress', body: { action: 'add', by: 'email', value: 'bob@private.test' } },
    ])
    const { rows, left } = await take([event('intro')], heard)
    expect(rows[0]).toMatchObject({ status: 'unsubscribed', response_type: 'unsubscribe' })
    expect(left.map(({ by, value }) => `${by} ${value}`).sort()).toEqual(['contact_id con_1', 'email bob@acme.test'])
  })

  it('may be nothing but the token', async () => {
    const heard = (await hearing(reply('', { Subject: TOKEN })))!
    const { rows } = await take([event('intro', { token: TOKEN })], heard)
    expect(rows[0]!.status).toBe('unsubscribed')
  })

  it('is not undone by what comes after it', async () => {
    const first = (await hearing(reply('stop', { 'In-Reply-To': '<intro@lead.test>' })))!
    const then = (await hearing(
      reply('Yes please', { 'In-Reply-To': '<intro@lead.test>', 'Message-ID': '<s@acme.test>' }),
    ))!
    for (const order of [
      [...first, ...then],
      [...then, ...first],
    ])
      expect((await take([event('intro')], order)).rows[0]!.status).toBe('unsubscribed')
  })
})

const bounce = (status: string, words: string, action = 'failed') => [
  'From: MAILER-DAEMON@mx.test',
  'Subject: Undelivered Mail Returned to Sender',
  'Message-ID: <dsn@mx.test>',
  'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
  '',
  '--b',
  'Content-Type: message/delivery-status',
  '',
  'Final-Recipient: rfc822; bob@acme.test',
  `Action: ${action}`,
  `Status: ${status}`,
  `Diagnostic-Code: smtp; ${words}`,
  '',
  '--b',
  'Content-Type: text/rfc822-headers',
  '',
  'Message-ID: <intro@lead.test>',
  '',
  '--b--',
]

it('a hard bounce suppresses the address, a soft one does not, a delay changes nothing', async () => {
  const cases = [
    [bounce('5.1.1', '550 5.1.1 User unknown'), 'bounced', ['bob@acme.test']],
    [bounce('5.2.2', '552 Mailbox full'), 'bounced', []],
    [bounce('4.4.1', 'Connection timed out', 'delayed'), 'sent', []],
  ] as const
  for (const [lines, status, suppressed] of cases) {
    const heard = (await hearing(lines))!
    const { rows, replies, left } = await take([event('intro')], heard)
    expect(rows[0]!.status).toBe(status)
    expect(replies[0]).toMatchObject({ matched_by: 'message_id', class: 'bounce' })
    expect(left.map(({ value }) => value)).toEqual(suppressed)
  }
})

it('out of the office: nothing stops, what is open waits until the day of return', async () => {
  const away = reply('I am out of the office until 7 December.', {
    'Auto-Submitted': 'auto-replied',
    'In-Reply-To': '<intro@lead.test>',
  })
  const next = event('next', {
    status: 'approved',
    sent_at: null,
    message_id: null,
    claimed_at: null,
    sequence_step: 2,
  })
  const { rows, summary } = await take([event('intro'), next], (await hearing(away))!)
  expect(rows).toMatchObject([
    { status: 'sent', response_type: 'out_of_office' },
    { status: 'approved', next_attempt_at: '2026-12-07T00:00:00.000Z' },
  ])
  expect(summary.text).toContain('1 messages wait until somebody is back')
})

it('not now, with a day: from that day on they may be written to again, unless something else was said since', async () => {
  const later = (await hearing(reply('Not now. Please write to me again on 15 December.')))!
  const first = await take([event('intro')], later)
  expect(first.rows).toMatchObject([{ status: 'replied', response_type: 'not_now' }])
  expect((await first.on('2026-12-14')).rows).toMatchObject([{ status: 'replied' }])
  const due = await first.on('2026-12-15')
  expect(due.rows).toMatchObject([{ status: 'sent', response_type: 'not_now' }])
  expect(due.text).toContain('1 may be written to again')

  const second = await take([event('intro')], later)
  const stop = (await hearing(reply('Remove me.', { 'Message-ID': '<s@acme.test>' })))!
  expect((await second.on('2026-12-15', stop)).rows).toMatchObject([{ status: 'unsubscribed' }])
})

it('a referral stops us, and whoever is named in it is neither written to nor suppressed', async () => {
  const named = (await hearing(reply('You should talk to carla@acme.test instead.')))!
  const { rows, left, replies } = await take([event('intro')], named)
  expect(rows).toMatchObject([{ event_id: 'intro', status: 'replied', response_type: 'referral' }])
  expect(JSON.stringify([rows, left, replies])).not.toContain('carla')
})

describe('hooks', () => {
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLasw'
  const body = '{"test": 2432232314}'
  const at = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: '1614265330' }
  const then = new Date(1_614_265_330_000)
  // By openssl: printf %s 'id.timestamp.body' | openssl dgst -sha256 -mac HMAC -macopt hexkey:… -binary | base64
  const signature = 'v1,V5xCPQDdTB0l0m2VMsjB/ZVwuDV5WIe462vC5sKC8ds='

  it('count only as they were signed, now, by who has the secret', () => {
    expect(isSigned({ ...at, signature, body }, secret, then)).toBe(true)
    expect(isSigned({ ...at, signature: `v1,AAAA ${signature}`, body }, secret, then)).toBe(true)
    const wrong = [
      isSigned({ ...at, signature, body: `${body} ` }, secret, then),
      isSigned({ ...at, id: 'msg_other', signature, body }, secret, then),
      isSigned({ ...at, signature, body }, 'whsec_AAAA', then),
      isSigned({ ...at, signature, body }, '', then),
      isSigned({ ...at, signature: signature.replace('v1', 'v2'), body }, secret, then),
      isSigned({ ...at, signature: undefined, body }, secret, then),
      isSigned({ ...at, signature, body }, secret, new Date(then.getTime() + 301_000)),
      isSigned({ ...at, timestamp: 'now', signature, body }, secret, then),
    ]
    expect(wrong).toEqual(wrong.map(() => false))
  })

  it('of a mail service become what came back', async () => {
    const hook = (type: string, data: object = {}) =>
      hookMessages({ type, data: { from: `Ana <${OURS}>`, to: ['bob@acme.test'], ...data } }, `msg_${type}`, NOW)
    expect(hook('email.sent')).toEqual([])
    expect(() => hookMessages({ kind: 'other' }, 'x', NOW)).toThrow()
    const states = []
    for (const heard of [
      hook('email.delivered'),
      hook('email.opened'),
      hook('email.delivery_delayed'),
      hook('email.bounced', { bounce: { type: 'Permanent', subType: 'General', message: '550 5.1.1 unknown' } }),
      hook('email.complained'),
    ]) {
      const { rows, left } = await take([event('intro')], heard)
      states.push([rows[0]!.status, left.length])
    }
    expect(states).toEqual([
      ['delivered', 0],
      ['opened', 0],
      ['sent', 0],
      ['bounced', 1],
      ['complained', 2],
    ])
  })
})

describe('a mailbox', () => {
  function folderOf(uids: number[], uid_validity = '1'): MailFolder {
    return {
      uid_validity,
      search: async () => [...uids],
      since: async (after, limit) =>
        uids
          .filter((uid) => uid > after)
          .slice(0, limit)
          .map((uid) => ({ uid, source: Buffer.from(String(uid)) })),
      idle: async () => {},
      close: async () => {},
    }
  }
  const all = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
  async function read(folder: MailFolder, known?: Position) {
    const taken: number[] = []
    let position = known
    await readFolder(
      folder,
      known,
      async (source) => void taken.push(Number(source)),
      (now) => {
        position = now
      },
    )
    return { taken, position }
  }

  it('is read once, goes on where it stopped, and from its beginning when it was numbered anew', async () => {
    const first = await read(folderOf(all(25)))
    expect(first.taken).toEqual(all(25))
    expect((await read(folderOf(all(25)), first.position)).taken).toEqual([])
    expect((await read(folderOf(all(27)), first.position)).taken).toEqual([26, 27])
    expect((await read(folderOf(all(3), '2'), first.position)).taken).toEqual([1, 2, 3])
    expect((await read(folderOf(all(1_200)))).taken).toHaveLength(500)
  })

  it('that breaks off is read again from what was kept', async () => {
    let position: Position | undefined
    const taken: string[] = []
    const keep = (now: Position) => {
      position = now
    }
    const failing = async (source: Buffer) => {
      if (String(source) === '13') throw new Error('gone')
      taken.push(String(source))
    }
    await expect(readFolder(folderOf(all(20)), undefined, failing, keep)).rejects.toThrow('gone')
    expect(position).toEqual({ uid_validity: '1', uid: 10 })
    expect((await read(folderOf(all(20)), position)).taken).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20])
  })
})
