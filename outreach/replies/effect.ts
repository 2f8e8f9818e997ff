import type { OutreachEvent, Status } from '../events.ts'
import type { Heard } from './heard.ts'

/** What weighs more is never overwritten by what weighs less, in whatever order they come. */
const WEIGHT: Readonly<Partial<Record<Status, number>>> = {
  delivered: 1,
  opened: 2,
  replied: 3,
  bounced: 4,
  unsubscribed: 5,
  complained: 6,
}

/** The event after what came back; the same one where that changes nothing. `at`: when it was heard, ISO 8601 UTC. */
export function heardBy(event: OutreachEvent, heard: Heard, at: string): OutreachEvent {
  const status = statusOf(heard)
  if (status === undefined) {
    const first = heard.class === 'auto_reply' && event.response_type === null
    return first ? { ...event, response_type: 'out_of_office' } : event
  }
  if ((WEIGHT[event.status] ?? 0) > WEIGHT[status]!) return event
  const sent_at = event.sent_at ?? event.claimed_at
  const next: OutreachEvent = { ...event, status, sent_at, next_attempt_at: null }
  if (status === 'bounced') return { ...next, response: [heard.status, heard.reason].filter(Boolean).join(' ') }
  if (status !== 'replied' && status !== 'unsubscribed') return next
  return { ...next, response_type: heard.class, responded_at: at }
}

function statusOf({ class: what, delayed, reason }: Heard): Status | undefined {
  switch (what) {
    case 'bounce':
      return delayed ? undefined : 'bounced'
    case 'complaint':
      return /^(auth-failure|not-spam|dmarc)/.test(reason ?? '') ? undefined : 'complained'
    case 'unsubscribe':
      return 'unsubscribed'
    case 'auto_reply':
      return undefined
    case 'delivered':
    case 'opened':
      return what
    default:
      return 'replied'
  }
}
