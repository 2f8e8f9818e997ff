import type { MailMessage } from '../mail.ts'

/** What a signature covers. nodemailer's own list leaves out List-Unsubscribe-Post, which RFC 8058 §4 wants signed. */
const SIGNED = [
  ...['from', 'sender', 'reply-to', 'subject', 'date', 'message-id', 'to', 'cc', 'mime-version', 'content-type'],
  ...['content-transfer-encoding', 'in-reply-to', 'references', 'list-id', 'list-unsubscribe', 'list-unsubscribe-post'],
].join(':')

/** The message whole, as RFC 5322 and MIME write it, signed if it has a key. No file and no URL is ever read for it. */
export async function mimeOf(message: MailMessage): Promise<Buffer> {
  for (const value of headerValues(message)) {
    if (/[\p{Cc}\u2028\u2029]/u.test(value)) throw new Error('a value for a header has control characters')
  }
  const { createTransport } = (await import('nodemailer')).default
  const { from, to, subject, text, html, headers, dkim } = message
  const transport = createTransport({
    streamTransport: true,
    buffer: true,
    newline: 'windows',
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(dkim === undefined
      ? {}
      : {
          dkim: {
            domainName: dkim.domain,
            keySelector: dkim.selector,
            privateKey: dkim.private_key,
            headerFieldNames: SIGNED,
          },
        }),
  })
  const info = await transport.sendMail({
    from: { name: from.name ?? '', address: from.address },
    to: { name: '', address: to },
    subject,
    text,
    messageId: message.message_id,
    date: new Date(message.date),
    ...(html === undefined ? {} : { html }),
    ...(message.reply_to === undefined ? {} : { replyTo: message.reply_to }),
    ...(message.in_reply_to === undefined ? {} : { inReplyTo: message.in_reply_to }),
    ...(message.references === undefined ? {} : { references: [...message.references] }),
    headers: Object.entries(headers ?? {}).map(([key, value]) => ({ key, value })),
    envelope: { from: message.envelope.from, to: [...message.envelope.to] },
  })
  return info.message as Buffer
}

function headerValues(message: MailMessage): string[] {
  const { from, to, subject, reply_to = '', in_reply_to = '', references = [], headers = {}, envelope } = message
  const own = [message.message_id, from.name ?? '', from.address, to, subject, reply_to, in_reply_to]
  return [...own, ...references, ...Object.entries(headers).flat(), envelope.from, ...envelope.to]
}
