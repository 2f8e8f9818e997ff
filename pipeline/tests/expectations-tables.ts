import { z } from 'zod'
import { quoteLiteral } from '../table.ts'
import { columnList, columnText, type GenericTest, query, row_condition } from './generic.ts'

const dbt_expectations = { package: 'dbt_expectations' } as const
/** dbt_expectations folds names to one case; names in DuckDB have no case, so that any folding comes to the same. */
const transform = z.enum(['upper', 'lower']).optional()
const columnNames = z.strictObject({ column_list: columnList, transform })
const group_by = z.array(z.string()).optional()

/** Names of a relation's columns, in lower case, with their position. */
function columnsOf(relation: string): string {
  return `(select lower(column_name) as column_name, row_number() over () as position from (describe select * from ${relation}))`
}

/** The same of a list. */
function listed(names: readonly string[]): string {
  const rows = names.map((name, index) => `(${quoteLiteral(name.toLowerCase())}, ${index + 1})`)
  return `(values ${rows.join(', ')}) as listed(column_name, position)`
}

/** dbt_expectations' tests of a table's shape. */
export const EXPECTATIONS_TABLES: Record<string, GenericTest> = {
  expect_column_to_exist: query(
    'required',
    z.strictObject({ column_index: z.number().int().positive().optional(), transform }),
    ({ relation, column_name, args }) => {
      const place = args.column_index === undefined ? '' : ` and position = ${args.column_index}`
      return `select ${quoteLiteral(column_name)} as column_name where not exists (select 1 from ${columnsOf(relation)} where column_name = ${quoteLiteral(column_name.toLowerCase())}${place})`
    },
    dbt_expectations,
  ),
  expect_column_values_to_be_of_type: query(
    'required',
    z.strictObject({ column_type: z.string().regex(/^[\w\s(),[\]"]+$/, 'must be a type') }),
    ({ relation, column, args }) =>
      `select column_name, column_type from (describe select ${column} from ${relation}) where column_type <> typeof(cast(null as ${args.column_type}))`,
    dbt_expectations,
  ),
  expect_table_columns_to_match_set: query(
    'none',
    columnNames,
    ({ relation, args }) =>
      `select coalesce(actual.column_name, listed.column_name) as column_name from ${columnsOf(relation)} as actual full join ${listed(args.column_list)} on actual.column_name = listed.column_name where actual.column_name is null or listed.column_name is null`,
    dbt_expectations,
  ),
  expect_table_columns_to_match_ordered_list: query(
    'none',
    columnNames,
    ({ relation, args }) =>
      `select coalesce(actual.position, listed.position) as position, actual.column_name as column_name, listed.column_name as expected_name from ${columnsOf(relation)} as actual full join ${listed(args.column_list)} on actual.position = listed.position where actual.column_name is distinct from listed.column_name`,
    dbt_expectations,
  ),
  expect_table_columns_to_contain_set: query(
    'none',
    columnNames,
    ({ relation, args }) =>
      `select column_name from ${listed(args.column_list)} where column_name not in (select column_name from ${columnsOf(relation)})`,
    dbt_expectations,
  ),
  expect_table_row_count_to_equal_other_table: query(
    'none',
    z.strictObject({
      compare_model: z.string(),
      group_by,
      compare_group_by: group_by,
      factor: z.number().default(1),
      row_condition,
      compare_row_condition: row_condition,
    }),
    ({ relation, args }) => {
      const groups = args.group_by ?? []
      const compared = args.compare_group_by ?? groups
      const side = (from: string, columns: readonly string[], condition: string | undefined) => {
        const keys = columns.map((column, index) => `${columnText(column)} as col_${index + 1}`)
        const by = columns.length === 0 ? '' : ` group by ${columns.map(columnText).join(', ')}`
        return `(select ${[...keys, 'count(*) as expression'].join(', ')} from ${from}${condition === undefined ? '' : ` where ${condition}`}${by})`
      }
      const join = groups.map((_, index) => `a.col_${index + 1} is not distinct from b.col_${index + 1}`).join(' and ')
      const shown = groups.map((_, index) => `coalesce(a.col_${index + 1}, b.col_${index + 1}) as col_${index + 1}`)
      const counts = ['coalesce(a.expression, 0) as expression', 'coalesce(b.expression, 0) as compare_expression']
      return `select * from (select ${[...shown, ...counts].join(', ')} from ${side(relation, groups, args.row_condition)} as a full join ${side(args.compare_model, compared, args.compare_row_condition)} as b on ${join || 'true'}) where expression <> compare_expression * ${args.factor}`
    },
    { ...dbt_expectations, relations: ['compare_model'] },
  ),
}
