import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Problem } from '../../pipeline/errors.ts'
import { writeIncoming } from '../../pipeline/incoming.ts'
import type { Outward, Step, StepContext, StepSummary } from '../../pipeline/step.ts'
import type { Row } from '../../pipeline/warehouse/duckdb.ts'
import { readMappings, type SwitchedOn } from '../../sync/mapping.ts'
import { pull } from '../../sync/pull.ts'
import { settings } from '../../sync/settings.ts'
import { sync } from '../../sync/sync.ts'
import { TABLES } from '../../sync/tables.ts'
import type { MemoryCrm } from './memory-crm.ts'
import { world } from './world.ts'

export const MAPPINGS: Record<string, string> = {
  companies: `description: Companies.
from: dim_companies
key: company_id
match: { domain: domain }
deletes: archive
fields:
  name: { to: name, write: if_empty }
  domain: { to: domain, write: if_empty }
  city: { to: city, write: on_create }
  size: { to: size, write: always }
`,
  contacts: `description: People.
from: dim_contacts
key: contact_id
match: { email: email }
links: { company_id: companies }
fields:
  full_name: { to: name, write: if_empty }
  email: { to: email, write: if_empty }
  title: { to: title, write: if_empty }
`,
  deals: `description: Deals.
from: fct_scored_leads
key: lead_id
where: qualification_status = 'qualified'
links: { company_id: companies, contact_id: contacts }
fields:
  tier: { to: stage, write: on_create, values: { A: hot, B: warm } }
  brief: { from: deal_brief, to: brief, write: always }
`,
  notes: `description: The current brief.
from: fct_scored_leads
key: lead_id
where: qualification_status = 'qualified' and deal_brief is not null
links: { lead_id: deals }
fields:
  deal_brief: { to: brief, write: always }
`,
}

const MARTS: Record<string, Record<string, string>> = {
  dim_companies: {
    company_id: 'VARCHAR',
    name: 'VARCHAR',
    domain: 'VARCHAR',
    city: 'VARCHAR',
    country: 'VARCHAR',
    size: 'INTEGER',
  },
  dim_contacts: {
    contact_id: 'VARCHAR',
    company_id: 'VARCHAR',
    full_name: 'VARCHAR',
    email: 'VARCHAR',
    title: 'VARCHAR',
  },
  fct_scored_leads: {
    lead_id: 'VARCHAR',
    company_id: 'VARCHAR',
    contact_id: 'VARCHAR',
    tier: 'VARCHAR',
    qualification_status: 'VARCHAR',
    deal_brief: 'VARCHAR',
  },
}

export interface SyncScene {
  connection: Awaited<ReturnType<typeof world>>['connection']
  root: string
  set(mart: string, rows: readonly Row[]): Promise<void>
  /** Companies, their people and leads, so many. */
  fill(count: number, change?: (n: number) => Row | undefined): Promise<void>
  run(options?: {
    live?: boolean
    orders?: object
    guard?: object
    pulls?: boolean
    wrap?: (context: StepContext) => StepContext
  }): Promise<StepSummary>
  say(kind: string, body: Record<string, unknown>, id?: string): void
  exclude(company_id: string, reason: string): Promise<void>
  decide(item_id: string, kind: string, decision: string): Promise<void>
  outcomes(): Promise<Row[]>
  questions(): Promise<Row[]>
  plan(): { plan_id: string; changes: Record<string, unknown>[] }
  close(): void
}

