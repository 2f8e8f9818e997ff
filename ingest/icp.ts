import { z } from 'zod'
import { REGISTER_RULES, registerRules } from './icp-register.ts'

const range = z.strictObject({ min: z.number().nonnegative().optional(), max: z.number().nonnegative().optional() })
const wholeRange = z.strictObject({ min: z.int().nonnegative().optional(), max: z.int().nonnegative().optional() })

/** What a company may be asked for. A rule that is left out, or empty, asks for nothing. */
const rules = z.strictObject({
  /** ISO 3166 codes: `BR`. */
  countries: z.array(z.string().regex(/^[A-Z]{2}$/, 'must be a two-letter country code in capitals')).optional(),
  /** As the post writes them: `SP`, `CA`. */
  states: z.array(z.string()).optional(),
  /** Of `seeds/industries.csv`. */
  industries: z.array(z.string()).optional(),
  /** CNAE code prefixes: `62`, `6201`, `6201501`. */
  cnae: z.array(z.string().regex(/^\d{2,7}$/, 'must be two to seven digits in quotes')).optional(),
  employees: wholeRange.optional(),
  /** Per year, in `currency`. */
  revenue: range.extend({ currency: z.string().length(3).default('USD') }).optional(),
  /** Years. */
  founded: wholeRange.optional(),
  funding_stages: z.array(z.string()).optional(),
  /** At least one of the wanted, none of the unwanted. */
  tech: z
    .strictObject({ wanted: z.array(z.string()).default([]), unwanted: z.array(z.string()).default([]) })
    .optional(),
  ...registerRules,
})

/** Whom to talk to: by one of the titles, or by seniority and department. */
const persona = z.strictObject({
  name: z.string(),
  titles: z.array(z.string()).default([]),
  seniorities: z.array(z.string()).default([]),
  departments: z.array(z.string()).default([]),
})

const profile = z.strictObject({
  description: z.string(),
  /** Known to fail one of these: not a match. */
  hard: rules,
  /** Wanted, not needed. */
  soft: rules.default({}),
  personas: z.array(persona).default([]),
})

export const icpSchema = z.strictObject({
  version: z.literal(1),
  profiles: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/, 'must be snake_case'), profile),
  /** Never a match, whatever the profile. */
  exclude: z
    .strictObject({
      domains: z.array(z.string()).default([]),
      cnpj_roots: z.array(z.string()).default([]),
      industries: z.array(z.string()).default([]),
      name_contains: z.array(z.string()).default([]),
    })
    .default({ domains: [], cnpj_roots: [], industries: [], name_contains: [] }),
})

/** The ideal customer profile: `ingest/icp.yaml`. */
export type Icp = z.output<typeof icpSchema>
export type Rules = z.output<typeof rules>
export type Profile = z.output<typeof profile>

export const RULES = [
  'countries',
  'states',
  'industries',
  'cnae',
  'employees',
  'revenue',
  'founded',
  'funding_stages',
  'tech',
  ...REGISTER_RULES,
] as const satisfies readonly (keyof Rules)[]

/** Whether some rule asks what only the Brazilian register knows. */
export function asksRegister({ profiles }: Icp): boolean {
  const names: readonly string[] = REGISTER_RULES
  return Object.values(profiles).some(({ hard, soft }) =>
    [hard, soft].some((rules) => rulesIn(rules).some((name) => names.includes(name))),
  )
}

/** The rules that ask for something. */
export function rulesIn(rules: Rules): (typeof RULES)[number][] {
  return RULES.filter((name) => {
    const rule = rules[name]
    if (rule === undefined) return false
    if (Array.isArray(rule)) return rule.length > 0
    if ('wanted' in rule) return rule.wanted.length + rule.unwanted.length > 0
    return rule.min !== undefined || rule.max !== undefined
  })
}
