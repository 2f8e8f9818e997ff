import { createRoute, type RouteConfig, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { pauseSchema } from '../../pipeline/pauses.ts'
import { decidedAlready } from '../acts.ts'
import { type Api, answers, type Environment, type ServeContext, userOf } from '../context.ts'
import { Refusal } from '../problem.ts'
import type { Snapshot } from '../publications.ts'
import type { Right, User } from '../users.ts'

const answered = z
  .object({
    message_id: z.string(),
    repeated: z.boolean().openapi({ description: 'The same had been said before, under the same key' }),
    taken_in: z.enum(['next_run', 'done']),
  })
  .openapi('Answered')

const reason = z.string().trim().min(1).max(500)
const day = z.iso.date()
const params = z.object({ id: z.string().max(200) })
const headers = z.object({
  'idempotency-key': z
    .string()
    .min(8)
    .max(200)
    .openapi({ description: 'The same key, the same act: sent again it is done once' }),
})

interface Act<S extends z.ZodType> {
  path: string
  tag: string
  summary: string
  body: S
  right: Right
  /** The message it leaves, from what was said; whose the lead is has been looked at. */
  message(said: z.output<S>, id: string): Promise<{ kind: string; body: Record<string, unknown> }>
  about: 'event' | 'lead' | 'nothing'
  /** Throws a Refusal where the message, as it is published, leaves nothing to decide. */
  refuse?(said: z.output<S>, subject: Subject): void
}

/** What is decided about, as it is published. */
interface Subject {
  owner: string | null
  event_id?: string
  channel?: string
  status?: string
  content_hash?: string | null
  approved_by?: string | null
  approved_at?: string | null
}

const content_hash = z.string().min(1).max(200).openapi({ description: 'Of the words that were looked at' })
const overrule = z.boolean().default(false).openapi({ description: 'Also where it has been approved already' })

/** `POST` of what people decide; each leaves one message in `data/incoming/`, and answers when it is on disk. */
export function decideRoutes(api: Api, context: ServeContext): void {
  const add = <S extends z.ZodType>(act: Act<S>) => addAct(api, context, act)
  add({
    ...{ path: '/v1/outreach/{id}/approve', tag: 'outreach', summary: 'This message may leave, as it was looked at' },
    ...{ right: 'decide', about: 'event', body: z.strictObject({ content_hash }) },
    message: async ({ content_hash: hash }, event_id) => ({
      kind: 'approve',
      body: { messages: [{ event_id, content_hash: hash }] },
    }),
    refuse: ({ content_hash: hash }, subject) => mustBeOpen(subject, ['planned'], hash),
  })
  add({
    ...{ path: '/v1/outreach/{id}/reject', tag: 'outreach', summary: 'This message never leaves' },
    ...{ right: 'decide', about: 'event', body: z.strictObject({ reason: reason.optional(), overrule }) },
    message: async ({ overrule: _, ...said }, event_id) => ({ kind: 'reject', body: { events: [event_id], ...said } }),
    refuse: (said, subject) => mustBeOpen(subject, ['planned', 'skipped', ...(said.overrule ? ['approved'] : [])]),
  })
  add({
    ...{ path: '/v1/outreach/{id}/edit', tag: 'outreach', summary: 'Other words, which then stay' },
    ...{ right: 'decide', about: 'event' },
    body: z.strictObject({
      content_hash,
      subject: z
        .string()
        .max(998)
        .regex(/^[^\r\n\0]*$/, 'must be one line')
        .nullable(),
      body: z.string().min(1).max(100_000),
      approve: z.boolean().default(false),
      overrule,
    }),
    message: async ({ overrule: _, ...said }, event_id) => ({ kind: 'edit', body: { event_id, ...said } }),
    refuse: (said, subject) =>
      mustBeOpen(subject, ['planned', ...(said.overrule ? ['approved'] : [])], said.content_hash),
  })
  add({
    ...{ path: '/v1/tasks/{id}/outcome', tag: 'tasks', summary: 'What became of a task' },
    ...{ right: 'decide', about: 'event' },
    body: z.strictObject({ outcome: z.string().regex(/^[a-z][a-z_]{0,50}$/), note: z.string().max(2_000).optional() }),
    message: async (said, event_id) => ({ kind: 'task', body: { event_id, ...said } }),
    refuse: ({ outcome }, subject) => mustBeTask(context, outcome, subject),
  })
  add({
    ...{
      path: '/v1/leads/{id}/reject',
      tag: 'leads',
      summary: 'No lead for us, until a day: it falls to the last tier',
    },
    ...{ right: 'decide', about: 'lead', body: z.strictObject({ reason, until: day }) },
    message: async (said, lead_id) => override(lead_id, said, (await context.scores.tiers()).at(-1)!),
  })
  add({
    ...{ path: '/v1/leads/{id}/promote', tag: 'leads', summary: 'A lead of the first tier, until a day' },
    ...{ right: 'decide', about: 'lead', body: z.strictObject({ reason, until: day }) },
    message: async (said, lead_id) => override(lead_id, said, (await context.scores.tiers())[0]!),
  })
  add({
    ...{ path: '/v1/leads/{id}/snooze', tag: 'leads', summary: 'Left alone until a day; null wakes it' },
    ...{ right: 'decide', about: 'lead', body: z.strictObject({ until: day.nullable(), reason: reason.optional() }) },
    message: async (said, lead_id) => ({ kind: 'lead_snooze', body: { lead_id, ...said } }),
  })
  add({
    ...{ path: '/v1/leads/{id}/assign', tag: 'leads', summary: 'Whose lead it is; null: whose it was before' },
    ...{ right: 'assign', about: 'lead', body: z.strictObject({ owner: z.string().min(1).max(200).nullable() }) },
    message: async (said, lead_id) => ({ kind: 'lead_assign', body: { lead_id, ...said } }),
  })
  for (const kind of ['pause', 'resume'] as const)
    add({
      ...{ path: `/v1/${kind}`, tag: 'overview', summary: kind === 'pause' ? 'Hold; in force at once' : 'Go on' },
      ...{ right: 'pause', about: 'nothing', body: pauseSchema.omit({ by: true }) },
      message: async (said) => ({ kind, body: kind === 'pause' ? { what: 'all', ...said } : { ...said } }),
    })
}

function addAct<S extends z.ZodType>(api: Api, context: ServeContext, act: Act<S>): void {
  const { publications, acts } = context
  const route = createRoute({
    method: 'post',
    path: act.path,
    tags: [act.tag],
    summary: act.summary,
    request: {
      headers,
      ...(act.about === 'nothing' ? {} : { params }),
      body: { required: true, content: { 'application/json': { schema: act.body } } },
    },
    responses: answers(answered, 'On disk: the next run takes it in'),
  })
  const handler = async (c: Context<Environment>) => {
    const user = userOf(c, act.right)
    const said = (c.req as unknown as { valid(of: string): z.output<S> }).valid('json')
    const id = act.about === 'nothing' ? '' : c.req.param('id')!
    const key = c.req.header('idempotency-key')!
    return publications.read(async (snapshot) => {
      const subject = act.about === 'nothing' ? { owner: null } : await subjectOf(snapshot, act.about, id, user)
      const { kind, body } = await act.message(said, id)
      const refuse = () => act.refuse?.(said, subject)
      const left = await acts.leave(snapshot, { kind, body, user, key: `${act.path}\0${key}`, refuse })
      return c.json(left, 200)
    })
  }
  // One handler for bodies of any shape: its types are those of `Act`.
  api.openapi(route as RouteConfig as never, handler as never)
}

function override(lead_id: string, said: { reason: string; until: string }, tier: string) {
  return { kind: 'score_override', body: { lead_id, tier, ...said } }
}

async function subjectOf(snapshot: Snapshot, about: 'event' | 'lead', id: string, user: User): Promise<Subject> {
  const text =
    about === 'lead'
      ? 'select owner from ops.lead_rows where lead_id = $1'
      : `select leads.owner, events.event_id, events.channel, events.status, events.content_hash, events.approved_by,
           events.approved_at
         from marts.fct_outreach_events as events left join ops.lead_rows as leads using (lead_id)
         where events.event_id = $1`
  const [found] = await snapshot.use((_, connection) => connection.rows<Subject>(text, [id]))
  if (found === undefined || (user.own_only && found.owner !== user.owner)) {
    throw new Refusal(404, `no_such_${about}`, `There is no ${about} of this id.`)
  }
  return found
}

function mustBeOpen(subject: Subject, open: readonly string[], hash?: string): void {
  const { status = '', approved_by, approved_at, content_hash: now } = subject
  if (!open.includes(status)) throw decidedAlready(status, approved_by, approved_at)
  if (hash !== undefined && hash !== now) {
    throw new Refusal(409, 'words_changed', 'Its words are others by now: look at them again.')
  }
}

/** A task is done once it may be; an answer may also come after it was. */
function mustBeTask({ acts, outcomes }: ServeContext, outcome: string, subject: Subject): void {
  const known = outcomes[subject.channel ?? '']
  if (known === undefined)
    throw new Refusal(409, 'no_task', 'A machine sends this message; there is nothing to do by hand.')
  const word = known[outcome]
  if (word === undefined) {
    const errors = [{ path: 'outcome', message: `must be one of ${Object.keys(known).join(', ')}` }]
    throw new Refusal(422, 'unknown_outcome', undefined, { errors })
  }
  const { status = '', event_id, approved_by, approved_at } = subject
  const answers = word.status === 'replied' || word.status === 'unsubscribed'
  const approves = ({ body }: { body: Record<string, unknown> }) =>
    (body.messages as { event_id: string }[]).some((each) => each.event_id === event_id)
  if (status === 'approved' || (answers && status === 'sent')) return
  if (status !== 'planned') throw decidedAlready(status, approved_by, approved_at)
  if (!acts.of('approve').some(approves)) throw new Refusal(409, 'not_approved', 'Nobody has approved it yet.')
}
