import { z } from 'zod'
import { RemoteError } from '../errors.ts'
import type { HttpFactory } from '../http.ts'
import type { MailLogin, OAuth2 } from '../mail.ts'

/** The access token of a login; undefined for one with a password. */
export type TokenOf = (login: MailLogin) => Promise<string | undefined>

const answer = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive().default(300) })

/** Tokens live shortly: one is had anew a minute before its end. Kept in memory alone. */
export function createTokens(http: HttpFactory, now: () => Date): TokenOf {
  const known = new Map<string, { token: string; until: number }>()
  return async ({ user, oauth2 }) => {
    if (oauth2 === undefined) return undefined
    const key = `${oauth2.token_url} ${oauth2.client_id} ${user}`
    const held = known.get(key)
    if (held !== undefined && held.until > now().getTime()) return held.token
    const fresh = await refreshed(http, oauth2)
    known.set(key, { token: fresh.access_token, until: now().getTime() + (fresh.expires_in - 60) * 1000 })
    return fresh.access_token
  }
}

async function refreshed(http: HttpFactory, oauth2: OAuth2): Promise<z.output<typeof answer>> {
  const url = new URL(oauth2.token_url)
  const service = `oauth2 ${url.host}`
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: oauth2.refresh_token })
  form.set('client_id', oauth2.client_id)
  if (oauth2.client_secret !== undefined) form.set('client_secret', oauth2.client_secret)
  if (oauth2.scope !== undefined) form.set('scope', oauth2.scope)
  const asked = await http({ service, base_url: url.origin, record: false }).send({
    method: 'POST',
    path: `${url.pathname}${url.search}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
    record: false,
  })
  const read = answer.safeParse(asked.json())
  if (!read.success) throw new RemoteError('answers without an access token', service, { reason: 'unreadable' })
  return read.data
}
