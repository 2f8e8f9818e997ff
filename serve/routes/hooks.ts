import { createHash } from 'node:crypto'
import { hookMessages } from '../../outreach/replies/hook.ts'
import { isSigned } from '../../outreach/replies/svix.ts'
import type { Api, ServeContext } from '../context.ts'
import { Refusal } from '../problem.ts'
import type { Metrics } from './system.ts'

/** What services tell us. Each is verified over the bytes that came, which are kept; answered when they are on disk. */
export function hookRoutes(api: Api, { acts, settings, env, now }: ServeContext, metrics: Metrics): void {
  const secretOf = (variable: string | undefined) => {
    const secret = variable === undefined ? undefined : env[variable]
    if (secret === undefined || secret === '') throw new Refusal(404, 'no_such_page')
    return secret
  }
  api.post('/hooks/email', async (c) => {
    const secret = secretOf(settings.hooks.email_secret_env)
    const body = await c.req.text()
    const id = c.req.header('svix-id')
    const signed = { id, timestamp: c.req.header('svix-timestamp'), signature: c.req.header('svix-signature'), body }
    if (id === undefined || !isSigned(signed, secret, now())) throw new Refusal(401, 'wrong_signature')
    const read = parsed(body, (payload) => hookMessages(payload, id, now()))
    acts.receive([{ id: `raw-${idOf(id)}`, kind: 'email_hook', body: { raw: body } }, ...read])
    metrics.acts.inc({ kind: 'email' })
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
