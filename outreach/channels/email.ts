import { z } from 'zod'
import { defineChannel, type Sender } from '../define.ts'

const server = z.strictObject({
  host: z.string().min(1),
  port: z.int().min(1).max(65_535),
  user: z.string().optional(),
  pass: z.string().optional(),
})

const mailbox = z.strictObject({
  /** `Ana Souza <ana@example.com>`, or the address alone. */
  from: z.string().refine((from) => senderOf(from) !== undefined, 'must be an address, or a name and <address>'),
  smtp: server.optional(),
  imap: server.optional(),
  /** Gets a copy in the same transaction, so that what was sent can be looked up after a crash. */
  archive: z.email().optional(),
  /** Messages a day. */
  per_day: z.int().positive().default(40),
})

/** E-mail. Here messages are drawn up and checked; nothing is sent. */
export default defineChannel({
  title: 'E-mail',
  docs: 'https://www.rfc-editor.org/rfc/rfc5322',
  settings: z.strictObject({
    mailboxes: z.array(mailbox).default([]),
    /** The sender's street address, which laws on commercial mail ask for. */
    postal_address: z.string().min(1).optional(),
    unsubscribe: z.strictObject({ url: z.url().optional(), mailto: z.email().optional() }).optional(),
  }),
  done_by: 'machine',
  address: 'email',
  subject: true,
  senders: ({ mailboxes }) => mailboxes.map(({ from }) => senderOf(from)!),
  refuses({ address, address_status, address_is_role, subject, body }) {
    if (!isAddress(address)) return 'malformed_email'
    if (address_status === 'invalid') return 'invalid_email'
    if (address_is_role) return 'role_account'
    if (subject === null || subject === '') return 'no_subject'
    if (hasControl(subject)) return 'control_character_in_subject'
    if (Buffer.byteLength(subject) > 900) return 'subject_too_long'
    return body.trim() === '' ? 'no_text' : undefined
  },
})

function senderOf(from: string): Sender | undefined {
  const named = /^\s*"?([^"<>\r\n]*?)"?\s*<([^<>\s]+)>\s*$/.exec(from)
  const address = named?.[2] ?? from.trim()
  return isAddress(address) ? { mailbox: address, name: named?.[1] || null } : undefined
}

/** One plain address: what business mail uses, without quoted local parts, comments or address literals. */
function isAddress(text: string): boolean {
  if (text.length > 254) return false
  const match = /^([\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+)*)@(.+)$/u.exec(text)
  if (match === null || Buffer.byteLength(match[1]!) > 64) return false
  const labels = match[2]!.split('.')
  return (
    labels.length >= 2 &&
    labels.every((label) => /^[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?$/u.test(label)) &&
    !/^\p{N}+$/u.test(labels.at(-1)!)
  )
}

function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text)
}
