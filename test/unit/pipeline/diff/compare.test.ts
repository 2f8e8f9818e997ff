import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareRelations } from '../../../../pipeline/diff/compare.ts'
import { type Connection, type Database, openDatabase } from '../../../../pipeline/warehouse/duckdb.ts'

let database: Database
let connection: Connection

beforeAll(async () => {
  database = await openDatabase({ threads: 1 })
  connection = await database.connect()
})
afterAll(() => {
  connection.close()
  database.close()
})

const COLUMNS = {
  id: 'VARCHAR',
  a: 'INTEGER',
  b: 'VARCHAR[]',
  c: 'STRUCT(x INTEGER, y VARCHAR)',
  d: 'STRUCT(x INTEGER[])[]',
}
type Row = {
  id: string
  a: number | null
  b: (string | null)[] | null
  c: { x: number | null; y: string | null } | null
  d: { x: (number | null)[] | null }[] | null
}

async function put(name: string, rows: readonly Row[]): Promise<void> {
  const columns = Object.entries(COLUMNS).map(([column, type]) => `${column} ${type}`)
  await connection.run(`create or replace table ${name} (${columns.join(', ')})`)
  await connection.insert(name, COLUMNS, rows)
}

const value = fc.record({
  a: fc.option(fc.integer({ min: 0, max: 2 })),
  b: fc.option(fc.array(fc.option(fc.constantFrom('x', 'y', '')), { maxLength: 2 })),
  c: fc.option(fc.record({ x: fc.option(fc.constant(1)), y: fc.option(fc.constant('')) })),
  d: fc.option(
    fc.array(fc.record({ x: fc.option(fc.array(fc.option(fc.constant(1)), { maxLength: 1 })) }), { maxLength: 1 }),
  ),
})
const table = fc
  .dictionary(fc.constantFrom('p', 'q', 'r', 's', 't'), value)
  .map((rows) => Object.entries(rows).map(([id, row]): Row => ({ id, ...row })))

describe('two states of a relation', () => {
  it('agree with a comparison row by row, NULL and order in lists included', async () => {
    await fc.assert(
      fc.asyncProperty(table, table, async (before, after) => {
        await put('was', before)
        await put('is_now', after)
        const found = await compareRelations(connection, 'x', 'was', 'is_now', ['id'])
        const old = new Map(before.map((row) => [row.id, row]))
        const both = after.filter(({ id }) => old.has(id))
        const differing = (column: 'a' | 'b' | 'c' | 'd') =>
          both.filter((row) => JSON.stringify(row[column]) !== JSON.stringify(old.get(row.id)![column])).length
        const changed = both.filter((row) => JSON.stringify(row) !== JSON.stringify(old.get(row.id))).length
        expect(found).toMatchObject({
          added: after.length - both.length,
          removed: before.length - both.length,
          changed,
          rows_before: before.length,
          rows_after: after.length,
        })
        const columns = Object.fromEntries(found.columns.map(({ name, rows }) => [name, rows]))
        for (const column of ['a', 'b', 'c', 'd'] as const) expect(columns[column] ?? 0).toBe(differing(column))
      }),
      { numRuns: 100 },
    )
  })

  it('say which columns came, went and became another type; equal values of another type are equal', async () => {
    await connection.run('create or replace table was as select 1 as id, 7::integer as n, 1 as old')
    await connection.run('create or replace table is_now as select 1 as id, 7::bigint as n, 2 as fresh')
    expect(await compareRelations(connection, 'x', 'was', 'is_now', ['id'])).toMatchObject({
      state: 'changed',
      changed: 0,
      columns_added: ['fresh'],
      columns_removed: ['old'],
      columns_retyped: [{ name: 'n', before: 'INTEGER', after: 'BIGINT' }],
    })
  })

  it('count whole rows where there is no key, or it is not one', async () => {
    await connection.run('create or replace table was as from (values (1, 1), (1, 2), (2, 2)) as t (id, a)')
    await connection.run('create or replace table is_now as from (values (1, 1), (2, 2), (2, 2)) as t (id, a)')
    const keyed = await compareRelations(connection, 'x', 'was', 'is_now', ['id'])
    expect(keyed).toMatchObject({ added: 1, removed: 1, changed: 0, key: [] })
    expect(keyed.note).toMatch(/id is not unique/)
    expect(await compareRelations(connection, 'x', 'was', 'is_now', [])).toMatchObject({ added: 1, removed: 1 })
  })
})
