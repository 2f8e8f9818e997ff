import { createRoute, z } from '@hono/zod-openapi'
import { type Api, answers, row, type ServeContext, userOf } from '../context.ts'
import { masked } from '../mask.ts'
import { pausesNow } from '../pauses.ts'

/** From the ideal customer profile to the CRM: how many leads or companies are as far as each step. */
const FUNNEL = `
  select 'discovered' as stage, count(*) as companies, (select count(*) from ops.lead_rows) as leads from marts.dim_companies
  union all select 'icp', count(*) filter (where is_icp_match),
    (select count(*) from ops.lead_rows join marts.dim_companies using (company_id) where is_icp_match) from marts.dim_companies
  union all select 'enriched', count(distinct company_id), count(*) from ops.lead_rows where enriched_at is not null
  union all select 'qualified', count(distinct company_id), count(*) from ops.lead_rows where qualification_status = 'qualified'
  union all select 'contacted', count(distinct company_id), count(*) from ops.lead_rows
    where lead_id in (select lead_id from marts.fct_outreach_events where sent_at is not null)
  union all select 'replied', count(distinct company_id), count(*) from ops.lead_rows
    where lead_id in (select lead_id from marts.fct_outreach_events where responded_at is not null)
  union all select 'in_crm', count(distinct company_id), count(*) from ops.lead_rows
    where lead_id in (select record_id from marts.fct_crm_syncs where crm_id is not null)
      or company_id in (select record_id from marts.fct_crm_syncs where crm_id is not null)`

const PARTS: Record<string, string> = {
  funnel: FUNNEL,
  tiers: 'select tier, qualification_status, count(*) as leads from ops.lead_rows group by all order by all',
  tier_moves: `select previous_tier, tier, count(*) as leads from marts.fct_score_history
    where is_latest and previous_tier is distinct from tier and previous_tier is not null group by all order by all`,
  spend: `select service, sum(calls)::BIGINT as calls, sum(credits)::DOUBLE as credits, sum(usd)::DOUBLE as usd from ops.spend
    where month = date_trunc('month', as_of()) group by service order by service`,
  spend_by_month:
    'select month, service, calls, credits::DOUBLE as credits, usd::DOUBLE as usd from ops.spend order by month, service',
  outreach: 'select channel, status, count(*) as events from marts.fct_outreach_events group by all order by all',
  replies: `select response_type, count(*) as events from marts.fct_outreach_events where response_type is not null
    group by all order by all`,
  skipped: `select skip_reason, count(*) as events from marts.fct_outreach_events where skip_reason is not null
    group by all order by events desc, skip_reason`,
  syncs:
    'select crm, object, operation, status, count(*) as records from marts.fct_crm_syncs group by all order by all',
  failed_nodes: `select name, kind, status, message from ops.nodes where status not in ('success', 'reused', 'skipped', 'pass', 'no-op')
    order by name`,
  failed_tests: `select name, about, severity, status, failures from ops.tests where failures > 0 order by severity, name`,
  rejects: 'select source, reason, sum(row_count)::BIGINT as row_count from ops.rejects group by all order by all',
  last_runs: 'select * from ops.runs order by started_at desc, run_id limit 5',
}

/** `GET /v1/stats`, `/v1/pending`, `/v1/pauses`, `/v1/me`. */
export function statsRoutes(api: Api, { publications, acts }: ServeContext): void {
  const stats = createRoute({
    method: 'get',
    path: '/v1/stats',
    tags: ['overview'],
    summary: 'The funnel, tiers, spend, outreach, what failed: of the publication as a whole',
    responses: answers(z.record(z.string(), z.unknown()).openapi('Stats'), 'Counts'),
  })
  api.openapi(stats, (c) =>
    publications.read(async (snapshot) => {
      userOf(c)
      const told = await snapshot.memo('stats', async (connection) => {
        const parts: [string, unknown][] = []
        for (const [name, query] of Object.entries(PARTS)) parts.push([name, await connection.rows(query)])
        return Object.fromEntries(parts) as Record<string, unknown>
      })
      const { publication, as_of, published_at } = snapshot
      return c.json({ ...told, published: publication.id, published_at, as_of, waiting: acts.count() }, 200)
    }),
  )

  const pending = createRoute({
    method: 'get',
    path: '/v1/pending',
    tags: ['overview'],
    summary: 'What people and services did that the next run takes in',
    responses: answers(z.object({ data: z.array(row) }).openapi('Pending'), 'Newest first'),
  })
  api.openapi(pending, async (c) => {
    const user = userOf(c)
    const told = await publications.read((snapshot) => acts.pending(snapshot)).catch(() => acts.pending(undefined))
    const shown = user.own_only ? told.filter(({ by }) => by === user.name) : told
    return c.json({ data: shown.map((each) => masked(user, { ...each }) as Record<string, unknown>) }, 200)
  })

  const pauses = createRoute({
    method: 'get',
    path: '/v1/pauses',
    tags: ['overview'],
    summary: 'What is held',
    responses: answers(z.object({ data: z.array(row) }).openapi('Pauses'), 'Pauses in force'),
  })
  api.openapi(pauses, (c) =>
    publications.read(async (snapshot) => {
      userOf(c)
      return c.json({ data: (await pausesNow(snapshot, acts)).map((each) => ({ ...each })) }, 200)
    }),
  )

  const me = createRoute({
    method: 'get',
    path: '/v1/me',
    tags: ['overview'],
    summary: 'Who asks, and what that one may do',
    responses: answers(row, 'The user'),
  })
  api.openapi(me, (c) => c.json({ ...userOf(c) }, 200))
}
