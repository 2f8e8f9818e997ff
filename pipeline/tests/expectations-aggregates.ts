import { z } from 'zod'
import {
  between,
  bound,
  columnList,
  columnText,
  datepart,
  type GenericTest,
  query,
  row_condition,
  whole,
} from './generic.ts'

const dbt_expectations = { package: 'dbt_expectations' } as const
const group_by = z.array(z.string()).optional()
const bounds = {
  min_value: bound.optional(),
  max_value: bound.optional(),
  strictly: z.boolean().default(false),
  group_by,
  row_condition,
}

function aggregateBetween(aggregate: (column: string) => string, alone = false): GenericTest {
  return whole('required', z.strictObject(bounds), ({ column, args }) => between(aggregate(column), args), {
    ...dbt_expectations,
    alone,
  })
}

function distinctCount(operator: string): GenericTest {
  return whole(
    'required',
    z.strictObject({ value: z.number().int(), quote_values: z.boolean().optional(), group_by, row_condition }),
    ({ column, args }) => `count(distinct ${column}) ${operator} ${args.value}`,
    { ...dbt_expectations, alone: true },
  )
}

/** dbt_expectations' tests of what a column or a table comes to; by group where `group_by` is given. */
export const EXPECTATIONS_AGGREGATES: Record<string, GenericTest> = {
  expect_column_mean_to_be_between: aggregateBetween((column) => `avg(${column})`),
  expect_column_median_to_be_between: aggregateBetween((column) => `median(${column})`, true),
  expect_column_sum_to_be_between: aggregateBetween((column) => `sum(${column})`),
  expect_column_min_to_be_between: aggregateBetween((column) => `min(${column})`),
  expect_column_max_to_be_between: aggregateBetween((column) => `max(${column})`),
  expect_column_stdev_to_be_between: aggregateBetween((column) => `stddev_samp(${column})`),
  expect_column_quantile_values_to_be_between: whole(
    'required',
    z.strictObject({ ...bounds, quantile: z.number().min(0).max(1) }),
    ({ column, args }) => between(`quantile_cont(${column}, ${args.quantile})`, args),
    { ...dbt_expectations, alone: true },
  ),
  expect_column_distinct_count_to_equal: distinctCount('='),
  expect_column_distinct_count_to_be_less_than: distinctCount('<'),
  expect_column_distinct_count_to_be_greater_than: distinctCount('>'),
  expect_column_proportion_of_unique_values_to_be_between: aggregateBetween(
    (column) => `(count(distinct ${column}) / nullif(count(${column}), 0))`,
    true,
  ),
  expect_multicolumn_sum_to_equal: whole(
    'none',
    z.strictObject({ column_list: columnList, sum_total: bound, group_by, row_condition }),
    ({ args }) => {
      const total = typeof args.sum_total === 'number' ? args.sum_total : `sum(${columnText(args.sum_total)})`
      return `${args.column_list.map((column) => `sum(${columnText(column)})`).join(' + ')} = ${total}`
    },
    dbt_expectations,
  ),
  expect_table_row_count_to_be_between: whole(
    'none',
    z.strictObject(bounds),
    ({ args }) => between('count(*)', args),
    dbt_expectations,
  ),
  expect_table_row_count_to_equal: whole(
    'none',
    z.strictObject({ value: bound, group_by, row_condition }),
    ({ args }) => `count(*) = ${args.value}`,
    dbt_expectations,
  ),
  expect_row_values_to_have_recent_data: query(
    'required',
    z.strictObject({ datepart, interval: z.number().int(), row_condition }),
    ({ relation, column, args }) => {
      const row = args.row_condition === undefined ? '' : ` and (${args.row_condition})`
      return `select * from (select max(cast(${column} as timestamp)) as max_timestamp from ${relation} where cast(${column} as timestamp) < as_of() + interval 1 day${row}) where coalesce(max_timestamp, timestamp '1970-01-01') < as_of() - interval (${args.interval}) ${args.datepart}`
    },
    dbt_expectations,
  ),
}
