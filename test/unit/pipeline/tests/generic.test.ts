import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestNode } from '../../../../pipeline/nodes.ts'
import { quoteIdentifier } from '../../../../pipeline/table.ts'
import { GENERIC_TESTS } from '../../../../pipeline/tests/registry.ts'
import { countFailures, failuresOf } from '../../../../pipeline/tests/runner.ts'
import { type Connection, type Database, openDatabase } from '../../../../pipeline/warehouse/duckdb.ts'

let database: Database
let connection: Connection

beforeAll(async () => {
  database = await openDatabase()
  connection = await database.connect()
  await connection.run(`
    create macro as_of() as date '2026-01-31';
    create table things as select * from (values
      (1, 'red',  10.0, date '2026-01-30', date '2026-01-01', date '2026-01-05', 'a@x.io', 1, 2, 3),
      (2, 'blue', 20.0, date '2026-01-29', date '2026-01-05', date '2026-01-09', 'b@x.io', 2, 3, 5),
      (3, 'red',  30.0, date '2025-12-01', date '2026-01-09', date '2026-01-12', 'nobody', 3, 1, 4),
      (4, null,   null, null,              date '2026-01-11', date '2026-01-20', '',       4, 4, 9)
    ) as t(id, colour, amount, seen_at, starts, ends, email, a, b, total);
    create table others as select id, colour, amount from things where id < 3;
    create table empty_things as select * from things where false;
    create table gaps as select * from (values (1), (2), (4)) as t(n);
    create table months as select * from (values (date '2026-01-31'), (date '2026-02-28')) as t(month);
    create table twice as select unnest([1, 1, 2]) as n, unnest([7, 7, null]) as m`)
})
afterAll(() => {
  connection.close()
  database.close()
})

function node(
  name: string,
  { table = 'things', column, args = {} }: { table?: string; column?: string; args?: Record<string, unknown> },
): TestNode {
  const test = GENERIC_TESTS[name]!
  const input = {
    relation: table,
    column: column === undefined ? '' : quoteIdentifier(column),
    column_name: column ?? '',
    args: test.arguments.parse(args) as Record<string, unknown>,
  }
  const count = test.fail_calc === undefined ? test.count?.(input) : undefined
  return {
    id: `${name}${JSON.stringify([column, args])}`,
    name,
    file: 'x.yml',
    sql: test.sql(input),
    ...(test.fail_calc === undefined ? {} : { fail_calc: test.fail_calc }),
    ...(count === undefined ? {} : { batch: { from: table, count } }),
  } as TestNode
}

interface Case {
  table?: string
  column?: string
  args?: Record<string, unknown>
  failures: number
}

