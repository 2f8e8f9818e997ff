import type { Step } from '../pipeline/step.ts'
import type { TableSpec } from '../pipeline/table.ts'
import { hashOf } from './catalogue.ts'
import { asksRegister, type Icp } from './icp.ts'
import { compileIcp } from './icp-compile.ts'
import { REGISTERED } from './icp-register.ts'

const ICP_MATCHES: TableSpec = {
  schema: 'discovery',
  name: 'icp_matches',
  description: 'What each profile of the ICP makes of each company, by all that is known of it.',
  columns: {
    company_id: 'VARCHAR',
    profile: 'VARCHAR',
    is_match: 'BOOLEAN',
    failed_rules: 'VARCHAR[]',
    unknown_rules: 'VARCHAR[]',
    soft_met: 'VARCHAR[]',
    soft_total: 'INTEGER',
    tech_wanted: 'VARCHAR[]',
    tech_unwanted: 'VARCHAR[]',
    employees_min: 'INTEGER',
    employees_max: 'INTEGER',
    revenue_usd_min: 'DOUBLE',
    revenue_usd_max: 'DOUBLE',
  },
  key: ['company_id', 'profile'],
  docs: {
    is_match: 'False when a hard rule or an exclusion is known to fail; NULL when one cannot be judged; else true.',
    failed_rules: 'Hard rules known to fail; exclusions as exclude.<kind>.',
    unknown_rules: 'Hard rules that what is known of the company cannot decide.',
    soft_met: 'Soft rules that are met.',
    soft_total: 'How many soft rules the profile has.',
    tech_wanted: 'Technologies that the profile wants, in its hard or soft rules.',
    tech_unwanted: 'Technologies that it does not want.',
    employees_min: 'Fewest people, by its hard and soft rules together; NULL for no limit.',
    employees_max: 'Most people.',
    revenue_usd_min: "A year's least revenue, in US dollars at the rate of the day.",
    revenue_usd_max: 'The most.',
  },
}

const ICP_PROSPECTS: TableSpec = {
  ...ICP_MATCHES,
  name: 'icp_prospects',
  description: 'The same by what the listings say alone: whom enrichment asks about.',
}

/** What enrichment told nothing about is judged already. */
const LISTED = 'intermediate.int_companies_merged'
const COMPLETED = `(
            select * from intermediate.int_companies_completed
            where company_id in (select company_id from intermediate.int_company_values_contested)
        )`

const ICP_PERSONAS: TableSpec = {
  schema: 'discovery',
  name: 'icp_personas',
  description: 'Whom the profiles of the ICP want to talk to, most wanted first.',
  columns: {
    profile: 'VARCHAR',
    persona: 'VARCHAR',
    position: 'INTEGER',
    titles: 'VARCHAR[]',
    seniorities: 'VARCHAR[]',
    departments: 'VARCHAR[]',
  },
  key: ['profile', 'persona'],
  docs: { position: 'From 1, in the order of the file.' },
}

/** Every company once, whether enrichment found something about it or not. */
function compileMatches(icp: Icp, as_of: string): string {
  return `
    select * from discovery.icp_prospects
    where company_id not in (select company_id from intermediate.int_company_values_contested)
    union all by name
    select * from (${compileIcp(icp, as_of, COMPLETED)})
    order by company_id, profile`
}

export function icpSteps(icp: Icp): Step[] {
  const profiles = Object.entries(icp.profiles)
  const known = [...(usesRates(icp) ? ['fx_rates'] : []), ...(asksRegister(icp) ? [REGISTERED] : [])]
  return [
    {
      name: 'icp_prospects',
      kind: 'step',
      stage: 'discovery',
      file: 'ingest/icp-matches.ts',
      description: 'Holds every company, as it is listed, against every profile of the ICP.',
      reads: ['int_companies_merged', ...known],
      builds: [ICP_PROSPECTS],
      fingerprint: hashOf([icp.profiles, icp.exclude]),
      async bind(connection) {
        await connection.describe(compileIcp(icp, '2000-01-01', LISTED))
      },
      async run({ build, as_of }) {
        const rows = await build(ICP_PROSPECTS, compileIcp(icp, as_of, LISTED))
        return { rows, text: `${rows} judged by their listings` }
      },
    },
    {
      name: 'icp_matches',
      kind: 'step',
      stage: 'discovery',
      file: 'ingest/icp-matches.ts',
      description: 'Holds every company, with what enrichment found, against every profile of the ICP.',
      reads: ['icp_prospects', 'int_companies_completed', 'int_company_values_contested', ...known],
      builds: [ICP_MATCHES],
      fingerprint: hashOf([icp.profiles, icp.exclude]),
      async bind(connection) {
        await connection.describe(compileMatches(icp, '2000-01-01'))
      },
      async run({ build, connection, as_of }) {
        const rows = await build(ICP_MATCHES, compileMatches(icp, as_of))
        const [found] = await connection.rows<{ companies: number; matching: number; unknown: number }>(`
          with companies as (
              select bool_or(is_match) as matches, count(is_match) < count(*) as is_open
              from discovery.icp_matches
              group by company_id
          )
          select
              count(*) as companies,
              count(*) filter (where matches) as matching,
              count(*) filter (where matches is not true and is_open) as unknown
          from companies`)
        const { companies, matching, unknown } = found!
        const text = `${matching} of ${companies} companies match, ${unknown} cannot be judged yet`
        return { rows, text, counts: { companies, matching, unknown } }
      },
    },
    {
      name: 'icp_personas',
      kind: 'step',
      stage: 'discovery',
      file: 'ingest/icp-matches.ts',
      description: 'Lists the personas of the ICP.',
      reads: [],
      builds: [ICP_PERSONAS],
      fingerprint: hashOf(icp.profiles),
      async run({ buildRows }) {
        const rows = profiles.flatMap(([profile, { personas }]) =>
          personas.map(({ name, ...wanted }, index) => ({ profile, persona: name, position: index + 1, ...wanted })),
        )
        await buildRows(ICP_PERSONAS, rows)
        return { rows: rows.length, text: `${rows.length} personas of ${profiles.length} profiles` }
      },
    },
  ]
}

function usesRates(icp: Icp): boolean {
  return Object.values(icp.profiles).some(({ hard, soft }) =>
    [hard, soft].some(({ revenue }) => revenue !== undefined && revenue.currency !== 'USD'),
  )
}
