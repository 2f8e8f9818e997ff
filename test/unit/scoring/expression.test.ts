import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Connection, openDatabase } from '../../../pipeline/warehouse/duckdb.ts'
import { readExpressions } from '../../../scoring/expression.ts'

let connection: Connection
beforeAll(async () => {
  connection = await (await openDatabase({ threads: 1 })).connect()
})
afterAll(() => connection.close())

const read = async (sql: string) => (await readExpressions(connection, [sql]))[0]!

describe('the columns of an expression, as DuckDB reads them', () => {
  it.each([
    ['employee_count between 20 and 500', ['employee_count']],
    ["Industry in ('saas', 'a.b') and not is_icp_match", ['industry', 'is_icp_match']],
    ['list_filter(tech_stack, lambda t: t = country) <> []', ['country', 'tech_stack']],
    ['case when a is null then b > as_of() - 90 else c[1] = d.e end', ['a', 'b', 'c', 'd']],
    ['len([t for t in tags if t like word]) > 0 -- why', ['tags', 'word']],
    ["seen > as_of() - interval 3 month and jaccard(x, 'y') > 0.5", ['seen', 'x']],
    ['true', []],
  ])('%s', async (sql, columns) => {
    expect(await read(sql)).toEqual({ columns, error: undefined })
  })
})

describe('refused', () => {
  it.each([
    ['a >', 'does not parse: syntax error'],
    ['a > 1; drop table leads', 'does not parse'],
    ['a > 1); drop table leads; select (1', 'it is more than one statement'],
    ['a > 1), (b', 'is more than one SQL expression'],
    ['a) from leads where (b', 'is more than one SQL expression'],
    ['a) union select (b', 'is more than one SQL expression'],
    ['a in (select secret from leads)', 'holds a subquery'],
    ['exists (from leads)', 'holds a subquery'],
    ['case when true then (select 1) end = 1', 'holds a subquery'],
    ['sum(a) > 1', 'calls sum(), which is a aggregate function'],
    ['count(*) filter (where a) > 1', 'holds an aggregate'],
    ['row_number() over () = 1', 'holds a window function'],
    ['*', 'holds a star'],
    ['a = $1', 'holds a parameter'],
    ["read_text('/etc/passwd') is not null", 'calls read_text(), which is a table function'],
    ['random() < 0.5', 'answers differently'],
    ['seen > now()', 'answers differently'],
    ["current_setting('home_directory') = ''", 'answers differently'],
    ["getenv('HOME') = ''", 'DuckDB does not know'],
    ['ledger.as_of() > seen', 'by its schema'],
    ['list_filter(tags, t -> t = word) = []', 'write lambda x'],
  ])('%s', async (sql, why) => {
    expect((await read(sql)).error).toContain(why)
  })
})