const CASES: Record<string, Case[]> = {
  unique: [
    { column: 'id', failures: 0 },
    { column: 'colour', failures: 1 },
  ],
  not_null: [
    { column: 'id', failures: 0 },
    { column: 'colour', failures: 1 },
  ],
  accepted_values: [
    { column: 'colour', args: { values: ['red', 'blue'] }, failures: 0 },
    { column: 'colour', args: { values: ['blue'] }, failures: 1 },
    { column: 'id', args: { values: [1, 2], quote: false }, failures: 2 },
  ],
  relationships: [
    { table: 'others', column: 'id', args: { to: 'things', field: 'id' }, failures: 0 },
    { column: 'id', args: { to: 'others', field: 'id' }, failures: 2 },
  ],
  range: [
    { column: 'amount', args: { min: 10, max: 30 }, failures: 0 },
    { column: 'amount', args: { min: 11, max: 29 }, failures: 2 },
  ],
  unique_combination: [
    { args: { columns: ['id', 'colour'] }, failures: 0 },
    { table: 'twice', args: { columns: ['n', 'm'] }, failures: 1 },
  ],
  expression_is_true: [
    { args: { expression: 'amount > 5' }, failures: 0 },
    { args: { expression: 'amount > 15' }, failures: 1 },
    { column: 'amount', args: { expression: '> 25' }, failures: 2 },
  ],
  accepted_range: [
    { column: 'amount', args: { min_value: 10, max_value: 'id * 10' }, failures: 0 },
    { column: 'amount', args: { min_value: 10, inclusive: false }, failures: 1 },
    { column: 'seen_at', args: { min_value: '2026-01-01' }, failures: 1 },
  ],
  not_accepted_values: [
    { column: 'colour', args: { values: ['green'] }, failures: 0 },
    { column: 'colour', args: { values: ['red', 'blue'] }, failures: 2 },
  ],
  not_empty_string: [
    { column: 'colour', failures: 0 },
    { column: 'email', failures: 1 },
  ],
  at_least_one: [
    { column: 'colour', failures: 0 },
    { table: 'empty_things', column: 'colour', failures: 1 },
    { column: 'amount', args: { group_by_columns: ['id'] }, failures: 1 },
  ],
  not_constant: [
    { column: 'colour', failures: 0 },
    { column: 'colour', args: { group_by_columns: ['id'] }, failures: 3 },
  ],
  not_null_proportion: [
    { column: 'colour', args: { at_least: 0.75 }, failures: 0 },
    { column: 'colour', args: { at_least: 0.8 }, failures: 1 },
    { column: 'colour', args: { at_least: 0, at_most: 0.7 }, failures: 1 },
    { table: 'empty_things', column: 'colour', args: { at_least: 1 }, failures: 0 },
  ],
  recency: [
    { args: { field: 'seen_at', datepart: 'day', interval: 1 }, failures: 0 },
    { args: { field: 'starts', datepart: 'week', interval: 1 }, failures: 1 },
    { args: { field: 'seen_at', datepart: 'day', interval: 5, group_by_columns: ['id'] }, failures: 1 },
    { args: { field: 'seen_at', datepart: 'hour', interval: 30, ignore_time_component: true }, failures: 0 },
  ],
  unique_combination_of_columns: [
    { args: { combination_of_columns: ['id'] }, failures: 0 },
    { args: { combination_of_columns: ['colour'] }, failures: 1 },
    { args: { combination_of_columns: ["date_trunc('month', starts)"] }, failures: 1 },
  ],
  sequential_values: [
    { column: 'id', failures: 0 },
    { table: 'gaps', column: 'n', failures: 1 },
    { table: 'months', column: 'month', args: { datepart: 'month' }, failures: 0 },
    { column: 'id', args: { group_by_columns: ['colour'] }, failures: 1 },
  ],
  mutually_exclusive_ranges: [
    {
      table: '(select * from things where id < 4)',
      args: { lower_bound_column: 'starts', upper_bound_column: 'ends' },
      failures: 0,
    },
    { args: { lower_bound_column: 'starts', upper_bound_column: 'ends' }, failures: 1 },
    {
      table: '(select * from things where id < 4)',
      args: { lower_bound_column: 'starts', upper_bound_column: 'ends', gaps: 'required' },
      failures: 2,
    },
    {
      table: '(select * from things where id < 4)',
      args: { lower_bound_column: 'starts', upper_bound_column: 'ends', gaps: 'not_allowed' },
      failures: 0,
    },
    { args: { lower_bound_column: 'starts', upper_bound_column: 'ends', partition_by: 'id' }, failures: 0 },
    {
      args: {
        lower_bound_column: 'starts',
        upper_bound_column: 'starts',
        partition_by: 'id',
        zero_length_range_allowed: true,
      },
      failures: 0,
    },
    { args: { lower_bound_column: 'starts', upper_bound_column: 'starts', partition_by: 'id' }, failures: 4 },
  ],
  relationships_where: [
    { column: 'id', args: { to: 'others', field: 'id', from_condition: 'id < 3' }, failures: 0 },
    { column: 'id', args: { to: 'things', field: 'id', to_condition: 'id > 1' }, failures: 1 },
  ],
  equal_rowcount: [
    { args: { compare_model: 'things' }, failures: 0 },
    { args: { compare_model: 'others' }, failures: 2 },
    { args: { compare_model: 'others', group_by_columns: ['colour'] }, failures: 2 },
  ],
  fewer_rows_than: [
    { table: 'others', args: { compare_model: 'things' }, failures: 0 },
    { args: { compare_model: 'things' }, failures: 1 },
    { args: { compare_model: 'others' }, failures: 3 },
  ],
  equality: [
    { args: { compare_model: 'things' }, failures: 0 },
    { args: { compare_model: 'others', compare_columns: ['id', 'colour'] }, failures: 2 },
    { table: 'others', args: { compare_model: '(select colour, amount, id from others)' }, failures: 0 },
    { table: 'others', args: { compare_model: '(select id, colour from others)' }, failures: 4 },
  ],
  cardinality_equality: [
    { column: 'colour', args: { to: 'things', field: 'colour' }, failures: 0 },
    { column: 'colour', args: { to: 'others', field: 'colour' }, failures: 3 },
  ],
  expect_column_values_to_be_between: [
    { column: 'amount', args: { min_value: 10, max_value: 30 }, failures: 0 },
    { column: 'amount', args: { min_value: 10, max_value: 30, strictly: true }, failures: 2 },
    { column: 'amount', args: { min_value: 15, row_condition: 'id > 1' }, failures: 0 },
  ],
  expect_column_values_to_be_in_set: [
    { column: 'colour', args: { value_set: ['red', 'blue'], row_condition: 'id < 4' }, failures: 0 },
    { column: 'colour', args: { value_set: ['red', 'blue'] }, failures: 1 },
    { column: 'id', args: { value_set: [1, 2, 3], quote_values: false }, failures: 1 },
  ],
  expect_column_values_to_not_be_in_set: [
    { column: 'colour', args: { value_set: ['green'] }, failures: 0 },
    { column: 'colour', args: { value_set: ['red'] }, failures: 2 },
  ],
  expect_column_values_to_match_regex: [
    { column: 'email', args: { regex: '@x\\.io$', row_condition: 'id < 3' }, failures: 0 },
    { column: 'email', args: { regex: '@x\\.io$' }, failures: 2 },
    { column: 'colour', args: { regex: '^(RED|BLUE)$', flags: 'i' }, failures: 0 },
  ],
  expect_column_values_to_not_match_regex: [
    { column: 'email', args: { regex: '@y' }, failures: 0 },
    { column: 'email', args: { regex: '@x' }, failures: 2 },
  ],
  expect_column_value_lengths_to_be_between: [
    { column: 'colour', args: { min_value: 3, max_value: 4 }, failures: 0 },
    { column: 'colour', args: { min_value: 4 }, failures: 2 },
  ],
  expect_column_value_lengths_to_equal: [
    { column: 'colour', args: { value: 3, row_condition: "colour = 'red'" }, failures: 0 },
    { column: 'colour', args: { value: 3 }, failures: 1 },
  ],
  expect_column_values_to_be_unique: [
    { column: 'id', failures: 0 },
    { column: 'colour', failures: 1 },
    { column: 'colour', args: { row_condition: 'id <> 1' }, failures: 0 },
  ],
  expect_column_values_to_not_be_null: [
    { column: 'id', failures: 0 },
    { column: 'colour', failures: 1 },
    { column: 'colour', args: { row_condition: 'amount is not null' }, failures: 0 },
  ],
  expect_column_values_to_be_null: [
    { column: 'colour', args: { row_condition: 'id = 4' }, failures: 0 },
    { column: 'colour', failures: 3 },
  ],
  expect_column_pair_values_A_to_be_greater_than_B: [
    { args: { column_A: 'ends', column_B: 'starts' }, failures: 0 },
    { args: { column_A: 'a', column_B: 'b' }, failures: 3 },
    { args: { column_A: 'a', column_B: 'b', or_equal: true }, failures: 2 },
  ],
  expect_column_pair_values_to_be_equal: [
    { args: { column_A: 'id', column_B: 'a' }, failures: 0 },
    { args: { column_A: 'a', column_B: 'b' }, failures: 3 },
  ],
  expect_compound_columns_to_be_unique: [
    { args: { column_list: ['id', 'colour'] }, failures: 0 },
    { table: 'twice', args: { column_list: ['n', 'm'] }, failures: 1 },
    {
      table: '(select 1 as n, null as m from range(2))',
      args: { column_list: ['n', 'm'], ignore_row_if: 'any_value_is_missing' },
      failures: 0,
    },
    { table: '(select null as n from range(2))', args: { column_list: ['n'], ignore_row_if: 'never' }, failures: 1 },
  ],
  expect_column_mean_to_be_between: [
    { column: 'amount', args: { min_value: 20, max_value: 20 }, failures: 0 },
    { column: 'amount', args: { min_value: 20, strictly: true }, failures: 1 },
    { column: 'amount', args: { min_value: 20, group_by: ['colour'] }, failures: 0 },
    { column: 'amount', args: { max_value: 15, row_condition: 'id = 1' }, failures: 0 },
  ],
  expect_column_median_to_be_between: [
    { column: 'amount', args: { min_value: 20, max_value: 20 }, failures: 0 },
    { column: 'amount', args: { max_value: 19 }, failures: 1 },
  ],
  expect_column_sum_to_be_between: [
    { column: 'amount', args: { min_value: 60, max_value: 60 }, failures: 0 },
    { column: 'amount', args: { min_value: 61 }, failures: 1 },
  ],
  expect_column_min_to_be_between: [
    { column: 'seen_at', args: { min_value: '2025-12-01' }, failures: 0 },
    { column: 'seen_at', args: { min_value: '2025-12-02' }, failures: 1 },
  ],
  expect_column_max_to_be_between: [
    { column: 'amount', args: { max_value: 30 }, failures: 0 },
    { column: 'amount', args: { max_value: 30, strictly: true }, failures: 1 },
  ],
  expect_column_stdev_to_be_between: [
    { column: 'amount', args: { min_value: 10, max_value: 10 }, failures: 0 },
    { column: 'amount', args: { min_value: 11 }, failures: 1 },
  ],
  expect_column_quantile_values_to_be_between: [
    { column: 'amount', args: { quantile: 0.5, min_value: 20, max_value: 20 }, failures: 0 },
    { column: 'amount', args: { quantile: 0.9, max_value: 20 }, failures: 1 },
  ],
  expect_column_distinct_count_to_equal: [
    { column: 'colour', args: { value: 2 }, failures: 0 },
    { column: 'colour', args: { value: 3 }, failures: 1 },
    { column: 'id', args: { value: 1, group_by: ['colour'] }, failures: 1 },
  ],
  expect_column_distinct_count_to_be_less_than: [
    { column: 'colour', args: { value: 3 }, failures: 0 },
    { column: 'colour', args: { value: 2 }, failures: 1 },
  ],
  expect_column_distinct_count_to_be_greater_than: [
    { column: 'colour', args: { value: 1 }, failures: 0 },
    { column: 'colour', args: { value: 2 }, failures: 1 },
  ],
  expect_column_proportion_of_unique_values_to_be_between: [
    { column: 'id', args: { min_value: 1, max_value: 1 }, failures: 0 },
    { column: 'colour', args: { min_value: 0.7 }, failures: 1 },
  ],
  expect_multicolumn_sum_to_equal: [
    { args: { column_list: ['a', 'b'], sum_total: 20 }, failures: 0 },
    { args: { column_list: ['a', 'b'], sum_total: 'total' }, failures: 1 },
    { args: { column_list: ['a', 'b'], sum_total: 'total', group_by: ['id'] }, failures: 1 },
  ],
  expect_table_row_count_to_be_between: [
    { args: { min_value: 4, max_value: 4 }, failures: 0 },
    { args: { min_value: 5 }, failures: 1 },
    { args: { min_value: 2, group_by: ['colour'] }, failures: 2 },
  ],
  expect_table_row_count_to_equal: [
    { args: { value: 4 }, failures: 0 },
    { args: { value: 4, row_condition: 'id > 1' }, failures: 1 },
  ],
  expect_row_values_to_have_recent_data: [
    { column: 'seen_at', args: { datepart: 'day', interval: 1 }, failures: 0 },
    { column: 'seen_at', args: { datepart: 'day', interval: 1, row_condition: 'id > 1' }, failures: 1 },
    { table: 'empty_things', column: 'seen_at', args: { datepart: 'year', interval: 1 }, failures: 1 },
  ],
  expect_column_to_exist: [
    { column: 'COLOUR', failures: 0 },
    { column: 'colour', args: { column_index: 2 }, failures: 0 },
    { column: 'colour', args: { column_index: 1 }, failures: 1 },
    { column: 'color', failures: 1 },
  ],
  expect_column_values_to_be_of_type: [
    { column: 'id', args: { column_type: 'int' }, failures: 0 },
    { column: 'amount', args: { column_type: 'decimal(3,1)' }, failures: 0 },
    { column: 'id', args: { column_type: 'varchar' }, failures: 1 },
  ],
  expect_table_columns_to_match_set: [
    { table: 'others', args: { column_list: ['amount', 'id', 'Colour'] }, failures: 0 },
    { table: 'others', args: { column_list: ['amount', 'id', 'size'] }, failures: 2 },
  ],
  expect_table_columns_to_match_ordered_list: [
    { table: 'others', args: { column_list: ['id', 'colour', 'amount'] }, failures: 0 },
    { table: 'others', args: { column_list: ['colour', 'id', 'amount'], transform: 'lower' }, failures: 2 },
    { table: 'others', args: { column_list: ['id', 'colour'] }, failures: 1 },
  ],
  expect_table_columns_to_contain_set: [
    { table: 'others', args: { column_list: ['amount'] }, failures: 0 },
    { table: 'others', args: { column_list: ['amount', 'size'] }, failures: 1 },
  ],
  expect_table_row_count_to_equal_other_table: [
    { args: { compare_model: 'things' }, failures: 0 },
    { args: { compare_model: 'others', factor: 2 }, failures: 0 },
    { args: { compare_model: 'others', row_condition: 'id < 3' }, failures: 0 },
    { args: { compare_model: 'others' }, failures: 1 },
    { args: { compare_model: 'others', group_by: ['colour'] }, failures: 2 },
    { args: { compare_model: 'things', group_by: ['a'], compare_group_by: ['id'] }, failures: 0 },
  ],
}

