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
  subject: string | null
  body: string | null
  /** ISO 8601 UTC. */
  planned_at: string
  sent_at: string | null
  responded_at: string | null
  skip_reason: string | null
  approved_by: string | null
  approved_at: string | null
}

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
  },
  docs: {
    event_id: 'Hash of lead, sequence and step.',
    sequence_version: 'Hash of the sequence and its templates that the text was made from.',
    skip_reason: 'Why it will not go out, as a snake_case reason; NULL unless skipped.',
  },
  pii: ['subject', 'body', 'approved_by'],
}
