import { createRoute, z } from '@hono/zod-openapi'
import MarkdownIt from 'markdown-it'
import { type Api, answers, refusals, row, type ServeContext, userOf } from '../context.ts'
import { gateOf, type Standing } from '../gate.ts'
import { masked } from '../mask.ts'
import { pausesNow } from '../pauses.ts'
import { Refusal } from '../problem.ts'
import type { Snapshot } from '../publications.ts'
import type { User } from '../users.ts'

const params = z.object({ id: z.string().max(100) })

/** What is told of a lead, each part by the query that reads it; `$1` lead, `$2` company, `$3` contact. */
const PARTS: Record<string, string> = {
  company: 'select * from marts.dim_companies where company_id = $2 and $1 <> $3',
  contact: 'select * from marts.dim_contacts where contact_id = $3 and $1 <> $2',
  enrichment:
    'select * exclude (buying_signals, news_mentions) from marts.fct_enriched_leads where lead_id = $1 and $2 <> $3',
  signals: `select kind, evidence, url, source, strength, is_buying, observed_at, fetched_at from marts.fct_buying_signals
    where company_id = $2 and $1 <> $3 order by observed_at desc nulls last, signal_id`,
  news: `select title, url, source, published_at from marts.fct_news_mentions where company_id = $2 and $1 <> $3
    order by published_at desc nulls last, news_id`,
  history: `select score, score_change, tier, previous_tier, qualification_status, scored_at, run_id from marts.fct_score_history
    where lead_id = $1 and $2 <> $3 order by scored_at desc, run_id`,
  outreach: `select * from marts.fct_outreach_events where lead_id = $1 and $2 <> $3 order by planned_at, event_id`,
  syncs: `select * from marts.fct_crm_syncs where record_id in ($1, $2, $3) order by synced_at desc nulls last, sync_id`,
  provenance: `select * from ops.provenance where $1 <> '' and ((entity = 'company' and id = $2) or (entity = 'contact' and id = $3))
    order by entity, field, source, source_key`,
  values_beaten: `select * from ops.values_beaten where $1 <> '' and ((entity = 'company' and id = $2) or (entity = 'contact' and id = $3))
    order by entity, field, position`,
  purchases: `select provider, endpoint, field, credits, usd, hit, cached, requested_at from marts.fct_provider_calls
    where (lead_id = $1 or company_id = $2) and $1 <> $3 order by requested_at, call_id`,
}
const ONE = ['company', 'contact', 'enrichment']

/** `GET /v1/leads/{id}` and its brief. */
export function oneLeadRoutes(api: Api, { publications, acts, now }: ServeContext): void {
  const lead = createRoute({
    method: 'get',
    path: '/v1/leads/{id}',
    tags: ['leads'],
    summary: 'All that is known of a lead, where it comes from, and why it scores as it does',
    request: { params },
    responses: answers(z.object({ lead: row }).catchall(z.unknown()).openapi('Lead'), 'The lead'),
  })
  api.openapi(lead, async (c) => {
    const user = userOf(c)
    return publications.read(async (snapshot) => {
      const found = await findLead(snapshot, c.req.valid('param').id, user)
      const keys = [found.lead_id, found.company_id, found.contact_id ?? ''].map(String)
      const parts = Object.entries(PARTS).map(async ([name, query]) => {
        const rows = await snapshot.use((_, connection) => connection.rows(query, keys))
        return [name, ONE.includes(name) ? (rows[0] ?? null) : rows] as const
      })
      const told = Object.fromEntries(await Promise.all(parts))
      const ids = new Set([found.lead_id, ...(told.outreach as { event_id: string }[]).map((each) => each.event_id)])
      const pending = (await acts.pending(snapshot)).filter(({ subject_id }) => ids.has(subject_id ?? ''))
      const gate = gateOf({
        lead: found as unknown as Standing['lead'],
        is_icp_match: (told.company as Record<string, unknown> | null)?.is_icp_match,
        enriched_at: (told.enrichment as Record<string, unknown> | null)?.enriched_at,
        events: told.outreach as unknown as Standing['events'],
        pauses: await pausesNow(snapshot, acts),
        today: now().toISOString().slice(0, 10),
      })
      const body = masked(user, { lead: found, gate, ...told, pending })
      return c.json({ ...body, published: snapshot.publication.id, as_of: snapshot.as_of }, 200)
    })
  })

  const brief = createRoute({
    method: 'get',
    path: '/v1/leads/{id}/brief',
    tags: ['leads'],
    summary: 'The deal brief: Markdown unless `format` or Accept says otherwise',
    request: { params, query: z.object({ format: z.enum(['markdown', 'html', 'json']).optional() }) },
    responses: {
      200: {
        description: 'The brief',
        content: {
          'text/markdown': { schema: z.string() },
          'text/html': { schema: z.string() },
          'application/json': { schema: row },
        },
      },
      ...refusals,
    },
  })
  api.openapi(brief, async (c) => {
    const user = userOf(c)
    if (!user.sees_people) throw new Refusal(403, 'role_lacks_right', `The role ${user.role} may not read briefs.`)
    return publications.read(async (snapshot) => {
      const found = await findLead(snapshot, c.req.valid('param').id, user)
      const markdown = found.deal_brief as string | null
      if (markdown === null) throw new Refusal(404, 'no_brief', 'Disqualified leads have no brief.')
      const format = c.req.valid('query').format ?? formatOf(c.req.header('accept') ?? '')
      if (format === 'json') {
        const { lead_id, brief_evidence, score_version, scored_at } = found
        return c.json({ lead_id, deal_brief: markdown, brief_evidence, score_version, scored_at }, 200)
      }
      if (format === 'markdown') return c.body(markdown, 200, { 'content-type': 'text/markdown; charset=utf-8' })
      return c.html(htmlOf(markdown), 200)
    })
  })
}

function formatOf(accept: string): 'markdown' | 'html' | 'json' {
  if (accept.includes('text/html')) return 'html'
  return accept.includes('application/json') ? 'json' : 'markdown'
}

/** No HTML of the text's own, and no link that runs anything. */
const renderer = new MarkdownIt({ html: false, linkify: false })

function htmlOf(markdown: string): string {
  const page = `<!doctype html><html><head><meta charset="utf-8"><title>Deal brief</title>`
  return `${page}<link rel="stylesheet" href="/docs/style.css"></head><body><main>${renderer.render(markdown)}</main></body></html>`
}

async function findLead(snapshot: Snapshot, id: string, user: User): Promise<Record<string, unknown>> {
  const [found] = await snapshot.use((_, connection) =>
    connection.rows<Record<string, unknown>>(
      `select scored.* replace (listed.owner as owner), listed.company_name, listed.full_name, listed.snoozed_until
       from marts.fct_scored_leads as scored join ops.lead_rows as listed on listed.lead_id = scored.lead_id
       where scored.lead_id = $1`,
      [id],
    ),
  )
  // Somebody else's lead looks like none.
  if (found === undefined || (user.own_only && found.owner !== user.owner)) {
    throw new Refusal(404, 'no_such_lead', 'There is no lead of this id.')
  }
  return found
}
