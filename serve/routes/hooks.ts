import { createHash } from 'node:crypto'
import { hookMessages } from '../../outreach/replies/hook.ts'
import { isSigned } from '../../outreach/replies/svix.ts'
import type { Api, ServeContext } from '../context.ts'
import { Refusal } from '../problem.ts'
import type { Metrics } from './system.ts'

/**
 * What services tell us. Each is verified over the bytes that came, which are kept; answered when they are on disk.
 * `/hooks/email`: the mail service. `/hooks/<instance>`: a CRM, by its name below `sync.crms`; what it tells is left as a
 * message `crm_hook` with `{instance, changes, raw}`.
 */
export function hookRoutes(api: Api, { acts, settings, env, hooks, now }: ServeContext, metrics: Metrics): void {
  api.post('/hooks/email', async (c) => {
    const variable = settings.hooks.email_secret_env
    const secret = variable === undefined ? undefined : env[variable]
    if (secret === undefined || secret === '') throw new Refusal(404, 'no_such_page')
    const body = Buffer.from(await c.req.arrayBuffer()).toString()
    const id = c.req.header('svix-id')
    const signed = { id, timestamp: c.req.header('svix-timestamp'), signature: c.req.header('svix-signature'), body }
    if (id === undefined || !isSigned(signed, secret, now())) throw new Refusal(401, 'wrong_signature')
    if (!/^[\w.:-]{1,150}$/.test(id)) throw new Refusal(422, 'unreadable_hook')
    const read = parsed(body, (payload) => hookMessages(payload, id, now()))
    acts.receive([{ id: `raw-${idOf(id)}`, kind: 'email_hook', body: { raw: body } }, ...read])
    metrics.acts.inc({ kind: 'email' })
    return c.json({ taken: true })
  })

  api.post('/hooks/:instance{[a-z][a-z0-9_]*}', async (c) => {
    const instance = c.req.param('instance')
    const hook = Object.hasOwn(hooks, instance) ? hooks[instance] : undefined
    if (hook === undefined) throw new Refusal(404, 'no_such_page')
    const raw = Buffer.from(await c.req.arrayBuffer())
    const { pathname, search, origin } = new URL(c.req.url)
    const base = settings.public_url === undefined ? origin : settings.public_url.replace(/\/$/, '')
    const headers = Object.fromEntries(c.req.raw.headers)
    const call = { method: 'POST', url: `${base}${pathname}${search}`, headers, raw, now: now() }
    if (!hook.isGenuine(call)) throw new Refusal(401, 'wrong_signature')
    const text = raw.toString()
    const events = parsed(text, (payload) => hook.events(payload))
    if (events === null) throw new Refusal(422, 'unreadable_hook')
    const body = { instance, changes: events.map((event) => ({ ...event })), raw: text }
    acts.receive([{ id: `crm-${idOf(`${instance}\0${text}`)}`, kind: 'crm_hook', body }])
    metrics.acts.inc({ kind: 'crm' })
    return c.json({ taken: true })
  })
}

function parsed<T>(text: string, read: (payload: unknown) => T): T {
  try {
    return read(JSON.parse(text))
  } catch {
    throw new Refusal(422, 'unreadable_hook')
  }
}

/** The same bytes are the same message. */
function idOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40)
}
