import { RemoteError } from '../pipeline/errors.ts'
import { writeIncoming } from '../pipeline/incoming.ts'
import type { StepContext } from '../pipeline/step.ts'
import type { Sending, Trace } from './define.ts'
import { type Desk, letterOf, namesOf } from './desk.ts'
import type { OutreachEvent } from './events.ts'
import type { Delivery, Letter } from './letter.ts'
import { traced } from './outcome.ts'
import type { Tally } from './send.ts'
import { plainAddress } from './suppressed.ts'

/** Names of the channels that `send` delivers by. */
export function machines({ channels }: Desk): string[] {
  return [...channels].filter(([, { channel }]) => channel.send !== undefined).map(([name]) => name)
}

/** Hands one message over, and looks it up at once where no answer came. */
export async function deliver(
  context: StepContext,
  desk: Desk,
  event: OutreachEvent,
  thread: readonly string[],
): Promise<{ delivery: Delivery; trace: Trace | undefined }> {
  const { channel } = desk.channels.get(event.channel)!
  const sending = sendingOf(context, desk, event)
  const letter = lettersOf(context, desk, event, thread)
  const delivery = await channel.send!(sending, letter)
  if (delivery.outcome === 'rejected_permanent' && delivery.at === 'recipient') ruleOut(context, event, delivery)
  if (delivery.outcome !== 'ambiguous') return { delivery, trace: undefined }
  const trace = await lookUp(channel.look_up, sending, letter).catch((error: unknown) => {
    if (error instanceof RemoteError) return undefined
    throw error
  })
  // Just now it may still be on its way into the archive: absence is believed by the next call, not by this one.
  return { delivery, trace: trace === 'absent' ? undefined : trace }
}

export function lettersOf(context: StepContext, desk: Desk, event: OutreachEvent, thread: readonly string[]): Letter {
  const { ledger_id } = context.acts
  const names = {
    ...namesOf(ledger_id, event.event_id),
    thread: thread.map((id) => namesOf(ledger_id, id).message_key),
  }
  return letterOf(event, desk.channels.get(event.channel)!, names)
}

function sendingOf(context: StepContext, desk: Desk, event: OutreachEvent): Sending<Record<string, unknown>> {
  const { channel, settings } = desk.channels.get(event.channel)!
  const options = channel.http?.(settings)
  const http = options === undefined ? undefined : context.http({ service: event.channel, ...options })
  const claimed_at = event.claimed_at!
  const first_claimed_at = event.first_claimed_at ?? claimed_at
  return { settings, mail: context.acts.mail, http, now: context.now, claimed_at, first_claimed_at }
}

async function lookUp(
  look_up: ((sending: Sending<Record<string, unknown>>, letter: Letter) => Promise<Trace>) | undefined,
  sending: Sending<Record<string, unknown>>,
  letter: Letter,
): Promise<Trace> {
  return look_up === undefined ? 'unknown' : look_up(sending, letter)
}

/** A mailbox that does not exist (RFC 3463: 5.1.x) is not tried again by any sequence. */
function ruleOut({ paths, now }: StepContext, { event_id, address }: OutreachEvent, { response }: Delivery): void {
  if (address === null || !/\b5\.1\.\d/.test(response)) return
  const body = {
    action: 'add',
    by: 'email',
    value: plainAddress(address),
    reason: 'its server says there is no such mailbox',
  }
  writeIncoming(paths.data, { id: `refused-${event_id}`, kind: 'suppress', at: now().toISOString(), body })
}

/**
 * What became of messages whose run died or got no answer. Found: sent. Not there, where that means something: open again,
 * as if it had never been about to leave. Nobody can tell: a person decides. Nothing is ever sent again on doubt.
 */
export async function reconcile(context: StepContext, desk: Desk, tally: Tally): Promise<void> {
  const { connection, acts, now } = context
  const left_behind = new Date(now().getTime() - acts.intents.lease_ms).toISOString()
  const events = await connection.rows<OutreachEvent>(
    `select * exclude (_fetched_at, _run_id, _load) from raw.outreach__events
     where channel in (select unnest(from_json($1, '["VARCHAR"]')))
       and (status = 'in_doubt' or (status = 'sending' and claimed_at <= cast($2 as timestamp)))
     order by claimed_at, event_id`,
    [JSON.stringify(machines(desk)), left_behind],
  )
  for (const event of events) {
    if (context.signal.aborted) return
    const { channel } = desk.channels.get(event.channel)!
    try {
      const trace = await lookUp(channel.look_up, sendingOf(context, desk, event), lettersOf(context, desk, event, []))
      const after = traced(event, trace)
      if (after.status === event.status) continue
      await tally.keep(context, after)
      tally.moved += 1
      if (after.status === 'sent') tally.counts.reconciled! += 1
      if (after.status === 'in_doubt') tally.counts.in_doubt! += 1
    } catch (error) {
      tally.broke(error)
    }
  }
}
