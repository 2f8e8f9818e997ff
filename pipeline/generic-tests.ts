import { z } from 'zod'
import { quoteIdentifier, quoteLiteral } from './table.ts'

/** A test that a property file names: from the relation, the column and the arguments to a query that returns the failures. */
export interface GenericTest {
  /** Needs a column, needs none, or takes either. */
  column: 'required' | 'none' | 'optional'
  arguments: z.ZodObject
  sql(input: { relation: string; column: string; args: Record<string, unknown> }): string
}

const literal = z.union([z.string(), z.number(), z.boolean()])
const none = z.strictObject({})

function generic<A extends z.ZodObject>(
  column: GenericTest['column'],
  args: A,
  sql: (input: { relation: string; column: string; args: z.output<A> }) => string,
): GenericTest {
  return { column, arguments: args, sql: sql as GenericTest['sql'] }
}

/** dbt's four, and the ones our own models need most. `relation` may be a subquery that applies `where`. */
export const GENERIC_TESTS: Record<string, GenericTest> = {
  unique: generic(
    'required',
    none,
    ({ relation, column }) =>
      `select ${column} as unique_field, count(*) as n_records from ${relation} where ${column} is not null group by ${column} having count(*) > 1`,
  ),
  not_null: generic('required', none, ({ relation, column }) => `select * from ${relation} where ${column} is null`),
  accepted_values: generic(
    'required',
    z.strictObject({ values: z.array(literal), quote: z.boolean().default(true) }),
    ({ relation, column, args }) => {
      const values = args.values.map((value) =>
        typeof value === 'string' && args.quote ? quoteLiteral(value) : String(value),
      )
      return `select ${column} as value_field, count(*) as n_records from ${relation} where ${column} not in (${values.join(', ')}) group by ${column}`
    },
  ),
  relationships: generic(
    'required',
    z.strictObject({ to: z.string(), field: z.string() }),
    ({ relation, column, args }) =>
      `select child.${column} as from_field from ${relation} as child anti join ${args.to} as parent on parent.${quoteIdentifier(args.field)} = child.${column} where child.${column} is not null`,
  ),
  range: generic(
    'required',
    z.strictObject({ min: z.number().optional(), max: z.number().optional() }),
    ({ relation, column, args }) => {
      const outside = [
        args.min === undefined ? '' : `${column} < ${args.min}`,
        args.max === undefined ? '' : `${column} > ${args.max}`,
      ].filter((part) => part !== '')
      return `select * from ${relation} where ${outside.join(' or ') || 'false'}`
    },
  ),
  unique_combination: generic('none', z.strictObject({ columns: z.array(z.string()).min(1) }), ({ relation, args }) => {
    const columns = args.columns.map(quoteIdentifier).join(', ')
    return `select ${columns}, count(*) as n_records from ${relation} group by ${columns} having count(*) > 1`
  }),
  expression_is_true: generic('optional', z.strictObject({ expression: z.string() }), ({ relation, column, args }) => {
    const expression = column === '' ? args.expression : `${column} ${args.expression}`
    return `select * from ${relation} where not (${expression})`
  }),
}
