import { createRoute, z } from '@hono/zod-openapi'
import { type Api, answers, row, type ServeContext, userOf } from '../context.ts'

const OWN = '($1::varchar is null or lead_id in (select lead_id from ops.lead_rows where owner = $1))'
const EVENTS = `(select * from marts.fct_outreach_events where ${OWN})`

const PARTS = {
  calendar: `select cast(planned_at as date) as day, channel, status, count(*) as events from ${EVENTS} as events
    where status in ('planned', 'approved', 'sending') group by all order by all`,
  not_sent: `select coalesce(skip_reason, status) as reason, channel, count(*) as events, count(distinct lead_id) as leads
    from ${EVENTS} as events where status in ('skipped', 'failed', 'in_doubt', 'rejected', 'bounced')
    group by all order by events desc, reason, channel`,
  replies: `select response_type, channel, count(*) as events, max(responded_at) as latest from ${EVENTS} as events
    where response_type is not null group by all order by events desc, response_type, channel`,
  mailboxes: `select coalesce(mailbox, '–') as mailbox, channel,
      count(*) filter (where status = 'planned') as planned, count(*) filter (where status = 'approved') as approved,
      count(*) filter (where sent_at >= as_of() - interval 1 day) as sent_1d,
      count(*) filter (where sent_at >= as_of() - interval 30 days) as sent_30d,
      count(*) filter (where status = 'bounced' and sent_at >= as_of() - interval 30 days) as bounced_30d,
      count(*) filter (where status = 'complained' and sent_at >= as_of() - interval 30 days) as complained_30d,
      count(*) filter (where status = 'unsubscribed' and sent_at >= as_of() - interval 30 days) as unsubscribed_30d,
      count(*) filter (where responded_at >= as_of() - interval 30 days) as replied_30d,
      count(*) filter (where status = 'failed') as failed, count(*) filter (where status = 'in_doubt') as in_doubt
    from ${EVENTS} as events group by all order by all`,
}

/** `GET /v1/outreach/overview`: what leaves on which day, what does not and why, what came back, how each mailbox fares. */
export function scheduleRoutes(api: Api, { publications }: ServeContext): void {
  const overview = createRoute({
    method: 'get',
    path: '/v1/outreach/overview',
    tags: ['outreach'],
    summary: 'Send calendar, why not sent, replies by class, health of each mailbox',
    responses: answers(z.record(z.string(), z.array(row)).openapi('OutreachOverview'), 'Counts'),
  })
  api.openapi(overview, (c) =>
    publications.read(async (snapshot) => {
      const user = userOf(c)
      const owner = user.own_only ? user.owner : null
      const told = await snapshot.memo(`schedule ${owner ?? ''}`, async (connection) => {
        const parts: Record<string, Record<string, unknown>[]> = {}
        for (const [name, query] of Object.entries(PARTS)) parts[name] = await connection.rows(query, [owner])
        return parts
      })
      return c.json(told, 200)
    }),
  )
}
