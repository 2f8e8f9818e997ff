import { messageOf } from '../pipeline/errors.ts'
import type { HttpOptions } from '../pipeline/http.ts'
import type { Finding, PlanPart, PlanWorld } from '../pipeline/plan-part.ts'
import type { Row } from '../pipeline/warehouse/duckdb.ts'
import { readYaml } from '../pipeline/yaml.ts'
import type { SwitchedOn } from './catalogue.ts'
import { asksRegister, type Icp, rulesIn } from './icp.ts'
import { compileIcp } from './icp-compile.ts'
import { redundantRules } from './icp-lint.ts'
import { REGISTERED } from './icp-register.ts'

const COMPANIES = 'intermediate.int_companies_merged'
const RATES = 'seeds.fx_rates'

/** What `pipeline plan` says before anything is asked or bought: how large the market is, and which rules do nothing. */
export function icpPlans(icp: Icp, path: string, listing: readonly SwitchedOn[]): PlanPart[] {
  const title = 'the market that the ICP describes, among companies found so far'
  const reads = [COMPANIES, RATES, ...(asksRegister(icp) ? [`intermediate.${REGISTERED}`] : [])]
  const counting = listing.filter(({ provider }) => provider.count !== undefined)
  return [
    ...(counting.length === 0 ? [] : [countsOf(counting, icp)]),
    { name: 'market', title, reads, tell: (world) => market(world, icp) },
    {
      name: 'icp_rules',
      title: 'rules of the ICP that match nothing or everything',
      reads,
      tell: (world) => rulesOnData(world, icp, path),
    },
  ]
}

/** What each provider that can tell for free has to offer; one that does not answer keeps no other from it. */
function countsOf(counting: readonly SwitchedOn[], icp: Icp): PlanPart {
  return {
    name: 'provider_counts',
    title: 'companies that providers have and that fit the ICP',
    reads: [],
    async tell({ http, as_of }) {
      const counts = counting.map(async ({ name, provider, settings }) => {
        const own = http({ service: name, ...provider.http?.(settings) } as HttpOptions)
        const asked = { settings, icp, http: own, as_of, subjects: [], fields: [] }
        return provider.count!(asked).then(
          (companies) => ({ provider: name, companies, why_not: null }),
          (error: unknown) => ({ provider: name, companies: null, why_not: messageOf(error) }),
        )
      })
      const rows = await Promise.all(counts)
      const known = rows.filter(({ companies }) => companies !== null)
      const figures = Object.fromEntries(known.map(({ provider, companies }) => [provider, companies!]))
      const text = `${known.length} of ${rows.length} providers told, for free`
      return { text, figures, tables: [{ name: 'by provider', columns: ['provider', 'companies', 'why_not'], rows }] }
    },
  }
}

const judgedBy = (icp: Icp, as_of: string) => `judged as (${compileIcp(icp, as_of, COMPANIES)})`

/** Counted by the ICP as it is written now, whatever it was when the companies were found. */
async function market({ connection, as_of }: PlanWorld, icp: Icp) {
  const with_judged = `with ${judgedBy(icp, as_of)}`
  const profiles = await connection.rows<Row & { fit: number; could_fit: number }>(`${with_judged}
    select profile, count(*) filter (where is_match) as fit, count(*) filter (where is_match is null) as could_fit,
      count(*) filter (where not is_match) as ruled_out
    from judged group by profile order by profile`)
  const places = await connection.rows(`${with_judged},
    wanted as (
      select company_id, bool_or(is_match) as fits from judged where is_match is not false group by company_id
    ),
    sized as (
      select companies.country, companies.state, wanted.fits,
        case
          when companies.employee_count < 10 then '1-9'
          when companies.employee_count < 50 then '10-49'
          when companies.employee_count < 250 then '50-249'
          when companies.employee_count < 1000 then '250-999'
          when companies.employee_count >= 1000 then '1000+'
          else 'unknown'
        end as employees
      from wanted join ${COMPANIES} as companies on companies.company_id = wanted.company_id
    )
    select coalesce(country, 'unknown') as country, coalesce(state, 'unknown') as state, employees,
      count(*) as companies, count(*) filter (where fits) as known_to_fit
    from sized group by all order by companies desc, country, state, employees`)
  const sum = (column: string) => places.reduce((all, row) => all + Number(row[column]), 0)
  const figures = { companies: sum('companies'), known_to_fit: sum('known_to_fit') }
  return {
    text: `${figures.companies} companies fit or could, ${figures.known_to_fit} are known to; not a credit was spent to know it`,
    figures,
    tables: [
      { name: 'by profile', columns: ['profile', 'fit', 'could_fit', 'ruled_out'], rows: profiles },
      {
        name: 'by state and size',
        columns: ['country', 'state', 'employees', 'companies', 'known_to_fit'],
        rows: places,
      },
    ],
  }
}

