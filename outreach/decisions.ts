import { z } from 'zod'
import type { IncomingMessage } from '../pipeline/incoming.ts'
import type { LedgerTable } from '../pipeline/step.ts'
import { hashOf, type Switched } from './desk.ts'
import type { OutreachEvent } from './events.ts'
import { skipped } from './plan.ts'

const by = z.string().min(1)
const event_id = z.string().min(1)
/** Of the words that were looked at: `fct_outreach_events.content_hash`. */
const content_hash = z.string().min(1)

/** Bodies of the messages in `data/incoming/` by which people decide, by their kind. `by`: who. */
export const DECISION_KINDS = {
  /** These messages may leave, as they were looked at. */
  approve: z.strictObject({ by, messages: z.array(z.strictObject({ event_id, content_hash })).min(1) }),
  /** These will never leave. */
  reject: z.strictObject({ by, events: z.array(event_id).min(1), reason: z.string().optional() }),
  /** Other words, which then stay; `approve`: they may leave as well. */
  edit: z.strictObject({
    by,
    event_id,
    content_hash,
    subject: z.string().nullable(),
    body: z.string().min(1),
    approve: z.boolean().default(false),
  }),
  /** What became of a task: a word of its channel. */
  task: z.strictObject({ by, event_id, outcome: z.string().min(1), note: z.string().optional() }),
  /** `pipeline review`: a message that nobody could tell whether it left. Other kinds of review are none of ours. */
  review: z.looseObject({
    by: by.default('review'),
    kind: z.literal('message'),
    item_id: event_id,
    decision: z.string(),
  }),
} as const

export type DecisionKind = keyof typeof DECISION_KINDS

/** What people decided, and what came of it. */
export interface Decision {
  decision_id: string
  event_id: string
  kind: string
  /** ISO 8601 UTC. */
  decided_at: string
  decided_by: string
  /** `applied`, or why not. */
  outcome: string
  content_hash: string | null
  note: string | null
}

export const DECISIONS: LedgerTable = {
  source: 'outreach',
  table: 'decisions',
  description: 'Who approved, refused, edited or did what, when, and whether it counted.',
  write: 'append',
  key: ['decision_id', 'event_id'],
  columns: {
    decision_id: 'VARCHAR',
    event_id: 'VARCHAR',
    kind: 'VARCHAR',
    decided_at: 'TIMESTAMP',
    decided_by: 'VARCHAR',
    outcome: 'VARCHAR',
    content_hash: 'VARCHAR',
    note: 'VARCHAR',
  },
  docs: {
    outcome: 'applied, or why not: void_changed, void_<status>, unknown_event, unknown_outcome, refused_<reason>.',
  },
  pii: ['decided_by', 'note'],
}

type Applied = { event: OutreachEvent } | { void: string }

/** Events that a message speaks of; none for a body that is not of its kind. */
export function eventsOf({ kind, body }: IncomingMessage): string[] {
  const read = DECISION_KINDS[kind as DecisionKind]?.safeParse(body)
  if (read?.success !== true) return []
  const said = read.data as {
    messages?: { event_id: string }[]
    events?: string[]
    event_id?: string
    item_id?: string
  }
  return said.messages?.map((one) => one.event_id) ?? said.events ?? [said.event_id ?? said.item_id!]
}

/** What a message does to the events it names, one after the other; `events` is changed along. Pure but for that. */
export function decide(
  message: IncomingMessage,
  events: Map<string, OutreachEvent>,
  channels: ReadonlyMap<string, Switched>,
): { decisions: Decision[]; changed: OutreachEvent[] } {
  const decisions: Decision[] = []
  const changed: OutreachEvent[] = []
  for (const id of eventsOf(message)) {
    const event = events.get(id)
    const applied = event === undefined ? { void: 'unknown_event' } : apply(message, event, channels.get(event.channel))
    if ('event' in applied) {
      events.set(id, applied.event)
      changed.push(applied.event)
    }
    const { by: decided_by, note, reason } = message.body as Record<string, string | undefined>
    decisions.push({
      decision_id: message.id,
      event_id: id,
      kind: message.kind,
      decided_at: message.at,
      decided_by: decided_by ?? 'not said',
      outcome: 'void' in applied ? applied.void : 'applied',
      content_hash: ('event' in applied ? applied.event : event)?.content_hash ?? null,
      note: note ?? reason ?? null,
    })
  }
  return { decisions, changed }
}

