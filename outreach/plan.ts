import { createHash } from 'node:crypto'
import type { Sender } from './define.ts'
import { type Desk, hashOf } from './desk.ts'
import { CONTACTED, OPEN, type OutreachEvent, UNSENT } from './events.ts'
import { guard, refusesLead } from './guard.ts'
import { type Lead, slotValue, slotValues } from './lead.ts'
import type { Sequence, SequenceStep } from './sequence.ts'
import { WEEKDAYS } from './sequence-file.ts'
import { render } from './template.ts'

/** One lead with what the ledger holds on it. `lead` is undefined when only its history is left. */
export interface Case {
  lead: Lead | undefined
  history: readonly OutreachEvent[]
}

export interface Outcome {
  change: 'new' | 'changed' | 'unchanged'
  event: OutreachEvent
}

/**
 * What is to be said to one lead, as events: one outcome for each step of the sequence it is in and for each event that
 * is still open. Pure, and its own fixed point: planning again over its result changes nothing. What was refused or sent
 * is left alone; a message that is still open is drawn up again, and what stops it is said. An approval is of exact words:
 * when they, or whom they are for, would be others now, it is void and the message open again.
 */
export function planLead({ lead, history }: Case, desk: Desk): Outcome[] {
  const sequence = lead && sequenceOf(lead, history, desk.sequences)
  const outcomes = sequence === undefined ? [] : planSteps(lead!, history, sequence, desk)
  const seen = new Set(outcomes.map(({ event }) => event.event_id))
  const whyDropped = (past: OutreachEvent) => {
    if (desk.sequences.every(({ name }) => name !== past.sequence)) return 'sequence_off'
    const { recontact_after_days } = desk.sequences.find(({ name }) => name === past.sequence)!
    const refused = refusesLead(lead, past.sequence, history, { recontact_after_days, today: desk.as_of })
    return refused ?? (past.sequence === sequence?.name ? 'step_removed' : 'in_other_sequence')
  }
  for (const past of history) {
    if (seen.has(past.event_id)) continue
    if (past.status !== 'planned' && past.status !== 'approved') {
      outcomes.push({ change: 'unchanged', event: past })
      continue
    }
    outcomes.push({ change: 'changed', event: skipped(past, whyDropped(past)) })
  }
  return outcomes
}

/** A lead is in one sequence at a time: where it was contacted, else where it is planned, else the first that wants it. */
function sequenceOf(
  lead: Lead,
  history: readonly OutreachEvent[],
  sequences: readonly Sequence[],
): Sequence | undefined {
  const wanted = sequences.filter(({ name }) => lead.audiences.includes(name))
  const among = (events: readonly OutreachEvent[], candidates: readonly Sequence[]) =>
    candidates.find(({ name }) => events.some((event) => event.sequence === name))
  const contacted = history.filter(({ status }) => CONTACTED.includes(status))
  const began = among(contacted, sequences)
  const over = began?.steps.every(({ id }) =>
    history.some((event) => event.sequence === began.name && event.step_id === id && OVER.includes(event.status)),
  )
  const next = over
    ? wanted.find(
        ({ name, recontact_after_days }) =>
          recontact_after_days !== undefined && contacted.every(({ sequence }) => sequence !== name),
      )
    : undefined
  return (
    next ??
    began ??
    among(
      history.filter(({ status }) => status === 'planned'),
      wanted,
    ) ??
    wanted[0]
  )
}

/** Nothing more comes of it by itself. */
const OVER: readonly string[] = ['rejected', 'sent', 'delivered', 'opened', 'skipped', 'failed']

function planSteps(lead: Lead, history: readonly OutreachEvent[], sequence: Sequence, desk: Desk): Outcome[] {
  const outcomes: Outcome[] = []
  const past = new Map(history.map((event) => [event.event_id, event]))
  let previous: string | undefined
  for (const [index, step] of sequence.steps.entries()) {
    const event_id = eventId(lead.lead_id, sequence.name, step.id)
    const before = past.get(event_id)
    const after = previous === undefined ? undefined : addDays(previous, step.after_days)
    const outcome =
      before !== undefined && !OPEN.includes(before.status) && before.status !== 'approved'
        ? { change: 'unchanged' as const, event: before }
        : settle(before, draft(event_id, lead, history, before, sequence, index, desk), {
            fresh: workingDay(
              later(after, after === undefined ? addDays(desk.as_of, step.after_days) : desk.as_of),
              sequence.days,
            ),
            keeping: (day) => workingDay(later(after, day), sequence.days),
          })
    previous = later(previous, (outcome.event.sent_at ?? outcome.event.planned_at).slice(0, 10))
    outcomes.push(outcome)
  }
  return outcomes
}

