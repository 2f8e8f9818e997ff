import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { IncomingMessage } from '../../pipeline/incoming.ts'
import { returnedIds } from './bounce.ts'
import { type Classified, classify } from './classify.ts'
import { addressIn, type Mail } from './read-mail.ts'
import type { Rules } from './rules.ts'

/** Kind of the messages in `data/incoming/` that say what came back. */
export const HEARD_KIND = 'mail'

/**
 * What came back, as it waits in `data/incoming/`: what it is, and by what it can be told whose answer it is. Its words
 * stay in the mailbox: what is not about us is none of our business, and what is can be read there.
 */
export const heardSchema = z.strictObject({
  via: z.enum(['imap', 'webhook']),
  /** Our address that it came to. */
  mailbox: z.string().nullable(),
  class: z.enum([
    'bounce',
    'complaint',
    'auto_reply',
    'unsubscribe',
    'interested',
    'meeting',
    'referral',
    'not_now',
    'not_interested',
    'other',
    'delivered',
    'opened',
  ]),
  sentiment: z.enum(['positive', 'negative', 'neutral']),
  bounce_kind: z.enum(['hard', 'soft', 'block']).nullable(),
  /** A delivery that is still being tried. */
  delayed: z.boolean(),
  /** Enhanced status code (RFC 3463). */
  status: z.string().nullable(),
  /** Of a bounce or a complaint, one word. */
  reason: z.string().nullable(),
  /** ISO date. */
  again_on: z.string().nullable(),
  language: z.string().nullable(),
  message_id: z.string().nullable(),
  /** Message-IDs that it answers or returns, the likeliest first. */
  ids: z.array(z.string()),
  /** What may be the token of a message of ours. */
  tokens: z.array(z.string()),
  /** Who wrote; of bounces and complaints, whom it is about. */
  addresses: z.array(z.string()),
  /** Hash of the subject without `Re:`. */
  thread: z.string().nullable(),
})

/** See `heardSchema`. */
export type Heard = z.output<typeof heardSchema>

const AUTHENTICATION_REPORTS = /^(auth-failure|not-spam|dmarc)/

/**
 * What one message of a mailbox comes to, as messages for `data/incoming/`: itself, and at once who is not to be written to
 * any more. Undefined for what we sent ourselves. The same message has the same ids each time it is read.
 */
export function hear(
  mail: Mail,
  place: { mailbox: string; own: ReadonlySet<string> },
  rules: Rules,
  now: Date,
): IncomingMessage[] | undefined {
  if (mail.from !== null && place.own.has(mail.from)) return undefined
  const at = now.toISOString()
  const found = asUnsubscribed(mail, classify(mail, rules, at.slice(0, 10)))
  const [bounce] = found.bounces
  const ids = [...new Set([...mail.in_reply_to, ...[...mail.references].reverse()])]
  const returned = found.class === 'bounce' || found.class === 'complaint' ? returnedIds(mail) : []
  const body: Heard = {
    via: 'imap',
    mailbox: place.mailbox,
    class: found.class,
    sentiment: found.sentiment,
    bounce_kind: bounce?.kind ?? null,
    delayed: bounce?.action === 'delayed',
    status: bounce?.status ?? null,
    reason: bounce?.reason ?? found.complaint,
    again_on: found.again_on,
    language: found.language,
    message_id: mail.message_id,
    ids: [...ids, ...returned].slice(0, 50),
    tokens: tokensIn(mail),
    addresses: aboutWhom(mail, found).filter((address) => !place.own.has(address)),
    thread: threadOf(mail.subject),
  }
  const id = `mail-${digest([mail.message_id ?? mail.source, mail.from, found.class]).slice(0, 40)}`
  return [{ id, kind: HEARD_KIND, at, body }, ...suppressionsOf(id, body, at)]
}

/** Who must not be written to after this, whatever it answers: by address, for nothing else is known yet. */
export function suppressionsOf(id: string, heard: Heard, at: string): IncomingMessage[] {
  const reason = reasonToSuppress(heard)
  if (reason === undefined) return []
  return heard.addresses.map((value, index) => ({
    id: `${id}-${index}`,
    kind: 'suppress',
    at,
    body: { action: 'add', by: 'email', value, reason },
  }))
}

/** Why nothing more may go there; undefined when more may. */
export function reasonToSuppress({ class: what, bounce_kind, reason, delayed }: Heard): string | undefined {
  if (what === 'unsubscribe') return 'asked for it by mail'
  if (what === 'complaint' && !AUTHENTICATION_REPORTS.test(reason ?? '')) return 'complained of spam'
  return what === 'bounce' && bounce_kind === 'hard' && !delayed ? 'came back: no such address' : undefined
}

/** A mail to the unsubscribe address has the token for its subject and needs no words. */
function asUnsubscribed(mail: Mail, found: Classified): Classified {
  const bare = /^(re:\s*)?[0-9a-f]{32}$/i.test(mail.subject.trim())
  return bare && found.class !== 'bounce' ? { ...found, class: 'unsubscribe', sentiment: 'negative' } : found
}

function aboutWhom(mail: Mail, { class: what, bounces }: Classified): string[] {
  if (what === 'bounce') return [...new Set(bounces.flatMap(({ recipient }) => recipient ?? []))]
  if (what !== 'complaint') return mail.from === null ? [] : [mail.from]
  const named = mail.source.matchAll(/^(?:original-rcpt-to|x-hmxmroriginalrecipient|to):[ \t]*(.+)$/gim)
  return [...new Set([...named].flatMap(([, text]) => addressIn(text!) ?? []))].slice(0, 20)
}

/** Tokens stand in return paths (`bounces+token@`), in subjects and in the headers of what comes back. */
function tokensIn(mail: Mail): string[] {
  const headers = [...mail.headers.values()].flat().join('\n').slice(0, 100_000)
  const found = `${headers}\n${mail.source.slice(0, 100_000)}`.match(/(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/gi) ?? []
  return [...new Set(found.map((token) => token.toLowerCase()))].slice(0, 50)
}

/** Hash of a subject, whatever `Re:` and `Fwd:` stand before it; null when nothing is left. */
export function threadOf(subject: string | null): string | null {
  const bare = (subject ?? '')
    .replace(/^(\s*(re|res|aw|sv|vs|fwd?|enc|rv|tr|wg|odp|ynt)\s*(\[\d+\])?\s*:\s*)+/i, '')
    .trim()
    .toLowerCase()
  return bare === '' ? null : digest([bare]).slice(0, 16)
}

function digest(parts: readonly (string | null)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
