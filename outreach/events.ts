import type { LedgerTable } from '../pipeline/step.ts'

/** A message or task, in one of its states. Each change of state is a new version of the row. */
export interface OutreachEvent {
  event_id: string
  lead_id: string
  contact_id: string | null
  channel: string
  sequence: string
  /** Hash of the sequence and its templates that the text was made from. */
  sequence_version: string
  sequence_step: number
  step_id: string
  variant: string | null
  status: Status
  response_type: string | null
  mailbox: string | null
  /** To whom exactly, by the channel's own kind of address. */
  address: string | null
  language: string | null
  subject: string | null
  body: string | null
  /** ISO 8601 UTC. */
  planned_at: string
  sent_at: string | null
  responded_at: string | null
  skip_reason: string | null
  approved_by: string | null
  approved_at: string | null
  /** Of the letter as it would leave; what an approval is of. NULL once it is not to leave. */
  content_hash: string | null
  /** A person has written these words: rendering never replaces them. */
  pinned: boolean
  /** What the message bears on its way, from the moment it was about to leave. */
  message_id: string | null
  token: string | null
  /** When it was about to leave, last and first. */
  claimed_at: string | null
  first_claimed_at: string | null
  attempts: number
  next_attempt_at: string | null
  /** What the other side said last, addresses masked. */
  response: string | null
}

/** What a message has before anybody has tried to send it. */
export const UNSENT = {
  message_id: null,
  token: null,
  claimed_at: null,
  first_claimed_at: null,
  attempts: 0,
  next_attempt_at: null,
  response: null,
} as const

export type Status =
  | 'planned'
  | 'approved'
  | 'rejected'
  | 'sending'
  | 'sent'
  | 'delivered'
  | 'opened'
  | 'replied'
  | 'bounced'
  | 'unsubscribed'
  | 'complained'
  | 'skipped'
  | 'failed'
  | 'in_doubt'

/** Still the planner's: nobody has approved or refused it, nothing has left. */
export const OPEN: readonly Status[] = ['planned', 'skipped']

/** Somebody may have been reached, or was about to be. */
export const CONTACTED: readonly Status[] = [
  'approved',
  'sending',
  'sent',
  'delivered',
  'opened',
  'replied',
  'bounced',
  'unsubscribed',
  'complained',
  'failed',
  'in_doubt',
]

/** After these nothing more is written to that lead. */
export const STOPS: readonly Status[] = ['replied', 'bounced', 'unsubscribed', 'complained']

export const EVENTS: LedgerTable = {
  source: 'outreach',
  table: 'events',
  description: 'Every message and task, in each state it went through.',
  write: 'merge',
  key: ['event_id'],
  columns: {
    event_id: 'VARCHAR',
    lead_id: 'VARCHAR',
    contact_id: 'VARCHAR',
    channel: 'VARCHAR',
    sequence: 'VARCHAR',
    sequence_version: 'VARCHAR',
    sequence_step: 'INTEGER',
    step_id: 'VARCHAR',
    variant: 'VARCHAR',
    status: 'VARCHAR',
    response_type: 'VARCHAR',
    mailbox: 'VARCHAR',
    subject: 'VARCHAR',
    body: 'VARCHAR',
    planned_at: 'TIMESTAMP',
    sent_at: 'TIMESTAMP',
    responded_at: 'TIMESTAMP',
    skip_reason: 'VARCHAR',
    approved_by: 'VARCHAR',
    approved_at: 'TIMESTAMP',
    address: 'VARCHAR',
    language: 'VARCHAR',
    content_hash: 'VARCHAR',
    pinned: 'BOOLEAN',
    message_id: 'VARCHAR',
    token: 'VARCHAR',
    claimed_at: 'TIMESTAMP',
    first_claimed_at: 'TIMESTAMP',
    attempts: 'INTEGER',
    next_attempt_at: 'TIMESTAMP',
    response: 'VARCHAR',
  },
  docs: {
    event_id: 'Hash of lead, sequence and step.',
    sequence_version: 'Hash of the sequence and its templates that the text was made from.',
    content_hash: 'Hash of the letter as it would leave: what an approval is of.',
    pinned: "The words are a person's: rendering never replaces them.",
    message_id: 'What it bears on its way; the same for each try.',
    token: 'Names it to who answers or unsubscribes, and says nothing else.',
    claimed_at: 'When it was last about to leave.',
    attempts: 'How often it was.',
    response: 'What the other side said last.',
    skip_reason: 'Why it will not go out, as a snake_case reason; NULL unless skipped.',
  },
  pii: ['mailbox', 'subject', 'body', 'approved_by', 'address'],
  about: {
    email: `case when address like '%@%' then address end`,
    profile: 'address',
    brings: ['event_id', 'lead_id', 'contact_id', 'message_id', 'token'],
  },
}
