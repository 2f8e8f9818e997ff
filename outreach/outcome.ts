import type { Trace } from './define.ts'
import type { OutreachEvent } from './events.ts'
import type { Delivery } from './letter.ts'

const MINUTE_MS = 60_000
/** A server that says "later" is asked again after 10, 20, 40 … minutes, at most 12 hours, eight times in all. */
const FIRST_WAIT_MS = 10 * MINUTE_MS
const LONGEST_WAIT_MS = 12 * 60 * MINUTE_MS
const MOST_ATTEMPTS = 8

/**
 * The event after its message was handed over. What nobody can tell at once stays `sending`, for the next call to look up;
 * what nobody can ever tell is `in_doubt`, for a person.
 */
export function outcomeOf(
  event: OutreachEvent,
  delivery: Delivery,
  trace: Trace | undefined,
  now: Date,
): OutreachEvent {
  const said = { ...event, response: delivery.response }
  switch (delivery.outcome) {
    case 'accepted':
      return { ...said, status: 'sent', sent_at: now.toISOString(), next_attempt_at: null }
    case 'rejected_permanent':
      return { ...said, status: 'failed', next_attempt_at: null }
    case 'rejected_temporary': {
      const tries = delivery.at === 'sender' ? 0 : event.attempts
      if (tries >= MOST_ATTEMPTS) return { ...said, status: 'failed', next_attempt_at: null }
      const wait = Math.min(FIRST_WAIT_MS * 2 ** Math.max(0, tries - 1), LONGEST_WAIT_MS)
      return { ...said, status: 'approved', next_attempt_at: new Date(now.getTime() + wait).toISOString() }
    }
    case 'ambiguous':
      return traced(said, trace)
  }
}

/** The event after it was looked up; `undefined`: not yet. An intent that came to nothing is as if it had not been. */
export function traced(event: OutreachEvent, trace: Trace | undefined): OutreachEvent {
  if (trace === 'accepted') return { ...event, status: 'sent', sent_at: event.claimed_at, next_attempt_at: null }
  if (trace === 'absent') return { ...event, status: 'approved', next_attempt_at: null }
  return trace === 'unknown' ? { ...event, status: 'in_doubt' } : event
}
