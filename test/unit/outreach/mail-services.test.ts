import { generateKeyPairSync } from 'node:crypto'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Letter } from '../../../outreach/letter.ts'
import { mailboxSchema, mailServer } from '../../../outreach/mailbox.ts'
import { mailboxChecks } from '../../../outreach/mailbox-checks.ts'
import { resendHttp, resendSchema, sendByResend, traceByResend } from '../../../outreach/transports/resend.ts'
import { createMail } from '../../../pipeline/mail.ts'
import { type HttpWorld, httpWorld } from '../../helpers/http-world.ts'
import { nameServer } from '../../helpers/name-server.ts'

// The services around mail, each played on this machine: Resend, a token endpoint with the servers that ask for its tokens
// (XOAUTH2), and the name servers that vouch for a sender.

const NOW = new Date('2026-11-23T12:00:00Z')
const open: { close(): unknown }[] = []
let web: HttpWorld
let base_url: string
let answer: (request: IncomingMessage, body: string, response: ServerResponse) => void
beforeAll(async () => {
  web = await httpWorld()
  const server = createHttpServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    answer(request, body, response)
  })
  base_url = `http://127.0.0.1:${await listening(server)}`
})
afterAll(() => {
  for (const one of open) one.close()
})

async function listening(server: Server): Promise<number> {
  open.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}

describe('Resend', () => {
  const letter: Letter = {
    event_id: 'evt_1',
    mailbox: 'ana@lead.test',
    from: { name: 'Ana "A." Souza', address: 'ana@lead.test' },
    to: 'bob@acme.test',
    reply_to: null,
    subject: 'Hello',
    text: 'Text',
    html: '<p>Text</p>',
    headers: { 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' },
    message_id: '<key2@lead.test>',
    references: ['<key1@lead.test>'],
    token: 'f'.repeat(32),
  }
  const settings = () => resendSchema.parse({ api_key: 'secret', base_url })
  const send = () => {
    const http = web.http({ service: 'resend', ...resendHttp(settings()) })
    return sendByResend({ http, now: () => NOW, first_claimed_at: NOW.toISOString() }, letter)
  }
  /** What it took over, by key. */
  const taken = new Map<string, Record<string, unknown>>()
  const take = (request: IncomingMessage, body: string) => {
    const key = String(request.headers['idempotency-key'])
    if (!taken.has(key)) taken.set(key, JSON.parse(body) as Record<string, unknown>)
  }
  beforeEach(() => taken.clear())

  it('gets the letter with its thread, its headers and its key', async () => {
    answer = (request, body, response) => {
      expect([request.url, request.headers.authorization]).toEqual(['/emails', 'Bearer secret'])
      take(request, body)
      response.end('{"id":"re_1"}')
    }
    expect(await send()).toMatchObject({ outcome: 'accepted', provider_id: 're_1' })
    expect([...taken]).toMatchObject([
      [
        '<key2@lead.test>',
        {
          from: '"Ana A. Souza" <ana@lead.test>',
          to: ['bob@acme.test'],
          headers: {
            'Message-ID': '<key2@lead.test>',
            'In-Reply-To': '<key1@lead.test>',
            'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
          },
        },
      ],
    ])
  })

  it('that takes it and dies is asked again with the same key, while it remembers it', async () => {
    answer = (request, body) => {
      take(request, body)
      request.socket.destroy()
    }
    expect((await send()).outcome).toBe('ambiguous')
    const claimed = (hours: number) =>
      traceByResend({
        http: undefined,
        now: () => NOW,
        first_claimed_at: new Date(+NOW - hours * 3_600_000).toISOString(),
      })
    expect([claimed(1), claimed(24)]).toEqual(['absent', 'unknown'])
    answer = (request, body, response) => {
      take(request, body)
      response.end('{"id":"re_1"}')
    }
    expect((await send()).outcome).toBe('accepted')
    expect(taken.size).toBe(1)
  })

  it.each([
    [409, 'ambiguous', undefined],
    [403, 'rejected_temporary', 'sender'],
    [422, 'rejected_permanent', 'message'],
    [429, 'rejected_temporary', 'sender'],
    [500, 'ambiguous', 'sender'],
  ])('%i: %s', async (status, outcome, at) => {
    answer = (_, __, response) => {
      response.statusCode = status
      response.end('{"name":"some_reason","message":"bob@acme.test"}')
    }
    const told = await send()
    expect([told.outcome, told.at]).toEqual([outcome, at])
    expect(told.response).not.toContain('bob@')
  })
})

describe('XOAUTH2', () => {
  /** A server of lines that takes one token. */
  async function lines(greeting: string, reply: (line: string) => string): Promise<number> {
    return listening(
      createServer((socket: Socket) => {
        socket.on('error', () => {})
        socket.write(greeting)
        let rest = ''
        socket.on('data', (chunk) => {
          rest += chunk.toString('latin1')
          for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
            socket.write(reply(rest.slice(0, end)))
            rest = rest.slice(end + 2)
          }
        })
      }),
    )
  }
  const proof = Buffer.from('user=ana@lead.test\x01auth=Bearer token-1\x01\x01').toString('base64')
  const mailbox = (kind: 'smtp' | 'imap', port: number) => {
    const oauth2 = {
      provider: 'google',
      client_id: 'c',
      client_secret: 's',
      refresh_token: 'r',
      token_url: `${base_url}/token`,
    }
    const server = { host: '127.0.0.1', port, user: 'ana@lead.test', oauth2 }
    return mailServer(mailboxSchema.parse({ from: 'ana@lead.test', [kind]: server })[kind]!)
  }
  const mail = () => createMail({ http: web.http, now: () => NOW, signal: new AbortController().signal })
  let asked = 0
  beforeEach(() => {
    asked = 0
    answer = (_, body, response) => {
      asked++
      expect(Object.fromEntries(new URLSearchParams(body))).toMatchObject({
        grant_type: 'refresh_token',
        refresh_token: 'r',
      })
      response.end('{"access_token":"token-1","expires_in":3600}')
    }
  })

  it('opens SMTP with a token that is had once for many messages', async () => {
    const port = await lines('220 mx ESMTP\r\n', (line) => {
      if (/^EHLO/i.test(line)) return '250-mx\r\n250 AUTH XOAUTH2\r\n'
      if (/^AUTH/i.test(line)) return line === `AUTH XOAUTH2 ${proof}` ? '235 2.7.0 ok\r\n' : '535 5.7.8 no\r\n'
      return '250 ok\r\n'
    })
    const both = mail()
    await both.greet(mailbox('smtp', port))
    await both.greet(mailbox('smtp', port))
    expect(asked).toBe(1)
  })

  it('a token that is refused says so, and does not tell it', async () => {
    const port = await lines('220 mx ESMTP\r\n', (line) =>
      /^EHLO/i.test(line) ? '250-mx\r\n250 AUTH XOAUTH2\r\n' : '535 5.7.8 no\r\n',
    )
    const refused = await mail()
      .greet(mailbox('smtp', port))
      .catch((error: Error) => error.message)
    expect(refused).toContain('5.7.8')
    expect(refused).not.toContain('token-1')
  })

  it('opens IMAP', async () => {
    const seen: string[] = []
    const port = await lines('* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready\r\n', (line) => {
      seen.push(line)
      const [tag, verb = ''] = line.split(' ')
      if (/^AUTHENTICATE$/i.test(verb) && !line.endsWith(proof)) return `${tag} NO refused\r\n`
      if (/^CAPABILITY$/i.test(verb)) return `* CAPABILITY IMAP4rev1\r\n${tag} OK done\r\n`
      if (/^LIST$/i.test(verb)) return `* LIST () "/" INBOX\r\n${tag} OK done\r\n`
      if (/^(EXAMINE|SELECT)$/i.test(verb))
        return `* 0 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* FLAGS (\\Seen)\r\n${tag} OK [READ-ONLY] done\r\n`
      return verb === '' ? '' : `${tag} OK done\r\n`
    })
    const folder = await mail().open(mailbox('imap', port), 'INBOX')
    expect(folder.uid_validity).toBe('7')
    await folder.close()
    expect(seen.some((line) => line.endsWith(`AUTHENTICATE XOAUTH2 ${proof}`))).toBe(true)
  })
})

