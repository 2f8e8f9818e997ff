import { z } from 'zod'
import { quoteIdentifier } from '../table.ts'
import { uniqueCombination } from './basic.ts'
import {
  between,
  bound,
  columnList,
  columnText,
  datepart,
  eachRow,
  eachValue,
  type GenericTest,
  group_by_columns,
  literal,
  literalList,
  query,
  whole,
} from './generic.ts'

const dbt_utils = { package: 'dbt_utils' } as const

/** dbt_utils' tests of the rows and columns of one table. */
export const UTILS_ROWS: Record<string, GenericTest> = {
  accepted_range: eachRow(
    'required',
    z.strictObject({ min_value: bound.optional(), max_value: bound.optional(), inclusive: z.boolean().default(true) }),
    ({ column, args }) => `not (${between(column, { ...args, strictly: !args.inclusive })})`,
    dbt_utils,
  ),
  not_accepted_values: eachValue(
    z.strictObject({ values: z.array(literal).min(1), quote: z.boolean().default(true) }),
    ({ column, args }) => `${column} in (${literalList(args.values, args.quote)})`,
    dbt_utils,
  ),
  not_empty_string: eachRow(
    'required',
    z.strictObject({ trim_whitespace: z.boolean().default(true) }),
    ({ column, args }) => (args.trim_whitespace ? `trim(${column}) = ''` : `${column} = ''`),
    dbt_utils,
  ),
  at_least_one: whole(
    'required',
    z.strictObject({ group_by_columns }),
    ({ column }) => `count(${column}) > 0`,
    dbt_utils,
  ),
  not_constant: whole(
    'required',
    z.strictObject({ group_by_columns }),
    ({ column }) => `min(${column}) <> max(${column})`,
    dbt_utils,
  ),
  not_null_proportion: whole(
    'required',
    z.strictObject({
      at_least: z.number().min(0).max(1),
      at_most: z.number().min(0).max(1).default(1),
      group_by_columns,
    }),
    ({ column, args }) =>
      `count(${column}) / nullif(count(*), 0) >= ${args.at_least} and count(${column}) / nullif(count(*), 0) <= ${args.at_most}`,
    dbt_utils,
  ),
  recency: whole(
    'none',
    z.strictObject({
      field: z.string(),
      datepart,
      interval: z.number().int(),
      ignore_time_component: z.boolean().default(false),
      group_by_columns,
    }),
    ({ args }) => {
      const threshold = `as_of() - interval (${args.interval}) ${args.datepart}`
      const latest = `max(${columnText(args.field)})`
      return args.ignore_time_component
        ? `cast(${latest} as date) >= cast(${threshold} as date)`
        : `${latest} >= ${threshold}`
    },
    dbt_utils,
  ),
  unique_combination_of_columns: uniqueCombination(
    z.strictObject({ combination_of_columns: columnList, quote_columns: z.boolean().optional() }),
    ({ combination_of_columns }) => combination_of_columns,
    'dbt_utils',
  ),
  sequential_values: query(
    'required',
    z.strictObject({ interval: z.number().int().default(1), datepart: datepart.optional(), group_by_columns }),
    ({ relation, column, args }) => {
      const groups = (args.group_by_columns ?? []).map(columnText)
      const partition = groups.length === 0 ? '' : `partition by ${groups.join(', ')} `
      const next =
        args.datepart === undefined
          ? `previous_value + ${args.interval}`
          : `previous_value + interval (${args.interval}) ${args.datepart}`
      const selected = [...groups, `${column} as this_value`].join(', ')
      return `select * from (select ${selected}, lag(${column}) over (${partition}order by ${column}) as previous_value from ${relation}) where not (this_value = ${next})`
    },
    dbt_utils,
  ),
  mutually_exclusive_ranges: query(
    'none',
    z.strictObject({
      lower_bound_column: z.string(),
      upper_bound_column: z.string(),
      partition_by: z.string().optional(),
      gaps: z.enum(['allowed', 'not_allowed', 'required']).default('allowed'),
      zero_length_range_allowed: z.boolean().default(false),
    }),
    ({ relation, args }) => {
      const [lower, upper] = [columnText(args.lower_bound_column), columnText(args.upper_bound_column)]
      const parts = args.partition_by === undefined ? [] : [columnText(args.partition_by)]
      const partition = parts.length === 0 ? '' : `partition by ${parts.join(', ')} `
      const gap = { allowed: '<=', not_allowed: '=', required: '<' }[args.gaps]
      const length = args.zero_length_range_allowed ? '<=' : '<'
      const selected = [
        ...parts.map((part) => `${part} as partition_by_col`),
        `${lower} as lower_bound`,
        `${upper} as upper_bound`,
        `lead(${lower}) over (${partition}order by ${lower}, ${upper}) as next_lower_bound`,
        `row_number() over (${partition}order by ${lower} desc, ${upper} desc) = 1 as is_last_record`,
      ].join(', ')
      return `select * from (select ${selected} from ${relation}) where not (coalesce(lower_bound ${length} upper_bound, false) and coalesce(upper_bound ${gap} next_lower_bound, is_last_record, false))`
    },
    dbt_utils,
  ),
  relationships_where: query(
    'required',
    z.strictObject({
      to: z.string(),
      field: z.string(),
      from_condition: z.string().default('true'),
      to_condition: z.string().default('true'),
    }),
    ({ relation, column, args }) =>
      `select child.from_field from (select ${column} as from_field from ${relation} where ${column} is not null and (${args.from_condition})) as child anti join (select ${quoteIdentifier(args.field)} as to_field from ${args.to} where ${args.to_condition}) as parent on parent.to_field = child.from_field`,
    { ...dbt_utils, relations: ['to'] },
  ),
}
