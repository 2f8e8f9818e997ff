import { messageOf, RemoteError } from '../pipeline/errors.ts'
import type { StepContext, StepSummary } from '../pipeline/step.ts'
import type { Desk } from './desk.ts'
import { EVENTS, type OutreachEvent } from './events.ts'
import { Gate } from './gate.ts'
import { deliver, machines, reconcile } from './outbox.ts'
import { outcomeOf } from './outcome.ts'
import { optOutsOfCrms, suppressions } from './suppressed.ts'

/** Messages looked at in one go, for each mailbox: what is capped need not be read. Behind them, if all of them wait, more. */
const LOOK_AHEAD = 200
const LOOK_FURTHER = 5_000

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
  const gate = await Gate.open(context, desk, await suppressions(context.acts, await optOutsOfCrms(context)))
  /** How far each mailbox was looked at; null: nothing more leaves it in this call. */
  const seen: Seen = new Map()
  for (let many = LOOK_AHEAD; !context.signal.aborted; many = LOOK_FURTHER) {
    const due = await readDue(context, desk, seen, many)
    if (due.length === 0) break
    await gate.learn(due)
    const byMailbox = new Map<string, OutreachEvent[]>()
    for (const event of due) {
      const key = `${event.channel} ${event.mailbox}`
      const events = byMailbox.get(key)
      if (events === undefined) byMailbox.set(key, [event])
      else events.push(event)
      seen.set(key, event)
    }
    await Promise.all(
      [...byMailbox].map(async ([key, events]) => {
        const mailbox = await sendFrom(events, { context, desk, gate, tally })
        if (mailbox === 'closed') seen.set(key, null)
        if (mailbox === 'again') seen.delete(key)
      }),
    )
  }
  return tally.summary(context.live.has('send'))
}

/** By channel and mailbox: the last message looked at. */
type Seen = Map<string, Pick<OutreachEvent, 'planned_at' | 'event_id'> | null>

interface Work {
  context: StepContext
  desk: Desk
  gate: Gate
  tally: Tally
}

/**
 * One mailbox, in order of due time, as long as it is let. `closed`: no other message leaves it now; `again`: its server broke
 * off after it had taken some, and is tried once more.
 */
async function sendFrom(
  events: readonly OutreachEvent[],
  { context, desk, gate, tally }: Work,
): Promise<'open' | 'closed' | 'again'> {
  const { intents } = context.acts
  let moved = false
  for (const rest = [...events]; rest.length > 0; ) {
    if (context.signal.aborted) return 'closed'
    // Claimed as soon as it is judged: the next one is judged by what has been claimed before it.
    const batch: { before: OutreachEvent; event: OutreachEvent }[] = []
    while (batch.length < intents.together) {
      const before = rest.shift()
      if (before === undefined) break
      const verdict = gate.judge(before)
      if (verdict.say === 'go') batch.push({ before, event: gate.claim(before) })
      else if (verdict.say === 'change') await tally.keep(context, verdict.event)
      else {
        tally.waits(verdict.reason)
        if (!CLOSES.includes(verdict.reason)) continue
        for (const _ of rest.splice(0)) tally.waits(verdict.reason)
      }
    }
    if (batch.length === 0) continue
    await context.record(EVENTS, [batch.map(({ event }) => event)])
    await intents.secure()
    let stopped = false
    for (const { before, event } of batch) {
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
      moved ||= after.status !== 'approved'
      stopped = delivery.at === 'sender' && delivery.outcome === 'rejected_temporary'
    }
    if (stopped) return moved ? 'again' : 'closed'
  }
  return 'open'
}

/** An intent that has grown old may be taken for one that was left behind. */
function tooLate({ claimed_at }: OutreachEvent, { acts, now }: StepContext): string | undefined {
  const { lease_ms } = acts.intents
  return lease_ms > 0 && now().getTime() - Date.parse(claimed_at!) > lease_ms / 2 ? 'intent_too_old' : undefined
}

async function readDue(context: StepContext, desk: Desk, seen: Seen, many: number): Promise<OutreachEvent[]> {
  const after = [...seen].map(([key, last]) => ({ key, closed: last === null, ...pick(last) }))
  return context.connection.rows<OutreachEvent>(
    `with seen as (
       select unnest(from_json($3, '[{"key": "VARCHAR", "closed": "BOOLEAN", "planned_at": "TIMESTAMP", "event_id": "VARCHAR"}]'), recursive := true)
     )
     select events.* exclude (_fetched_at, _run_id, _load)
     from (select * from raw.outreach__events where ${DUE}) as events
     left join seen on seen.key = events.channel || ' ' || coalesce(events.mailbox, 'null')
     where seen.key is null or (not seen.closed
       and (events.planned_at, events.event_id) > (seen.planned_at, seen.event_id))
     qualify row_number() over (partition by events.channel, events.mailbox
       order by events.planned_at, events.event_id) <= ${many}
     order by events.planned_at, events.event_id`,
    [JSON.stringify(machines(desk)), context.now().toISOString(), JSON.stringify(after)],
  )
}

function pick(last: Pick<OutreachEvent, 'planned_at' | 'event_id'> | null) {
  return { planned_at: last?.planned_at ?? null, event_id: last?.event_id ?? null }
}

/** Reasons that hold for each message of a mailbox. */
const CLOSES: readonly string[] = [
  'interrupted',
  'mailbox_bounces',
  'mailbox_complained_of',
  'mailbox_full_today',
  'gap_between_messages',
]

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
