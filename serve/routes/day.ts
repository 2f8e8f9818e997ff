import { createRoute, z } from '@hono/zod-openapi'
import { TASK_OUTCOMES } from '../../outreach/task-outcomes.ts'
import { type Api, answers, type ServeContext, userOf } from '../context.ts'
import { masked } from '../mask.ts'

const EVENTS = `select events.event_id, events.lead_id, events.channel, events.status, events.subject, events.body, events.content_hash,
    events.address, events.mailbox, events.sequence, events.sequence_step, events.response_type, events.response, events.planned_at,
    events.responded_at, leads.company_name, leads.full_name, leads.title, leads.phone, leads.email, leads.owner, leads.score,
    leads.tier, contacts.linkedin_url
  from marts.fct_outreach_events as events left join ops.lead_rows as leads using (lead_id)
  left join marts.dim_contacts as contacts on contacts.contact_id = events.contact_id`

/** What a person is to do, each kind by what it is and since when it waits. */
const KINDS = {
  replies: {
    from: `(${EVENTS} where events.responded_at is not null
      and events.response_type in ('interested', 'meeting', 'referral', 'other')
      and (leads.snoozed_until is null or leads.snoozed_until <= as_of())
      and not exists (from marts.fct_outreach_events as later
        where later.lead_id = events.lead_id and later.sent_at > events.responded_at))`,
    since: 'responded_at',
    key: 'event_id',
    order: 'responded_at desc, event_id',
  },
  tasks: {
    from: `(${EVENTS} where events.channel <> 'email' and events.status = 'approved')`,
    since: 'planned_at',
    key: 'event_id',
    order: 'planned_at, event_id',
  },
  approvals: {
    from: `(${EVENTS} where events.status = 'planned')`,
    since: 'planned_at',
    key: 'event_id',
    order: 'planned_at, event_id',
  },
  new_leads: {
    from: `(select * exclude (search_text) from ops.lead_rows where qualification_status = 'qualified'
      and discovered_at >= as_of() - interval 7 days)`,
    since: 'discovered_at',
    key: 'lead_id',
    order: 'score desc, lead_id',
  },
} as const

const SHOWN = 50

/** `GET /v1/day`: a person's day, and for who sees more than one person's leads, everybody's. */
export function dayRoutes(api: Api, { publications, acts }: ServeContext): void {
  const day = createRoute({
    method: 'get',
    path: '/v1/day',
    tags: ['overview'],
    summary:
      'Replies to answer, tasks with their text, approvals, new leads; by owner, with since when the oldest waits',
    request: {
      query: z.object({ owner: z.string().max(200).optional().openapi({ description: '`none`: nobody’s' }) }),
    },
    responses: answers(z.record(z.string(), z.unknown()).openapi('Day'), 'The day'),
  })
  api.openapi(day, (c) =>
    publications.read(async (snapshot) => {
      const user = userOf(c)
      const owner = user.own_only ? user.owner : c.req.valid('query').owner
      const where = owner === undefined ? '' : owner === 'none' ? 'where owner is null' : 'where owner = $1'
      const values = owner === undefined || owner === 'none' ? [] : [owner]
      const pending = new Map((await acts.pending(snapshot)).map((act) => [act.subject_id, act.kind]))
      const parts = Object.entries(KINDS).map(async ([name, { from, order, key }]) => {
        const [rows, [counted]] = await Promise.all([
          snapshot.use((_, connection) =>
            connection.rows(`select * from ${from} as listed ${where} order by ${order} limit ${SHOWN}`, values),
          ),
          snapshot.use((_, connection) =>
            connection.rows<{ total: number }>(`select count(*) as total from ${from} as listed ${where}`, values),
          ),
        ])
        const data = rows.map((each) => ({
          ...masked(user, each),
          pending: pending.get(each[key] as string) ?? pending.get(each.lead_id as string) ?? null,
        }))
        return [name, { data, total: counted!.total }] as const
      })
      const told = Object.fromEntries(await Promise.all(parts))
      const by_owner = user.own_only ? [] : await snapshot.memo('by_owner', (connection) => connection.rows(BY_OWNER))
      const outcomes = Object.entries(TASK_OUTCOMES).map(([outcome, { says }]) => ({ outcome, says }))
      return c.json({ ...told, by_owner, outcomes, owner: owner ?? null, as_of: snapshot.as_of }, 200)
    }),
  )
}

const BY_OWNER = `
  with waiting as (
    ${Object.entries(KINDS)
      .map(([name, { from, since }]) => `select '${name}' as kind, owner, ${since} as since from ${from} as listed`)
      .join(' union all ')}
  )
  select owner, ${Object.keys(KINDS)
    .map((name) => `count(*) filter (where kind = '${name}') as ${name}`)
    .join(', ')},
    case when count(*) filter (where kind = 'replies') > 0
      then greatest(0, date_diff('day', min(since) filter (where kind = 'replies'), as_of())) end as oldest_reply_days,
    case when count(*) filter (where kind = 'tasks') > 0
      then greatest(0, date_diff('day', min(since) filter (where kind = 'tasks'), as_of())) end as oldest_task_days,
    case when count(*) filter (where kind = 'approvals') > 0
      then greatest(0, date_diff('day', min(since) filter (where kind = 'approvals'), as_of())) end as oldest_approval_days
  from waiting group by owner order by owner nulls last`
