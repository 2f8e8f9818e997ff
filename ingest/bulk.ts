import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import { type Icp, rulesIn } from './icp.ts'
import { REGISTER_RULES, type RegisterRule, type RegisterRules } from './icp-register.ts'

export { readLayout } from '../pipeline/bulk/delimited.ts'
export { folderVersion } from '../pipeline/bulk/folder.ts'
export { landBulk } from '../pipeline/bulk/land.ts'
export { withoutCpf } from './cnpj.ts'
export * as bytes from './register-bytes.ts'
export * as share from './register-share.ts'
export * as register from './register-wanted.ts'

/** What a register can already hold against a company. Rules that ask for nothing are absent. */
export interface Pushdown extends RegisterRules {
  /** Upper case; absent where every state will do. */
  states?: string[]
  /** CNAE prefixes, one of which a code of the company must begin with; absent where every activity will do. */
  cnae?: string[]
  /** Industries, of which the first code must stand for one, where it is known what it stands for; absent where all will do. */
  industries?: string[]
}

/** The hard rules of all profiles, as a row of a register meets them. */
export interface PushedDown {
  /** One for each profile. */
  rules: readonly Pushdown[]
  /** Could it pass a profile? `codes`: its CNAE codes, the principal one first. `meets`: whether it could meet what else one asks. */
  mayPass(state: string, codes: readonly string[], meets?: (rule: Pushdown) => boolean): boolean
  /** Outside of these none can pass; absent where every state will do. Upper case. */
  states?: string[]
  /** Likewise, SIAFI codes. */
  municipios?: string[]
  /** Every establishment can pass. */
  all: boolean
}

/** CNAE prefix → industry; the longest prefix of a code counts. */
export type Activities = ReadonlyMap<string, string>

/**
 * The hard rules that a register can judge, of every profile that wants companies of a country; a company must pass one.
 * Whoever calls this declares that it reads the seed `cnae_industries`.
 */
export async function pushdownOf({ icp, connection }: { icp: Icp; connection: Connection }, country: string) {
  const meanings = await connection.rows<{ cnae_prefix: string; industry: string }>(
    'select cnae_prefix, industry from seeds.cnae_industries',
  )
  const activities: Activities = new Map(meanings.map(({ cnae_prefix, industry }) => [cnae_prefix, industry]))
  const wanting = Object.values(icp.profiles).filter(
    ({ hard }) => hard.countries?.some((wanted) => wanted.toUpperCase() === country) ?? true,
  )
  const rules: Pushdown[] = wanting.map(({ hard }) => ({
    states: asked(hard.states)?.map((state) => state.toUpperCase()),
    cnae: asked(hard.cnae),
    industries: asked(hard.industries),
    ...Object.fromEntries(rulesIn(hard).flatMap((name) => (isOfRegister(name) ? [[name, hard[name]]] : []))),
  }))
  const together = (name: 'states' | 'municipios') =>
    rules.some((rule) => rule[name] === undefined) ? undefined : rules.flatMap((rule) => rule[name]!)
  return {
    rules,
    activities,
    states: together('states'),
    municipios: together('municipios'),
    all: rules.some(
      ({ states, cnae, industries, municipios, age_years }) =>
        (states ?? cnae ?? industries ?? municipios ?? age_years) === undefined,
    ),
    personas: wanting.some(({ personas }) => personas.length > 0),
    mayPass: (state: string, codes: readonly string[], meets: (rule: Pushdown) => boolean = () => true) =>
      rules.some((rule) => meets(rule) && mayPass(rule, state, codes, activities)),
  }
}

const isOfRegister = (name: string): name is RegisterRule => (REGISTER_RULES as readonly string[]).includes(name)

/** A rule that is empty asks for nothing. */
function asked<T>(wanted: readonly T[] | undefined): T[] | undefined {
  return wanted === undefined || wanted.length === 0 ? undefined : [...wanted]
}

/** Could a company pass? Only what is known to fail is refused. `codes`: its CNAE codes, the principal one first. */
export function mayPass(rule: Pushdown, state: string, codes: readonly string[], activities: Activities): boolean {
  const { states, cnae, industries } = rule
  if (states !== undefined && state !== '' && !states.includes(state.toUpperCase())) return false
  const [principal] = codes
  if (principal === undefined) return true
  if (cnae !== undefined && !codes.some((code) => cnae.some((prefix) => code.startsWith(prefix)))) return false
  const industry = industries === undefined ? undefined : industryOf(principal, activities)
  return industry === undefined || industries!.includes(industry)
}

function industryOf(code: string, activities: Activities): string | undefined {
  for (let length = code.length; length > 1; length--) {
    const industry = activities.get(code.slice(0, length))
    if (industry !== undefined) return industry
  }
  return undefined
}
