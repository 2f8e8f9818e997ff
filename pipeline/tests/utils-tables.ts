import { z } from 'zod'
import { quoteIdentifier } from '../table.ts'
import { columnList, columnText, type GenericTest, group_by_columns, query } from './generic.ts'

const compared = { package: 'dbt_utils', relations: ['compare_model'] } as const
const rowCounts = z.strictObject({ compare_model: z.string(), group_by_columns })

/** dbt_utils' tests of one table against another. */
export const UTILS_TABLES: Record<string, GenericTest> = {
  equal_rowcount: query('none', rowCounts, (input) => counted(input, 'abs(count_a - count_b)', 'diff_count'), {
    ...compared,
    fail_calc: 'coalesce(sum(diff_count), 0)',
  }),
  fewer_rows_than: query(
    'none',
    rowCounts,
    (input) => counted(input, 'greatest(count_a - count_b + 1, 0)', 'row_count_delta'),
    { ...compared, fail_calc: 'coalesce(sum(row_count_delta), 0)' },
  ),
  equality: query(
    'none',
    z.strictObject({
      compare_model: z.string(),
      compare_columns: columnList.optional(),
      exclude_columns: columnList.optional(),
    }),
    ({ relation, args }) => {
      const left_out = args.exclude_columns?.map(columnText).join(', ')
      const columns =
        args.compare_columns?.map(columnText).join(', ') ?? (left_out === undefined ? '*' : `* exclude (${left_out})`)
      const a = `select ${columns} from ${relation}`
      const b = `select ${columns} from ${args.compare_model}`
      // By name: columns in another order are equal, columns that one side lacks are not.
      return [
        `with a as (select * from (${a}) union all by name select * from (${b}) where false)`,
        `, b as (select * from (${a}) where false union all by name select * from (${b}))`,
        ` select 'a_minus_b' as which_diff, * from (select * from a except select * from b)`,
        ` union all select 'b_minus_a', * from (select * from b except select * from a)`,
      ].join('')
    },
    compared,
  ),
  cardinality_equality: query(
    'required',
    z.strictObject({ to: z.string(), field: z.string() }),
    ({ relation, column, args }) => {
      const field = quoteIdentifier(args.field)
      const a = `select ${column} as value, count(*) as num_rows from ${relation} group by ${column}`
      const b = `select ${field} as value, count(*) as num_rows from ${args.to} group by ${field}`
      return `select 'a_minus_b' as which_diff, * from (${a} except ${b}) union all select 'b_minus_a', * from (${b} except ${a})`
    },
    { package: 'dbt_utils', relations: ['to'] },
  ),
}

/** Rows of two relations, counted side by side, by group where groups are given. */
function counted(
  { relation, args }: { relation: string; args: z.output<typeof rowCounts> },
  difference: string,
  name: string,
): string {
  const groups = (args.group_by_columns ?? []).map(columnText)
  const side = (from: string, count: string) =>
    `(select ${[...groups, `count(*) as ${count}`].join(', ')} from ${from}${groups.length === 0 ? '' : ` group by ${groups.join(', ')}`})`
  const join = groups.map((column) => `a.${column} is not distinct from b.${column}`).join(' and ') || 'true'
  const shown = groups.map((column) => `coalesce(a.${column}, b.${column}) as ${column}`)
  const counts = ['coalesce(count_a, 0) as count_a', 'coalesce(count_b, 0) as count_b']
  return `select * from (select *, ${difference} as ${name} from (select ${[...shown, ...counts].join(', ')} from ${side(relation, 'count_a')} as a full join ${side(args.compare_model, 'count_b')} as b on ${join})) where ${name} > 0`
}
