import fc from 'fast-check'
import { expect, it } from 'vitest'
import { HEARD_KIND, hear, heardSchema } from '../../../../outreach/replies/heard.ts'
import { ownWords } from '../../../../outreach/replies/quotes.ts'
import { readMail } from '../../../../outreach/replies/read-mail.ts'
import { loadRules } from '../../../../outreach/replies/rules.ts'

const rules = loadRules()
const NOW = new Date('2026-11-22T12:00:00Z')

async function heard(source: string | Buffer) {
  const mail = await readMail(Buffer.isBuffer(source) ? source : Buffer.from(source))
  const [first] = hear(mail, { mailbox: 'ana@lead.test', own: new Set() }, rules, NOW) ?? []
  expect(first?.kind).toBe(HEARD_KIND)
  return heardSchema.parse(first?.body)
}

const FROM = 'From: Bob <bob@acme.test>\r\nSubject: Re: Hello\r\n'
const html = (body: string) => `${FROM}Content-Type: text/html; charset=utf-8\r\n\r\n${body}`

it.each<[string, string | Buffer, string]>([
  [
    '10 MB of text, the answer first',
    `${FROM}\r\nPlease unsubscribe me.\r\n\r\n${'lorem ipsum dolor '.repeat(600_000)}`,
    'unsubscribe',
  ],
  ['a line of a million letters', `${FROM}\r\n${'a'.repeat(1_000_000)}`, 'other'],
  ['a million quotes', `${FROM}\r\nNo, thanks\r\n${'>'.repeat(1_000_000)}`, 'not_interested'],
  ['HTML alone', html('<p>Yes, <b>call me</b> tomorrow</p><blockquote>Shall I remove you?</blockquote>'), 'meeting'],
  ['HTML nested 20,000 deep', html(`${'<div>'.repeat(20_000)}stop`), 'unsubscribe'],
  [
    'a charset that is none',
    `${FROM}Content-Type: text/plain; charset=klingon-8\r\n\r\nNot interested`,
    'not_interested',
  ],
  [
    'bytes of another charset',
    Buffer.from(`${FROM}Content-Type: text/plain; charset=iso-8859-1\r\n\r\nN\xe3o, obrigado`, 'latin1'),
    'not_interested',
  ],
  ['base64 that is none', `${FROM}Content-Transfer-Encoding: base64\r\n\r\n%%%%not base64%%%%`, 'other'],
  ['no headers at all', 'stop', 'unsubscribe'],
  ['nothing', '', 'other'],
  ['headers without end', `${'X-A: b\r\n'.repeat(20_000)}`, 'other'],
  ['a boundary that never comes', `${FROM}Content-Type: multipart/mixed; boundary="x"\r\n\r\nStop`, 'unsubscribe'],
  ['a header of a million letters', `${FROM}References: ${'<a@b> '.repeat(200_000)}\r\n\r\nstop`, 'unsubscribe'],
])('survives %s', async (_, source, wanted) => {
  expect((await heard(source)).class).toBe(wanted)
})

it('survives a bomb of parts: deep, and wide', async () => {
  const deep = Array.from(
    { length: 2_000 },
    (_, n) => `Content-Type: multipart/mixed; boundary="b${n}"\r\n\r\n--b${n}\r\n`,
  ).join('')
  const wide = `Content-Type: multipart/mixed; boundary="b"\r\n\r\n${'--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n'.repeat(20_000)}--b--`
  for (const body of [deep, wide]) expect((await heard(`${FROM}${body}`)).addresses).toEqual(['bob@acme.test'])
})

it('survives a malformed delivery report', async () => {
  const report = (block: string) =>
    `From: MAILER-DAEMON@mx.test\r\nSubject: Undelivered\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n${block}\r\n--b--`
  for (const block of [
    '',
    'Action: failed',
    'Final-Recipient: rfc822;\r\nAction: failed\r\nStatus: banana',
    `Final-Recipient: rfc822; ${'x'.repeat(100_000)}\r\nAction: failed`,
    'Final-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n'.repeat(300),
    '\0\0\0: \xff',
  ])
    expect((await heard(report(block))).class).toBe('bounce')
})

it('names nobody whom the report does not, and never ourselves', async () => {
  const loop = await readMail(Buffer.from('From: ana@lead.test\r\nAuto-Submitted: auto-replied\r\n\r\nI am away'))
  expect(hear(loop, { mailbox: 'ana@lead.test', own: new Set(['ana@lead.test']) }, rules, NOW)).toBeUndefined()
})

it('never throws, whatever the bytes, and says the same each time', async () => {
  const piece = fc.constantFrom(
    ...`From: |Subject: |Content-Type: multipart/report; boundary=b\r\n|--b\r\n|\r\n\r\n|stop|> |Status: 5.1.1|=?utf-8?B?|?=|\0|é|😀|<a@b.c>|charset=utf-7|Re: |not |interested|2027-13-45|31/02`.split(
      '|',
    ),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(piece, fc.string()), { maxLength: 40 }), async (pieces) => {
      const source = pieces.join('')
      expect(await heard(source)).toEqual(await heard(source))
    }),
    { numRuns: 60, seed: 20261122 },
  )
})

it('cuts quotes in time that grows with the text', () => {
  const text = 'On Monday Ana wrote something.\n'.repeat(2_000)
  expect(ownWords(text, rules).length).toBeGreaterThan(0)
})
