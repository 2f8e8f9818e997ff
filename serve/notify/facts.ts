import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { HEARD_KIND, heardSchema } from '../../outreach/replies/heard.ts'
import type { EngineConfig } from '../../pipeline/config.ts'
import { type IncomingMessage, readIncoming } from '../../pipeline/incoming.ts'
import { foldPauses } from '../../pipeline/pauses.ts'
import type { Connection } from '../../pipeline/warehouse/duckdb.ts'
import { lockHolder } from '../../pipeline/warehouse/lock.ts'
import { currentPublication } from '../../pipeline/warehouse/publish.ts'
import { openPublished } from '../../pipeline/warehouse/published-file.ts'
import type { Facts } from './incidents.ts'
import type { NotifyState } from './state.ts'

export interface Places {
  root: string
  warehouse: string
  ledger: string
  data: string
}

const INTERESTED = ['interested', 'meeting']

/** Looks at what is published, at what waits, and at what the last call left; answers also what is usual by now. */
export async function gatherFacts(
  places: Places,
  { budget }: Pick<EngineConfig, 'budget'>,
  approvals_hours: number,
  state: NotifyState,
  now: Date,
): Promise<{ facts: Facts; state: NotifyState }> {
  const waiting = readIncoming(places.data).waiting.map(({ message }) => message)
  const none: Facts = {
    ...{
      now,
      last_run: lastRun(places),
      published_at: null,
      tables: [],
      rejected: null,
      keys_refused: [],
      budgets: [],
    },
    ...{
      mailboxes_paused: pausedMailboxes(waiting),
      in_doubt: [],
      approvals: { waiting: 0, oldest: null },
      interested: [],
    },
  }
  const publication = currentPublication(places.warehouse)
  const published = await openPublished(places.warehouse)
  if (published === undefined || publication === undefined) return { facts: none, state }
  try {
    const { connection } = published
    const { seen, tables } = await tablesOf(connection, state, publication.id)
    const facts: Facts = {
      ...none,
      published_at: statSync(places.warehouse).mtime.toISOString(),
      tables,
      rejected: await rejectedOf(connection),
      keys_refused: await namesOf(connection, REFUSED),
      budgets: await budgetsOf(connection, budget, now),
      mailboxes_paused: pausedMailboxes([...(await pauseMessages(connection)), ...waiting]),
      in_doubt: await namesOf(connection, IN_DOUBT),
      approvals: await approvalsOf(connection, approvals_hours, now),
      interested: await interestedOf(connection, waiting, now),
    }
    return { facts, state: { ...state, tables: seen, publication: publication.id } }
  } finally {
    published.close()
  }
}

/** By the results of the last call that wrote some; a call that was begun since and is not under way broke off. */
function lastRun({ root, ledger }: Places): Facts['last_run'] {
  type Results = {
    metadata: { invocation_id?: string; generated_at: string }
    args: { invocation?: string }
    results: Result[]
  }
  type Result = { unique_id: string; status: string }
  const target = join(root, 'target')
  const read = <T>(...path: string[]) => {
    try {
      return JSON.parse(readFileSync(join(target, ...path), 'utf8')) as T
    } catch {
      return undefined
    }
  }
  const begun = read<{ invocation_id: string; typed: string }>('.cache', 'last_call.json')
  const results = read<Results>('run_results.json')
  if (begun !== undefined && begun.invocation_id !== results?.metadata.invocation_id) {
    if (lockHolder(ledger) === undefined) return { call: begun.typed, ended_at: null, failed: [] }
  }
  if (results === undefined) return null
  const failed = results.results
    .filter(({ status }) => ['error', 'fail'].includes(status))
    .map(({ unique_id }) => unique_id)
  return { call: results.args.invocation ?? 'pipeline', ended_at: results.metadata.generated_at, failed }
}

function pausedMailboxes(messages: readonly IncomingMessage[]): string[] {
  const pauses = foldPauses(messages.filter(({ kind }) => kind === 'pause' || kind === 'resume'))
  return [
    ...new Set(
      pauses.flatMap(({ what, scope }) => (what === 'send' && scope.mailbox !== undefined ? [scope.mailbox] : [])),
    ),
  ].sort()
}

async function pauseMessages(connection: Connection): Promise<IncomingMessage[]> {
  const rows = await connection.rows<{ id: string; kind: string; at: string; body: string }>(
    'select message_id as id, kind, sent_at as at, body from ops.pauses order by sent_at, message_id',
  )
  return rows.map((row) => ({ ...row, body: JSON.parse(row.body) as Record<string, unknown> }))
}

