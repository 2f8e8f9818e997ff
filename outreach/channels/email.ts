import { z } from 'zod'
import {
  defineChannel,
  domainOf,
  footerOf,
  inboxOf,
  isAddress,
  lookUpByImap,
  mailboxChecks,
  mailboxSchema,
  resendHttp,
  resendSchema,
  sendByResend,
  sendBySmtp,
  senderOf,
  toHtml,
  toText,
  traceByResend,
} from '../define.ts'

const settings = z.strictObject({
  mailboxes: z.array(mailboxSchema).default([]),
  /** For mailboxes that say `via: resend`. */
  resend: resendSchema.optional(),
  /** The sender's street address, which laws on commercial mail ask for. */
  postal_address: z.string().min(1).optional(),
  /** The page gets the token as `?t=`; mail gets it as the subject. */
  unsubscribe: z
    .strictObject({ url: z.url({ protocol: /^https$/ }).optional(), mailto: z.email().optional() })
    .optional(),
  /** A picture of this address with every message, which tells when it is opened. Off unless given: think of privacy first. */
  tracking_pixel: z.url({ protocol: /^https$/ }).optional(),
  /** Whom `debug` asks for SPF, DKIM and DMARC: name servers (`1.1.1.1`), or DNS over HTTPS; those of this machine unless said. */
  dns: z.strictObject({ servers: z.array(z.string()).min(1).optional(), base_url: z.url().optional() }).optional(),
})

type Settings = z.output<typeof settings>

/** E-mail: by each mailbox's own SMTP server, or through Resend. */
export default defineChannel({
  title: 'E-mail',
  docs: 'https://www.rfc-editor.org/rfc/rfc5322',
  settings,
  done_by: 'machine',
  address: 'email',
  subject: true,
  senders: ({ mailboxes }) =>
    mailboxes.map(({ from, per_day, ramp_up, gap_s }) => ({ ...senderOf(from)!, per_day, ramp_up, gap_s })),
  // Without a mailbox nothing leaves anyhow: drafts may be looked at.
  lacks: ({ mailboxes, postal_address }) =>
    mailboxes.length > 0 && postal_address === undefined ? 'no_postal_address' : undefined,
  refuses({ address, address_status, address_is_role, subject, body }) {
    if (!isAddress(address)) return 'malformed_email'
    if (address_status === 'invalid') return 'invalid_email'
    if (address_is_role) return 'role_account'
    if (subject === null || subject === '') return 'no_subject'
    if (hasControl(subject)) return 'control_character_in_subject'
    if (Buffer.byteLength(subject) > 900) return 'subject_too_long'
    if (Buffer.byteLength(body) > 100_000) return 'text_too_long'
    return toText(body) === '' ? 'no_text' : undefined
  },
  compose(own, { event_id, address, mailbox, subject, body, language, token, message_key, thread }) {
    const sender = mailboxOf(own, mailbox)
    const { mailbox: from = '', name = null } = (sender && senderOf(sender.from)) ?? {}
    const footer = footerOf(own, { token, language })
    const id = (key: string) => `<${key}@${domainOf(from)}>`
    return {
      event_id,
      mailbox,
      from: { name, address: from },
      to: address,
      reply_to: sender?.reply_to ?? null,
      subject,
      text: toText(body) + footer.text,
      html: `${toHtml(body)}${footer.html}${pixel(own, token)}`,
      headers: footer.headers,
      message_id: id(message_key),
      references: thread.map(id),
      token,
    }
  },
  http: ({ resend }) => resend && resendHttp(resend),
  async send(context, letter) {
    const mailbox = mailboxOf(context.settings, letter.mailbox)
    if (mailbox === undefined) return gone
    if (mailbox.via === 'smtp') return sendBySmtp(context, mailbox, letter)
    return context.http === undefined ? gone : sendByResend(context, letter)
  },
  async look_up(context, letter) {
    const mailbox = mailboxOf(context.settings, letter.mailbox)
    if (mailbox === undefined) return 'unknown'
    return mailbox.via === 'smtp' ? lookUpByImap(context, mailbox, letter) : traceByResend(context)
  },
  inboxes: ({ mailboxes }) => mailboxes.flatMap((mailbox) => inboxOf(mailbox) ?? []),
  checks: mailboxChecks,
})

const gone = {
  outcome: 'rejected_temporary',
  at: 'sender',
  response: 'the mailbox is not in pipeline.yaml any more',
} as const

function mailboxOf({ mailboxes }: Settings, address: string | null) {
  return mailboxes.find(({ from }) => senderOf(from)!.mailbox === address)
}

function pixel({ tracking_pixel }: Settings, token: string): string {
  if (tracking_pixel === undefined) return ''
  const url = new URL(tracking_pixel)
  url.searchParams.set('t', token)
  return `\n<img src="${url.href.replaceAll('&', '&amp;')}" width="1" height="1" alt="">`
}

function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text)
}
