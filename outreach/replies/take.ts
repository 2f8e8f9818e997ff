import { writeIncoming } from '../../pipeline/incoming.ts'
import type { LedgerTable, StepContext, StepSummary } from '../../pipeline/step.ts'
import { EVENTS, type OutreachEvent } from '../events.ts'
import { plainAddress } from '../suppressed.ts'
import { heardBy } from './effect.ts'
import { HEARD_KIND, type Heard, heardSchema, reasonToSuppress } from './heard.ts'
import { domainOf, type IsShared, matchOf } from './match.ts'

/** One message that came back. */
interface Reply {
  reply_id: string
  received_at: string
  via: string
  mailbox: string | null
  class: string
  sentiment: string
  bounce_kind: string | null
  status: string | null
  reason: string | null
  again_on: string | null
  language: string | null
  event_id: string | null
  lead_id: string | null
  matched_by: string | null
  from_address: string | null
}

export const REPLIES: LedgerTable = {
  source: 'outreach',
  table: 'replies',
  description: 'Every message that came back, what it is, and which message of ours it is about.',
  write: 'append',
  key: ['reply_id'],
  columns: {
    reply_id: 'VARCHAR',
    received_at: 'TIMESTAMP',
    via: 'VARCHAR',
    mailbox: 'VARCHAR',
    class: 'VARCHAR',
    sentiment: 'VARCHAR',
    bounce_kind: 'VARCHAR',
    status: 'VARCHAR',
    reason: 'VARCHAR',
    again_on: 'DATE',
    language: 'VARCHAR',
    event_id: 'VARCHAR',
    lead_id: 'VARCHAR',
    matched_by: 'VARCHAR',
    from_address: 'VARCHAR',
  },
  docs: {
    again_on: 'From when on the person may be written to again, where the message says.',
    event_id: 'NULL: it is about no message of ours that is known.',
    matched_by: 'message_id, token, address or domain_and_thread.',
    from_address: 'Who wrote; of a bounce or a complaint, whom it is about. NULL where it is about no message of ours.',
  },
  pii: ['mailbox', 'from_address'],
  about: { email: 'from_address', brings: ['reply_id'] },
}

/** Takes what came back into the messages it is about, once each: states, stops, pauses, suppressions. */
export async function takeReplies(context: StepContext): Promise<StepSummary> {
  const counts: Record<string, number> = { matched: 0, unmatched: 0, suppressed: 0, away: 0, reopened: 0 }
  const { acts, connection } = context
  const messages = await acts.taken(HEARD_KIND)
  const rows =
    messages.length === 0
      ? []
      : await connection.rows<{ id: string }>('select reply_id as id from raw.outreach__replies')
  const known = new Set(rows.map(({ id }) => id))
  const fresh = messages.flatMap(({ id, at, body }) => {
    const read = known.has(id) ? undefined : heardSchema.safeParse(body)
    return read?.success === true ? [{ id, at, heard: read.data }] : []
  })
  const events = await candidates(
    context,
    fresh.map(({ heard }) => heard),
  )
  const shared = await sharedDomains(context)
  const replies: Reply[] = []
  const changed = new Map<string, OutreachEvent>()
  const count = (key: string) => {
    counts[key] = (counts[key] ?? 0) + 1
  }
  for (const { id, at, heard } of fresh) {
    const match = matchOf(heard, events, shared)
    replies.push(replyOf(id, at, heard, match?.event, match?.by))
    count(heard.class)
    count(match === undefined ? 'unmatched' : 'matched')
    if (match === undefined) continue
    const after = heardBy(match.event, heard, at)
    if (suppress(context, id, heard, match.event)) count('suppressed')
    if (after === match.event) continue
    events[events.indexOf(match.event)] = after
    changed.set(after.event_id, after)
  }
  await context.record(EVENTS, [[...changed.values()]])
  await context.record(REPLIES, [replies])
  counts.reopened = await reopen(context)
  counts.away = await holdBack(context)
  return { rows: replies.length, text: textOf(counts, replies.length), counts }
}

function textOf(counts: Record<string, number>, all: number): string {
  const told = [
    'meeting',
    'interested',
    'referral',
    'not_now',
    'not_interested',
    'other',
    'unsubscribe',
    'complaint',
    'bounce',
    'auto_reply',
  ]
  const parts = told.flatMap((name) => (counts[name] ? [`${counts[name]} ${name}`] : []))
  const rest = [
    counts.unmatched ? `${counts.unmatched} about no message of ours` : '',
    counts.away ? `${counts.away} messages wait until somebody is back` : '',
    counts.reopened ? `${counts.reopened} may be written to again, as they said` : '',
  ].filter((part) => part !== '')
  return [`${all} came back${parts.length > 0 ? ` (${parts.join(', ')})` : ''}`, ...rest].join('; ')
}

