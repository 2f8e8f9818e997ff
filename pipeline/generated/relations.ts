import type { Value } from '../warehouse/duckdb.ts'

/** Every relation a step may read, by its two-part name. */
export type Relations = Record<string, Record<string, Value>>
