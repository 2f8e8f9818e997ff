import { afterEach, describe, expect, test } from 'vitest'
import type { Subject } from '../../../../ingest/define.ts'
import { icpSchema } from '../../../../ingest/icp.ts'
import { readMx, readSpf } from '../../../../ingest/mail-hosts.ts'
import products from '../../../../ingest/providers/dns.json' with { type: 'json' }
import dns from '../../../../ingest/providers/dns.ts'
import { httpWorld } from '../../../helpers/http-world.ts'
import { nameServer, type Zone } from '../../../helpers/name-server.ts'

const icp = icpSchema.parse({ version: 1, profiles: { all: { description: 'All', hard: { countries: ['BR'] } } } })

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

const subjectOf = (domain: string): Subject => ({
  ...{ subject_id: domain, company_id: domain, name: domain, domain, cnpj: null, country: null },
  ...{ full_name: null, email: null, linkedin_url: null },
})

/** What it finds out about domains from a name server on this machine. */
async function ask(zone: Zone, ...domains: string[]) {
  const names = await nameServer(zone)
  open.push(names)
  const world = await httpWorld()
  const settings = dns.settings.parse({ servers: [names.server], per_second: 1000 })
  const options = dns.http!(settings)
  const http = (replay: boolean) =>
    world.again({ replay })({ ...options, service: 'dns', limits: { ...options.limits, timeout_s: 0.05 } })
  const rows = async (replay = false) => {
    const found: Record<string, unknown>[] = []
    const subjects = domains.map(subjectOf)
    const context = { settings, icp, http: http(replay), as_of: '2026-03-10', subjects, fields: ['mail' as const] }
    for await (const page of dns.resources.domains!.pages!(context)) found.push(...(page as typeof found))
    return found
  }
  return { rows, names, world }
}

describe('over the protocol of name servers', () => {
  test('MX, by preference, with who runs it and who sends besides', async () => {
    const { rows } = await ask(
      {
        'acme.example MX': ['20 alt.aspmx.l.google.com', '5 aspmx.l.google.com'],
        'acme.example TXT': ['v=spf1 include:_spf.google.com include:servers.mcsv.net -all', 'x=1'],
      },
      'acme.example',
    )
    expect(await rows()).toEqual([
      {
        ...{ subject_id: 'acme.example', domain: 'acme.example', outcome: 'OK', accepts_mail: true },
        ...{ is_null_mx: false, is_implicit_mx: false, mx_hosts: ['aspmx.l.google.com', 'alt.aspmx.l.google.com'] },
        ...{ mail_providers: ['Google Workspace'], senders: ['Google Workspace', 'Mailchimp'] },
        spf: 'v=spf1 include:_spf.google.com include:servers.mcsv.net -all',
      },
    ])
  })

  test('null MX takes no mail; without MX an address does, be it IPv6; without either nothing does', async () => {
    const { rows } = await ask(
      {
        'none.example MX': ['0 .'],
        'four.example A': ['192.0.2.1'],
        'six.example AAAA': ['2001:0db8:0000:0000:0000:0000:0000:0001'],
        'bare.example TXT': ['x'],
      },
      ...['none.example', 'four.example', 'six.example', 'bare.example'],
    )
    expect(
      (await rows()).map(({ accepts_mail, is_null_mx, is_implicit_mx }) => [accepts_mail, is_null_mx, is_implicit_mx]),
    ).toEqual([
      [false, true, false],
      [true, false, true],
      [true, false, true],
      [false, false, false],
    ])
  })

  test('ENOTFOUND, ENODATA, ESERVFAIL and ETIMEOUT stay apart, and only the first two are proof', async () => {
    const zone: Zone = { 'bare.example TXT': ['x'], 'lame.example MX': 'SERVFAIL', 'slow.example MX': 'silence' }
    const { rows, names } = await ask(zone, 'gone.example', 'bare.example', 'lame.example', 'slow.example')
    expect((await rows()).map(({ outcome, accepts_mail }) => [outcome, accepts_mail])).toEqual([
      ['ENOTFOUND', false],
      ['ENODATA', false],
      ['ESERVFAIL', null],
      ['ETIMEOUT', null],
    ])
    expect(names.seen.filter((each) => each === 'slow.example MX')).toHaveLength(3)
  })

  test('no MX, and silence where the address is asked for, is unknown', async () => {
    const { rows } = await ask({ 'half.example TXT': ['x'], 'half.example A': 'silence' }, 'half.example')
    expect(await rows()).toMatchObject([{ outcome: 'ETIMEOUT', accepts_mail: null }])
  })

  test('each answer, silence too, is in the ledger: a replay asks nobody and says the same', async () => {
    const zone: Zone = { 'acme.example MX': ['5 mx.acme.example'], 'slow.example MX': 'silence' }
    const { rows, names } = await ask(zone, 'acme.example', 'slow.example', 'gone.example')
    const first = await rows()
    await names.close()
    open.pop()
    expect(await rows(true)).toEqual(first)
  })

  test('name servers that are silent to everybody are left alone for a while', async () => {
    const domains = Array.from({ length: 12 }, (_, n) => `silent${n}.example`)
    const zone = Object.fromEntries(domains.map((domain) => [`${domain} MX`, 'silence' as const]))
    const { rows, names } = await ask(zone, ...domains)
    await expect(rows()).rejects.toThrow('ETIMEOUT')
    expect(names.seen.length).toBeLessThanOrEqual(10)
  })
})

describe('reading records', () => {
  const mx = (...records: string[]) => readMx(records, products.mail_hosts)
  const spf = (...records: string[]) => readSpf(records, products.senders)

  test('hosts are told by their end, not by what is in them', () => {
    expect(mx('10 google.com.evil.example.', '5 notgoogle.com.').providers).toEqual([])
    expect(mx('10 acme-com.mail.protection.outlook.com.').providers).toEqual(['Microsoft 365'])
    expect(mx('nonsense', '').hosts).toEqual([])
  })

  test('an SPF record in pieces is one; two of them are none', () => {
    expect(spf('"v=spf1 include:send" "grid.net -all"')).toEqual({
      spf: 'v=spf1 include:sendgrid.net -all',
      senders: ['SendGrid'],
    })
    expect(spf('v=spf1 -all', 'v=spf1 +all')).toEqual({ spf: null, senders: [] })
    expect(spf('v=spf10 include:sendgrid.net')).toEqual({ spf: null, senders: [] })
  })
})
