import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createRoute, z } from '@hono/zod-openapi'
import { type Api, answers, type Budget, type ServeContext, userOf } from '../context.ts'

/** How many came to each stage since the run before the one that published; NULL where there was none. */
const GROWTH = `
  with before as (select max(started_at) as since from ops.runs where run_id <> $1),
  earlier as (
    select lead_id, qualification_status from marts.fct_score_history where run_id <> $1
    qualify row_number() over (partition by lead_id order by scored_at desc, run_id desc) = 1
  ),
  changes as (
    select 'discovered' as stage, count(*) as change from marts.dim_companies, before where discovered_at > since
    union all select 'icp', count(*) filter (where is_icp_match) from marts.dim_companies, before where discovered_at > since
    union all select 'enriched', count(distinct company_id) from ops.lead_rows, before where enriched_at > since
    union all select 'qualified', (select count(distinct company_id) from ops.lead_rows where qualification_status = 'qualified')
      - (select count(distinct company_id) from earlier join ops.lead_rows using (lead_id) where earlier.qualification_status = 'qualified')
    union all select 'contacted', count(distinct lead_id) from marts.fct_outreach_events, before where sent_at > since
    union all select 'replied', count(distinct lead_id) from marts.fct_outreach_events, before where responded_at > since
    union all select 'in_crm', count(distinct record_id) from marts.fct_crm_syncs, before where synced_at > since
  )
  select stage, case when (select since from before) is null then null else change end as change from changes`

const SERVICES = `
  select provider as service, max(requested_at) as last_asked, max(requested_at) filter (where hit) as last_answered,
    count(*) filter (where requested_at >= as_of() - interval 7 days) as calls_7d,
    count(*) filter (where not hit and status is null) as broken_off
  from marts.fct_provider_calls group by provider order by provider`

const QUIET_DAYS = 3

/** `GET /v1/today`: what changed since the run before, what went silent, what the last call came to, money against its caps. */
export function todayRoutes(api: Api, { publications, artifacts, budget, now }: ServeContext): void {
  const today = createRoute({
    method: 'get',
    path: '/v1/today',
    tags: ['overview'],
    summary:
      'Change since the run before, services and how long they are silent, the last call, spend against its caps',
    responses: answers(z.record(z.string(), z.unknown()).openapi('Today'), 'Of the publication and of the last call'),
  })
  api.openapi(today, (c) =>
    publications.read(async (snapshot) => {
      userOf(c)
      const { publication, published_at, as_of } = snapshot
      const told = await snapshot.memo('today', async (connection) => ({
        growth: await connection.rows(GROWTH, [publication.run_id]),
        services: await connection.rows(SERVICES),
        spent: await connection.rows<{ service: string; credits: number; usd: number }>(
          `select service, sum(credits)::DOUBLE as credits, sum(usd)::DOUBLE as usd from ops.spend
           where month = date_trunc('month', as_of()) group by service`,
        ),
      }))
      const age_hours = (now().getTime() - Date.parse(published_at)) / 3_600_000
      return c.json(
        {
          ...{ growth: told.growth, services: told.services, caps: capsOf(budget, told.spent) },
          ...{ age_hours, is_old: age_hours > 24 * QUIET_DAYS, last_call: lastCall(artifacts, published_at), as_of },
        },
        200,
      )
    }),
  )
}

function capsOf({ usd_per_month, providers = {} }: Budget, spent: { service: string; credits: number; usd: number }[]) {
  const usd = spent.reduce((sum, each) => sum + each.usd, 0)
  const credits = Object.entries(providers).flatMap(([name, { credits_per_month: limit }]) =>
    limit === undefined
      ? []
      : [{ cap: `${name} credits`, limit, spent: spent.find(({ service }) => service === name)?.credits ?? 0 }],
  )
  return [...(usd_per_month === undefined ? [] : [{ cap: 'USD', limit: usd_per_month, spent: usd }]), ...credits]
}

const calls = z.object({
  args: z.object({ invocation: z.string() }),
  results: z.array(
    z.object({ status: z.string(), unique_id: z.string(), message: z.string().nullable().optional() }).loose(),
  ),
})

/** The last call that ran anything, when it failed since what is published was written; null: nothing of the kind. */
function lastCall(artifacts: string | undefined, published_at: string) {
  if (artifacts === undefined) return null
  try {
    const file = join(artifacts, 'run_results.json')
    const { mtime } = statSync(file)
    if (mtime.toISOString() <= published_at) return null
    const { args, results } = calls.parse(JSON.parse(readFileSync(file, 'utf8')))
    const failed = results.filter(({ status }) => status === 'error' || status === 'fail')
    return {
      ...{ call: args.invocation, at: mtime.toISOString(), nodes: results.length },
      failed: failed.slice(0, 50).map(({ unique_id, status, message }) => ({ node: unique_id, status, message })),
    }
  } catch {
    return null
  }
}