function draft(
  event_id: string,
  lead: Lead,
  history: readonly OutreachEvent[],
  before: OutreachEvent | undefined,
  sequence: Sequence,
  index: number,
  desk: Desk,
): OutreachEvent {
  const step = sequence.steps[index]!
  const entry = desk.channels.get(step.channel)!
  const { channel, senders } = entry
  const sender = senderFor(lead, senders, history)
  const language = sequence.languages[lead.country ?? ''] ?? sequence.language
  const variant = variantOf(event_id, step, before)
  const templates = variant === null ? step.templates : step.texts![variant]!
  const message = before?.pinned
    ? { subject: before.subject, body: before.body ?? '' }
    : render(
        templates[language]!,
        (slot) => slotValue(slot, lead, sender),
        (slot) => slotValues(slot, lead, sender),
      )
  const is_first = sequence.steps.slice(0, index).every((earlier) => earlier.channel !== step.channel)
  const window = { recontact_after_days: sequence.recontact_after_days, today: desk.as_of }
  const said = { channel, message, history, window, ground: sequence, is_first, lacks: channel.lacks?.(entry.settings) }
  const reason = guard({ lead, sequence: sequence.name, ...said })
  const event: OutreachEvent = {
    event_id,
    lead_id: lead.lead_id,
    contact_id: lead.contact_id,
    channel: step.channel,
    sequence: sequence.name,
    sequence_version: sequence.version,
    sequence_step: index + 1,
    step_id: step.id,
    variant,
    status: 'planned',
    response_type: null,
    mailbox: sender?.mailbox ?? null,
    subject: 'subject' in message ? message.subject : null,
    body: 'body' in message ? message.body : null,
    planned_at: '',
    sent_at: null,
    responded_at: null,
    skip_reason: null,
    approved_by: null,
    approved_at: null,
    address: lead[channel.address]?.trim() ?? null,
    language,
    content_hash: null,
    pinned: before?.pinned === true,
    ...UNSENT,
  }
  if (reason !== undefined) return skipped(event, reason)
  return { ...event, content_hash: hashOf(event, entry) }
}

/** The one it has, as long as there is one of the name; else by the hash of lead and step. */
function variantOf(event_id: string, { texts }: SequenceStep, before: OutreachEvent | undefined): string | null {
  const names = Object.keys(texts ?? {}).sort()
  if (names.length === 0) return null
  if (before?.variant && names.includes(before.variant)) return before.variant
  return names[Number.parseInt(hash(event_id).slice(0, 8), 16) % names.length]!
}

interface Days {
  /** For a message that is new, or open again. */
  fresh: string
  /** The day it has, moved on only as far as the sequence asks. */
  keeping(day: string): string
}

/** Gives the draft its day, and tells whether it says anything that the ledger does not say already. */
function settle(before: OutreachEvent | undefined, event: OutreachEvent, days: Days): Outcome {
  if (before === undefined) return { change: 'new', event: { ...event, planned_at: midnight(days.fresh) } }
  if (before.status === 'approved' && event.status === 'planned' && before.content_hash === event.content_hash) {
    const day = midnight(days.keeping(before.planned_at.slice(0, 10)))
    if (day === before.planned_at) return { change: 'unchanged', event: before }
    return { change: 'changed', event: { ...before, planned_at: day } }
  }
  const kept = event.status === 'skipped' ? before.planned_at : midnight(days.keeping(before.planned_at.slice(0, 10)))
  const reopened = before.status === 'skipped' && event.status === 'planned'
  const next = { ...event, planned_at: reopened ? midnight(days.fresh) : kept }
  return says(before, next) ? { change: 'unchanged', event: before } : { change: 'changed', event: next }
}

const SAID = [
  'contact_id',
  'channel',
  'sequence_step',
  'status',
  'mailbox',
  'subject',
  'body',
  'planned_at',
  'skip_reason',
  'variant',
  'address',
  'language',
  'content_hash',
  'pinned',
] as const

function says(before: OutreachEvent, event: OutreachEvent): boolean {
  return SAID.every((column) => (before[column] ?? null) === (event[column] ?? null))
}

/** The words go: what is not sent need not be kept. Those that a person has written stay. */
export function skipped(event: OutreachEvent, skip_reason: string): OutreachEvent {
  const words = event.pinned ? {} : { subject: null, body: null }
  const void_approval = { approved_by: null, approved_at: null, content_hash: null }
  return { ...event, status: 'skipped', skip_reason, mailbox: null, address: null, ...words, ...void_approval }
}

/** `evt_` and 20 hex digits of a hash over lead, sequence and step. */
export function eventId(lead_id: string, sequence: string, step_id: string): string {
  return `evt_${hash([lead_id, sequence, step_id].join('\u001f')).slice(0, 20)}`
}

/**
 * The sender that began stays, as long as there is one. A new lead gets one by hash of its company, so that mailboxes share the
 * work, colleagues hear from the same one, and another mailbox takes over few.
 */
function senderFor(
  { company_id }: Lead,
  senders: readonly Sender[],
  history: readonly OutreachEvent[],
): Sender | undefined {
  const began = history.flatMap((event) => senders.filter(({ mailbox }) => mailbox === event.mailbox))[0]
  if (began !== undefined) return began
  const lots = senders.map((sender) => ({ sender, lot: hash(`${company_id} ${sender.mailbox}`) }))
  return lots.sort((a, b) => (a.lot < b.lot ? -1 : 1))[0]?.sender
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

const DAY_MS = 86_400_000

function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)
}

/** The day itself, or the next one that is among the sequence's days. */
export function workingDay(day: string, days: Sequence['days']): string {
  for (let ahead = 0; ahead < 7; ahead++) {
    const candidate = addDays(day, ahead)
    const weekday = WEEKDAYS[(new Date(`${candidate}T00:00:00Z`).getUTCDay() + 6) % 7]!
    if (days.includes(weekday)) return candidate
  }
  throw new Error('a sequence without days')
}

/** The later of two days. */
function later(a: string | undefined, b: string): string {
  return a === undefined || b > a ? b : a
}

function midnight(day: string): string {
  return `${day}T00:00:00.000Z`
}
