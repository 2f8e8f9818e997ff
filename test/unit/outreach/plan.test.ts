import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import email from '../../../outreach/channels/email.ts'
import linkedin from '../../../outreach/channels/linkedin.ts'
import { type Desk, hashOf } from '../../../outreach/desk.ts'
import type { OutreachEvent, Status } from '../../../outreach/events.ts'
import type { Lead } from '../../../outreach/lead.ts'
import { type Case, eventId, planLead, workingDay } from '../../../outreach/plan.ts'
import type { Sequence } from '../../../outreach/sequence.ts'
import { WEEKDAYS } from '../../../outreach/sequence-file.ts'

const LEAD: Lead = {
  lead_id: 'led_1',
  company_id: 'cmp_1',
  contact_id: 'con_1',
  qualification_status: 'qualified',
  is_icp_match: true,
  company_name: 'Company 1',
  domain: 'company1.example',
  industry: null,
  country: 'BR',
  state: null,
  city: null,
  full_name: 'GIVEN FAMILY',
  title: null,
  email: 'given@company1.example',
  email_status: 'valid',
  email_is_role: false,
  email_is_shared: false,
  phone_is_shared: false,
  email_is_stale: false,
  linkedin_url: 'https://www.linkedin.com/in/given',
  phone: null,
  tech_stack: null,
  signal_kind: null,
  signal_evidence: null,
  news_title: null,
  held: null,
  audiences: ['first'],
  email_owner: 'led_1',
  linkedin_url_owner: 'led_1',
}

function sequence(change: Partial<Sequence> = {}): Sequence {
  const mail = { file: 'm.md', subject: ['About ', { slot: 'company_name', fallback: null }], body: ['Text'] }
  const note = { file: 'n.md', subject: null, body: ['Hi ', { slot: 'first_name', fallback: 'there' }] }
  return {
    name: 'first',
    file: 'first.yml',
    version: 'v1',
    audience: 'true',
    audience_line: 1,
    days: ['mon', 'tue', 'wed', 'thu', 'fri'],
    language: 'en',
    languages: { BR: 'pt' },
    balancing_note: 'Weighed.',
    steps: [
      { id: 'a', channel: 'email', after_days: 0, template: 'm', templates: { en: mail, pt: mail } },
      { id: 'b', channel: 'linkedin', after_days: 3, template: 'n', templates: { en: note, pt: note } },
      { id: 'c', channel: 'email', after_days: 5, template: 'm', templates: { en: mail, pt: mail } },
    ],
    ...change,
  }
}

function desk(change: Partial<Desk> = {}): Desk {
  return {
    sequences: [sequence()],
    channels: new Map([
      ['email', { channel: email, senders: [], settings: { mailboxes: [] } }],
      ['linkedin', { channel: linkedin, senders: [], settings: {} }],
    ]),
    as_of: '2026-11-22',
    ...change,
  }
}

const events = (one: Case, at: Desk = desk()) => planLead(one, at).map(({ event }) => event)
const statuses = (one: Case, at?: Desk) => events(one, at).map(({ status, skip_reason }) => skip_reason ?? status)