/** Marts as a test says, one or more CRMs in memory, a ledger in memory, and the steps as a run would call them. */
export async function syncScene(
  crms: Readonly<Record<string, MemoryCrm>>,
  mappings: Readonly<Record<string, string>> = MAPPINGS,
  batch?: number,
): Promise<SyncScene> {
  const made = await world({ live: ['sync'] })
  const root = mkdtempSync(join(tmpdir(), 'sync-'))
  const problems: Problem[] = []
  const on: SwitchedOn[] = Object.entries(crms).map(([name, crm]) => {
    mkdirSync(join(root, 'sync/mappings', name), { recursive: true })
    for (const [object, text] of Object.entries(mappings))
      writeFileSync(join(root, 'sync/mappings', name, `${object}.yml`), text)
    const definition = crm.definition(batch)
    return {
      name,
      definition,
      settings: { account: 'acc_1' },
      mappings: readMappings(root, { name, crm: name }, definition, problems),
    }
  })
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  const { connection } = made
  await made.world.session.useSchemas(['marts', 'staging', 'intermediate', 'ops'])
  await connection.run(`
    create table intermediate.int_companies_excluded (company_id varchar, reason varchar);
    create table intermediate.int_suppressions_combined (suppressed_by varchar, suppressed_value varchar, origin varchar);
    create table staging.stg_ledger__reviews (item_id varchar, kind varchar, decision varchar)`)
  const step: Step = {
    ...{ name: 'crm_sync', kind: 'step', stage: 'sync', file: '', description: '', reads: [], fingerprint: null },
    ...{ records: TABLES, run: () => Promise.reject() },
  }
  const set = async (mart: string, rows: readonly Row[]) => {
    const columns = MARTS[mart]!
    const list = Object.entries(columns).map(([name, type]) => `${name} ${type}`)
    await connection.run(`create or replace table marts.${mart} (${list.join(', ')})`)
    await connection.insert(`marts.${mart}`, columns, rows)
  }
  for (const mart of Object.keys(MARTS)) await set(mart, [])
  const base = await made.context(step)
  let said = 0
  return {
    connection,
    root,
    set,
    async fill(count, change = () => undefined) {
      const all = Array.from({ length: count }, (_, index) => index + 1)
      await set(
        'dim_companies',
        all.map((n) => ({
          company_id: `cmp_${n}`,
          name: `Company ${n}`,
          domain: `c${n}.example`,
          city: 'Recife',
          size: 10,
          ...change(n),
        })),
      )
      await set(
        'dim_contacts',
        all.map((n) => ({
          contact_id: `con_${n}`,
          company_id: `cmp_${n}`,
          full_name: `Person ${n}`,
          email: `p${n}@c${n}.example`,
        })),
      )
      await set(
        'fct_scored_leads',
        all.map((n) => ({
          lead_id: `led_${n}`,
          company_id: `cmp_${n}`,
          contact_id: `con_${n}`,
          tier: 'A',
          qualification_status: 'qualified',
          deal_brief: `Brief ${n}`,
        })),
      )
    },
    async run({ live = true, orders = {}, guard, pulls = true, wrap = (context: StepContext) => context } = {}) {
      const acts = new Set<Outward>(live ? ['sync'] : [])
      const context = wrap({ ...base, live: acts, orders: { sync: orders } })
      const unread = new Set<string>()
      if (pulls) await pull(context, on, unread)
      const parsed = settings.parse(guard === undefined ? {} : { guard })
      return sync(
        context,
        on.filter(({ name }) => !unread.has(name)),
        parsed,
      )
    },
    say(kind, body, id = `msg_${++said}`) {
      writeIncoming(base.paths.data, { id, kind, at: new Date().toISOString(), body })
    },
    async exclude(company_id, reason) {
      await connection.run('insert into intermediate.int_companies_excluded values ($1, $2)', [company_id, reason])
    },
    async decide(item_id, kind, decision) {
      await connection.run('insert into staging.stg_ledger__reviews values ($1, $2, $3)', [item_id, kind, decision])
    },
    outcomes: () => connection.rows('select * from raw.sync__outcomes order by crm, object, record_id'),
    questions: () => connection.rows('select * from raw.sync__questions where is_open order by item_id'),
    plan: () =>
      JSON.parse(readFileSync(join(base.paths.target, 'sync_plan.json'), 'utf8')) as ReturnType<SyncScene['plan']>,
    close() {
      made.close()
      rmSync(root, { recursive: true, force: true })
      rmSync(join(base.paths.data, '..'), { recursive: true, force: true })
    },
  }
}