function replyOf(
  reply_id: string,
  received_at: string,
  { via, mailbox, class: what, sentiment, bounce_kind, status, reason, again_on, language, addresses }: Heard,
  event: OutreachEvent | undefined,
  matched_by: string | undefined,
): Reply {
  const about = { event_id: event?.event_id ?? null, lead_id: event?.lead_id ?? null, matched_by: matched_by ?? null }
  const from_address = event === undefined ? null : (addresses[0] ?? null)
  const told = { via, mailbox, class: what, sentiment, bounce_kind, status, reason, again_on, language }
  return { reply_id, received_at, ...told, ...about, from_address }
}

/** The address that was written to, and the person, beside the one that answered: in force at once. */
function suppress(context: StepContext, id: string, heard: Heard, event: OutreachEvent): boolean {
  const reason = reasonToSuppress(heard)
  if (reason === undefined) return false
  const at = context.now().toISOString()
  const person = heard.class === 'bounce' ? null : event.contact_id
  const who = [
    ...(event.address?.includes('@') ? [{ by: 'email', value: plainAddress(event.address) }] : []),
    ...(person === null ? [] : [{ by: 'contact_id', value: person }]),
  ]
  for (const { by, value } of who) {
    const body = { action: 'add', by, value, reason }
    writeIncoming(context.paths.data, { id: `${id}-${by}`, kind: 'suppress', at, body })
  }
  return who.length > 0
}

/** Events that one of these may be about. */
async function candidates({ connection }: StepContext, heard: readonly Heard[]): Promise<OutreachEvent[]> {
  if (heard.length === 0) return []
  const addresses = heard.flatMap((one) => one.addresses.map(plainAddress))
  const lists = [
    heard.flatMap(({ ids }) => ids),
    heard.flatMap(({ tokens }) => tokens),
    addresses,
    heard.flatMap((one) => (one.thread === null ? [] : one.addresses.map(domainOf))),
  ]
  return connection.rows<OutreachEvent>(
    `select * exclude (_fetched_at, _run_id, _load) from raw.outreach__events
     where claimed_at is not null and (
       message_id in (select unnest(from_json($1, '["VARCHAR"]')))
       or token in (select unnest(from_json($2, '["VARCHAR"]')))
       or regexp_replace(lower(trim(address)), '[+][^@]*@', '@') in (select unnest(from_json($3, '["VARCHAR"]')))
       or split_part(lower(trim(address)), '@', 2) in (select unnest(from_json($4, '["VARCHAR"]')))
     )
     order by event_id`,
    lists.map((list) => JSON.stringify([...new Set(list)])),
  )
}

async function sharedDomains({ connection }: StepContext): Promise<IsShared> {
  const rows = await connection.rows<{ domain: string }>('select domain from seeds.free_mail_domains')
  const domains = new Set(rows.map(({ domain }) => domain))
  return (domain) => domains.has(domain)
}

/**
 * Whoever said "not now, but from this day on" as their last word may be written to again from that day: the message that
 * was answered stops the sequence no longer, and what follows it is drawn up anew, for somebody to approve. An opt-out, a
 * bounce or any other answer since then stands.
 */
async function reopen(context: StepContext): Promise<number> {
  const events = await context.connection.rows<OutreachEvent>(
    `with last_word as (
       select lead_id, class, again_on from raw.outreach__replies
       where lead_id is not null and class not in ('auto_reply', 'delivered', 'opened')
       qualify row_number() over (partition by lead_id order by received_at desc, reply_id desc) = 1
     )
     select events.* exclude (_fetched_at, _run_id, _load) from raw.outreach__events as events
     join last_word on last_word.lead_id = events.lead_id
     where last_word.class = 'not_now' and last_word.again_on <= cast($1 as date)
       and events.status = 'replied' and events.response_type = 'not_now'
     order by events.event_id`,
    [context.now().toISOString().slice(0, 10)],
  )
  await context.record(EVENTS, [events.map((event) => ({ ...event, status: 'sent' as const }))])
  return events.length
}

/** What is still to be said to somebody who is away waits until they are back. Asked anew each run: plans change. */
async function holdBack(context: StepContext): Promise<number> {
  const today = context.now().toISOString().slice(0, 10)
  const held = await context.connection.rows<OutreachEvent & { until: string }>(
    `with away as (
       select lead_id, max(again_on) as again_on from raw.outreach__replies
       where class = 'auto_reply' and lead_id is not null and again_on > cast($1 as date) and again_on < cast($1 as date) + 366
       group by lead_id
     )
     select events.* exclude (_fetched_at, _run_id, _load), strftime(away.again_on, '%Y-%m-%d') as until
     from raw.outreach__events as events
     join away on away.lead_id = events.lead_id
     where events.status in ('planned', 'approved')
       and coalesce(events.next_attempt_at, timestamp '1970-01-01') < away.again_on
     order by events.event_id`,
    [today],
  )
  const events = held.map(({ until, ...event }) => ({ ...event, next_attempt_at: `${until}T00:00:00.000Z` }))
  await context.record(EVENTS, [events])
  return events.length
}