describe('a lead that is due', () => {
  const planned = events({ lead: LEAD, history: [] })

  test('gets one event for each step, on working days, in order', () => {
    expect(planned.map(({ step_id, channel, status, planned_at }) => [step_id, channel, status, planned_at])).toEqual([
      ['a', 'email', 'planned', '2026-11-23T00:00:00.000Z'],
      ['b', 'linkedin', 'planned', '2026-11-26T00:00:00.000Z'],
      ['c', 'email', 'planned', '2026-12-01T00:00:00.000Z'],
    ])
    expect(planned[0]!.event_id).toBe(eventId('led_1', 'first', 'a'))
    expect(planned[1]!.body).toBe('Hi Given')
  })

  test('keeps its days when planned again later', () => {
    const again = planLead({ lead: LEAD, history: planned }, desk({ as_of: '2027-02-01' }))
    expect(again.map(({ change }) => change)).toEqual(['unchanged', 'unchanged', 'unchanged'])
  })

  test('gets a new version where the words changed, and only there', () => {
    const lead = { ...LEAD, company_name: 'Renamed' }
    const again = planLead({ lead, history: planned }, desk())
    expect(again.map(({ change }) => change)).toEqual(['changed', 'unchanged', 'changed'])
    expect(again[0]!.event).toMatchObject({ subject: 'About Renamed', planned_at: planned[0]!.planned_at })
  })

  const decided = planned.map((event, index) => ({
    ...event,
    status: (['approved', 'rejected', 'planned'] as const)[index]!,
    approved_by: index === 0 ? 'boss' : null,
  }))

  test('is left alone where somebody approved or refused, as long as it would say the same to the same', () => {
    const again = planLead({ lead: LEAD, history: decided }, desk())
    expect(again.map(({ change }) => change)).toEqual(['unchanged', 'unchanged', 'unchanged'])
  })

  test.each([
    ['other words', { company_name: 'Renamed' }, 'planned'],
    ['another address', { email: 'other@company1.example' }, 'planned'],
    ['a lead that does not qualify any more', { qualification_status: 'nurture' }, 'skipped'],
  ])('an approval is void with %s', (_what, change, status) => {
    const [first, second] = planLead({ lead: { ...LEAD, ...change }, history: decided }, desk())
    expect(first).toMatchObject({ change: 'changed', event: { status, approved_by: null, approved_at: null } })
    expect(second!.change).toBe('unchanged')
  })

  test('words that a person wrote stay, whatever the template says, and their approval with them', () => {
    const entry = desk().channels.get('email')!
    const words = { ...planned[0]!, subject: 'Mine', body: 'My own words', pinned: true, approved_by: 'boss' }
    const edited = { ...words, content_hash: hashOf(words, entry), status: 'approved' as const }
    const renamed = { ...LEAD, company_name: 'Renamed' }
    expect(planLead({ lead: renamed, history: [edited] }, desk())[0]).toEqual({ change: 'unchanged', event: edited })
    const [open] = events({ lead: { ...renamed, email: 'other@company1.example' }, history: [edited] })
    expect(open).toMatchObject({ status: 'planned', subject: 'Mine', body: 'My own words', approved_by: null })
  })

  test('waits the days of the sequence from the day a message really went', () => {
    const history = [
      { ...planned[0]!, status: 'sent' as Status, sent_at: '2026-12-10T15:00:00.000Z' },
      planned[1]!,
      planned[2]!,
    ]
    expect(events({ lead: LEAD, history }).map(({ planned_at }) => planned_at.slice(0, 10))).toEqual([
      '2026-11-23',
      '2026-12-14',
      '2026-12-21',
    ])
  })
})

describe('a lead that stops being due', () => {
  const history = events({ lead: LEAD, history: [] })

  test.each([
    ['not_qualified', { ...LEAD, qualification_status: 'nurture', audiences: [] }],
    ['left_audience', { ...LEAD, audiences: [] }],
    ['company_excluded', { ...LEAD, is_icp_match: false }],
    ['lead_gone', undefined],
  ])('is skipped: %s', (reason, lead) => {
    const again = events({ lead, history })
    expect(again.map(({ skip_reason }) => skip_reason)).toEqual([reason, reason, reason])
    expect(again.every(({ status, body, subject }) => status === 'skipped' && body === null && subject === null)).toBe(
      true,
    )
    expect(planLead({ lead, history: again }, desk()).every(({ change }) => change === 'unchanged')).toBe(true)
  })

  test('is planned again, from today, when the reason is gone', () => {
    const skipped = events({ lead: { ...LEAD, email: null }, history: [] })
    expect(skipped.map(({ status }) => status)).toEqual(['skipped', 'planned', 'skipped'])
    const again = events({ lead: LEAD, history: skipped }, desk({ as_of: '2027-02-01' }))
    expect(again.map(({ status, planned_at }) => [status, planned_at.slice(0, 10)])).toEqual([
      ['planned', '2027-02-01'],
      ['planned', '2027-02-04'],
      ['planned', '2027-02-09'],
    ])
  })

  test('is skipped when its sequence or step is switched off, or it answered', () => {
    expect(statuses({ lead: LEAD, history }, desk({ sequences: [] }))).toEqual(Array(3).fill('sequence_off'))
    const shorter = desk({ sequences: [sequence({ steps: sequence().steps.slice(0, 2) })] })
    expect(statuses({ lead: LEAD, history }, shorter)).toEqual(['planned', 'planned', 'step_removed'])
    const answered = [{ ...history[0]!, status: 'replied' as Status }, history[1]!, history[2]!]
    expect(statuses({ lead: LEAD, history: answered })).toEqual(['replied', 'stopped_replied', 'stopped_replied'])
  })
})

