import { createRoute, z } from '@hono/zod-openapi'
import type { Scoring } from '../../scoring/layers.ts'
import { type Api, answers, type ServeContext, userOf } from '../context.ts'
import { masked } from '../mask.ts'

const PARTS: Record<string, string> = {
  distribution: `select least(floor(score / 5), 19)::INTEGER * 5 as score_from, tier, count(*) as leads
    from ops.lead_rows where score is not null group by all order by all`,
  coverage: `select rule, count(distinct lead_id) as leads, sum(points)::DOUBLE as points,
      (sum(points) / count(distinct lead_id))::DOUBLE as points_each, min(because) as for_example
    from marts.fct_score_reasons group by rule order by leads desc, rule`,
  history: `select cast(scored_at as date) as day, run_id, tier, count(*) as changed_leads, avg(score) as mean_score
    from marts.fct_score_history group by all order by day, run_id, tier`,
  moved: `select lead_id, company_name, full_name, history.previous_tier, history.tier, history.score_change, history.score
    from marts.fct_score_history as history join ops.lead_rows using (lead_id)
    where history.is_latest and history.score_change is not null and history.score_change <> 0
    order by abs(history.score_change) desc, lead_id limit 50`,
  // What a score was worth: of those written to, how many answered, and how many wanted more, by the score when they were.
  backtest: `
    with contacted as (
      select events.lead_id, min(events.sent_at) as first_sent_at, bool_or(events.responded_at is not null
          and coalesce(events.response_type, '') not in ('out_of_office', 'unsubscribe')) as has_replied,
        bool_or(events.response_type in ('interested', 'meeting', 'referral')) as is_positive
      from marts.fct_outreach_events as events where events.sent_at is not null group by events.lead_id
    ),
    scored as (
      select contacted.*, coalesce(history.score, leads.score) as score from contacted
      join ops.lead_rows as leads using (lead_id)
      asof left join marts.fct_score_history as history
        on history.lead_id = contacted.lead_id and history.scored_at <= contacted.first_sent_at
    )
    select least(floor(score / 20), 4)::INTEGER * 20 as score_from, count(*) as contacted,
      count(*) filter (where has_replied) as replied, count(*) filter (where is_positive) as positive
    from scored where score is not null group by all order by all`,
}

/** `GET /v1/scores`: the cards in words, and what they make of the leads there are. */
export function scoresRoutes(api: Api, { publications, scores }: ServeContext): void {
  const route = createRoute({
    method: 'get',
    path: '/v1/scores',
    tags: ['score'],
    summary: 'Cards, distribution, how often each rule holds, what scores were worth, history, who moved',
    responses: answers(z.record(z.string(), z.unknown()).openapi('ScoresOverview'), 'Of the publication'),
  })
  api.openapi(route, (c) =>
    publications.read(async (snapshot) => {
      const user = userOf(c)
      const told = await snapshot.memo('scores', async (connection) => {
        const parts: Record<string, Record<string, unknown>[]> = {}
        for (const [name, query] of Object.entries(PARTS)) parts[name] = await connection.rows(query)
        const [all] = await connection.rows<{ leads: number }>('select count(*) as leads from ops.lead_rows')
        return {
          ...parts,
          leads: all!.leads,
          cut_offs: await connection.rows('select * from ops.score_cutoffs order by segment, tier'),
        }
      })
      const shown = user.own_only ? { ...told, moved: [] } : told
      return c.json({ ...masked(user, shown), ...cardsOf(await scores.scoring()) }, 200)
    }),
  )
}

function cardsOf({ cards, policy, version }: Scoring) {
  const { qualification } = policy
  return {
    version,
    cards: cards.map(({ name, part, segments, card, rules }) => ({
      ...{ name, part, segments, range: card.range, bands: card.bands, weight: qualification.weights[part] ?? null },
      rules: card.rules.map(({ when, points, because, group = null }, index) => ({
        ...{ rule: rules[index]!.name, when, points, because, group },
      })),
    })),
    tiers: qualification.tiers,
    weights: qualification.weights,
    disqualify: policy.disqualify.map(({ name }) => name),
  }
}
