import { createHash } from 'node:crypto'
import type { Delivery as MailDelivery } from '../pipeline/mail.ts'

export type Delivery = MailDelivery

export type Address = 'email' | 'linkedin_url' | 'phone'

/** Somebody who may be named as the author of a message. */
export interface Sender {
  /** What `fct_outreach_events.mailbox` says. */
  mailbox: string
  /** For the slot `{sender_name}`; null when the configuration gives only an address. */
  name: string | null
  /** Messages a day; absent: no limit. */
  per_day?: number
  /** So many on its first day, and so many more on each day on which it sends, up to `per_day`. */
  ramp_up?: { from: number; by: number }
  /** Seconds between two of its messages, drawn between these two by the hash of the first. */
  gap_s?: { min: number; max: number }
}

/** A rendered message on its way to one person. */
export interface Message {
  address: string
  /** What verification says of the address: 'valid' | 'risky' | 'invalid' | 'unknown'; null when nobody asked. */
  address_status: string | null
  /** It belongs to a role or a machine (`info@`), not to a person. */
  address_is_role: boolean
  /** Null on channels without a subject line. */
  subject: string | null
  /** Markdown. */
  body: string
}

/** What a letter is composed of. */
export interface Writing {
  event_id: string
  address: string
  mailbox: string | null
  subject: string | null
  /** Markdown. */
  body: string
  /** Two letters. */
  language: string
  /** Names this message to whoever answers it or unsubscribes: opaque, not to be guessed, nothing personal in it. */
  token: string
  /** Hash of ledger and event: the part of a Message-ID before the @. The same for each try. */
  message_key: string
  /** Keys of the messages of the thread that were sent before, oldest first; empty for the first touch. */
  thread: readonly string[]
}

/** A message whole, as it leaves. */
export interface Letter {
  event_id: string
  mailbox: string | null
  from: { name: string | null; address: string } | null
  to: string
  reply_to: string | null
  subject: string | null
  text: string
  html: string | null
  headers: Readonly<Record<string, string>>
  /** `<hash@domain>`, where the channel has such a thing, else the bare key. */
  message_id: string
  /** Message-IDs of the thread before it, oldest first. */
  references: readonly string[]
  /** Named in the return path, so that a bounce without any header can still be told. */
  token: string
}

/** What a task comes to when somebody says so. */
export interface TaskOutcome {
  status: 'sent' | 'skipped' | 'replied' | 'unsubscribed'
  /** Why nothing was said, for `skipped`. */
  reason?: string
  /** What was answered: a value of `fct_outreach_events.response_type`. */
  response_type?: string
  /** For people who choose. */
  says: string
}

/** How a channel that people work with makes tasks. */
export interface Tasks<Settings> {
  /** A task that nobody did so many days after it was due is past. */
  expires_days(settings: Settings): number
  /** What a person may say of one, by the word they type. `done` is one of them. */
  outcomes: Readonly<Record<string, TaskOutcome>>
  /** Tables that other tools read: name → our column → theirs, in order. */
  exports: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** The letter of a channel that only has words. */
export function plainLetter({ event_id, address, mailbox, subject, body, token, message_key }: Writing): Letter {
  const words = { subject, text: body, html: null }
  const bare = { from: null, reply_to: null, headers: {}, references: [] }
  return { event_id, mailbox, to: address, ...words, ...bare, message_id: message_key, token }
}

/**
 * Of exactly what is approved: sender, recipient, subject, text, HTML and headers. Tokens and ids stand for themselves, so
 * that the hash is the same before anything was sent.
 */
export function contentHash({ from, to, reply_to, subject, text, html, headers }: Letter): string {
  const said = [from?.name ?? null, from?.address ?? null, to, reply_to, subject, text, html, headers]
  return createHash('sha256').update(JSON.stringify(said)).digest('hex')
}