test('a lead is in one sequence at a time', () => {
  const second = sequence({ name: 'second' })
  const both = { ...LEAD, audiences: ['first', 'second'] }
  const at = desk({ sequences: [sequence(), second] })
  const history = events({ lead: { ...LEAD, audiences: ['second'] }, history: [] }, at)
  expect(new Set(events({ lead: both, history: [] }, at).map((event) => event.sequence))).toEqual(new Set(['first']))
  expect(new Set(events({ lead: both, history }, at).map((event) => event.sequence))).toEqual(new Set(['second']))
  const sent = history.map((event) => ({ ...event, status: 'sent' as Status }))
  expect(statuses({ lead: { ...LEAD }, history: sent }, desk())).toEqual([
    'already_contacted',
    'already_contacted',
    'already_contacted',
    'sent',
    'sent',
    'sent',
  ])
})

test('mailboxes share the leads, and a lead stays with the one that began', () => {
  const senders = ['a@example.com', 'b@example.com', 'c@example.com'].map((mailbox) => ({ mailbox, name: null }))
  const with_ = (some: typeof senders) =>
    desk({
      channels: new Map([
        ...desk().channels,
        ['email', { channel: email, senders: some, settings: { mailboxes: [] } }],
      ]),
    })
  const used = new Set<string | null>()
  for (let n = 0; n < 50; n++) {
    const lead = { ...LEAD, lead_id: `led_${n}`, company_id: `cmp_${n}`, email_owner: null, linkedin_url_owner: null }
    const colleague = { ...lead, lead_id: `led_${n}_b` }
    expect(events({ lead: colleague, history: [] }, with_(senders))[0]!.mailbox).toBe(
      events({ lead, history: [] }, with_(senders))[0]!.mailbox,
    )
    const first = events({ lead, history: [] }, with_(senders))
    used.add(first[0]!.mailbox)
    expect(first[2]!.mailbox).toBe(first[0]!.mailbox)
    const more = [{ mailbox: 'z@example.com', name: null }, ...senders]
    expect(events({ lead, history: first }, with_(more))[2]!.mailbox).toBe(first[0]!.mailbox)
  }
  expect(used.size).toBe(3)
})

