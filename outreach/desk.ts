import { createHash, createHmac } from 'node:crypto'
import type { Channel, Sender } from './define.ts'
import type { OutreachEvent } from './events.ts'
import { contentHash, type Letter, plainLetter, type Writing } from './letter.ts'
import type { Sequence } from './sequence.ts'

/** A channel that is switched on. */
export interface Switched {
  channel: Channel
  senders: readonly Sender[]
  /** As the channel's own schema read them. */
  settings: Record<string, unknown>
}

/** What is switched on, and the date of the run. */
export interface Desk {
  sequences: readonly Sequence[]
  channels: ReadonlyMap<string, Switched>
  /** UTC date: `2026-01-31`. */
  as_of: string
}

/** What tells one event of one ledger from all others, on its way and back. */
export type Names = Pick<Writing, 'token' | 'message_key' | 'thread'>

/** The same for each try of an event, different in every ledger; nobody without the ledger's id can make them up. */
export function namesOf(ledger_id: string, event_id: string): Omit<Names, 'thread'> {
  const message_key = createHash('sha256').update([ledger_id, event_id].join('|')).digest('hex').slice(0, 40)
  const token = createHmac('sha256', ledger_id).update(event_id).digest('hex').slice(0, 32)
  return { message_key, token }
}

/** An event's letter; its address and words must be there. */
export function letterOf(event: OutreachEvent, { channel, settings }: Switched, names: Names): Letter {
  const { event_id, address, mailbox, subject, body, language } = event
  const said = { event_id, address: address ?? '', mailbox, subject, body: body ?? '', language: language ?? 'en' }
  const writing = { ...said, ...names }
  return channel.compose === undefined ? plainLetter(writing) : channel.compose(settings, writing)
}

/** What an approval of an event is of, under the settings of this moment. */
export function hashOf(event: OutreachEvent, entry: Switched): string {
  return contentHash(letterOf(event, entry, { token: event.event_id, message_key: event.event_id, thread: [] }))
}
