import type { Row } from '../../pipeline/warehouse/duckdb.ts'
import type { TestWorld } from './world.ts'

const COLUMNS: Record<string, Record<string, string>> = {
  dim_companies: {
    company_id: 'VARCHAR',
    name: 'VARCHAR',
    industry: 'VARCHAR',
    country: 'VARCHAR',
    state: 'VARCHAR',
    city: 'VARCHAR',
    employee_count: 'INTEGER',
    revenue_usd: 'DOUBLE',
    website: 'VARCHAR',
    domain: 'VARCHAR',
    cnpj: 'VARCHAR',
    linkedin_url: 'VARCHAR',
    phone: 'VARCHAR',
    tech_stack: 'VARCHAR[]',
    icp_profiles: 'VARCHAR[]',
    is_icp_match: 'BOOLEAN',
    discovered_at: 'TIMESTAMP',
    source: 'VARCHAR',
  },
  dim_contacts: {
    contact_id: 'VARCHAR',
    company_id: 'VARCHAR',
    full_name: 'VARCHAR',
    title: 'VARCHAR',
    email: 'VARCHAR',
    email_status: 'VARCHAR',
    linkedin_url: 'VARCHAR',
    phone: 'VARCHAR',
    seniority: 'VARCHAR',
    department: 'VARCHAR',
    discovered_at: 'TIMESTAMP',
    source: 'VARCHAR',
  },
  fct_enriched_leads: {
    lead_id: 'VARCHAR',
    company_id: 'VARCHAR',
    contact_id: 'VARCHAR',
    email: 'VARCHAR',
    email_status: 'VARCHAR',
    tech_stack_detected: 'VARCHAR[]',
    buying_signals: 'STRUCT(kind VARCHAR, observed_at DATE, evidence VARCHAR, source VARCHAR)[]',
    news_mentions: 'STRUCT(title VARCHAR, url VARCHAR, source VARCHAR, published_at DATE)[]',
    stale_fields: 'VARCHAR[]',
  },
  fct_scored_leads: {
    lead_id: 'VARCHAR',
    company_id: 'VARCHAR',
    contact_id: 'VARCHAR',
    score: 'DOUBLE',
    tier: 'VARCHAR',
    qualification_status: 'VARCHAR',
    deal_brief: 'VARCHAR',
    owner: 'VARCHAR',
  },
  fct_outreach_events: { event_id: 'VARCHAR' },
}

/** What a test says of one lead; the rest is made up from its number. */
export interface LeadFacts {
  lead?: Row
  company?: Row
  contact?: Row | null
  enriched?: Row
}

/** Fills the marts that outreach and sync read with as many leads as given. May be called again: the last call counts. */
export async function fillMarts({ world, connection }: TestWorld, leads: readonly LeadFacts[]): Promise<void> {
  await world.session.useSchemas(['marts', 'seeds', 'ops', 'staging', 'intermediate'])
  await connection.run(`
    create table if not exists intermediate.int_companies_excluded (company_id varchar, reason varchar);
    create table if not exists intermediate.int_suppressions_combined (suppressed_by varchar, suppressed_value varchar, origin varchar);
    create table if not exists staging.stg_ledger__reviews (item_id varchar, kind varchar, decision varchar)`)
  await connection.run(
    "create or replace table seeds.role_mailboxes as select unnest(['info', 'noreply']) as local_part",
  )
  await connection.run(
    "create or replace table ops.shared_addresses as select 'email' as channel, 'accountant@many.example' as address",
  )
  const rows: Record<string, Row[]> = Object.fromEntries(Object.keys(COLUMNS).map((name) => [name, []]))
  for (const [index, facts] of leads.entries()) {
    const n = index + 1
    const company = {
      company_id: `cmp_${n}`,
      name: `Company ${n}`,
      country: 'US',
      is_icp_match: true,
      linkedin_url: `https://www.linkedin.com/company/${n}`,
      ...facts.company,
    }
    const contact = facts.contact === null ? undefined : contactOf(n, company.company_id, facts.contact)
    const ids = { lead_id: `led_${n}`, company_id: company.company_id, contact_id: contact?.contact_id ?? null }
    if (!rows.dim_companies!.some(({ company_id }) => company_id === company.company_id))
      rows.dim_companies!.push(company)
    if (contact) rows.dim_contacts!.push(contact)
    rows.fct_scored_leads!.push({ ...ids, score: 90, tier: 'A', qualification_status: 'qualified', ...facts.lead })
    rows.fct_enriched_leads!.push({ ...ids, email: contact?.email ?? null, ...facts.enriched })
  }
  await connection.run('create table if not exists ops.acts (message_id varchar, kind varchar)')
  await connection.run('create table if not exists ops.lead_holds (lead_id varchar, reason varchar, until date)')
  for (const [name, columns] of Object.entries(COLUMNS)) {
    const list = Object.entries(columns).map(([column, type]) => `${column} ${type}`)
    await connection.run(`create or replace table marts.${name} (${list.join(', ')})`)
    await connection.insert(`marts.${name}`, columns, rows[name]!)
  }
}

function contactOf(n: number, company_id: string, facts: Row | undefined): Row {
  return {
    contact_id: `con_${n}`,
    company_id,
    full_name: `Given${n} Family`,
    email: `person${n}@company${n}.example`,
    linkedin_url: `https://www.linkedin.com/in/person${n}`,
    ...facts,
  }
}