describe('over random leads, sequences and histories', () => {
  const day = fc
    .integer({ min: 0, max: 1500 })
    .map((n) => new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10))
  const days = fc.subarray([...WEEKDAYS], { minLength: 1 })
  const steps = fc
    .array(fc.record({ channel: fc.constantFrom('email', 'linkedin'), after_days: fc.integer({ min: 0, max: 20 }) }), {
      minLength: 1,
      maxLength: 5,
    })
    .map((list) =>
      list.map((step, index) => ({ ...sequence().steps[step.channel === 'email' ? 0 : 1]!, ...step, id: `s${index}` })),
    )
  const lead = fc.record({
    qualification_status: fc.constantFrom('qualified', 'qualified', 'qualified', 'nurture'),
    email: fc.constantFrom(LEAD.email, null, 'not an address'),
    company_name: fc.constantFrom('Company 1', null, 'Other\r\nX'),
    audiences: fc.constantFrom(['first'], ['first'], [], ['second']),
  })
  const status = fc.constantFrom<Status>('planned', 'skipped', 'approved', 'sent', 'replied', 'rejected')

  test('planning again changes nothing, nothing falls on a day off or too soon, what is settled stays', () => {
    fc.assert(
      fc.property(
        lead,
        lead,
        steps,
        days,
        day,
        day,
        fc.array(status, { maxLength: 5 }),
        (one, two, list, week, a, b, set) => {
          const [early, late] = a < b ? [a, b] : [b, a]
          const at = (as_of: string) => desk({ as_of, sequences: [sequence({ steps: list, days: week })] })
          const first = events({ lead: { ...LEAD, ...one }, history: [] }, at(early))
          const history = first.map((event, index): OutreachEvent => ({ ...event, status: set[index] ?? event.status }))
          const second = planLead({ lead: { ...LEAD, ...two }, history }, at(late))
          const third = planLead({ lead: { ...LEAD, ...two }, history: second.map(({ event }) => event) }, at(late))
          expect(third.every(({ change }) => change === 'unchanged')).toBe(true)
          const open = second.map(({ event }) => event).filter((event) => event.status === 'planned')
          for (const event of open) {
            expect(workingDay(event.planned_at.slice(0, 10), week)).toBe(event.planned_at.slice(0, 10))
            expect(event.subject ?? '').not.toMatch(/[\r\n]/)
            expect(event.sent_at).toBeNull()
            const before = second.find((other) => other.event.sequence_step === event.sequence_step - 1)?.event
            const gap = list[event.sequence_step - 1]!.after_days * 86_400_000
            if (before) expect(Date.parse(event.planned_at) - Date.parse(before.planned_at)).toBeGreaterThanOrEqual(gap)
          }
          for (const event of history.filter((past) => !['planned', 'skipped', 'approved'].includes(past.status))) {
            expect(second.find((other) => other.event.event_id === event.event_id)?.event).toEqual(event)
          }
          for (const { event } of second.filter(({ event }) => event.status === 'approved')) {
            const before = history.find((past) => past.event_id === event.event_id)!
            expect({ ...event, planned_at: '' }).toEqual({ ...before, planned_at: '' })
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})

test('whom one sequence is through with, another may write to, after its window', () => {
  const second = sequence({ name: 'second', recontact_after_days: 60 })
  const at = (as_of: string) => desk({ as_of, sequences: [sequence(), second] })
  const both = { ...LEAD, audiences: ['first', 'second'] }
  const planned = events({ lead: { ...LEAD, audiences: ['first'] }, history: [] }, at('2026-11-22'))
  const sent = planned.map((event) => ({ ...event, status: 'sent' as Status, sent_at: event.planned_at }))
  const of = (history: OutreachEvent[], day: string) =>
    events({ lead: both, history }, at(day))
      .filter(({ sequence: name }) => name === 'second')
      .map(({ status, skip_reason }) => skip_reason ?? status)
  expect(of(planned, '2026-12-02')).toEqual([])
  expect(of([sent[0]!, planned[1]!, sent[2]!], '2027-03-01')).toEqual([])
  expect(of(sent, '2026-12-02')).toEqual(Array(3).fill('contacted_lately'))
  expect(of(sent, '2027-01-30')).toEqual(Array(3).fill('planned'))
})

test('variants share the leads by hash, and a lead keeps the one it has', () => {
  const [step] = sequence().steps
  const text = (words: string) => ({ en: { file: 'v.md', subject: ['S'], body: [words] } })
  const texts = { long: text('Long'), short: text('Short') }
  const at = (some: Record<string, ReturnType<typeof text>>) =>
    desk({ sequences: [sequence({ languages: {}, steps: [{ ...step!, texts: some, templates: texts.long }] })] })
  const counts: Record<string, number> = {}
  for (let n = 0; n < 400; n++) {
    const lead = { ...LEAD, lead_id: `led_${n}`, email_owner: null }
    const [event] = events({ lead, history: [] }, at(texts))
    counts[event!.variant!] = (counts[event!.variant!] ?? 0) + 1
    expect(event!.body).toBe(event!.variant === 'long' ? 'Long' : 'Short')
    const more = { ...texts, another: text('Another') }
    expect(events({ lead, history: [event!] }, at(more))[0]!.variant).toBe(event!.variant)
  }
  expect(Math.min(counts.long!, counts.short!)).toBeGreaterThan(160)
})
