import { describe, expect, test } from 'vitest'
import email from '../../../outreach/channels/email.ts'
import linkedin from '../../../outreach/channels/linkedin.ts'
import type { Status } from '../../../outreach/events.ts'
import { type Attempt, type Consequence, consequenceOf, guard } from '../../../outreach/guard.ts'
import type { Lead } from '../../../outreach/lead.ts'
import type { Moment } from '../../../outreach/moment.ts'
import { openDays } from '../../../outreach/opening-hours.ts'

const lead = {
  lead_id: 'led_1',
  contact_id: 'con_1',
  country: 'US',
  qualification_status: 'qualified',
  is_icp_match: true,
  email: 'given.family@company1.example',
  email_status: 'valid',
  email_is_role: false,
  email_is_shared: false,
  phone_is_shared: false,
  email_is_stale: false,
  linkedin_url: 'linkedin.com/in/given',
  phone: null,
  held: null,
  audiences: ['first'],
  email_owner: 'led_1',
  linkedin_url_owner: null,
} as unknown as Lead

const attempt: Attempt = {
  lead,
  sequence: 'first',
  channel: email,
  message: { subject: 'About you', body: 'Hi' },
  history: [],
}

function past(sequence: string, status: Status) {
  return { sequence, status, planned_at: '2026-11-01T00:00:00.000Z', sent_at: '2026-11-01T15:00:00.000Z' }
}

function reason(change: Partial<Attempt>, facts: Partial<Lead> = {}): string | undefined {
  return guard({ ...attempt, lead: { ...lead, ...facts }, ...change })
}

test('a shared address is not written to, whatever the other ones are', () => {
  const call = { ...email, address: 'phone' as const, refuses: () => undefined }
  const phone = '551130304040'
  expect(reason({ channel: call }, { phone, phone_is_shared: true })).toBe('shared_address')
  expect(reason({ channel: call }, { phone, email_is_shared: true })).toBeUndefined()
  expect(reason({}, { phone, phone_is_shared: true })).toBeUndefined()
})

test('says nothing against a good message', () => {
  expect(reason({})).toBeUndefined()
  expect(reason({ channel: linkedin, message: { subject: null, body: 'Hi' } })).toBeUndefined()
})

describe('says no', () => {
  test.each<[string, Partial<Lead>]>([
    ['not_qualified', { qualification_status: 'nurture' }],
    ['company_excluded', { is_icp_match: false }],
    ['human_in_touch: meeting', { held: 'human_in_touch: meeting' }],
    ['snoozed', { held: 'snoozed', qualification_status: 'nurture' }],
    ['left_audience', { audiences: ['other'] }],
    ['no_contact', { contact_id: null }],
    ['no_email', { email: null }],
    ['no_email', { email: '  ' }],
    ['address_in_use', { email_owner: 'led_0' }],
    ['invalid_email', { email_status: 'invalid' }],
    ...[
      'plain',
      'a@b',
      'a b@c.example',
      'a@@c.example',
      'a@-c.example',
      'a@c.example\r\nBcc: x@y.example',
      'a@1.2.3.4',
      '.a@c.example',
    ].map((email): [string, Partial<Lead>] => ['malformed_email', { email }]),
    ['role_account', { email_is_role: true }],
    ['shared_address', { email_is_shared: true }],
    ['stale_email', { email_is_stale: true }],
    ['invalid_email', { email_is_stale: true, email_status: 'invalid' }],
  ])('%s: %j', (expected, facts) => {
    expect(reason({}, facts)).toBe(expected)
  })

  test.each<[string, Partial<Attempt>]>([
    ['lead_gone', { lead: undefined }],
    ['unfilled_slot: signal_evidence', { message: { unfilled: ['signal_evidence'] } }],
    ['claim_without_row: signal_kind', { message: { uncarried: ['signal_kind'] } }],
    ['no_postal_address', { lacks: email.lacks!(email.settings.parse({ mailboxes: [{ from: 'a@b.example' }] })) }],
    ...['Re: our call', 'RES: proposta', ' re[2]: hi', 'FWD: x', 'Aw : y'].map(
      (subject): [string, Partial<Attempt>] => ['answers_nothing', { is_first: true, message: { subject, body: 'x' } }],
    ),
    ['control_character_in_subject', { message: { subject: 'a\r\nBcc: b', body: 'x' } }],
    ['no_subject', { message: { subject: '', body: 'x' } }],
    ['no_text', { message: { subject: 'a', body: ' ' } }],
    ['note_too_long', { channel: linkedin, message: { subject: null, body: 'x'.repeat(301) } }],
    ['already_contacted', { history: [past('other', 'sent')] }],
    [
      'already_contacted',
      { history: [past('other', 'approved')], window: { recontact_after_days: 1, today: '2026-11-30' } },
    ],
    [
      'contacted_lately',
      { history: [past('other', 'sent')], window: { recontact_after_days: 30, today: '2026-11-30' } },
    ],
    ['stopped_bounced', { history: [past('first', 'bounced')] }],
    [
      'stopped_replied',
      { history: [past('other', 'replied')], window: { recontact_after_days: 1, today: '2026-11-30' } },
    ],
  ])('%s', (expected, change) => {
    expect(reason(change)).toBe(expected)
  })

  test('to a page that is no profile', () => {
    expect(reason({ channel: linkedin }, { linkedin_url: 'https://www.linkedin.com/company/x' })).toBe(
      'not_a_linkedin_profile',
    )
    expect(reason({ channel: linkedin }, { linkedin_url: null })).toBe('no_linkedin_url')
  })
})

