import { RemoteError } from '../../pipeline/errors.ts'
import { senderOf } from '../addresses.ts'
import type { Sending, Trace } from '../define.ts'
import type { Delivery, Letter } from '../letter.ts'
import { archiveOf, type Mailbox, mailServer } from '../mailbox.ts'

type Context = Pick<Sending<unknown>, 'mail' | 'now' | 'claimed_at'>

/** Through the mailbox's own server, with a copy to the archive in the same transaction. */
export async function sendBySmtp({ mail, now }: Context, mailbox: Mailbox, letter: Letter): Promise<Delivery> {
  const { smtp, archive, dkim } = mailbox
  if (smtp === undefined) {
    return { outcome: 'rejected_temporary', at: 'sender', response: 'the mailbox has no smtp in pipeline.yaml' }
  }
  const copy = typeof archive === 'object' ? archive.address : archive
  return mail.deliver(mailServer(smtp), {
    message_id: letter.message_id,
    date: now().toISOString(),
    from: letter.from!,
    to: letter.to,
    ...(letter.reply_to === null ? {} : { reply_to: letter.reply_to }),
    subject: letter.subject ?? '',
    text: letter.text,
    ...(letter.html === null ? {} : { html: letter.html }),
    ...threadOf(letter),
    headers: letter.headers,
    envelope: { from: returnPath(mailbox, letter), to: copy === undefined ? [letter.to] : [letter.to, copy] },
    ...(dkim === undefined ? {} : { dkim }),
  })
}

function threadOf({ references }: Letter) {
  const last = references.at(-1)
  return last === undefined ? {} : { in_reply_to: last, references }
}

function returnPath({ from, return_path, verp }: Mailbox, { token }: Letter): string {
  const address = return_path ?? senderOf(from)!.mailbox
  const at = address.lastIndexOf('@')
  return verp ? `${address.slice(0, at)}+${token}${address.slice(at)}` : address
}

/** Whether the archive has it. */
export async function lookUpByImap(
  { mail, now, claimed_at }: Context,
  mailbox: Mailbox,
  { message_id }: Letter,
): Promise<Trace> {
  const archive = archiveOf(mailbox)
  if (archive === undefined) return 'unknown'
  const folder = await mail.open(archive.server, archive.folder)
  try {
    if ((await folder.search('message-id', message_id)).length > 0) return 'accepted'
  } finally {
    await folder.close()
  }
  if (!archive.complete) return 'unknown'
  const settled = Date.parse(claimed_at) + mailbox.settle_s * 1000
  if (now().getTime() < settled) {
    const until = new Date(settled).toISOString()
    throw new RemoteError(`the archive may still be taking it in, until ${until}`, 'imap', { reason: 'later' })
  }
  return 'absent'
}
