import type { IncomingMessage } from '../pipeline/incoming.ts'
import { writeIncoming } from '../pipeline/incoming.ts'
import type { StepContext } from '../pipeline/step.ts'
import { DECISION_KINDS, DECISIONS, type Decision, decide, eventsOf } from './decisions.ts'
import type { Desk } from './desk.ts'
import { EVENTS, type OutreachEvent } from './events.ts'

const BATCH = 5_000

/** Takes what people decided into the events, once each and in order, and lets go of tasks that nobody did in time. */
export async function takeDecisions(context: StepContext, desk: Desk): Promise<Record<string, number>> {
  const counts: Record<string, number> = { decided: 0, void: 0, expired: 0 }
  for (const messages of batches(await undecided(context))) {
    const events = await eventsNamed(context, messages.flatMap(eventsOf))
    const decisions: Decision[] = []
    const changed = new Map<string, OutreachEvent>()
    for (const message of messages) {
      const done = decide(message, events, desk.channels)
      decisions.push(...done.decisions)
      for (const event of done.changed) {
        changed.set(event.event_id, event)
        if (event.status === 'unsubscribed') suppress(context, event)
      }
    }
    await context.record(EVENTS, [[...changed.values()]])
    await context.record(DECISIONS, [decisions])
    for (const { outcome } of decisions) counts[outcome === 'applied' ? 'decided' : 'void']! += 1
  }
  counts.expired = await expireTasks(context, desk)
  return counts
}

/** In order of arrival; what one batch did is what the next one finds. */
function* batches(messages: readonly IncomingMessage[]): Iterable<IncomingMessage[]> {
  let batch: IncomingMessage[] = []
  let size = 0
  for (const message of messages) {
    batch.push(message)
    size += eventsOf(message).length
    if (size < BATCH) continue
    yield batch
    batch = []
    size = 0
  }
  if (batch.length > 0) yield batch
}

async function undecided({ acts, connection }: StepContext): Promise<IncomingMessage[]> {
  const messages = await acts.taken(...Object.keys(DECISION_KINDS))
  if (messages.length === 0) return []
  const rows = await connection.rows<{ id: string }>('select distinct decision_id as id from raw.outreach__decisions')
  const done = new Set(rows.map(({ id }) => id))
  return messages.filter((message) => !done.has(message.id) && eventsOf(message).length > 0)
}

async function eventsNamed({ connection }: StepContext, ids: readonly string[]): Promise<Map<string, OutreachEvent>> {
  const rows = await connection.rows<OutreachEvent>(
    `select * exclude (_fetched_at, _run_id, _load) from raw.outreach__events
     where event_id in (select unnest(from_json($1, '["VARCHAR"]')))`,
    [JSON.stringify([...new Set(ids)])],
  )
  return new Map(rows.map((row) => [row.event_id, row]))
}

/** Who wants to hear nothing by one way hears nothing by any: in force at once, and taken in by the next run. */
function suppress({ paths, acts, now }: StepContext, { event_id, contact_id }: OutreachEvent): void {
  if (contact_id === null) return
  const id = `task-opt-out-${event_id}`
  if (acts.waiting.of('suppress').some((message) => message.id === id)) return
  const body = { action: 'add', by: 'contact_id', value: contact_id, reason: 'said so to a person' }
  writeIncoming(paths.data, { id, kind: 'suppress', at: now().toISOString(), body })
}

async function expireTasks(context: StepContext, desk: Desk): Promise<number> {
  let expired = 0
  for (const [name, { channel, settings }] of desk.channels) {
    if (channel.tasks === undefined) continue
    const past = await context.connection.rows<OutreachEvent>(
      `select * exclude (_fetched_at, _run_id, _load) from raw.outreach__events
       where channel = $1 and status = 'approved' and planned_at::date + $2::integer < as_of() order by event_id`,
      [name, channel.tasks.expires_days(settings)],
    )
    const events = past.map((event) => ({ ...event, status: 'skipped' as const, skip_reason: 'task_expired' }))
    await context.record(EVENTS, [events])
    expired += events.length
  }
  return expired
}
