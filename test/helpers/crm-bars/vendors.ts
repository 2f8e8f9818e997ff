import { join } from 'node:path'
import type { Faults } from '../../fakes/faults.ts'
import { fakeHubspot, type HubspotOptions, TOKEN } from '../../fakes/hubspot/hubspot.ts'
import type { Journal } from '../../fakes/journal.ts'
import { type Org, type OrgOptions, salesforceOrg } from '../../fakes/salesforce/org.ts'
import { setUp } from '../../fixtures/crms/hubspot.ts'

/** What the four kinds of rows are called there. */
export interface Names {
  company: string
  contact: string
  deal: string
  note: string
}

export interface Vendor {
  settings: Record<string, unknown>
  mappings: Record<string, string>
  /** All that ever happened, restarts included. */
  journal(): Journal
  faults(faults: Faults): void
  /** As the journal names them. */
  objects: Names
  /** Of a request that writes rows of the object. */
  writes(object: keyof Names): RegExp
  /** A person makes a record; answers its id. */
  person(object: 'company' | 'contact', fields: { name: string; domain: string; email?: string }): string
  /** Dies and comes back with what it had written down; `down`: what happens in between. */
  restart(down: () => Promise<void>): Promise<void>
  /** So many requests a day from now on, and none of today used. */
  day(requests: number): void
  /** Only of Salesforce. */
  org?: () => Org
  close(): Promise<void>
}

export interface VendorOptions {
  now?: () => number
  /** A folder for the journal; in memory unless said. */
  folder?: string
  /** Records that were there before us are looked for. */
  match?: boolean
  /** A brief hangs on each deal. */
  notes?: boolean
  hubspot?: HubspotOptions
  salesforce?: OrgOptions
  settings?: Record<string, unknown>
}

const mapping = (from: string, key: string, fields: string, more = '') =>
  `description: x\nfrom: ${from}\nkey: ${key}\n${more}fields:\n${fields}\n`
const company = (name: string, domain: string, match: boolean) =>
  mapping(
    'dim_companies',
    'company_id',
    `  name: { to: ${name}, write: if_empty }\n  domain: { to: ${domain}, write: if_empty }`,
    match ? 'match: { domain: domain }\n' : '',
  )
const contact = (last: string, email: string, parent: string, match: boolean) =>
  mapping(
    'dim_contacts',
    'contact_id',
    `  last_name: { to: ${last}, write: if_empty }\n  email: { to: ${email}, write: if_empty }`,
    `links: { company_id: ${parent} }\n${match ? 'match: { email: email }\n' : ''}`,
  )
const deal = (fields: string, parents: string) => mapping('fct_deals', 'lead_id', fields, `links: { ${parents} }\n`)
const note = (to: string, parent: string) =>
  mapping('fct_deals', 'lead_id', `  brief: { to: ${to}, write: always }`, `links: { lead_id: ${parent} }\n`)

export const VENDORS: Record<string, (options?: VendorOptions) => Promise<Vendor>> = {
  async hubspot({ now, folder, match = false, notes = false, hubspot, settings = {} } = {}) {
    const file = folder === undefined ? undefined : join(folder, 'hubspot.jsonl')
    const options = { index_delay_ms: [5, 50] as [number, number], ...(now && { now }), ...hubspot, file }
    let fake = await fakeHubspot(options)
    const port = Number(new URL(fake.base_url).port)
    setUp(fake.store)
    const objects = { company: 'companies', contact: 'contacts', deal: 'deals', note: 'notes' }
    return {
      settings: { token: TOKEN, portal_id: '123456', base_url: fake.base_url, ...settings },
      mappings: {
        companies: company('name', 'domain', match),
        contacts: contact('lastname', 'email', 'companies', match),
        deals: deal(
          '  deal_name: { to: dealname, write: on_create }\n  stage: { to: dealstage, value: appointmentscheduled, write: on_create }\n  pipeline: { to: pipeline, value: default, write: on_create }',
          'company_id: companies, contact_id: contacts',
        ),
        ...(notes ? { notes: note('hs_note_body', 'deals') } : {}),
      },
      journal: () => fake.journal,
      faults: (faults) => fake.faults(faults),
      objects,
      writes: (object) => new RegExp(`/${objects[object]}/batch/(upsert|create)$`),
      person: (object, { name, domain, email }) =>
        object === 'company'
          ? fake.store.create('companies', { name, domain }, { by: 'person' }).id
          : fake.store.create('contacts', { lastname: name, email: email! }, { by: 'person' }).id,
      day: (requests) => fake.limiter.limit_day(requests),
      async restart(down) {
        await fake.close()
        await down()
        fake = await fakeHubspot({ ...options, port })
      },
      close: () => fake.close(),
    }
  },
  async salesforce({ now, folder, match = false, notes = false, salesforce, settings = {} } = {}) {
    const journal_file = folder === undefined ? undefined : join(folder, 'salesforce.jsonl')
    const options = { daily: 100_000_000, ...(now && { now }), ...salesforce, journal_file }
    const open = async (port?: number) => {
      const opened = await salesforceOrg({ ...options, port })
      opened.bulk.patience = 1
      return opened
    }
    let org = await open()
    const port = Number(new URL(org.base_url).port)
    const { client_id, client_secret } = org.login
    const objects = { company: 'Account', contact: 'Contact', deal: 'Opportunity', note: 'Task' }
    return {
      settings: {
        login_url: org.base_url,
        client_id,
        client_secret,
        org_id: '00D5f000000TEST',
        timeout_s: 5,
        ...settings,
      },
      mappings: {
        accounts: company('Name', 'Website', match),
        contacts: contact('LastName', 'Email', 'accounts', match),
        opportunities: deal(
          '  deal_name: { to: Name, write: on_create }\n  stage: { to: StageName, value: Prospecting, write: on_create }\n  close_on: { to: CloseDate, write: on_create }',
          'company_id: accounts, contact_id: contacts',
        ),
        ...(notes ? { notes: note('Description', 'opportunities') } : {}),
      },
      journal: () => org.journal,
      faults: (faults) => org.faults(faults),
      objects,
      writes: (object) => new RegExp(`/composite/sobjects/${objects[object]}/`),
      person: (object, { name, domain, email }) =>
        object === 'company'
          ? org.people.make('Account', { Name: name, Website: domain }).Id
          : org.people.make('Contact', { LastName: name, Email: email }).Id,
      day(requests) {
        Object.assign(org.usage, { used: 0, daily: requests })
      },
      async restart(down) {
        await org.close()
        await down()
        org = await open(port)
      },
      org: () => org,
      close: () => org.close(),
    }
  },
}
