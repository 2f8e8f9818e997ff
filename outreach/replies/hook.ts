import { z } from 'zod'
import type { IncomingMessage } from '../../pipeline/incoming.ts'
import { HEARD_KIND, type Heard, suppressionsOf } from './heard.ts'
import { addressIn, idsIn } from './read-mail.ts'

const hookSchema = z.object({
  type: z.string(),
  created_at: z.string().optional(),
  data: z.object({
    email_id: z.string().optional(),
    from: z.string().optional(),
    to: z.union([z.string(), z.array(z.string())]).default([]),
    headers: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
    bounce: z
      .object({ type: z.string().default(''), subType: z.string().default(''), message: z.string().default('') })
      .optional(),
  }),
})

/**
 * A hook of a mail service (Resend), as messages for `data/incoming/`: none for what changes nothing. `id` is the hook's own
 * (`svix-id`): the same hook twice is taken in once. Verify it first (`isSigned`). Throws z.ZodError for what is no such hook.
 */
export function hookMessages(payload: unknown, id: string, now: Date): IncomingMessage[] {
  const { type, data } = hookSchema.parse(payload)
  const what = CLASSES[type]
  if (what === undefined) return []
  const header = (name: string) => data.headers.find((each) => each.name.toLowerCase() === name)?.value
  const bounce = what === 'bounce' ? (data.bounce ?? { type: '', subType: '', message: '' }) : undefined
  const permanent = /permanent|hard/i.test(bounce?.type ?? '')
  const body: Heard = {
    via: 'webhook',
    mailbox: addressIn(data.from ?? ''),
    class: what,
    sentiment: what === 'complaint' ? 'negative' : 'neutral',
    bounce_kind:
      bounce === undefined
        ? null
        : permanent && !/suppress|content|attachment|size/i.test(bounce.subType)
          ? 'hard'
          : 'soft',
    delayed: type === 'email.delivery_delayed',
    status: bounce === undefined ? null : (/\b[45]\.\d{1,3}\.\d{1,3}\b/.exec(bounce.message)?.[0] ?? null),
    reason:
      bounce === undefined ? (what === 'complaint' ? 'abuse' : null) : bounce.subType.toLowerCase() || 'undefined',
    again_on: null,
    language: null,
    message_id: null,
    ids: idsIn(header('message-id')),
    tokens: [...new Set(JSON.stringify(data.headers).match(/(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/g) ?? [])],
    addresses: [data.to].flat().flatMap((to) => addressIn(to) ?? []),
    thread: null,
  }
  const at = now.toISOString()
  const own = `hook-${id}`
  return [{ id: own, kind: HEARD_KIND, at, body }, ...suppressionsOf(own, body, at)]
}

const CLASSES: Readonly<Record<string, Heard['class']>> = {
  'email.bounced': 'bounce',
  'email.delivery_delayed': 'bounce',
  'email.complained': 'complaint',
  'email.delivered': 'delivered',
  'email.opened': 'opened',
}
