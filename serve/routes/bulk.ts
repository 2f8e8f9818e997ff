import { createRoute, z } from '@hono/zod-openapi'
import { foldPauses } from '../../pipeline/pauses.ts'
import { type Api, answers, row, type ServeContext, userOf } from '../context.ts'
import { Refusal } from '../problem.ts'
import type { Snapshot } from '../publications.ts'
import type { User } from '../users.ts'

const body = z.strictObject({
  verb: z.enum(['approve', 'reject']),
  reason: z.string().trim().min(1).max(500).optional(),
  messages: z
    .array(z.strictObject({ event_id: z.string().max(200), content_hash: z.string().min(1).max(200) }))
    .min(1)
    .max(500),
  /** Nothing is decided: only what would be said of each. */
  only_look: z.boolean().default(false),
})

interface Standing {
  event_id: string
  status: string
  content_hash: string | null
  owner: string | null
  sequence: string | null
  mailbox: string | null
  snoozed_until: string | null
  has_left: boolean
  has_replied: boolean
}

/** `POST /v1/outreach/decide`: many at once, each with what stands in its way. */
export function bulkRoutes(api: Api, { publications, acts }: ServeContext): void {
  const decide = createRoute({
    method: 'post',
    path: '/v1/outreach/decide',
    tags: ['outreach'],
    summary: 'Approve or reject many; one result each, and why not where not',
    request: {
      headers: z.object({ 'idempotency-key': z.string().min(8).max(200) }),
      body: { required: true, content: { 'application/json': { schema: body } } },
    },
    responses: answers(z.object({ data: z.array(row) }).openapi('Decided'), 'One result per message, in their order'),
  })
  api.openapi(decide, (c) =>
    publications.read(async (snapshot) => {
      const user = userOf(c, 'decide')
      const { verb, reason, messages, only_look } = c.req.valid('json')
      const standing = await standingOf(
        snapshot,
        messages.map(({ event_id }) => event_id),
      )
      const held = foldPauses(acts.of('pause', 'resume')).filter(({ what }) => what === 'send')
      const data: Record<string, unknown>[] = []
      for (const { event_id, content_hash } of messages) {
        const found = standing.get(event_id)
        const stops = stopsOf(found, content_hash, user, verb, snapshot.as_of)
        const notes = held.length > 0 && verb === 'approve' ? ['paused: it waits until somebody resumes'] : []
        if (stops.length > 0 || only_look) {
          data.push({ event_id, decided: false, stops, notes })
          continue
        }
        const said =
          verb === 'approve'
            ? { messages: [{ event_id, content_hash }] }
            : { events: [event_id], ...(reason === undefined ? {} : { reason }) }
        const key = `/v1/outreach/decide/${event_id}\0${c.req.header('idempotency-key')!}`
        try {
          await acts.leave(snapshot, { kind: verb, body: said, user, key })
          data.push({ event_id, decided: true, stops: [], notes })
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
          data.push({ event_id, decided: false, stops: [`${error.code}: ${error.message}`], notes })
        }
      }
      return c.json({ data }, 200)
    }),
  )
}

function stopsOf(found: Standing | undefined, hash: string, user: User, verb: string, as_of: string): string[] {
  if (found === undefined || (user.own_only && found.owner !== user.owner)) return ['there is no such message']
  const stops: string[] = []
  if (found.status !== 'planned') stops.push(`it is ${found.status}`)
  if (verb === 'reject') return stops
  if (found.content_hash !== hash) stops.push('its words changed since they were looked at')
  if (found.has_left) stops.push('the person wants to hear no more, or the address refused')
  if (found.has_replied) stops.push('the person has answered')
  if (found.snoozed_until !== null && found.snoozed_until > as_of)
    stops.push(`the lead is left alone until ${found.snoozed_until}`)
  return stops
}

async function standingOf(snapshot: Snapshot, ids: readonly string[]): Promise<Map<string, Standing>> {
  const rows = await snapshot.use((_, connection) =>
    connection.rows<Standing>(
      `with chosen as (
         select * from marts.fct_outreach_events where event_id in (select unnest(from_json($1, '["VARCHAR"]')))
       ),
       heard as (
         select contact_id, bool_or(status in ('unsubscribed', 'complained', 'bounced')) as has_left,
           bool_or(responded_at is not null and coalesce(response_type, '') <> 'out_of_office') as has_replied
         from marts.fct_outreach_events where contact_id in (select contact_id from chosen) group by contact_id
       )
       select chosen.event_id, chosen.status, chosen.content_hash, chosen.sequence, chosen.mailbox, leads.owner,
         leads.snoozed_until, coalesce(heard.has_left, false) as has_left, coalesce(heard.has_replied, false) as has_replied
       from chosen left join ops.lead_rows as leads using (lead_id) left join heard on heard.contact_id = chosen.contact_id`,
      [JSON.stringify(ids)],
    ),
  )
  return new Map(rows.map((each) => [each.event_id, each]))
}