describe('generic tests', () => {
  it('every one has a case that passes and one that fails', () => {
    for (const name of Object.keys(GENERIC_TESTS)) {
      const failures = (CASES[name] ?? []).map((each) => each.failures)
      expect([name, failures.includes(0), failures.some((count) => count > 0)]).toEqual([name, true, true])
    }
  })

  for (const [name, cases] of Object.entries(CASES)) {
    it(name, async () => {
      for (const { failures, ...given } of cases) {
        const test = node(name, given)
        expect([given, await countFailures(connection, test)]).toEqual([given, failures])
        if (test.batch !== undefined)
          expect([given, await failuresOf(connection, [test])]).toEqual([given, new Map([[test.id, failures]])])
      }
    })
  }
})

describe('tests of one table in one scan', () => {
  const value = fc.option(fc.integer({ min: -3, max: 3 }), { nil: null })
  const word = fc.option(fc.constantFrom('', ' ', 'a', 'b', "o'k"), { nil: null })
  const number = fc.integer({ min: -3, max: 3 })
  const bounds = fc.record({ min_value: number, max_value: number, strictly: fc.boolean() })
  const row_condition = fc.constantFrom(undefined, 'n > 0', 'w is not null', "n = 1 or w = 'a'")
  const some = fc.oneof(
    fc.constantFrom('n', 'w').map((column) => node('not_null', { table: 't', column })),
    fc
      .subarray(['a', 'b', "o'k"], { minLength: 1 })
      .map((values) => node('accepted_values', { table: 't', column: 'w', args: { values } })),
    fc
      .subarray(['a', 'b'], { minLength: 1 })
      .map((values) => node('not_accepted_values', { table: 't', column: 'w', args: { values } })),
    fc.record({ min: number, max: number }).map((args) => node('range', { table: 't', column: 'n', args })),
    number.map((limit) => node('expression_is_true', { table: 't', args: { expression: `n < ${limit} or w = 'a'` } })),
    bounds.map((args) => node('expect_column_sum_to_be_between', { table: 't', column: 'n', args })),
    bounds.map((args) => node('expect_column_mean_to_be_between', { table: 't', column: 'n', args })),
    bounds.map((args) => node('expect_column_max_to_be_between', { table: 't', column: 'n', args })),
    bounds.map((args) => node('expect_table_row_count_to_be_between', { table: 't', args })),
    fc
      .record({ ...{ value_set: fc.constant(['a', 'b']) }, row_condition })
      .map((args) => node('expect_column_values_to_be_in_set', { table: 't', column: 'w', args })),
    fc.constantFrom('n', 'w').map((column) => node('at_least_one', { table: 't', column })),
    fc.constantFrom('n', 'w').map((column) => node('not_constant', { table: 't', column })),
    fc
      .constantFrom(0, 0.5, 1)
      .map((at_least) => node('not_null_proportion', { table: 't', column: 'n', args: { at_least } })),
    fc
      .boolean()
      .map((trim_whitespace) => node('not_empty_string', { table: 't', column: 'w', args: { trim_whitespace } })),
  )

  it('finds what each finds alone, whatever the rows', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(value, word), { maxLength: 12 }),
        fc.array(some, { minLength: 1, maxLength: 60 }),
        async (rows, drawn) => {
          await connection.run('create or replace table t (n integer, w varchar)')
          await connection.insert(
            't',
            { n: 'INTEGER', w: 'VARCHAR' },
            rows.map(([n, w]) => ({ n, w })),
          )
          const tests = drawn.map((test, index) => ({ ...test, id: `${index}` }))
          const together = await failuresOf(connection, tests)
          for (const test of tests)
            expect([test.sql, together.get(test.id)]).toEqual([test.sql, await countFailures(connection, test)])
        },
      ),
      { numRuns: 40 },
    )
  })

  it('leaves out the tests of a scan that fails, so that they are asked one by one', async () => {
    const good = node('not_null', { column: 'id' })
    const bad = node('not_null', { column: 'missing' })
    expect(await failuresOf(connection, [good, bad])).toEqual(new Map())
    await expect(countFailures(connection, bad)).rejects.toThrow(/missing/)
    expect(await countFailures(connection, good)).toBe(0)
  })
})
