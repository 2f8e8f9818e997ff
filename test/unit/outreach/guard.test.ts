import { describe, expect, test } from 'vitest'
import email from '../../../outreach/channels/email.ts'
import linkedin from '../../../outreach/channels/linkedin.ts'
import { type Attempt, guard } from '../../../outreach/guard.ts'
import type { Lead } from '../../../outreach/lead.ts'

const lead = {
  lead_id: 'led_1',
  contact_id: 'con_1',
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
    ['control_character_in_subject', { message: { subject: 'a\r\nBcc: b', body: 'x' } }],
    ['no_subject', { message: { subject: '', body: 'x' } }],
    ['no_text', { message: { subject: 'a', body: ' ' } }],
    ['note_too_long', { channel: linkedin, message: { subject: null, body: 'x'.repeat(301) } }],
    ['already_contacted', { history: [{ sequence: 'other', status: 'sent' }] }],
    ['stopped_bounced', { history: [{ sequence: 'first', status: 'bounced' }] }],
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

test('takes addresses that people have', () => {
  for (const address of ['ana@example.com', "d'arc@sub.example.co.uk", 'joão@exemplo.com.br', 'a+b@x-y.example']) {
    expect(reason({}, { email: address })).toBeUndefined()
  }
})
