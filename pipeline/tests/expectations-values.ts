import { z } from 'zod'
import { quoteLiteral } from '../table.ts'
import {
  between,
  bound,
  columnList,
  columnText,
  eachRow,
  type GenericTest,
  literal,
  literalList,
  query,
  row_condition,
} from './generic.ts'

const dbt_expectations = { package: 'dbt_expectations' } as const
const bounds = { min_value: bound.optional(), max_value: bound.optional(), strictly: z.boolean().default(false) }
const valueSet = { value_set: z.array(literal).min(1), quote_values: z.boolean().default(true), row_condition }
const pattern = {
  regex: z.string(),
  /** RE2's, as DuckDB takes them: c, i, l, m, n, p, s. */
  flags: z
    .string()
    .regex(/^[cilmnps]*$/, 'are letters of cilmnps')
    .default(''),
  row_condition,
}

function matches(column: string, { regex, flags }: { regex: string; flags: string }): string {
  return `regexp_matches(${column}, ${quoteLiteral(regex)}${flags === '' ? '' : `, ${quoteLiteral(flags)}`})`
}

/** dbt_expectations' tests of values, each row by itself. NULL passes unless said otherwise. */
export const EXPECTATIONS_VALUES: Record<string, GenericTest> = {
  expect_column_values_to_be_between: eachRow(
    'required',
    z.strictObject({ ...bounds, row_condition }),
    ({ column, args }) => `not (${between(column, args)})`,
    dbt_expectations,
  ),
  // As in dbt_expectations, NULL is in no set.
  expect_column_values_to_be_in_set: eachRow(
    'required',
    z.strictObject(valueSet),
    ({ column, args }) => `${column} is null or ${column} not in (${literalList(args.value_set, args.quote_values)})`,
    dbt_expectations,
  ),
  expect_column_values_to_not_be_in_set: eachRow(
    'required',
    z.strictObject(valueSet),
    ({ column, args }) => `${column} in (${literalList(args.value_set, args.quote_values)})`,
    dbt_expectations,
  ),
  expect_column_values_to_match_regex: eachRow(
    'required',
    z.strictObject(pattern),
    ({ column, args }) => `not ${matches(column, args)}`,
    dbt_expectations,
  ),
  expect_column_values_to_not_match_regex: eachRow(
    'required',
    z.strictObject(pattern),
    ({ column, args }) => matches(column, args),
    dbt_expectations,
  ),
  expect_column_value_lengths_to_be_between: eachRow(
    'required',
    z.strictObject({ ...bounds, row_condition }),
    ({ column, args }) => `not (${between(`length(${column})`, args)})`,
    dbt_expectations,
  ),
  expect_column_value_lengths_to_equal: eachRow(
    'required',
    z.strictObject({ value: bound, row_condition }),
    ({ column, args }) => `length(${column}) <> ${args.value}`,
    dbt_expectations,
  ),
  expect_column_values_to_not_be_null: eachRow(
    'required',
    z.strictObject({ row_condition }),
    ({ column }) => `${column} is null`,
    dbt_expectations,
  ),
  expect_column_values_to_be_null: eachRow(
    'required',
    z.strictObject({ row_condition }),
    ({ column }) => `${column} is not null`,
    dbt_expectations,
  ),
  expect_column_pair_values_A_to_be_greater_than_B: eachRow(
    'none',
    z.strictObject({ column_A: z.string(), column_B: z.string(), or_equal: z.boolean().default(false), row_condition }),
    ({ args }) => `not (${columnText(args.column_A)} ${args.or_equal ? '>=' : '>'} ${columnText(args.column_B)})`,
    dbt_expectations,
  ),
  expect_column_pair_values_to_be_equal: eachRow(
    'none',
    z.strictObject({ column_A: z.string(), column_B: z.string(), row_condition }),
    ({ args }) => `${columnText(args.column_A)} <> ${columnText(args.column_B)}`,
    dbt_expectations,
  ),
  expect_column_values_to_be_unique: query(
    'required',
    z.strictObject({ row_condition }),
    ({ relation, column, args }) => duplicates(relation, [column], 'all_values_are_missing', args.row_condition),
    dbt_expectations,
  ),
  expect_compound_columns_to_be_unique: query(
    'none',
    z.strictObject({
      column_list: columnList,
      quote_columns: z.boolean().optional(),
      ignore_row_if: z
        .enum(['all_values_are_missing', 'any_value_is_missing', 'never'])
        .default('all_values_are_missing'),
      row_condition,
    }),
    ({ relation, args }) =>
      duplicates(relation, args.column_list.map(columnText), args.ignore_row_if, args.row_condition),
    dbt_expectations,
  ),
}

function duplicates(
  relation: string,
  columns: readonly string[],
  ignore: 'all_values_are_missing' | 'any_value_is_missing' | 'never',
  row: string | undefined,
): string {
  const joint = ignore === 'all_values_are_missing' ? ' and ' : ' or '
  const missing = columns.map((column) => `${column} is null`).join(joint)
  const where = [...(row === undefined ? [] : [`(${row})`]), ...(ignore === 'never' ? [] : [`not (${missing})`])]
  const list = columns.join(', ')
  return `select ${list}, count(*) as n_records from ${relation}${where.length === 0 ? '' : ` where ${where.join(' and ')}`} group by ${list} having count(*) > 1`
}