interface RuleCounts {
  profile: string
  part: 'hard' | 'soft' | 'exclude'
  rule: string
  companies: number
  failed: number
  open: number
}

async function rulesOnData(world: PlanWorld, icp: Icp, path: string) {
  const counts = await countRules(world, icp)
  const yaml = readYaml(world.root, path, [])
  const placed = (at: readonly PropertyKey[], message: string, hint?: string): Finding => {
    const place = { file: yaml?.file ?? path, line: yaml?.lineOf(at) }
    return { ...place, message: `${at.map(String).join('.')}: ${message}`, ...(hint === undefined ? {} : { hint }) }
  }
  const findings = counts.flatMap((counted): Finding[] => {
    const message = verdict(counted)
    const { profile, part, rule } = counted
    const at = part === 'exclude' ? ['exclude', rule] : ['profiles', profile, part, rule]
    return message === undefined ? [] : [placed(at, message)]
  })
  findings.push(...redundantRules(icp).map(({ path: at, message, hint }) => placed(at, message, hint)))
  const figures = { rules: counts.length, findings: findings.length }
  return { text: `${counts.length} rules, ${findings.length} findings`, figures, findings }
}

/** An exclusion is the same for all profiles, and is counted once. */
async function countRules({ connection, as_of }: PlanWorld, icp: Icp): Promise<RuleCounts[]> {
  const judged = await connection.rows<Record<string, number> & { profile: string }>(`
    with ${judgedBy(icp, as_of)}
    select profile, count(*) as companies, ${
      columnsOf(icp)
        .map(([, sql], index) => `${sql} as c${index}`)
        .join(', ') || 'null as c0'
    }
    from judged group by profile order by profile`)
  const columns = columnsOf(icp)
  return judged.flatMap(({ profile, ...row }, nth) => {
    const found = new Map<string, RuleCounts>()
    for (const [index, [key]] of columns.entries()) {
      const [of, part, rule, which] = key.split(' ') as [string, RuleCounts['part'], string, 'failed' | 'open']
      if (part === 'exclude' ? nth > 0 : of !== profile) continue
      const companies = Number(row.companies)
      const counted = found.get(`${part} ${rule}`) ?? { profile, part, rule, companies, failed: 0, open: 0 }
      counted[which] = Number(row[`c${index}`])
      found.set(`${part} ${rule}`, counted)
    }
    return [...found.values()]
  })
}

/** What is counted of the judged companies: `profile part rule which` → SQL. */
function columnsOf(icp: Icp): [string, string][] {
  const holds = (list: string, rule: string) => `count(*) filter (where list_contains(${list}, '${rule}'))`
  const rules = Object.entries(icp.profiles).flatMap(([name, { hard, soft }]): [string, string][] => [
    ...rulesIn(hard).flatMap((rule): [string, string][] => [
      [`${name} hard ${rule} failed`, holds('failed_rules', rule)],
      [`${name} hard ${rule} open`, holds('unknown_rules', rule)],
    ]),
    ...rulesIn(soft).map((rule): [string, string] => [
      `${name} soft ${rule} failed`,
      `count(*) filter (where not list_contains(soft_met, '${rule}'))`,
    ]),
  ])
  const exclusions = Object.entries(icp.exclude).filter(([, values]) => values.length > 0)
  return [
    ...rules,
    ...exclusions.map(([kind]): [string, string] => [
      `* exclude ${kind} failed`,
      holds('failed_rules', `exclude.${kind}`),
    ]),
  ]
}

function verdict({ part, companies, failed, open }: RuleCounts): string | undefined {
  if (companies === 0) return undefined
  if (part === 'exclude') {
    if (failed === 0) return `matches nothing: none of ${companies} companies is excluded by it`
    return failed === companies ? `matches everything: all ${companies} companies are excluded by it` : undefined
  }
  if (open === companies) return `nothing is known to judge it by, of any of ${companies} companies`
  if (failed + open === companies) return `matches nothing: no company of ${companies} is known to meet it`
  if (failed + open > 0) return undefined
  return `matches everything: all ${companies} companies meet it (they may have been looked for by it)`
}
