import type { Status } from './events.ts'
import { type Days, daysAfter, type Holidays, type Opening, refusesHour, zoneOf } from './opening-hours.ts'

/** What is asked of a message right before it leaves. Times are ms since 1970. */
export interface Moment {
  now: number
  paused: boolean
  /** Opted out, or on a list of whom not to touch: person, domain or company. */
  suppressed: boolean
  /** What somebody said of the lead since the models were built. */
  held?: string
  /** States of the steps of the sequence before this one, in order; `same_channel`: it went the same way. */
  earlier: readonly { status: Status; sent_at: number | undefined; same_channel: boolean }[]
  /** Days that the sequence wants between the step before it, when it was really sent, and this one. */
  after_days: number
  /** When it was to leave. */
  due: number
  /** Later than so many days after `due` a person looks at it again. */
  max_late_days?: number
  opening: Opening
  days: Days
  holidays: Holidays
  mailbox: MailboxState
}

/** A mailbox as it stands. */
export interface MailboxState {
  /** Messages that left, or may have, on this UTC day. */
  sent_today: number
  per_day: number
  /** When its last message left. */
  last_at: number | undefined
  /** Not before so long after the last one. */
  gap_ms: number
  health: Health
}

/** Of the last messages of a mailbox. */
export interface Health {
  sent: number
  bounced: number
  complained: number
}

/** How many of its last messages a mailbox is judged by. */
export const HEALTH_OF_LAST = 200
/** Below so many messages no rate says anything. */
const ENOUGH = 20
const MOST_BOUNCED = 0.03
const MOST_COMPLAINED = 0.001
const DAY_MS = 86_400_000

/** It may leave yet, or may have left. */
const OPEN_YET: readonly Status[] = ['planned', 'approved', 'sending', 'in_doubt']

/** Why this is not the moment; undefined when it is. The first reason that holds is the one given. */
export function refusesMoment(moment: Moment): string | undefined {
  const { now, mailbox } = moment
  if (moment.suppressed) return 'suppressed'
  if (moment.paused) return 'paused'
  if (moment.held !== undefined) return moment.held
  const turn = refusesTurn(moment)
  if (turn !== undefined) return turn
  const { max_late_days } = moment
  const from = Math.max(moment.due, notBefore(moment) ?? moment.due)
  if (now < moment.due) return 'not_due_yet'
  if (max_late_days !== undefined && now - from > max_late_days * DAY_MS) return 'too_late'
  const hour = refusesHour(now, moment.opening, moment.days, moment.holidays)
  if (hour !== undefined) return hour
  const sick = refusesHealth(mailbox.health)
  if (sick !== undefined) return sick
  if (mailbox.sent_today >= mailbox.per_day) return 'mailbox_full_today'
  if (mailbox.last_at !== undefined && now < mailbox.last_at + mailbox.gap_ms) return 'gap_between_messages'
  return undefined
}

function refusesTurn(moment: Moment): string | undefined {
  if (moment.earlier.some(({ status }) => OPEN_YET.includes(status))) return 'earlier_step_open'
  const unsent = moment.earlier.find(
    ({ status, same_channel }) => same_channel && (status === 'failed' || status === 'rejected'),
  )
  if (unsent !== undefined) return `earlier_step_${unsent.status}`
  const from = notBefore(moment)
  return from !== undefined && moment.now < from ? 'too_soon_after_the_last' : undefined
}

/** From when on the sequence lets it leave, counted from when the step before it really left; undefined for the first. */
export function notBefore({ earlier, after_days, opening }: Pick<Moment, 'earlier' | 'after_days' | 'opening'>) {
  const sent = earlier.flatMap(({ sent_at }) => sent_at ?? [])
  return sent.length === 0 ? undefined : daysAfter(Math.max(...sent), after_days, zoneOf(opening))
}

/** A mailbox that too many refuse, or one complains of, does more harm with each message. */
export function refusesHealth({ sent, bounced, complained }: Health): string | undefined {
  if (complained > 0 && complained / Math.max(sent, ENOUGH) >= MOST_COMPLAINED) return 'mailbox_complained_of'
  return sent >= ENOUGH && bounced / sent >= MOST_BOUNCED ? 'mailbox_bounces' : undefined
}
