import { generateKeyPairSync } from 'node:crypto'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mimeOf } from '../../../../pipeline/mail/mime.ts'
import { createMail, type Delivery, type MailMessage } from '../../../../pipeline/mail.ts'
import { type FaultyServer, faultySmtp, SMTP_FAULTS, type SmtpFault } from '../../../helpers/smtp-faults.ts'

const mail = createMail({
  http: () => ({ send: () => Promise.reject(new Error('no token is asked for')) }),
  now: () => new Date('2026-11-22T12:00:00Z'),
  signal: new AbortController().signal,
})

const MESSAGE: MailMessage = {
  message_id: '<abc@lead.test>',
  date: '2026-11-22T12:00:00Z',
  from: { name: 'Ana “A.” Souza', address: 'ana@lead.test' },
  to: 'someone@acme.test',
  subject: 'Olá, é você?',
  text: 'Text\n.\n.leading dot\nüñ',
  html: '<p>Text</p>',
  headers: { 'List-Unsubscribe': '<https://u.lead.test/?t=1>', 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' },
  envelope: { from: 'bounces@lead.test', to: ['someone@acme.test', 'archive@lead.test'] },
}

let server: FaultyServer
beforeAll(async () => {
  server = await faultySmtp()
})
afterAll(() => server.close())

const deliver = (fault: SmtpFault, message = MESSAGE) => {
  server.play(() => fault)
  server.accepted.length = 0
  return mail.deliver({ host: '127.0.0.1', port: server.port, tls: 'none' }, message)
}

/** Outcome, and whether the server has taken the message over. */
const EXPECTED: Record<SmtpFault, [Delivery['outcome'], Delivery['at'] | undefined, number]> = {
  none: ['accepted', undefined, 1],
  reset_at_greeting: ['rejected_temporary', 'sender', 0],
  greeting_421: ['rejected_temporary', 'sender', 0],
  mail_451: ['rejected_temporary', 'sender', 0],
  rcpt_450: ['rejected_temporary', 'recipient', 0],
  rcpt_550: ['rejected_permanent', 'recipient', 0],
  copy_450: ['rejected_temporary', 'sender', 0],
  drop_at_rcpt: ['rejected_temporary', 'sender', 0],
  drop_at_data: ['rejected_temporary', 'sender', 0],
  dot_451: ['rejected_temporary', 'message', 0],
  dot_552: ['rejected_permanent', 'message', 0],
  reset_after_dot: ['ambiguous', undefined, 1],
  close_after_dot: ['ambiguous', undefined, 1],
  reset_after_250: ['accepted', undefined, 1],
  no_goodbye: ['accepted', undefined, 1],
}

describe('what a failed delivery means', () => {
  it.each(SMTP_FAULTS)('%s', async (fault) => {
    const { outcome, at, response } = await deliver(fault)
    expect([outcome, at, server.accepted.length]).toEqual(EXPECTED[fault])
    expect(response).not.toContain('someone')
  })

  it('a server that never says goodbye is left all the same', async () => {
    await deliver('no_goodbye')
    await expect.poll(() => server.open(), { timeout: 5_000 }).toBe(0)
  })

  it('a server that is not there is tried again later', async () => {
    const gone = await mail.deliver({ host: '127.0.0.1', port: 1, tls: 'none' }, MESSAGE)
    expect(gone).toMatchObject({ outcome: 'rejected_temporary', at: 'sender' })
  })

  it('nothing is said in the clear to a server without TLS, where TLS is wanted', async () => {
    server.play(() => 'none')
    const refused = await mail.deliver({ host: '127.0.0.1', port: server.port, tls: 'required' }, MESSAGE)
    expect(refused).toMatchObject({ outcome: 'rejected_temporary', at: 'sender' })
  })

  it('recipient and archive get it in one transaction, with its dots and its Message-ID', async () => {
    await deliver('none')
    const [one] = server.accepted
    expect(one!.to).toEqual(['someone@acme.test', 'archive@lead.test'])
    expect(one!.text).toContain('\r\nMessage-ID: <abc@lead.test>\r\n')
    expect(one!.text).toContain('\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n')
    expect(one!.text).not.toContain('archive@')
  })
})

describe('a message whole', () => {
  it('is signed, List-Unsubscribe-Post included, and the signature holds', async () => {
    const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const private_key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const record = `v=DKIM1; k=rsa; p=${keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`
    const source = await mimeOf({ ...MESSAGE, dkim: { domain: 'lead.test', selector: 's1', private_key } })
    const verified = await dkimVerify(source, {
      resolver: async (name: string) => {
        expect(name).toBe('s1._domainkey.lead.test')
        return [[record]]
      },
    })
    expect(verified.results).toMatchObject([{ status: { result: 'pass' } }])
    const signature = /^DKIM-Signature:[\s\S]*?(?=^\S)/im.exec(source.toString('latin1'))![0].replaceAll(/\s/g, '')
    expect(signature).toMatch(/h=[^;]*list-unsubscribe:[^;]*list-unsubscribe-post/i)
    const changed = Buffer.from(source.toString('latin1').replace('One-Click', 'Two-Click'), 'latin1')
    const broken = await dkimVerify(changed, { resolver: async () => [[record]] })
    expect(broken.results[0]!.status.result).not.toBe('pass')
  })

  it.each([
    ['subject', { subject: 'Hi\r\nBcc: all@acme.test' }],
    ['recipient', { to: 'a@acme.test\r\nBcc: all@acme.test' }],
    ['name of the sender', { from: { name: 'Ana\nBcc: x@acme.test', address: 'ana@lead.test' } }],
    ['header', { headers: { 'X-Note': 'a\r\nBcc: x@acme.test' } }],
    ['reference', { references: ['<a@b>\r\nBcc: x@acme.test'] }],
    ['envelope', { envelope: { from: 'a@lead.test>\r\nRCPT TO:<x@acme.test', to: ['someone@acme.test'] } }],
  ])('a line break in its %s keeps it here', async (_what, change) => {
    const refused = await deliver('none', { ...MESSAGE, ...change })
    expect([refused.outcome, server.accepted.length]).toEqual(['rejected_permanent', 0])
  })
})
