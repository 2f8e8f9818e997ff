import { quoteIdentifier } from '../../../pipeline/table.ts'
import { type Connection, openDatabase } from '../../../pipeline/warehouse/duckdb.ts'

const signals = ['hiring', 'funding', 'expansion', 'leadership_change', 'tech_adoption']

/** The columns of intermediate.int_lead_facts that cards may read. */
export const LEAD_FACTS: Record<string, string> = {
  lead_id: 'VARCHAR',
  company_id: 'VARCHAR',
  contact_id: 'VARCHAR',
  segment: 'VARCHAR',
  company_name: 'VARCHAR',
  domain: 'VARCHAR',
  industry: 'VARCHAR',
  country: 'VARCHAR',
  state: 'VARCHAR',
  city: 'VARCHAR',
  employee_count: 'INTEGER',
  revenue_usd: 'DOUBLE',
  funding_stage: 'VARCHAR',
  founded_year: 'INTEGER',
  cnae_code: 'VARCHAR',
  tech_stack: 'VARCHAR[]',
  tech_wanted_found: 'VARCHAR[]',
  tech_gaps: 'VARCHAR[]',
  company_seen_at: 'TIMESTAMP',
  tech_unwanted_found: 'VARCHAR[]',
  is_icp_match: 'BOOLEAN',
  icp_profiles: 'VARCHAR[]',
  icp_failed_rules: 'VARCHAR[]',
  icp_soft_met: 'INTEGER',
  icp_soft_total: 'INTEGER',
  icp_employees_min: 'INTEGER',
  icp_employees_max: 'INTEGER',
  icp_revenue_min: 'DOUBLE',
  icp_revenue_max: 'DOUBLE',
  full_name: 'VARCHAR',
  title: 'VARCHAR',
  seniority: 'VARCHAR',
  department: 'VARCHAR',
  persona: 'VARCHAR',
  email: 'VARCHAR',
  email_status: 'VARCHAR',
  phone: 'VARCHAR',
  linkedin_url: 'VARCHAR',
  contact_seen_at: 'TIMESTAMP',
  ...Object.fromEntries(
    signals.flatMap((kind) => [
      [`${kind}_signal_at`, 'DATE'],
      [`${kind}_evidence`, 'VARCHAR'],
      [`${kind}_signal_id`, 'VARCHAR'],
    ]),
  ),
  signal_count: 'INTEGER',
  latest_signal_at: 'DATE',
  latest_signal_id: 'VARCHAR',
  latest_signal_kind: 'VARCHAR',
  latest_signal_evidence: 'VARCHAR',
  news_count_90d: 'INTEGER',
  latest_news_id: 'VARCHAR',
  latest_news_title: 'VARCHAR',
  latest_news_url: 'VARCHAR',
  latest_news_at: 'DATE',
  social_posts_90d: 'INTEGER',
  linkedin_followers: 'INTEGER',
  enrichment_completeness: 'DOUBLE',
  enriched_at: 'TIMESTAMP',
}

/** A database in memory with `as_of()` and an empty intermediate.int_lead_facts. */
export async function factsDatabase(columns = LEAD_FACTS, as_of = '2026-01-31'): Promise<Connection> {
  const connection = await (await openDatabase({ threads: 1 })).connect()
  const typed = Object.entries(columns).map(([name, type]) => `${quoteIdentifier(name)} ${type}`)
  await connection.run(`
    create macro as_of() as date '${as_of}';
    create schema intermediate;
    create table intermediate.int_lead_facts (${typed.join(', ')})`)
  return connection
}

export async function putFacts(connection: Connection, rows: readonly object[], columns = LEAD_FACTS): Promise<void> {
  await connection.run('delete from intermediate.int_lead_facts')
  await connection.insert('intermediate.int_lead_facts', columns, rows)
}