/** Models of marts, and steps that fetch: what the last publication's run made of each. A step that had nothing to do says nothing. */
async function tablesOf(connection: Connection, { tables, publication }: NotifyState, current: string) {
  const rows = await connection.rows<{ name: string; row_count: number }>(
    `select name, row_count from ops.nodes where row_count is not null and kind in ('model', 'step')
       and (starts_with(file, 'models/marts/') or contains(name, '__')) and not starts_with(file, 'models/staging/') order by name`,
  )
  const seen = { ...tables }
  const found = rows.map(({ name, row_count }) => {
    const before = tables[name] ?? { fewest: 0, times: 0 }
    if (publication !== current && row_count > 0) {
      const fewest = before.times === 0 ? row_count : Math.min(before.fewest, row_count)
      seen[name] = { fewest, times: before.times + 1 }
    }
    return { name, rows: row_count, fewest_before: before.fewest, times_before: before.times }
  })
  return { seen, tables: found }
}

async function rejectedOf(connection: Connection): Promise<Facts['rejected']> {
  const [found] = await connection.rows<{ rows: number; of: number }>(
    `with last as (select run_id, rows_recorded from marts.fct_runs where rows_recorded > 0 or run_id in (select run_id from ops.rejects)
       order by seq desc limit 1)
     select coalesce(sum(row_count), 0)::BIGINT as rows, coalesce(sum(row_count), 0)::BIGINT + any_value(rows_recorded)::BIGINT as of
     from last left join ops.rejects using (run_id)`,
  )
  return found?.of ? found : null
}

/** By the latest answer that came over the network. */
const REFUSED = `
  select provider as name from marts.fct_provider_calls where status is not null and not coalesce(cached, false)
  group by provider having arg_max(status, (requested_at, call_id)) in (401, 403) order by name`
const IN_DOUBT = `select event_id as name from marts.fct_outreach_events where status = 'in_doubt' order by name`

async function namesOf(connection: Connection, sql: string): Promise<string[]> {
  return (await connection.rows<{ name: string }>(sql)).map(({ name }) => name)
}

async function budgetsOf(connection: Connection, budget: EngineConfig['budget'], now: Date): Promise<Facts['budgets']> {
  const spent = await connection.rows<{ service: string; credits: number; usd: number }>(
    'select service, credits::DOUBLE as credits, usd::DOUBLE as usd from ops.spend where month = $1::date',
    [`${now.toISOString().slice(0, 7)}-01`],
  )
  const usd = Number(spent.reduce((sum, each) => sum + each.usd, 0).toFixed(2))
  const all =
    budget.usd_per_month === undefined ? [] : [{ name: 'USD of this month', spent: usd, limit: budget.usd_per_month }]
  const each = Object.entries(budget.providers).flatMap(([name, { credits_per_month: limit }]) =>
    limit === undefined
      ? []
      : [{ name: `credits of ${name}`, spent: spent.find(({ service }) => service === name)?.credits ?? 0, limit }],
  )
  return [...all, ...each]
}

async function approvalsOf(connection: Connection, hours: number, now: Date): Promise<Facts['approvals']> {
  const [found] = await connection.rows<Facts['approvals']>(
    `select count(*) filter (where planned_at < $1::timestamp) as waiting, min(planned_at) as oldest
     from marts.fct_outreach_events where status = 'planned'`,
    [new Date(now.getTime() - hours * 3_600_000).toISOString()],
  )
  return found!
}

/** Of the last three days: what runs took in, and what waits for the next. */
async function interestedOf(
  connection: Connection,
  waiting: readonly IncomingMessage[],
  now: Date,
): Promise<Facts['interested']> {
  const columns = 'leads.lead_id, leads.company_name as company, leads.owner'
  const since = new Date(now.getTime() - 3 * 86_400_000).toISOString()
  const known = await connection.rows<Facts['interested'][number]>(
    `select replies.reply_id, ${columns} from ops.replies left join ops.lead_rows as leads on leads.lead_id = replies.lead_id
     where replies.class in ('interested', 'meeting') and replies.received_at > $1::timestamp order by reply_id`,
    [since],
  )
  const found = [...known]
  for (const { id, kind, body } of waiting) {
    const heard = kind === HEARD_KIND ? heardSchema.safeParse(body) : undefined
    if (heard?.success !== true || !INTERESTED.includes(heard.data.class)) continue
    const { tokens, ids, addresses } = heard.data
    const [about] = await connection.rows<Omit<Facts['interested'][number], 'reply_id'>>(
      `select ${columns} from marts.fct_outreach_events as events join ops.lead_rows as leads on leads.lead_id = events.lead_id
       where events.token in (select unnest(from_json($1, '["VARCHAR"]')))
         or events.message_id in (select unnest(from_json($2, '["VARCHAR"]')))
         or lower(events.address) in (select unnest(from_json($3, '["VARCHAR"]')))
       order by events.sent_at desc nulls last, events.event_id limit 1`,
      [JSON.stringify(tokens), JSON.stringify(ids), JSON.stringify(addresses.map((each) => each.toLowerCase()))],
    )
    if (!found.some(({ reply_id }) => reply_id === id))
      found.push({ reply_id: id, ...(about ?? { lead_id: null, company: null, owner: null }) })
  }
  return found
}
