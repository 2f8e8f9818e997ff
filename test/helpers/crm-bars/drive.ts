import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drawFaults, type Faults, NO_FAULTS, numbers } from '../../fakes/faults.ts'
import { fakeHubspot, TOKEN } from '../../fakes/hubspot/hubspot.ts'
import type { Journal } from '../../fakes/journal.ts'
import { salesforceOrg } from '../../fakes/salesforce/org.ts'
import { setUp } from '../../fixtures/crms/hubspot.ts'
import type { Work } from './worker.ts'

export interface Vendor {
  settings: Record<string, unknown>
  mappings: Record<string, string>
  journal: Journal
  faults(faults: Faults): void
  /** Object there → how it is called in a mapping. */
  objects: readonly [string, string, string]
  close(): Promise<void>
}

const company = (to: string, domain: string) => `description: x
from: dim_companies
key: company_id
fields:
  name: { to: ${to}, write: if_empty }
  domain: { to: ${domain}, write: if_empty }
`
const contact = (last: string, email: string, parent: string) => `description: x
from: dim_contacts
key: contact_id
links: { company_id: ${parent} }
fields:
  last_name: { to: ${last}, write: if_empty }
  email: { to: ${email}, write: if_empty }
`
const deal = (fields: string, parents: string) => `description: x
from: fct_deals
key: lead_id
links: { ${parents} }
fields:
${fields}
`

export const VENDORS: Record<string, () => Promise<Vendor>> = {
  async hubspot() {
    const fake = await fakeHubspot({ index_delay_ms: [5, 50] })
    setUp(fake.store)
    return {
      settings: { token: TOKEN, portal_id: '123456', base_url: fake.base_url },
      mappings: {
        companies: company('name', 'domain'),
        contacts: contact('lastname', 'email', 'companies'),
        deals: deal(
          '  deal_name: { to: dealname, write: on_create }\n  stage: { to: dealstage, value: appointmentscheduled, write: on_create }\n  pipeline: { to: pipeline, value: default, write: on_create }',
          'company_id: companies, contact_id: contacts',
        ),
      },
      journal: fake.journal,
      faults: (faults) => fake.faults(faults),
      objects: ['companies', 'contacts', 'deals'],
      close: () => fake.close(),
    }
  },
  async salesforce() {
    const org = await salesforceOrg({ daily: 100_000_000 })
    org.bulk.patience = 1
    const { client_id, client_secret } = org.login
    return {
      settings: { login_url: org.base_url, client_id, client_secret, org_id: org.org_id, timeout_s: 5 },
      mappings: {
        accounts: company('Name', 'Website'),
        contacts: contact('LastName', 'Email', 'accounts'),
        opportunities: deal(
          '  deal_name: { to: Name, write: on_create }\n  stage: { to: StageName, value: Prospecting, write: on_create }\n  close_on: { to: CloseDate, write: on_create }',
          'company_id: accounts, contact_id: contacts',
        ),
      },
      journal: org.journal,
      faults: (faults) => org.faults(faults),
      objects: ['Account', 'Contact', 'Opportunity'],
      close: () => org.close(),
    }
  },
}

/** What a worker said, or that it was killed. */
export type Said =
  | { killed: true }
  | {
      killed: false
      code: number
      counts: Record<string, number> & { seconds: { pull: number; sync: number } }
      text: string
    }

export interface Bench {
  root: string
  vendor: Vendor
  run(work: Partial<Work>, kill_after_ms?: number): Promise<Said>
  close(): Promise<void>
}

export async function openBench(name: string, worker: string): Promise<Bench> {
  const vendor = await VENDORS[name]!()
  const root = mkdtempSync(join(tmpdir(), 'crm-bars-'))
  let runs = 0
  return {
    root,
    vendor,
    run(change, kill_after_ms) {
      const { settings, mappings } = vendor
      const work: Work = { root, crm: name, settings, mappings, companies: 100, changed: 0, run: ++runs, ...change }
      return new Promise((resolve) => {
        const child = spawn(process.execPath, [worker, JSON.stringify(work)], { stdio: ['ignore', 'pipe', 'pipe'] })
        let [out, err] = ['', '']
        child.stdout.on('data', (data) => (out += String(data)))
        child.stderr.on('data', (data) => (err += String(data)))
        const timer = kill_after_ms === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), kill_after_ms)
        child.on('exit', (code, signal) => {
          clearTimeout(timer)
          if (signal === 'SIGKILL') return resolve({ killed: true })
          const counts = out.startsWith('{') ? (JSON.parse(out) as Record<string, number>) : {}
          resolve({ killed: false, code: code ?? 1, counts: counts as never, text: `${out}${err}` })
        })
      })
    },
    async close() {
      await vendor.close()
      rmSync(root, { recursive: true, force: true })
    },
  }
}