describe('debug: the records of a sender', () => {
  const zone: Record<string, string[]> = {}
  let names: Awaited<ReturnType<typeof nameServer>> | undefined
  afterAll(() => names?.close())
  const keys = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const private_key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const p = keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const GOOD = {
    'lead.test TXT': ['v=spf1 include:_spf.example -all'],
    's1._domainkey.lead.test TXT': [`v=DKIM1; k=rsa; p=${p}`],
    '_dmarc.lead.test TXT': ['v=DMARC1; p=quarantine; rua=mailto:d@lead.test'],
  }
  it.each<[string, Record<string, string[]>, string, object?]>([
    [
      'all well',
      {},
      'SPF lead.test; DKIM s1._domainkey.lead.test; DMARC lead.test p=quarantine; aligned by SPF and DKIM',
    ],
    ['no SPF', { 'lead.test TXT': ['something'] }, 'lead.test has no SPF record'],
    ['two SPF', { 'lead.test TXT': ['v=spf1 -all', 'v=spf1 ~all'] }, 'has 2 SPF records'],
    ['SPF for everybody', { 'lead.test TXT': ['v=spf1 +all'] }, 'lets everybody send'],
    ['no key', { 's1._domainkey.lead.test TXT': [] }, 'there is no key at s1._domainkey.lead.test'],
    ['another key', { 's1._domainkey.lead.test TXT': ['v=DKIM1; p=AAAA'] }, 'is not the one we sign with'],
    ['a revoked key', { 's1._domainkey.lead.test TXT': ['v=DKIM1; p='] }, 'is revoked'],
    ['no DMARC', { '_dmarc.lead.test TXT': [] }, 'lead.test has no DMARC record'],
    [
      'a return path and a key of others',
      { 'other.test TXT': ['v=spf1 -all'], 's1._domainkey.other.test TXT': [`v=DKIM1; p=${p}`] },
      'neither SPF (other.test) nor DKIM (other.test) stands for lead.test: DMARC fails',
      { return_path: 'b@other.test', dkim: { domain: 'other.test', selector: 's1', private_key } },
    ],
  ])('%s', async (_, change, wanted, own = {}) => {
    for (const key of Object.keys(zone)) delete zone[key]
    Object.assign(zone, GOOD, change)
    names ??= await nameServer(zone)
    const dkim = { domain: 'lead.test', selector: 's1', private_key }
    const mailbox = mailboxSchema.parse({ from: 'Ana <ana@lead.test>', dkim, ...own })
    const check = mailboxChecks({ mailboxes: [mailbox], dns: { servers: [names.server] } }).find(
      ({ name }) => name === 'sender lead.test',
    )!
    const mail = createMail({ http: web.http, now: () => NOW, signal: new AbortController().signal })
    const told = await check
      .run({ http: web.http, now: () => NOW, signal: new AbortController().signal, mail } as never)
      .catch((error: Error) => error.message)
    expect(told).toContain(wanted)
  })
})
