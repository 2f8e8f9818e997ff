import { z } from 'zod'

/** The parts of dbt's property files that promise something or say whose a thing is. Used by `properties.ts`. */

const meta = z.record(z.string(), z.unknown())
const tags = z.union([z.string().transform((tag) => [tag]), z.array(z.string())])

/** A promise that DuckDB keeps while the table is built. */
export const constraint = z.strictObject({
  type: z.enum(['not_null', 'unique', 'primary_key', 'foreign_key', 'check', 'custom']),
  name: z.string().optional(),
  /** check, custom: SQL. foreign_key: `schema.table (column)`, where `to` is not used. */
  expression: z.string().optional(),
  /** Of a model's constraint: the columns it spans. */
  columns: z.array(z.string()).optional(),
  /** foreign_key: `ref('parent')` or `source('x', 'y')`. */
  to: z.string().optional(),
  to_columns: z.array(z.string()).optional(),
  /** dbt's switches for what the database cannot keep. */
  warn_unenforced: z.boolean().optional(),
  warn_unsupported: z.boolean().optional(),
})

export const contract = z.strictObject({ enforced: z.boolean().default(false), alias_types: z.boolean().optional() })

export const access = z.enum(['private', 'protected', 'public'])

const threshold = z.strictObject({ count: z.number().int().positive(), period: z.enum(['minute', 'hour', 'day']) })

export const freshness = z.strictObject({
  warn_after: threshold.nullish(),
  error_after: threshold.nullish(),
  /** SQL over the table's columns: only these rows are looked at. */
  filter: z.string().nullish(),
})

/** Of a source or one of its tables; a table's own wins, and `freshness: null` switches its source's off. */
export const freshnessKeys = {
  freshness: freshness.nullish(),
  loaded_at_field: z.string().optional(),
  loaded_at_query: z.string().optional(),
}

/** What sources and their tables may also say. */
export const sourceKeys = {
  ...freshnessKeys,
  loader: z.string().optional(),
  meta: meta.optional(),
  tags: tags.optional(),
  config: z
    .strictObject({ ...freshnessKeys, enabled: z.boolean().optional(), meta: meta.optional(), tags: tags.optional() })
    .optional(),
}

export const owner = z
  .strictObject({ name: z.string().optional(), email: z.union([z.string(), z.array(z.string())]).optional() })
  .refine(({ name, email }) => name !== undefined || email !== undefined, 'needs a name or an email')

export const exposure = z.strictObject({
  name: z.string().regex(/^\w+$/, 'may have letters, digits and underscores; write anything into label'),
  type: z.enum(['dashboard', 'notebook', 'analysis', 'ml', 'application']),
  owner,
  label: z.string().optional(),
  description: z.string().default(''),
  url: z.string().optional(),
  maturity: z.enum(['low', 'medium', 'high']).optional(),
  /** `ref('fct_scored_leads')`, `source('mock', 'companies')`. */
  depends_on: z.array(z.string()).default([]),
  tags: tags.optional(),
  meta: meta.optional(),
  config: z.strictObject({ enabled: z.boolean().optional(), tags: tags.optional(), meta: meta.optional() }).default({}),
})

export const group = z.strictObject({
  name: z.string(),
  owner,
  description: z.string().default(''),
  config: z.strictObject({ meta: meta.optional() }).optional(),
})

export type Constraint = z.output<typeof constraint>
export type Threshold = z.output<typeof threshold>
export type Freshness = z.output<typeof freshness>
export type Owner = z.output<typeof owner>
export type ExposureProperties = z.output<typeof exposure>
export type GroupProperties = z.output<typeof group>