const KINDS = ['reset before', 'reset after', 'truncated', '502 after', '500', '503']

/** Killed again and again under faulty answers, then left in peace until it has nothing to do. */
export async function torment(
  bench: Bench,
  of: { companies: number; kills: number; seed: number; share: number; window_ms: [number, number] },
) {
  const draw = numbers(of.seed)
  const [shortest, longest] = of.window_ms
  bench.vendor.faults(drawFaults({ seed: of.seed, share: of.share, kinds: KINDS }))
  let kills = 0
  let runs = 0
  for (let tries = 0; kills < of.kills && tries < of.kills * 3; tries++) {
    const said = await bench.run({ companies: of.companies }, shortest + draw() * (longest - shortest))
    runs++
    if (said.killed) kills++
  }
  const faulty = bench.vendor.journal.requests()
  bench.vendor.faults(NO_FAULTS)
  let last: Said = { killed: true }
  for (let peace = 0; peace < 4; peace++) {
    last = await bench.run({ companies: of.companies })
    runs++
    if (!last.killed && last.counts.create === 0 && last.counts.update === 0 && last.counts.linked === 0) break
  }
  return { kills, runs, last, requests: faulty.length, faults: faulty.filter(({ fault }) => fault !== null).length }
}

/** What the vendor's journal says became of the rows, and nothing else. */
export function judge({ journal, objects }: Vendor, companies: number) {
  const prefix = ['cmp', 'con', 'led']
  const verdict = { duplicates: 0, missing: 0, wrong: 0, extra: 0, links_missing: 0, links_extra: 0 }
  const names = [(n: number) => `Company ${n}`, (n: number) => `Person ${n}`, (n: number) => `Deal ${n}`]
  for (const [index, object] of objects.entries()) {
    const made = new Map<string, number>()
    const fields = new Map<string, Record<string, unknown>>()
    for (const entry of journal.applies()) {
      if (entry.object !== object || entry.by !== 'api' || entry.key === null) continue
      if (entry.act === 'create') made.set(entry.key, (made.get(entry.key) ?? 0) + 1)
      if (entry.act === 'create' || entry.act === 'update')
        fields.set(entry.key, { ...fields.get(entry.key), ...entry.fields })
    }
    verdict.duplicates += [...made.values()].filter((count) => count > 1).length
    for (let n = 1; n <= companies; n++) {
      const key = `${prefix[index]}_${n}`
      if (!made.has(key)) verdict.missing++
      else if (!Object.values(fields.get(key)!).includes(names[index]!(n))) verdict.wrong++
      made.delete(key)
    }
    verdict.extra += made.size
  }
  const links = linksIn(journal)
  for (let n = 1; n <= companies; n++) {
    for (const link of [`cmp_${n} con_${n}`, `cmp_${n} led_${n}`, `con_${n} led_${n}`]) {
      if (!links.delete(link)) verdict.links_missing++
    }
  }
  return { ...verdict, links_extra: links.size }
}

/** Pairs of our keys that hang together, whichever way and by whichever means. */
function linksIn(journal: Journal): Set<string> {
  const keys = new Map<string, string>()
  const pairs: [string, string][] = []
  for (const { act, id, key, by, fields } of journal.applies()) {
    if (by !== 'api') continue
    if (key !== null) keys.set(id, key)
    const { AccountId, OpportunityId, ContactId, to } = fields as Record<string, string | undefined>
    if (act === 'associate' && to !== undefined) pairs.push([id, to.slice(to.indexOf(':') + 1)])
    if (AccountId) pairs.push([id, AccountId])
    if (OpportunityId && ContactId) pairs.push([OpportunityId, ContactId])
  }
  return new Set(
    pairs.map((pair) =>
      pair
        .map((id) => keys.get(id) ?? id)
        .sort()
        .join(' '),
    ),
  )
}
