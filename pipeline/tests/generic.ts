import { z } from 'zod'
import { quoteIdentifier, quoteLiteral } from '../table.ts'

/** What a test is written for. */
export interface TestInput<A> {
  /** The tested relation as SQL after `from`; a subquery where the test has a `where`. */
  relation: string
  /** The tested column as SQL, and its name as it was written; both empty for a test of the table. */
  column: string
  column_name: string
  args: A
}

/** A test that a property file names: its arguments, and the query whose rows are failures. */
export interface GenericTest {
  /** dbt's package it is known from; absent for dbt's own and ours. */
  package?: 'dbt_utils' | 'dbt_expectations'
  /** Needs a column, needs none, or takes either. */
  column: 'required' | 'none' | 'optional'
  arguments: z.ZodObject
  /** Arguments that name another relation: `ref('x')` or `source('x', 'y')`. */
  relations?: readonly string[]
  /** How the rows of `sql` become the number of failures; `count(*)` unless given. */
  fail_calc?: string
  sql(input: TestInput<Record<string, unknown>>): string
  /**
   * The same number of failures as an aggregate over the relation, where one scan can find it along with others' and in
   * memory that does not grow with the table.
   */
  count?(input: TestInput<Record<string, unknown>>): string | undefined
}

interface Options {
  package?: GenericTest['package']
  relations?: readonly string[]
  fail_calc?: string
}

/** A test with a query of its own. */
export function query<A extends z.ZodObject>(
  column: GenericTest['column'],
  args: A,
  sql: (input: TestInput<z.output<A>>) => string,
  options: Options = {},
): GenericTest {
  return { ...options, column, arguments: args, sql: sql as GenericTest['sql'] }
}

/** A test of each row: those fail for which the condition is true. */
export function eachRow<A extends z.ZodObject>(
  column: GenericTest['column'],
  args: A,
  fails: (input: TestInput<z.output<A>>) => string,
  options: Options = {},
): GenericTest {
  const condition = fails as (input: TestInput<Record<string, unknown>>) => string
  const given = (input: TestInput<Record<string, unknown>>) => {
    const row = input.args.row_condition
    return row === undefined ? condition(input) : `(${String(row)}) and (${condition(input)})`
  }
  return {
    ...options,
    column,
    arguments: args,
    sql: (input) => `select * from ${input.relation} where ${given(input)}`,
    count: (input) => `count(*) filter (where ${given(input)})`,
  }
}

/** A test of each distinct value of a column. */
export function eachValue<A extends z.ZodObject>(
  args: A,
  fails: (input: TestInput<z.output<A>>) => string,
  options: Options = {},
): GenericTest {
  const condition = fails as (input: TestInput<Record<string, unknown>>) => string
  return {
    ...options,
    column: 'required',
    arguments: args,
    sql: (input) =>
      `select ${input.column} as value_field, count(*) as n_records from ${input.relation} where ${condition(input)} group by ${input.column}`,
    count: (input) => `count(distinct ${input.column}) filter (where ${condition(input)})`,
  }
}

/** A test of the whole table, or of each group of it: what must be true of an aggregate. Unknown (NULL) passes. */
export function whole<A extends z.ZodObject>(
  column: GenericTest['column'],
  args: A,
  holds: (input: TestInput<z.output<A>>) => string,
  options: Options & { /** Needs memory that grows with the table. */ alone?: boolean } = {},
): GenericTest {
  const { alone = false, ...rest } = options
  const condition = holds as (input: TestInput<Record<string, unknown>>) => string
  const groupsOf = (given: Record<string, unknown>) =>
    ((given.group_by_columns ?? given.group_by ?? []) as string[]).map(columnText)
  return {
    ...rest,
    column,
    arguments: args,
    sql(input) {
      const groups = groupsOf(input.args)
      const row = input.args.row_condition
      const where = row === undefined ? '' : ` where ${String(row)}`
      const selected = [...groups, `(${condition(input)}) as expression`].join(', ')
      const grouping = groups.length === 0 ? '' : ` group by ${groups.join(', ')}`
      return `select * from (select ${selected} from ${input.relation}${where}${grouping}) where not expression`
    },
    count(input) {
      if (alone || groupsOf(input.args).length > 0 || input.args.row_condition !== undefined) return undefined
      return `case when not (${condition(input)}) then 1 else 0 end`
    },
  }
}

/** A number, a date, or SQL: `0`, `2026-01-31`, `other_column * 2`. */
export const bound = z.union([z.number(), z.string()])
export const literal = z.union([z.string(), z.number(), z.boolean()])
export const columnList = z.array(z.string()).min(1)
export const group_by_columns = z.array(z.string()).optional()
export const row_condition = z.string().optional()
export const none = z.strictObject({})

export function boundText(value: string | number): string {
  return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}([ T].*)?$/.test(value) ? quoteLiteral(value) : String(value)
}

/** `expression` within bounds of which either may be absent; NULL where it is unknown. */
export function between(
  expression: string,
  {
    min_value,
    max_value,
    strictly = false,
  }: { min_value?: string | number; max_value?: string | number; strictly?: boolean },
): string {
  const equal = strictly ? '' : '='
  const sides = [
    ...(min_value === undefined ? [] : [`${expression} >${equal} ${boundText(min_value)}`]),
    ...(max_value === undefined ? [] : [`${expression} <${equal} ${boundText(max_value)}`]),
  ]
  return sides.join(' and ') || 'true'
}

/** A name becomes an identifier; anything else is SQL already. */
export function columnText(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? quoteIdentifier(name) : name
}

export function literalText(value: z.output<typeof literal>, quote = true): string {
  return typeof value === 'string' && quote ? quoteLiteral(value) : String(value)
}

export function literalList(values: readonly z.output<typeof literal>[], quote = true): string {
  return values.map((value) => literalText(value, quote)).join(', ')
}

/** dbt's dateparts, as DuckDB's interval units. */
export const datepart = z.enum([
  'microsecond',
  'millisecond',
  'second',
  'minute',
  'hour',
  'day',
  'week',
  'month',
  'quarter',
  'year',
])
