import { didYouMean } from '../nearest.ts'
import { BASIC } from './basic.ts'
import { EXPECTATIONS_AGGREGATES } from './expectations-aggregates.ts'
import { EXPECTATIONS_TABLES } from './expectations-tables.ts'
import { EXPECTATIONS_VALUES } from './expectations-values.ts'
import type { GenericTest } from './generic.ts'
import { UTILS_ROWS } from './utils-rows.ts'
import { UTILS_TABLES } from './utils-tables.ts'

/** Every generic test by its plain name. */
export const GENERIC_TESTS: Record<string, GenericTest> = {
  ...BASIC,
  ...UTILS_ROWS,
  ...UTILS_TABLES,
  ...EXPECTATIONS_VALUES,
  ...EXPECTATIONS_AGGREGATES,
  ...EXPECTATIONS_TABLES,
}

/** Tests that more than one package knows. */
const ALSO: Record<string, readonly string[]> = { expression_is_true: ['dbt_utils', 'dbt_expectations'] }

export interface Named {
  test: GenericTest
  /** Without its package. */
  name: string
  /** As it was written: `dbt_utils`. */
  namespace?: string
}

/** The test that a name means, with its package before it (`dbt_utils.recency`) or without; else what to write instead. */
export function findTest(written: string): Named | { hint?: string } {
  const dot = written.indexOf('.')
  const namespace = dot < 0 ? undefined : written.slice(0, dot)
  const name = written.slice(dot + 1)
  const test = Object.hasOwn(GENERIC_TESTS, name) ? GENERIC_TESTS[name] : undefined
  const packages = test === undefined ? [] : [test.package ?? 'dbt', ...(ALSO[name] ?? [])]
  if (test !== undefined && namespace === undefined) return { test, name }
  if (test !== undefined && namespace !== undefined && packages.includes(namespace))
    return namespace === 'dbt' ? { test, name } : { test, name, namespace }
  const known = Object.entries(GENERIC_TESTS).map(([each, { package: from }]) =>
    namespace === undefined || from === undefined ? each : `${from}.${each}`,
  )
  return { hint: didYouMean(written, known) }
}
