import { quoteLiteral } from '../pipeline/table.ts'
import { type Icp, type Profile, type RULES, type Rules, rulesIn } from './icp.ts'
import { registerCondition } from './icp-register.ts'

/** The whole ICP as one SELECT over companies: a relation, or a query in brackets, with the columns of the golden record. */
export function compileIcp(icp: Icp, as_of: string, companies: string): string {
  const judged = Object.entries(icp.profiles).map(
    ([name, profile]) => `${judge(name, profile, icp.exclude, as_of)}
        from ${companies} as companies`,
  )
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
            ${list(tech('unwanted'))} as tech_unwanted,
            ${limits('employees', { hard, soft }, as_of).join(', ')},
            ${limits('revenue', { hard, soft }, as_of).join(', ')}`
}

/** The narrowest range that hard and soft rules together ask for, as columns; NULL where neither sets a limit. */
function limits(rule: 'employees' | 'revenue', { hard, soft }: Record<'hard' | 'soft', Rules>, as_of: string) {
  return (['min', 'max'] as const).map((bound) => {
    const values = [hard, soft].flatMap((rules) => {
      const value = rules[rule]?.[bound]
      const rate = rule === 'revenue' && rules.revenue !== undefined ? rateOf(rules.revenue.currency, as_of) : ''
      return value === undefined ? [] : `${value}${rate}`
    })
    const narrower = bound === 'min' ? 'greatest' : 'least'
    const value = values.length === 0 ? 'null' : `${narrower}(${values.join(', ')})`
    return rule === 'revenue' ? `${value}::double as revenue_usd_${bound}` : `${value}::integer as employees_${bound}`
  })
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
    default:
      return registerCondition(rule, rules, as_of)
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

/** `Series A`, `series-a`, `series_a`: one key. */
const keyed = (column: string) => `trim(regexp_replace(lower(${column}), '[^a-z0-9]+', '_', 'g'), '_')`
const keyOf = (text: string) =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '')
const oneOf = (values: readonly string[]) => `(${values.map(quoteLiteral).join(', ')})`
const list = (values: readonly string[]) => `[${[...new Set(values)].sort().map(quoteLiteral).join(', ')}]::varchar[]`
