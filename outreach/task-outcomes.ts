import type { TaskOutcome } from './letter.ts'

/** What may be said of any task; channels add their own. */
export const TASK_OUTCOMES: Readonly<Record<string, TaskOutcome>> = {
  done: { status: 'sent', says: 'it was said or sent' },
  not_found: { status: 'skipped', reason: 'not_found', says: 'nobody is there' },
  expired: { status: 'skipped', reason: 'task_expired', says: 'too late for it' },
  left_out: { status: 'skipped', reason: 'left_out_by_hand', says: 'better not' },
  replied: { status: 'replied', response_type: 'other', says: 'an answer came, of no other kind' },
  interested: { status: 'replied', response_type: 'interested', says: 'wants to know more' },
  meeting: { status: 'replied', response_type: 'meeting', says: 'a meeting was agreed' },
  referral: { status: 'replied', response_type: 'referral', says: 'named somebody else' },
  not_now: { status: 'replied', response_type: 'not_now', says: 'later' },
  not_interested: { status: 'replied', response_type: 'not_interested', says: 'no' },
  opt_out: { status: 'unsubscribed', response_type: 'unsubscribe', says: 'wants to hear nothing more, by any way' },
}
