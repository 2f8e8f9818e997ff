import { createHmac, timingSafeEqual } from 'node:crypto'

/** What a webhook signed the way of Svix (Resend and others) comes with. */
export interface SignedHook {
  /** `svix-id`. */
  id: string | undefined
  /** `svix-timestamp`: seconds since 1970. */
  timestamp: string | undefined
  /** `svix-signature`: `v1,<base64>`, several with spaces between while a secret is being replaced. */
  signature: string | undefined
  /** The bytes as they came, before anything parsed them. */
  body: string
}

/** Older or newer than this is somebody playing it again. */
const TOLERANCE_S = 300

/** Whether a hook comes from who holds the secret (`whsec_…`), and comes now. Never throws. */
export function isSigned({ id, timestamp, signature, body }: SignedHook, secret: string, now: Date): boolean {
  if (id === undefined || timestamp === undefined || signature === undefined) return false
  if (!/^\d{1,12}$/.test(timestamp)) return false
  if (Math.abs(now.getTime() / 1000 - Number(timestamp)) > TOLERANCE_S) return false
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  if (key.length === 0) return false
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest()
  return signature.split(' ').some((each) => {
    const given = /^v1,(.+)$/.exec(each)?.[1]
    const bytes = given === undefined ? undefined : Buffer.from(given, 'base64')
    return bytes !== undefined && bytes.length === expected.length && timingSafeEqual(bytes, expected)
  })
}
