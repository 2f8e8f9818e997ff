import type { OutreachEvent, Status } from '../events.ts'
import { plainAddress } from '../suppressed.ts'
import { type Heard, threadOf } from './heard.ts'

/** How an answer was told to be one to a message of ours. */
export type MatchedBy = 'message_id' | 'token' | 'address' | 'domain_and_thread'

export interface Match {
  event: OutreachEvent
  by: MatchedBy
}

/** Nobody answers what has not left; what is in doubt, somebody may have. */
export const ANSWERABLE: readonly Status[] = [
  'sending',
  'in_doubt',
  'sent',
  'delivered',
  'opened',
  'replied',
  'bounced',
  'unsubscribed',
  'complained',
]

/** Domains at which strangers are neighbours. */
export type IsShared = (domain: string) => boolean

/**
 * The message of ours that this is about, among events that have left, if any: by the ids in its headers, by a token, by the
 * address (then by the latest message to it), and last by a colleague's address with the same subject.
 */
export function matchOf(heard: Heard, events: readonly OutreachEvent[], isShared: IsShared): Match | undefined {
  const among = events.filter(({ status }) => ANSWERABLE.includes(status))
  for (const id of heard.ids) {
    const event = among.find(({ message_id }) => message_id === id)
    if (event !== undefined) return { event, by: 'message_id' }
  }
  const named = among.find(({ token }) => token !== null && heard.tokens.includes(token))
  if (named !== undefined) return { event: named, by: 'token' }
  const addresses = new Set(heard.addresses.map(plainAddress))
  const written = latest(among.filter(({ address }) => address !== null && addresses.has(plainAddress(address))))
  if (written !== undefined) return { event: written, by: 'address' }
  if (heard.class === 'bounce' || heard.class === 'complaint' || heard.thread === null) return undefined
  const domains = new Set([...addresses].map(domainOf).filter((domain) => domain !== '' && !isShared(domain)))
  const colleague = latest(
    among.filter(({ address, subject }) => domains.has(domainOf(address ?? '')) && threadOf(subject) === heard.thread),
  )
  return colleague === undefined ? undefined : { event: colleague, by: 'domain_and_thread' }
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase()
}

function latest(events: readonly OutreachEvent[]): OutreachEvent | undefined {
  const time = ({ sent_at, claimed_at }: OutreachEvent) => sent_at ?? claimed_at ?? ''
  return [...events].sort((a, b) =>
    time(a) === time(b) ? (a.event_id < b.event_id ? 1 : -1) : time(a) < time(b) ? 1 : -1,
  )[0]
}
