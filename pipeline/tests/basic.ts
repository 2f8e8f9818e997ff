import { z } from 'zod'
import { quoteIdentifier } from '../table.ts'
import {
  columnList,
  columnText,
  eachRow,
  eachValue,
  type GenericTest,
  literal,
  literalList,
  none,
  query,
} from './generic.ts'

/** dbt's four, and three of our own. */
export const BASIC: Record<string, GenericTest> = {
  unique: query(
    'required',
    none,
    ({ relation, column }) =>
      `select ${column} as unique_field, count(*) as n_records from ${relation} where ${column} is not null group by ${column} having count(*) > 1`,
  ),
  not_null: eachRow('required', none, ({ column }) => `${column} is null`),
  accepted_values: eachValue(
    z.strictObject({ values: z.array(literal).min(1), quote: z.boolean().default(true) }),
    ({ column, args }) => `${column} not in (${literalList(args.values, args.quote)})`,
  ),
  relationships: query(
    'required',
    z.strictObject({ to: z.string(), field: z.string() }),
    ({ relation, column, args }) =>
      `select child.${column} as from_field from ${relation} as child anti join ${args.to} as parent on parent.${quoteIdentifier(args.field)} = child.${column} where child.${column} is not null`,
    { relations: ['to'] },
  ),
  range: eachRow(
    'required',
    z.strictObject({ min: z.number().optional(), max: z.number().optional() }),
    ({ column, args }) => {
      const outside = [
        ...(args.min === undefined ? [] : [`${column} < ${args.min}`]),
        ...(args.max === undefined ? [] : [`${column} > ${args.max}`]),
      ]
      return outside.join(' or ') || 'false'
    },
  ),
  unique_combination: uniqueCombination(z.strictObject({ columns: columnList }), ({ columns }) => columns),
  expression_is_true: eachRow('optional', z.strictObject({ expression: z.string() }), ({ column, args }) =>
    column === '' ? `not (${args.expression})` : `not (${column} ${args.expression})`,
  ),
}

export function uniqueCombination<A extends z.ZodObject>(
  args: A,
  columnsOf: (args: z.output<A>) => readonly string[],
  packageName?: GenericTest['package'],
): GenericTest {
  return query(
    'none',
    args,
    (input) => {
      const columns = columnsOf(input.args).map(columnText).join(', ')
      return `select ${columns}, count(*) as n_records from ${input.relation} group by ${columns} having count(*) > 1`
    },
    packageName === undefined ? {} : { package: packageName },
  )
}