test('another sequence may write again when its window is over', () => {
  const history = [past('other', 'sent'), past('other', 'skipped')]
  expect(reason({ history, window: { recontact_after_days: 29, today: '2026-11-30' } })).toBeUndefined()
})

test('a follow-up may answer, and a first touch begin with a word like it', () => {
  expect(reason({ is_first: false, message: { subject: 'Re: our call', body: 'x' } })).toBeUndefined()
  expect(reason({ is_first: true, message: { subject: 'Research: Brazil', body: 'x' } })).toBeUndefined()
})

test('takes addresses that people have', () => {
  for (const address of ['ana@example.com', "d'arc@sub.example.co.uk", 'joão@exemplo.com.br', 'a+b@x-y.example']) {
    expect(reason({}, { email: address })).toBeUndefined()
  }
})

describe('by country', () => {
  const note = { balancing_note: 'Weighed.' }
  test.each<[string | null, Attempt['ground'], string | undefined]>([
    ['US', undefined, undefined],
    ['BR', undefined, 'no_balancing_note: BR'],
    ['BR', note, undefined],
    ['GB', note, undefined],
    ['GB', { balancing_note: ' ' }, 'no_balancing_note: GB'],
    ['FR', note, 'consent_required: FR'],
    ['DE', note, 'consent_required: DE'],
    ['AT', note, 'consent_required: AT'],
    ['IT', note, 'consent_required: IT'],
    ['CA', note, 'consent_required: CA'],
    ['DE', { legal_basis: 'consent' }, undefined],
    ['XX', note, 'no_rule_for_country: XX'],
    [null, note, 'country_unknown'],
  ])('%s on %j: %s', (country, ground, expected) => {
    expect(reason({ ground }, { country })).toBe(expected)
    const by_hand = { channel: linkedin, message: { subject: null, body: 'Hi' } }
    expect(reason({ ground, ...by_hand }, { country })).toBeUndefined()
  })
})

describe('at the moment it would leave', () => {
  const monday = Date.parse('2026-11-23T15:00:00Z')
  const day_ms = 86_400_000
  const holidays = (_country: string | null, _state: string | null, day: string) => day === '2026-11-26'
  const moment: Moment = {
    now: monday,
    paused: false,
    suppressed: false,
    earlier: [],
    after_days: 3,
    due: monday,
    max_late_days: 14,
    opening: { country: 'US', state: 'NY', days: ['mon', 'tue', 'wed', 'thu'], hours: { from: '09:00', to: '17:00' } },
    days: openDays(holidays),
    holidays,
    mailbox: {
      sent_today: 0,
      per_day: 2,
      last_at: undefined,
      gap_ms: 60_000,
      health: { sent: 100, bounced: 2, complained: 0 },
    },
  }
  const sent = (at: string) => ({ status: 'sent' as const, sent_at: Date.parse(at), same_channel: true })
  const box = (change: Partial<Moment['mailbox']>) => ({ mailbox: { ...moment.mailbox, ...change } })
  test.each<[string | undefined, Consequence | undefined, Partial<Moment>]>([
    [undefined, undefined, {}],
    ['suppressed', 'stop', { suppressed: true, paused: true }],
    ['paused', 'wait', { paused: true }],
    ['earlier_step_open', 'wait', { earlier: [{ ...sent('2026-11-02T15:00:00Z'), status: 'in_doubt' }] }],
    ['earlier_step_failed', 'stop', { earlier: [{ ...sent('2026-11-02T15:00:00Z'), status: 'failed' }] }],
    ['too_soon_after_the_last', 'wait', { earlier: [sent('2026-11-21T05:30:00Z')] }],
    // The 20th by the clock of New York: three days before.
    [undefined, undefined, { earlier: [sent('2026-11-21T04:30:00Z')] }],
    ['not_due_yet', 'wait', { due: monday + 1 }],
    ['too_late', 'review', { due: monday - 15 * day_ms }],
    [undefined, undefined, { due: monday - 15 * day_ms, earlier: [sent('2026-11-18T15:00:00Z')] }],
    ['outside_hours', 'wait', { now: Date.parse('2026-11-23T22:00:00Z') }],
    ['not_on_this_day', 'wait', { now: Date.parse('2026-11-27T15:00:00Z') }],
    ['public_holiday', 'wait', { now: Date.parse('2026-11-26T15:00:00Z') }],
    ['mailbox_bounces', 'wait', box({ health: { sent: 100, bounced: 3, complained: 0 } })],
    [undefined, undefined, box({ health: { sent: 19, bounced: 3, complained: 0 } })],
    ['mailbox_complained_of', 'wait', box({ health: { sent: 200, bounced: 0, complained: 1 } })],
    ['mailbox_full_today', 'wait', box({ sent_today: 2 })],
    ['gap_between_messages', 'wait', box({ last_at: monday - 59_999 })],
    [undefined, undefined, box({ last_at: monday - 60_000 })],
  ])('%s: %s', (expected, consequence, change) => {
    const said = reason({ moment: { ...moment, ...change } })
    expect(said).toBe(expected)
    expect(said && consequenceOf(said)).toBe(consequence)
  })
})
