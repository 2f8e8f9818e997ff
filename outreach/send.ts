import { messageOf, RemoteError } from '../pipeline/errors.ts'
import type { StepContext, StepSummary } from '../pipeline/step.ts'
import type { Desk } from './desk.ts'
import { EVENTS, type OutreachEvent } from './events.ts'
import { Gate } from './gate.ts'
import { deliver, machines, reconcile } from './outbox.ts'
import { outcomeOf } from './outcome.ts'
import { suppressions } from './suppressed.ts'

/** Messages looked at in one go, for each mailbox: what is capped need not be read. */
const LOOK_AHEAD = 200

/**
 * Sends what is approved and due, each at most once: the intent is in the ledger, and at its home, before the first byte;
 * the outcome after. One message at a time for each mailbox, the mailboxes side by side. What was left under way by a run
 * that died is looked up first. On a target that is not live for `send` it only counts.
 */
export async function sendDue(context: StepContext, desk: Desk): Promise<StepSummary> {
  const tally = new Tally()
  if (!context.live.has('send')) {
    const due = await countDue(context, desk)
    return { rows: 0, text: `${due} approved and due; none sent: the target is not live for it`, counts: { due } }
  }
  await reconcile(context, desk, tally)
  const gate = await Gate.open(context, desk, await suppressions(context.acts))
  for (let left = true; left && !context.signal.aborted; ) {
    const due = await readDue(context, desk)
    await gate.learn(due)
    const before = tally.moved
    tally.waiting.clear()
    const byMailbox = new Map<string, OutreachEvent[]>()
    for (const event of due) {
      const key = `${event.channel} ${event.mailbox}`
      byMailbox.set(key, [...(byMailbox.get(key) ?? []), event])
    }
    await Promise.all([...byMailbox.values()].map((events) => sendFrom(events, { context, desk, gate, tally })))
    left = tally.moved > before
  }
  return tally.summary(context.live.has('send'))
}

interface Work {
  context: StepContext
  desk: Desk
  gate: Gate
  tally: Tally
}

/** One mailbox, in order of due time, as long as it is let. */
async function sendFrom(events: readonly OutreachEvent[], { context, desk, gate, tally }: Work): Promise<void> {
  const { intents } = context.acts
  for (let start = 0; start < events.length; start += intents.together) {
    if (context.signal.aborted) return
    const batch: OutreachEvent[] = []
    for (const event of events.slice(start, start + intents.together)) {
      const verdict = gate.judge(event)
      if (verdict.say === 'go') batch.push(event)
      else if (verdict.say === 'change') await tally.keep(context, verdict.event)
      else tally.waits(verdict.reason)
    }
    if (batch.length === 0) continue
    const claimed = batch.map((event) => gate.claim(event))
    await context.record(EVENTS, [claimed])
    await intents.secure()
    let stopped = false
    for (const [index, event] of claimed.entries()) {
      const before = batch[index]!
      const doubt = stopped ? 'mailbox_stopped' : (gate.lastLook(event) ?? tooLate(event, context))
      if (doubt !== undefined) {
        // Not a byte has left: as if it had never been about to.
        await tally.keep(context, gate.release(before))
        const verdict = gate.judge(before)
        if (verdict.say === 'change') await tally.keep(context, verdict.event)
        else tally.waits(doubt)
        continue
      }
      const { delivery, trace } = await deliver(context, desk, event, gate.threadOf(event))
      const after = outcomeOf(event, delivery, trace, context.now())
      await tally.keep(context, after)
      gate.happened(after)
      tally.delivered(after, delivery)
      stopped = delivery.at === 'sender' && delivery.outcome === 'rejected_temporary'
    }
    if (stopped) return
  }
}

/** An intent that has grown old may be taken for one that was left behind. */
function tooLate({ claimed_at }: OutreachEvent, { acts, now }: StepContext): string | undefined {
  const { lease_ms } = acts.intents
  return lease_ms > 0 && now().getTime() - Date.parse(claimed_at!) > lease_ms / 2 ? 'intent_too_old' : undefined
}

async function readDue(context: StepContext, desk: Desk): Promise<OutreachEvent[]> {
  return context.connection.rows<OutreachEvent>(
    `select * exclude (_fetched_at, _run_id, _load) from raw.outreach__events
     where ${DUE}
     qualify row_number() over (partition by channel, mailbox order by planned_at, event_id) <= ${LOOK_AHEAD}
     order by planned_at, event_id`,
    [JSON.stringify(machines(desk)), context.now().toISOString()],
  )
}

const DUE = `status = 'approved' and channel in (select unnest(from_json($1, '["VARCHAR"]')))
  and coalesce(greatest(next_attempt_at, planned_at), planned_at) <= cast($2 as timestamp)`

async function countDue(context: StepContext, desk: Desk): Promise<number> {
  const [row] = await context.connection.rows<{ n: number }>(
    `select count(*) as n from raw.outreach__events where ${DUE}`,
    [JSON.stringify(machines(desk)), context.now().toISOString()],
  )
  return row!.n
}

/** What happened, for the report. */
export class Tally {
  readonly counts: Record<string, number> = {
    sent: 0,
    later: 0,
    refused: 0,
    in_doubt: 0,
    skipped: 0,
    void: 0,
    reconciled: 0,
  }
  readonly waiting = new Map<string, number>()
  readonly failures: NonNullable<StepSummary['failures']> = []
  /** Grows with every event that got another state. */
  moved = 0

  async keep(context: StepContext, event: OutreachEvent): Promise<void> {
    await context.record(EVENTS, [[event]])
    if (event.status === 'skipped') this.counts.skipped! += 1
    if (event.status === 'planned') this.counts.void! += 1
    if (event.status === 'skipped' || event.status === 'planned') this.moved += 1
  }

  waits(reason: string): void {
    this.waiting.set(reason, (this.waiting.get(reason) ?? 0) + 1)
  }

  delivered(
    { status, mailbox }: OutreachEvent,
    { outcome, at, response }: { outcome: string; at?: string; response: string },
  ): void {
    if (status === 'sent') this.counts.sent! += 1
    else if (status === 'failed') this.counts.refused! += 1
    else if (status === 'approved') this.counts.later! += 1
    else this.counts.in_doubt! += 1
    if (status !== 'approved') this.moved += 1
    if (at === 'sender' && outcome === 'rejected_temporary')
      this.failures.push({ kind: 'remote', message: `${mailbox} cannot send: ${response}` })
  }

  broke(error: unknown): void {
    if (!(error instanceof RemoteError)) throw error
    if (error.reason !== 'later')
      this.failures.push({ kind: 'remote', message: `${error.service}: ${messageOf(error)}` })
    this.waits('looked_up_later')
  }

  summary(live: boolean): StepSummary {
    const { sent, later, refused, in_doubt, skipped, void: voided, reconciled } = this.counts as Record<string, number>
    const told = [
      `${sent} sent`,
      reconciled ? `${reconciled} found to have been sent` : '',
      later ? `${later} put off by their servers` : '',
      refused ? `${refused} refused` : '',
      in_doubt ? `${in_doubt} in doubt (pipeline review)` : '',
      skipped ? `${skipped} stopped by the guard` : '',
      voided ? `${voided} no longer as approved` : '',
      ...[...this.waiting].sort(([a], [b]) => (a < b ? -1 : 1)).map(([reason, n]) => `${n} wait: ${reason}`),
    ].filter((part) => part !== '')
    const rows = this.moved
    return { rows, text: told.join(', '), counts: { ...this.counts }, failures: this.failures, unfinished: live }
  }
}
