import { z } from 'zod'

const range = z.strictObject({ min: z.number().nonnegative().optional(), max: z.number().nonnegative().optional() })

const rules = z.strictObject({
  countries: z.array(z.string().length(2)).optional(),
  states: z.array(z.string()).optional(),
  industries: z.array(z.string()).optional(),
  /** CNAE code prefixes: `62`, `6201`, `6201501`. */
  cnae: z.array(z.string().regex(/^\d{2,7}$/)).optional(),
  employees: range.optional(),
  revenue: range.extend({ currency: z.string().length(3).default('USD') }).optional(),
  founded: range.optional(),
  funding_stages: z.array(z.string()).optional(),
  tech: z.strictObject({ wanted: z.array(z.string()).default([]), unwanted: z.array(z.string()).default([]) }).optional(),
})

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
  profiles: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), profile),
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
