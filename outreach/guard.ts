import type { Channel } from './define.ts'
import { CONTACTED, type OutreachEvent, STOPS } from './events.ts'
import { type Ground, refusesLaw } from './law.ts'
import type { Lead } from './lead.ts'
import { type Moment, refusesMoment } from './moment.ts'
import type { Rendered } from './template.ts'

/** Everything the guard may look at: facts, handed in. It asks no clock, no table and no network. */
export interface Attempt {
  /** Undefined when the lead no longer exists. */
  lead: Lead | undefined
  sequence: string
  channel: Channel
  message: Rendered
  /** All that was ever planned for or done to this lead. */
  history: readonly Pick<OutreachEvent, 'sequence' | 'status' | 'sent_at' | 'planned_at'>[]
  window?: Window
  /** On what ground the sequence writes; absent: legitimate interest, nowhere weighed. */
  ground?: Ground
  /** Nothing of this sequence has gone to the lead by this channel. */
  is_first?: boolean
  /** Why nothing may leave by this channel under its settings. */
  lacks?: string
  /** When it is to leave now, and not only to be drawn up. */
  moment?: Moment
}

/** When a sequence may write to whom another one has written to. */
export interface Window {
  /** Absent: never. */
  recontact_after_days?: number
  /** UTC date. */
  today: string
}

/** What becomes of a message that is refused: it never leaves, it leaves later, or a person looks at it again. */
export type Consequence = 'stop' | 'wait' | 'review'

const WAITS: readonly string[] = [
  'paused',
  'decided_since',
  'earlier_step_open',
  'too_soon_after_the_last',
  'not_due_yet',
  'outside_hours',
  'public_holiday',
  'not_on_this_day',
  'mailbox_bounces',
  'mailbox_complained_of',
  'mailbox_full_today',
  'gap_between_messages',
]

/** What follows from a reason of the guard's. */
export function consequenceOf(reason: string): Consequence {
  if (reason === 'too_late') return 'review'
  return WAITS.includes(reason) ? 'wait' : 'stop'
}

/**
 * The one place that can say no. Why this message must not go out: a snake_case reason, after a colon what it is about;
 * never personal data. Undefined when nothing speaks against it. The first reason that holds is the one given.
 */
export function guard(attempt: Attempt): string | undefined {
  const { moment } = attempt
  if (moment?.suppressed) return 'suppressed'
  return (
    refusesLead(attempt.lead, attempt.sequence, attempt.history, attempt.window) ??
    refusesMessage(attempt) ??
    (moment && refusesMoment(moment))
  )
}

/** Reasons that hold for the lead as a whole, whatever the message says. */
export function refusesLead(
  lead: Lead | undefined,
  sequence: string,
  history: Attempt['history'],
  window?: Window,
): string | undefined {
  if (lead === undefined) return 'lead_gone'
  const stop = history.find(({ status }) => STOPS.includes(status))
  if (stop !== undefined) return `stopped_${stop.status}`
  const elsewhere = history.filter((event) => event.sequence !== sequence && CONTACTED.includes(event.status))
  const contacted = elsewhere.length === 0 ? undefined : refusesAgain(elsewhere, window)
  if (contacted !== undefined) return contacted
  if (lead.held !== null) return lead.held
  if (lead.is_icp_match === false) return 'company_excluded'
  if (lead.qualification_status !== 'qualified') return 'not_qualified'
  if (!lead.audiences.includes(sequence)) return 'left_audience'
  return undefined
}

/** Another sequence is at it, or was not long enough ago. */
function refusesAgain(elsewhere: Attempt['history'], window: Window | undefined): string | undefined {
  if (window?.recontact_after_days === undefined) return 'already_contacted'
  if (elsewhere.some(({ status }) => UNDER_WAY.includes(status))) return 'already_contacted'
  const last = Math.max(...elsewhere.map(({ sent_at, planned_at }) => Date.parse(sent_at ?? planned_at)))
  const days = (Date.parse(window.today) - Math.floor(last / DAY_MS) * DAY_MS) / DAY_MS
  return days < window.recontact_after_days ? 'contacted_lately' : undefined
}

const UNDER_WAY: readonly string[] = ['approved', 'sending', 'in_doubt']
const DAY_MS = 86_400_000

/** Subjects that claim to answer: "Re:", "Fwd:" and what mail programs of other languages make of them. */
const ANSWERS = /^\s*(re|res|rv|fwd?|enc|aw|wg|tr|sv)\s*(\[\d+\])?\s*[:：]/i

function refusesMessage({ lead, channel, message, ground = {}, is_first, lacks }: Attempt): string | undefined {
  if (lead!.contact_id === null) return 'no_contact'
  const address = lead![channel.address]?.trim()
  if (address === undefined || address === '') return `no_${channel.address}`
  if (isShared(lead!, channel)) return 'shared_address'
  if (ownerOf(lead!, channel) !== lead!.lead_id) return 'address_in_use'
  const law = refusesLaw(lead!.country, channel.address, ground)
  if (law !== undefined) return law
  if (lacks !== undefined) return lacks
  if ('unfilled' in message) return `unfilled_slot: ${message.unfilled.join(', ')}`
  if ('uncarried' in message) return `claim_without_row: ${message.uncarried.join(', ')}`
  if (is_first && ANSWERS.test(message.subject ?? '')) return 'answers_nothing'
  const mail = channel.address === 'email'
  const known = { address_status: mail ? lead!.email_status : null, address_is_role: mail && lead!.email_is_role }
  return (
    channel.refuses({ address, ...known, ...message }) ?? (mail && lead!.email_is_stale ? 'stale_email' : undefined)
  )
}

function isShared(lead: Lead, { address }: Channel): boolean {
  return { email: lead.email_is_shared, linkedin_url: false, phone: lead.phone_is_shared }[address]
}

function ownerOf(lead: Lead, { address }: Channel): string {
  const owners = { email: lead.email_owner, linkedin_url: lead.linkedin_url_owner, phone: null }
  return owners[address] ?? lead.lead_id
}
