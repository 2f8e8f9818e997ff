import type { Step } from '../pipeline/step.ts'
import { quoteLiteral, type TableSpec } from '../pipeline/table.ts'
import { hashOf } from './catalogue.ts'
import { type Icp, type Profile, type RULES, type Rules, rulesIn } from './icp.ts'

const ICP_MATCHES: TableSpec = {
  schema: 'discovery',
  name: 'icp_matches',
  description: 'What each profile of the ICP makes of each company.',
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
  },
}

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

export function icpSteps(icp: Icp): Step[] {
  const profiles = Object.entries(icp.profiles)
  return [
    {
      name: 'icp_matches',
      kind: 'step',
      stage: 'discovery',
      file: 'ingest/icp-matches.ts',
      description: 'Holds every company against every profile of the ICP.',
      reads: ['int_companies_merged', ...(usesRates(icp) ? ['fx_rates'] : [])],
      builds: [ICP_MATCHES],
      fingerprint: hashOf([icp.profiles, icp.exclude]),
      async run({ build, connection, as_of }) {
        const rows = await build(ICP_MATCHES, compileIcp(icp, as_of))
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

/** The whole ICP as one SELECT over all companies. */
export function compileIcp(icp: Icp, as_of: string): string {
  const judged = Object.entries(icp.profiles).map(([name, profile]) => judge(name, profile, icp.exclude, as_of))
  const names = (list: string, which: string) =>
    `list_transform(list_filter(${list}, lambda r: ${which}), lambda r: r.rule)`
  return `
    with judged as (
    ${judged.join('\n    union all\n')}
    ),
    listed as (
        select
            *,
            ${names('hard', 'not r.met')} as failed_rules,
            ${names('hard', 'r.met is null')} as unknown_rules,
            ${names('soft', 'r.met')} as soft_met,
            len(soft)::integer as soft_total
        from judged
    )
    select
        *,
        case when len(failed_rules) > 0 then false when len(unknown_rules) > 0 then null else true end as is_match
    from listed
    order by company_id, profile`
}

function judge(name: string, { hard, soft }: Profile, exclude: Icp['exclude'], as_of: string): string {
  const rules = (from: Rules) => rulesIn(from).map((rule): [string, string] => [rule, conditionOf(rule, from, as_of)])
  const tech = (kind: 'wanted' | 'unwanted') => [...(hard.tech?.[kind] ?? []), ...(soft.tech?.[kind] ?? [])]
  return `
        select
            company_id,
            ${quoteLiteral(name)} as profile,
            ${verdicts([...rules(hard), ...exclusions(exclude)])} as hard,
            ${verdicts(rules(soft))} as soft,
            ${list(tech('wanted'))} as tech_wanted,
            ${list(tech('unwanted'))} as tech_unwanted
        from intermediate.int_companies_merged`
}

function verdicts(rules: readonly [string, string][]): string {
  const structs = rules.map(([rule, met]) => `{rule: ${quoteLiteral(rule)}, met: ${met}}`)
  return `[${structs.join(', ')}]::struct(rule varchar, met boolean)[]`
}

/** True, false, or NULL where what is known does not decide it. */
function conditionOf(rule: (typeof RULES)[number], rules: Rules, as_of: string): string {
  switch (rule) {
    case 'countries':
      return `country in ${oneOf(rules.countries!)}`
    case 'states':
      return `state in ${oneOf(rules.states!)}`
    case 'industries':
      return `${keyed('industry')} in ${oneOf(rules.industries!)}`
    case 'funding_stages':
      return `${keyed('funding_stage')} in ${oneOf(rules.funding_stages!.map(keyOf))}`
    case 'cnae':
      return `(${rules.cnae!.map((prefix) => `starts_with(cnae_code, ${quoteLiteral(prefix)})`).join(' or ')})`
    case 'employees':
      return between('employee_count', rules.employees!)
    case 'founded':
      return between('founded_year', rules.founded!)
    case 'revenue':
      return between('revenue_usd', rules.revenue!, rateOf(rules.revenue!.currency, as_of))
    case 'tech':
      return techCondition(rules.tech!)
  }
}

function exclusions({ domains, cnpj_roots, industries, name_contains }: Icp['exclude']): [string, string][] {
  const plain = 'lower(strip_accents(name))'
  const parts = name_contains.map((text) => `contains(${plain}, lower(strip_accents(${quoteLiteral(text)})))`)
  const excluded: [string, readonly string[], string][] = [
    ['domains', domains, `domain in ${oneOf(domains)}`],
    ['cnpj_roots', cnpj_roots, `cnpj_root in ${oneOf(cnpj_roots)}`],
    ['industries', industries, `${keyed('industry')} in ${oneOf(industries)}`],
    ['name_contains', name_contains, `(${parts.join(' or ')})`],
  ]
  return excluded
    .filter(([, values]) => values.length > 0)
    .map(([kind, , excluding]) => [`exclude.${kind}`, `not coalesce(${excluding}, false)`])
}

function between(column: string, { min, max }: { min?: number; max?: number }, factor = ''): string {
  const bounds = [
    ...(min === undefined ? [] : [`${column} >= ${min}${factor}`]),
    ...(max === undefined ? [] : [`${column} <= ${max}${factor}`]),
  ]
  return `(${bounds.join(' and ')})`
}

function techCondition({ wanted, unwanted }: NonNullable<Rules['tech']>): string {
  const used = (names: readonly string[]) =>
    `len(list_filter(tech_stack, lambda t: lower(t) in ${oneOf(names.map((name) => name.toLowerCase()))}))`
  const parts = [
    ...(wanted.length === 0 ? [] : [`${used(wanted)} > 0`]),
    ...(unwanted.length === 0 ? [] : [`${used(unwanted)} = 0`]),
  ]
  return `(${parts.join(' and ')})`
}

/** The rate of the day, as a factor; NULL, and so unknown, when there is none yet. */
function rateOf(currency: string, as_of: string): string {
  if (currency === 'USD') return ''
  const known = `currency = ${quoteLiteral(currency)} and valid_on <= date ${quoteLiteral(as_of.slice(0, 10))}`
  return ` * (select arg_max(usd_per_unit, valid_on)::double from seeds.fx_rates where ${known})`
}

function usesRates(icp: Icp): boolean {
  return Object.values(icp.profiles).some(({ hard, soft }) =>
    [hard, soft].some(({ revenue }) => revenue !== undefined && revenue.currency !== 'USD'),
  )
}

/** `Series A`, `series-a`, `series_a`: one key. */
const keyed = (column: string) => `trim(regexp_replace(lower(${column}), '[^a-z0-9]+', '_', 'g'), '_')`
const keyOf = (text: string) =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '')
const oneOf = (values: readonly string[]) => `(${values.map(quoteLiteral).join(', ')})`
const list = (values: readonly string[]) => `[${[...new Set(values)].sort().map(quoteLiteral).join(', ')}]::varchar[]`
