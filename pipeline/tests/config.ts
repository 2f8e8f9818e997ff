import { z } from 'zod'
import { parseThreshold } from './threshold.ts'

const severity = z.preprocess(
  (value) => (typeof value === 'string' ? value.toLowerCase() : value),
  z.enum(['warn', 'error'], "must be 'warn' or 'error'"),
)

const threshold = z
  .string()
  .refine(
    (text) => parseThreshold(text) !== undefined,
    "is compared with the number of failures: write '>10', '!= 0', 'between 1 and 5' or 'in (1, 2)'",
  )

/** dbt's configuration of a data test. */
export const testConfigSchema = z.strictObject({
  severity: severity.optional(),
  warn_if: threshold.optional(),
  error_if: threshold.optional(),
  where: z.string().optional(),
  limit: z.number().int().positive().optional(),
  /** An aggregate over the rows that the test returns. */
  fail_calc: z.string().optional(),
  store_failures: z.boolean().optional(),
  store_failures_as: z.enum(['table', 'view', 'ephemeral']).optional(),
  alias: z.string().optional(),
  enabled: z.boolean().optional(),
  tags: z.union([z.string().transform((tag) => [tag]), z.array(z.string())]).optional(),
  meta: z.record(z.string(), z.unknown()).optional(),
})

export type TestConfig = z.output<typeof testConfigSchema>

export const TEST_CONFIG_KEYS: readonly string[] = Object.keys(testConfigSchema.shape)

/** Where failures are kept, and as what; undefined where they are only counted. dbt: `store_failures_as` wins. */
export function storedAs(config: TestConfig): 'table' | 'view' | undefined {
  const kind = config.store_failures_as ?? (config.store_failures ? 'table' : 'ephemeral')
  return kind === 'ephemeral' ? undefined : kind
}

/** dbt's default schema for stored failures; it lies in the build file and is not published. */
export const AUDIT_SCHEMA = 'dbt_test__audit'
