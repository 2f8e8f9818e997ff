import type { z } from 'zod'
import type { About } from './forget/names.ts'

/** A table that TypeScript fills: its place and the DuckDB type of every column, in order. */
export interface TableSpec {
  schema: string
  name: string
  description: string
  /** Column → DuckDB type, e.g. `VARCHAR[]`, `DECIMAL(9,4)`. */
  columns: Record<string, string>
  /** Columns that identify a row. */
  key: readonly string[]
  /** Column → description, for the YAML-less tables' documentation. */
  docs?: Record<string, string>
  /** Columns with personal data. */
  pii?: readonly string[]
  /** Whose a row is, for who is to be forgotten. */
  about?: About
  /** Columns that only tell: nothing is decided by them. See `StepContext.tells`. */
  told?: readonly string[]
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** `schema.table`, quoted: the only form in which SQL of this project names a relation. */
export function relationName({ schema, name }: { schema: string; name: string }): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
}

interface Def {
  type: string
  innerType?: z.ZodType
  in?: z.ZodType
  element?: z.ZodType
  valueType?: z.ZodType
  shape?: Record<string, z.ZodType>
  format?: string
}

/**
 * The DuckDB columns of a zod object: text VARCHAR, integers BIGINT, numbers DOUBLE, ISO dates DATE, ISO date-times
 * TIMESTAMP (UTC), arrays lists, objects structs, records and unknown JSON. A schema's own
 * `.meta({ duckdb: 'DECIMAL(18,2)' })` wins.
 */
export function columnsOf(schema: z.ZodType): Record<string, string> {
  const shape = defOf(schema).shape
  if (shape === undefined) throw new Error('a row schema must be a zod object')
  return Object.fromEntries(Object.entries(shape).map(([name, column]) => [name, duckdbType(column)]))
}

function defOf(schema: z.ZodType): Def {
  return schema._zod.def as unknown as Def
}

function duckdbType(schema: z.ZodType): string {
  const declared = (schema.meta() as { duckdb?: unknown } | undefined)?.duckdb
  if (typeof declared === 'string') return declared
  const def = defOf(schema)
  const inner = def.innerType ?? def.in
  if (inner !== undefined) return duckdbType(inner)
  switch (def.type) {
    case 'string':
      return def.format === 'date' ? 'DATE' : def.format === 'datetime' ? 'TIMESTAMP' : 'VARCHAR'
    case 'enum':
    case 'literal':
      return 'VARCHAR'
    case 'number':
      return def.format === 'int32' ? 'INTEGER' : isInteger(schema) ? 'BIGINT' : 'DOUBLE'
    case 'boolean':
      return 'BOOLEAN'
    case 'array':
      return `${duckdbType(def.element!)}[]`
    case 'object': {
      const fields = Object.entries(def.shape!).map(([name, field]) => `${quoteIdentifier(name)} ${duckdbType(field)}`)
      return `STRUCT(${fields.join(', ')})`
    }
    default:
      return 'JSON'
  }
}

function isInteger(schema: z.ZodType): boolean {
  const def = schema._zod.def as unknown as { format?: string; checks?: { _zod: { def: { format?: string } } }[] }
  return def.format === 'safeint' || (def.checks ?? []).some((check) => check._zod.def.format === 'safeint')
}
