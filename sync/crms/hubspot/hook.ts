import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Hook } from '../../define.ts'
import { TYPE_NAMES } from './objects.ts'
import type { Settings } from './settings.ts'

const MOST_OFF_MS = 300_000
/** HubSpot signs the address with these twelve escapes read, and no others. */
const READ: Readonly<Record<string, string>> = {
  ...{ '%3A': ':', '%2F': '/', '%3F': '?', '%40': '@', '%21': '!', '%24': '$' },
  ...{ '%27': "'", '%28': '(', '%29': ')', '%2A': '*', '%2C': ',', '%3B': ';' },
}
const ESCAPES = new RegExp(Object.keys(READ).join('|'), 'gi')

/**
 * HubSpot's signature, version 3: HMAC-SHA256 over method, address, raw body and timestamp, base64. True only if it is
 * right and the timestamp (milliseconds) is less than five minutes off `now`. Takes equally long for right and wrong.
 */
export function isSigned(
  secret: string,
  call: { method: string; url: string; raw: Uint8Array; timestamp: string; signature: string },
  now: Date,
): boolean {
  const { method, url, raw, timestamp, signature } = call
  if (!/^\d{13}$/.test(timestamp) || Math.abs(now.getTime() - Number(timestamp)) > MOST_OFF_MS) return false
  const address = url.replace(ESCAPES, (escaped) => READ[escaped.toUpperCase()]!)
  const wanted = createHmac('sha256', secret)
    .update(method + address)
    .update(raw)
    .update(timestamp)
    .digest()
  const given = Buffer.from(signature, 'base64')
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

const event = z.looseObject({
  eventId: z.coerce.string(),
  subscriptionType: z.string().default(''),
  objectId: z.coerce.string(),
  objectTypeId: z.string().nullish(),
  occurredAt: z.number().nullish(),
})
const events = z.array(event).max(100)

/** What an app of HubSpot's developer platform sends; a Service Key cannot subscribe. */
export const hook: Hook<Settings> = {
  isGenuine({ webhook_secret }, { method, url, headers, raw, now }) {
    const timestamp = headers['x-hubspot-request-timestamp'] ?? ''
    const signature = headers['x-hubspot-signature-v3'] ?? ''
    return webhook_secret !== undefined && isSigned(webhook_secret, { method, url, raw, timestamp, signature }, now)
  },
  events(body) {
    const parsed = events.safeParse(body)
    if (!parsed.success) return null
    return parsed.data.flatMap(({ eventId, subscriptionType, objectId, objectTypeId, occurredAt }) => {
      const object = objectNamed(subscriptionType, objectTypeId ?? null)
      if (object === null) return []
      const at = occurredAt === null || occurredAt === undefined ? null : new Date(occurredAt).toISOString()
      return [{ id: `${eventId}:${subscriptionType}:${objectId}`, object, crm_id: objectId, at }]
    })
  },
}

/** `contact.propertyChange`, or `object.creation` with the type's number. */
function objectNamed(subscription: string, type: string | null): string | null {
  const [singular = ''] = subscription.split('.')
  const name = singular === 'company' ? 'companies' : `${singular}s`
  const named = Object.values(TYPE_NAMES).includes(name) ? name : undefined
  return (type === null ? undefined : TYPE_NAMES[type]) ?? named ?? null
}