function apply(message: IncomingMessage, event: OutreachEvent, entry: Switched | undefined): Applied {
  const { kind, at, body } = message
  if (kind === 'approve') {
    const said = DECISION_KINDS.approve.parse(body)
    return approve(event, said.messages.find((one) => one.event_id === event.event_id)!.content_hash, said.by, at)
  }
  if (kind === 'reject') {
    if (!['planned', 'approved', 'skipped'].includes(event.status)) return { void: `void_${event.status}` }
    return { event: { ...skipped(event, ''), status: 'rejected', skip_reason: null } }
  }
  if (kind === 'edit') return edit(event, DECISION_KINDS.edit.parse(body), at, entry)
  if (kind === 'task') return finish(event, DECISION_KINDS.task.parse(body).outcome, at, entry)
  return settleDoubt(event, DECISION_KINDS.review.parse(body).decision)
}

function approve(event: OutreachEvent, hash: string, approved_by: string, approved_at: string): Applied {
  if (event.content_hash !== hash) return { void: 'void_changed' }
  if (event.status === 'approved') return { event }
  if (event.status !== 'planned') return { void: `void_${event.status}` }
  return { event: { ...event, status: 'approved', approved_by, approved_at } }
}

function edit(
  event: OutreachEvent,
  said: z.output<typeof DECISION_KINDS.edit>,
  at: string,
  entry: Switched | undefined,
): Applied {
  if (event.status !== 'planned' && event.status !== 'approved') return { void: `void_${event.status}` }
  if (event.content_hash !== said.content_hash) return { void: 'void_changed' }
  if (entry === undefined) return { void: 'void_channel_off' }
  const known = { address: event.address ?? '', address_status: null, address_is_role: false }
  const reason = entry.channel.refuses({ ...known, subject: said.subject, body: said.body })
  if (reason !== undefined) return { void: `refused_${reason}` }
  const words = { ...event, subject: said.subject, body: said.body, pinned: true }
  const edited = { ...words, status: 'planned' as const, approved_by: null, approved_at: null }
  const sealed = { ...edited, content_hash: hashOf(edited, entry) }
  return said.approve ? approve(sealed, sealed.content_hash, said.by, at) : { event: sealed }
}

function finish(event: OutreachEvent, word: string, at: string, entry: Switched | undefined): Applied {
  const outcome = entry?.channel.tasks?.outcomes[word]
  if (outcome === undefined) return { void: 'unknown_outcome' }
  const { status, reason, response_type } = outcome
  const answers = status === 'replied' || status === 'unsubscribed'
  if (event.status !== 'approved' && !(answers && event.status === 'sent')) return { void: `void_${event.status}` }
  if (status === 'skipped') return { event: { ...event, status, skip_reason: reason ?? word } }
  const sent = { ...event, status, sent_at: event.sent_at ?? at }
  return { event: answers ? { ...sent, responded_at: at, response_type: response_type ?? 'other' } : sent }
}

function settleDoubt(event: OutreachEvent, decision: string): Applied {
  if (event.status !== 'in_doubt') return { void: `void_${event.status}` }
  if (decision === 'was_sent') return { event: { ...event, status: 'sent', sent_at: event.claimed_at } }
  if (decision === 'send_again') return { event: { ...event, status: 'approved', next_attempt_at: null } }
  if (decision === 'give_up') return { event: { ...event, status: 'failed' } }
  return { void: 'unknown_outcome' }
}
