import { z } from 'zod'
import type { MailServer } from '../pipeline/mail.ts'
import { senderOf } from './addresses.ts'
import type { Inbox } from './inbox.ts'

const PROVIDERS = {
  google: { token_url: 'https://oauth2.googleapis.com/token', scope: undefined },
  microsoft: {
    token_url: 'https://login.microsoftonline.com/TENANT/oauth2/v2.0/token',
    scope: 'https://outlook.office.com/SMTP.Send https://outlook.office.com/IMAP.AccessAsUser.All offline_access',
  },
}

const oauth2 = z.strictObject({
  /** Google Workspace, or Microsoft 365. */
  provider: z.enum(['google', 'microsoft']),
  client_id: z.string().min(1),
  client_secret: z.string().min(1).optional(),
  refresh_token: z.string().min(1),
  /** Microsoft: the directory; `common` unless said. */
  tenant: z.string().optional(),
  /** In place of the provider's own. */
  token_url: z.url().optional(),
})

const server = z.strictObject({
  host: z.string().min(1),
  port: z.int().min(1).max(65_535),
  user: z.string().optional(),
  pass: z.string().optional(),
  oauth2: oauth2.optional(),
  /** `required` unless the server is this machine: nothing is said in the clear. */
  tls: z.enum(['required', 'none']).optional(),
})

/** One address that we write from. */
export const mailboxSchema = z.strictObject({
  /** `Ana Souza <ana@example.com>`, or the address alone. */
  from: z.string().refine((from) => senderOf(from) !== undefined, 'must be an address, or a name and <address>'),
  reply_to: z.email().optional(),
  smtp: server.optional(),
  imap: server.optional(),
  /**
   * Gets a copy in the same transaction, so that what was sent can be looked up after a crash. An address alone is looked
   * up in `imap`; that it is not there counts only where that account is the archive's own.
   */
  archive: z.union([z.email(), z.strictObject({ address: z.email(), imap: server })]).optional(),
  /** How long the archive may take to show a message: only then does its absence count. */
  settle_s: z.int().nonnegative().default(900),
  /** Where bounces go; `from` unless said. With `verp` each message has its own: `bounces+token@`. */
  return_path: z.email().optional(),
  verp: z.boolean().default(false),
  /** Absent: the mail server signs. */
  dkim: z
    .strictObject({ domain: z.string().min(1), selector: z.string().min(1), private_key: z.string().min(1) })
    .optional(),
  /** Sent through the HTTP service of the channel, in place of `smtp`. */
  via: z.enum(['smtp', 'resend']).default('smtp'),
  /** Messages a day. */
  per_day: z.int().positive().default(40),
  /** A new mailbox: so many on its first day, so many more on each day on which it sends, up to `per_day`. */
  ramp_up: z.strictObject({ from: z.int().positive(), by: z.int().positive() }).optional(),
  /** Seconds between two messages, drawn between these two: due times, nobody waits for them. */
  gap_s: z
    .strictObject({ min: z.int().nonnegative(), max: z.int().nonnegative() })
    .refine(({ min, max }) => min <= max, 'max must not be below min')
    .optional(),
})

export type Mailbox = z.output<typeof mailboxSchema>
type Server = z.output<typeof server>

/** As the mail layer wants it. */
export function mailServer({ host, port, user, pass, oauth2: given, tls }: Server): MailServer {
  const policy = tls ?? (/^(localhost|127(\.\d+){3}|::1)$/.test(host) ? 'none' : 'required')
  if (user === undefined) return { host, port, tls: policy }
  if (given === undefined) return { host, port, tls: policy, login: { user, pass: pass ?? '' } }
  const { provider, tenant = 'common', token_url, ...client } = given
  const { scope, token_url: usual } = PROVIDERS[provider]
  const url = token_url ?? usual.replace('TENANT', encodeURIComponent(tenant))
  const own = { ...client, token_url: url, ...(scope === undefined ? {} : { scope }) }
  return { host, port, tls: policy, login: { user, oauth2: own } }
}

/** Where answers arrive; undefined where nobody said how to read them. */
export function inboxOf({ from, imap }: Mailbox): Inbox | undefined {
  return imap === undefined
    ? undefined
    : { mailbox: senderOf(from)!.mailbox, server: mailServer(imap), folder: 'INBOX' }
}

/** Where what was sent can be looked up, and whether its absence there means anything. */
export function archiveOf(mailbox: Mailbox): { server: MailServer; folder: string; complete: boolean } | undefined {
  const { archive, imap, smtp } = mailbox
  if (typeof archive === 'object') return { server: mailServer(archive.imap), folder: 'INBOX', complete: true }
  if (imap === undefined) return undefined
  const reads = mailServer(imap)
  if (archive !== undefined)
    return { server: reads, folder: 'INBOX', complete: imap.user?.toLowerCase() === archive.toLowerCase() }
  // Both providers file what goes out through them, whoever sends it.
  const files = smtp?.oauth2 !== undefined || /(^|\.)(gmail\.com|office365\.com)$/i.test(smtp?.host ?? '')
  return files ? { server: reads, folder: '\\Sent', complete: true } : undefined
}
