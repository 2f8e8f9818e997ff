import { z } from 'zod'

/** Rows by hand: as a list of mappings, as CSV or as SELECT; or the name of a file in `test/fixtures/`. */
const fixture = {
  rows: z.union([z.string(), z.array(z.record(z.string(), z.unknown()))]).nullish(),
  format: z.enum(['dict', 'csv', 'sql']).default('dict'),
  fixture: z.string().nullish(),
}

const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'must be a date such as 2026-01-31')

/** dbt's `unit_tests:`; `cte` and `overrides.as_of` are ours. */
export const unitTestSchema = z.strictObject({
  name: z.string().regex(/^\w+$/, 'may have letters, digits and underscores'),
  description: z.string().default(''),
  model: z.string(),
  /** Which versions of the model; all unless said. */
  versions: z
    .union([
      z.strictObject({ include: z.array(z.union([z.string(), z.number()])) }),
      z.strictObject({ exclude: z.array(z.union([z.string(), z.number()])) }),
    ])
    .optional(),
  /** Compare what this CTE of the model comes to, not the model. */
  cte: z.string().optional(),
  given: z.array(z.strictObject({ input: z.string(), ...fixture })).default([]),
  expect: z.strictObject({ cte: z.string().optional(), ...fixture }),
  overrides: z
    .strictObject({
      vars: z.record(z.string(), z.unknown()).optional(),
      macros: z.strictObject({ is_incremental: z.boolean().optional() }).optional(),
      as_of: date.optional(),
    })
    .optional(),
  config: z
    .strictObject({
      tags: z.union([z.string().transform((tag) => [tag]), z.array(z.string())]).optional(),
      meta: z.record(z.string(), z.unknown()).optional(),
      enabled: z.boolean().optional(),
    })
    .default({}),
})

export type UnitTestProperties = z.output<typeof unitTestSchema>
export type FixtureProperties = Pick<UnitTestProperties['expect'], 'rows' | 'format' | 'fixture'>
