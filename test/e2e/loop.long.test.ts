import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createMail, type MailMessage } from '../../pipeline/mail.ts'
import { buildServer } from '../../serve/server.ts'
import { settings as serveSettings } from '../../serve/settings.ts'
import { readUsers } from '../../serve/users.ts'
import { pipeline } from '../helpers/cli.ts'
import { mailServers, noMailServers } from '../helpers/mail-servers.ts'
import { outreachProject } from '../helpers/outreach-project.ts'

// Send, deliver, and all the ways back, over real Postfix and Dovecot: a reply, a refusal in words, a bounce (Postfix's own
// report), unsubscribing by one click and by mail; then states, suppressions, the CRM's files, and who gets the second message.

const lacks = noMailServers()
const WHO = [
  'ana@acme.test',
  'bob@acme.test',
  'gone@gone.test',
  'carla@one.example',
  'dora@two.example',
  'eva@three.example',
]

it.skipIf(lacks !== undefined)(
  `what is sent comes back in every way, and each has its effect${lacks === undefined ? '' : ` (${lacks})`}`,
  { timeout: 300_000 },
  async () => {
    const servers = await mailServers()
    const project = await outreachProject({
      messages: WHO.length,
      addresses: WHO,
      smtp_port: servers.smtp.port,
      imap_port: servers.imap.port,
      live: ['sync'],
      follow_up: true,
    })
    const { root } = project
    const run = async (...args: string[]) => {
      const done = await pipeline(root, args)
      expect(done.code, done.stderr).toBe(0)
      return done.stderr
    }
    const delivered = (address: string) =>
      servers
        .inbox(/\.example$/.test(address) ? 'everybody@acme.test' : address)
        .filter((text) => new RegExp(`^To: .*${address}`, 'im').test(text))
    const header = (text: string, name: string) =>
      new RegExp(`^${name}:((?:.|\\n[ \\t])*)`, 'im')
        .exec(text.replaceAll('\r', ''))?.[1]
        ?.replaceAll(/\s+/g, ' ')
        .trim()
    const mail = createMail({
      http: () => ({ send: () => Promise.reject(new Error('no HTTP here')) }),
      now: () => new Date(),
      signal: new AbortController().signal,
    })
    const write = async (from: string, about: string, what: Partial<MailMessage>) => {
      const ours = delivered(about)[0]!
      const told = await mail.deliver(
        { ...servers.smtp, tls: 'none' },
        {
          message_id: `<${from}>`,
          date: new Date().toISOString(),
          from: { name: null, address: from },
          to: 'seller@lead.test',
          subject: `Re: ${header(ours, 'Subject')}`,
          text: '',
          in_reply_to: header(ours, 'Message-ID')!,
          references: [header(ours, 'Message-ID')!],
          envelope: { from, to: ['seller@lead.test'] },
          ...what,
        },
      )
      expect(told.outcome).toBe('accepted')
    }
    const statuses = async (step = 'intro') =>
      Object.fromEntries(
        (await project.events(`step_id = '${step}' and address is not null`)).map(
          ({ address, status, response_type }) => [
            address,
            response_type === null ? status : `${status} ${response_type}`,
          ],
        ),
      )
    try {
      await run('send', '--quiet')
      await servers.settled()
      for (const address of WHO) if (address !== 'gone@gone.test') expect(delivered(address), address).toHaveLength(1)

      await write('ana@acme.test', 'ana@acme.test', {
        text: 'Sounds good, can we talk on Thursday?\n\nOn Monday Ana wrote:\n> stop',
      })
      await write('bob@acme.test', 'bob@acme.test', { text: 'Not interested, please take me off your list.' })
      const way = header(delivered('dora@two.example')[0]!, 'List-Unsubscribe')!
      const [, mailto, subject] = /<mailto:([^?>]+)\?subject=([0-9a-f]{32})>/.exec(way)!
      await write('dora@two.example', 'dora@two.example', { to: mailto!, subject: subject!, text: ' ' })
      await oneClick(root, header(delivered('carla@one.example')[0]!, 'List-Unsubscribe')!)
      await servers.settled()

      expect(await run('replies')).toMatch(/4 read \(1 bounce, 1 meeting, 2 unsubscribe\)/)
      expect(await run('replies')).toContain('0 read')
      await run('run', '--quiet', '--stage', 'outreach', 'sync')
      expect(await statuses()).toEqual({
        'ana@acme.test': 'replied meeting',
        'bob@acme.test': 'unsubscribed unsubscribe',
        'gone@gone.test': 'bounced',
        'carla@one.example': 'unsubscribed unsubscribe',
        'dora@two.example': 'unsubscribed unsubscribe',
        'eva@three.example': 'sent',
      })
      const [bounced] = await project.events(`address = 'gone@gone.test' and step_id = 'intro'`)
      expect(bounced!.response).toBe('5.1.1 userunknown')
      const listed = await pipeline(root, ['suppress', 'list', '--output', 'json'])
      for (const address of ['bob@acme.test', 'gone@gone.test', 'dora@two.example'])
        expect(listed.stdout).toContain(address)

      // The CRM knows of nobody who said no, and of those who did not.
      const contacts = join(root, 'data', 'crm', 'contacts.json')
      const known = existsSync(contacts) ? (JSON.parse(readFileSync(contacts, 'utf8')) as { email: string }[]) : []
      const emails = new Set(known.map(({ email }) => email))
      expect(WHO.filter((address) => emails.has(address))).toEqual(['ana@acme.test', 'eva@three.example'])

      // Only who has said nothing hears of us again, in the same thread.
      await run('approve', '--all-of', 'bench', '--by', 'boss')
      await run('send', '--quiet')
      await servers.settled()
      expect(WHO.filter((address) => delivered(address).length > 1)).toEqual(['eva@three.example'])
      const first = delivered('eva@three.example').find((text) => header(text, 'In-Reply-To') === undefined)!
      const second = delivered('eva@three.example').find((text) => text !== first)!
      const id = header(first, 'Message-ID')
      expect([header(second, 'In-Reply-To'), header(second, 'References')]).toEqual([id, id])
      expect(header(second, 'Subject')).toBe(`Re: ${header(first, 'Subject')}`)
    } finally {
      servers.stop()
      rmSync(root, { recursive: true, force: true })
    }
  },
)

/** What a mail program does with the button: a POST, and nothing else. */
async function oneClick(root: string, listUnsubscribe: string): Promise<void> {
  const data = join(root, 'data')
  const settings = serveSettings.parse({})
  const { api, context } = buildServer({
    settings,
    users: readUsers(settings, {}, [], () => 1),
    warehouse: join(data, 'warehouse.duckdb'),
    data,
    threads: 1,
    env: {},
    outcomes: {},
    hooks: {},
    now: () => new Date(),
    loadScoring: () => Promise.reject(new Error('nothing is scored')),
    fault: (message) => {
      throw new Error(message)
    },
  })
  const { pathname, search } = new URL(/<(https:[^>]+)>/.exec(listUnsubscribe)![1]!)
  const answer = await api.request(`http://127.0.0.1${pathname}${search}`, {
    method: 'POST',
    headers: { host: '127.0.0.1', 'content-type': 'application/x-www-form-urlencoded' },
    body: 'List-Unsubscribe=One-Click',
  })
  expect(answer.status).toBe(200)
  await context.publications.close()
}
