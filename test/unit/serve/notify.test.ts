import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Mail, MailMessage } from '../../../pipeline/mail.ts'
import { type Facts, incidentsOf } from '../../../serve/notify/incidents.ts'
import { settings } from '../../../serve/notify/settings.ts'
import { readState, writeState } from '../../../serve/notify/state.ts'
import { tell } from '../../../serve/notify/tell.ts'
import { httpWorld } from '../../helpers/http-world.ts'

const NOW = new Date('2026-03-10T12:00:00Z')
const calm: Facts = {
  ...{ now: NOW, last_run: { call: 'pipeline run', ended_at: '2026-03-10T06:00:00Z', failed: [] }, published_at: null },
  ...{
    tables: [{ name: 'dim_companies', rows: 9, fewest_before: 5, times_before: 8 }],
    rejected: { rows: 4, of: 100 },
  },
  ...{ keys_refused: [], budgets: [{ name: 'USD of this month', spent: 79, limit: 100 }], mailboxes_paused: [] },
  ...{ in_doubt: [], approvals: { waiting: 0, oldest: '2026-03-10T00:00:00Z' }, interested: [] },
}
const keysOf = (facts: Partial<Facts>, written: object = {}) =>
  incidentsOf({ ...calm, ...facts }, settings.parse(written)).map(({ key }) => key)

describe('what needs a person', () => {
  it('nothing does while all is well', () => {
    expect(keysOf({})).toEqual([])
    expect(keysOf({ last_run: null, tables: [], rejected: null, budgets: [] })).toEqual([])
  })

  it.each([
    ['run_failed', { last_run: { call: 'pipeline run', ended_at: '2026-03-10T06:00:00Z', failed: ['model.x'] } }],
    ['run_failed', { last_run: { call: 'pipeline run', ended_at: null, failed: [] } }],
    ['run_missing', { last_run: { call: 'pipeline run', ended_at: '2026-03-09T09:59:00Z', failed: [] } }],
    ['no_rows:dim_companies', { tables: [{ name: 'dim_companies', rows: 0, fewest_before: 5, times_before: 3 }] }],
    ['rejected', { rejected: { rows: 6, of: 100 } }],
    ['key_refused:hunter', { keys_refused: ['hunter'] }],
    ['budget:USD of this month', { budgets: [{ name: 'USD of this month', spent: 80, limit: 100 }] }],
    ['mailbox_paused:a@example.com', { mailboxes_paused: ['a@example.com'] }],
    ['in_doubt:e1', { in_doubt: ['e1'] }],
    ['approvals', { approvals: { waiting: 3, oldest: '2026-03-09T11:59:00Z' } }],
    ['interested:r1', { interested: [{ reply_id: 'r1', lead_id: 'l1', company: 'Acme', owner: 'ana' }] }],
  ] as const)('%s', (key, facts) => {
    expect(keysOf(facts as unknown as Partial<Facts>)).toEqual([key])
  })

  it('a table that is sometimes empty, or was seen too seldom, is not missed', () => {
    expect(keysOf({ tables: [{ name: 't', rows: 0, fewest_before: 5, times_before: 2 }] })).toEqual([])
    expect(keysOf({ tables: [{ name: 't', rows: 0, fewest_before: 0, times_before: 9 }] })).toEqual([])
  })
})

describe('who is told', () => {
  let server: Server
  let url: string
  let got: { path: string; text: string }[]
  let status: number
  let mails: MailMessage[]
  let folder: string

  beforeEach(async () => {
    ;[got, mails, status] = [[], [], 200]
    folder = mkdtempSync(join(tmpdir(), 'lead-engine-notify-'))
    server = createServer((request, response) => {
      let body = ''
      request.on('data', (part) => {
        body += part
      })
      request.on('end', () => {
        if (status === 200) got.push({ path: request.url!, text: (JSON.parse(body) as { text: string }).text })
        response.writeHead(status).end('ok')
      })
    })
    await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    rmSync(folder, { recursive: true, force: true })
    await new Promise((done) => server.close(done))
  })

  async function telling(facts: Partial<Facts>, written: object = {}, refuse = false) {
    const { http, database } = await httpWorld({})
    const mail = {
      async deliver(_: unknown, message: MailMessage) {
        mails.push(message)
        return { outcome: refuse ? 'rejected_permanent' : 'accepted', response: 'no' }
      },
    } as unknown as Mail
    const parsed = settings.parse({ webhook: `${url}/services/T1/B1`, ...written })
    const file = join(folder, 'notify.json')
    const told = await tell(incidentsOf({ ...calm, ...facts }, parsed), parsed, readState(file), {
      ...{ http, mail, now: () => NOW, public_url: 'https://leads.example.com/' },
      save: (state) => writeState(file, state),
    })
    database.close()
    return told
  }

  it('once an incident: again only when it was over meanwhile', async () => {
    const paused = { mailboxes_paused: ['a@example.com'] }
    expect(await telling(paused)).toEqual({ told: 1, failed: [] })
    expect(await telling(paused)).toEqual({ told: 0, failed: [] })
    expect(await telling({ ...paused, keys_refused: ['hunter'] })).toEqual({ told: 1, failed: [] })
    await telling({})
    await telling(paused)
    expect(got.map(({ text }) => text)).toEqual([
      '• Nothing leaves from a@example.com: it is paused <https://leads.example.com/outreach|open>',
      expect.stringContaining('hunter refuses our key'),
      expect.stringContaining('Nothing leaves from a@example.com'),
    ])
    expect(got[0]!.path).toBe('/services/T1/B1')
  })

  it('a reply once for ever, to its owner, and nothing that came from outside is a mention or a header', async () => {
    const company = 'Acme <!channel> <https://evil.example|x> &\r\nBcc: all@example.com'
    const interested = [{ reply_id: 'r1', lead_id: 'lead_1', company, owner: 'ana' }]
    const owners = { ana: { webhook: `${url}/ana`, email: 'ana@example.com' } }
    const email = { from: 'engine@example.com', to: ['ops@example.com'], smtp: { host: '127.0.0.1', port: 25 } }
    await telling({ interested }, { owners, email })
    await telling({})
    await telling({ interested }, { owners, email })
    expect(got).toEqual([{ path: '/ana', text: expect.stringContaining('Acme &lt;!channel&gt; &lt;https') }])
    expect(got[0]!.text.split('\n').length).toBe(1)
    expect(mails.map(({ to, subject }) => [to, subject])).toEqual([
      ['ana@example.com', 'Lead Engine: something needs you'],
    ])
    expect(mails[0]!.text.split('\n')[0]).toMatch(/^- An interested reply/)
  })

  it('whoever could not be reached is told the next time, and the others are not told twice', async () => {
    const email = { from: 'engine@example.com', to: ['ops@example.com'], smtp: { host: '127.0.0.1', port: 25 } }
    const doubt = { in_doubt: ['e1', 'e2'] }
    expect(await telling(doubt, { email }, true)).toEqual({ told: 2, failed: [expect.stringContaining('email: ')] })
    expect(await telling(doubt, { email })).toEqual({ told: 2, failed: [] })
    expect([got.length, mails.length]).toEqual([1, 2])
    status = 400
    expect((await telling({ keys_refused: ['x'] })).failed.length).toBe(1)
    status = 200
    expect((await telling({ keys_refused: ['x'] })).told).toBe(1)
  })
})
