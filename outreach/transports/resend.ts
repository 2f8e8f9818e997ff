import { z } from 'zod'
import { RemoteError } from '../../pipeline/errors.ts'
import type { Sending, Trace } from '../define.ts'
import type { Delivery, Letter } from '../letter.ts'

/** How long the service remembers an idempotency key, less an hour for clocks that differ. */
const REMEMBERS_MS = 23 * 3_600_000

export const resendSchema = z.strictObject({
  api_key: z.string().min(1),
  base_url: z.url().default('https://api.resend.com'),
})

type Context = Pick<Sending<unknown>, 'http' | 'now' | 'first_claimed_at'>

const answer = z.object({ id: z.string() })
const refusal = z.object({ name: z.string().optional(), message: z.string().optional() })

/** The HTTP side of it: one letter a request, the same key for each try of the same letter. */
export function resendHttp({ api_key, base_url }: z.output<typeof resendSchema>) {
  return {
    base_url,
    headers: { authorization: `Bearer ${api_key}` },
    limits: { per_second: 2, retries: 0 },
    record: false,
  }
}

export async function sendByResend({ http }: Context, letter: Letter): Promise<Delivery> {
  const { from, to, reply_to, subject, text, html, headers, references } = letter
  const last = references.at(-1)
  const thread: Record<string, string> =
    last === undefined ? {} : { 'In-Reply-To': last, References: references.join(' ') }
  const name = from!.name?.replaceAll(/["\\]/g, '')
  const body = {
    from: name ? `"${name}" <${from!.address}>` : from!.address,
    to: [to],
    subject: subject ?? '',
    text,
    ...(html === null ? {} : { html }),
    ...(reply_to === null ? {} : { reply_to }),
    headers: { ...headers, ...thread, 'Message-ID': letter.message_id },
  }
  try {
    const told = await http!.send(
      {
        method: 'POST',
        path: '/emails',
        headers: { 'idempotency-key': letter.message_id.slice(0, 256) },
        body,
        record: false,
      },
      [200, 201, 202, 400, 403, 409, 422],
    )
    if (told.status >= 400) {
      const said = refusal.safeParse(told.json())
      const response = `${told.status} ${said.success ? (said.data.name ?? '') : ''}`.trim()
      // A conflict: the key is in use, for this letter under way or for one of other words. Nobody can tell which.
      if (told.status === 409) return { outcome: 'ambiguous', response }
      const sender = told.status === 403
      return sender
        ? { outcome: 'rejected_temporary', at: 'sender', response }
        : { outcome: 'rejected_permanent', at: 'message', response }
    }
    const read = answer.safeParse(told.json())
    return {
      outcome: 'accepted',
      response: String(told.status),
      ...(read.success ? { provider_id: read.data.id } : {}),
    }
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error
    const { reason } = error
    const untouched = ['rate', 'quota', 'key', 'forbidden', 'closed'].includes(reason ?? '')
    const outcome = untouched ? 'rejected_temporary' : 'ambiguous'
    return { outcome, at: 'sender', response: error.message.slice(0, 200) }
  }
}

/** The same key again changes nothing while it is remembered; after that nobody can tell. */
export function traceByResend({ now, first_claimed_at }: Context): Trace {
  return now().getTime() - Date.parse(first_claimed_at) < REMEMBERS_MS ? 'absent' : 'unknown'
}
