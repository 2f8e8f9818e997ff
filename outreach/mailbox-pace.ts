import { createHash } from 'node:crypto'
import type { Sender } from './letter.ts'

type Pace = Pick<Sender, 'per_day' | 'ramp_up' | 'gap_s'>

/** Messages that a mailbox may send today, having sent on so many days before; no limit for who has none. */
export function capOf({ per_day = Number.POSITIVE_INFINITY, ramp_up }: Pace, days_before: number): number {
  return ramp_up === undefined ? per_day : Math.min(per_day, ramp_up.from + ramp_up.by * days_before)
}

/** How long a mailbox is silent after a message: between its two bounds by the hash of the message, the same each time. */
export function gapAfter({ gap_s }: Pace, event_id: string): number {
  if (gap_s === undefined) return 0
  const share = createHash('sha256').update(event_id).digest().readUInt32BE(0) / 2 ** 32
  return Math.round((gap_s.min + share * (gap_s.max - gap_s.min)) * 1_000)
}
