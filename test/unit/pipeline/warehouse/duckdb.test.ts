import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Connection, type Database, openDatabase } from '../../../../pipeline/warehouse/duckdb.ts'
import { kyselyOver } from '../../../../pipeline/warehouse/kysely-dialect.ts'

let database: Database
let connection: Connection
beforeAll(async () => {
  database = await openDatabase()
  connection = await database.connect()
})
afterAll(() => {
  connection.close()
  database.close()
})

async function value(sql: string): Promise<unknown> {
  return (await connection.rows<{ v: unknown }>(`select ${sql} as v`))[0]!.v
}

describe('a value as it leaves the database', () => {
  it.each([
    ['null', null],
    ['true', true],
    [`'é"\n'`, 'é"\n'],
    ['42::tinyint', 42],
    ['42::integer', 42],
    ['9007199254740991::bigint', 9007199254740991],
    ['9007199254740993::bigint', '9007199254740993'],
    ['170141183460469231731687303715884105727::hugeint', '170141183460469231731687303715884105727'],
    ['18446744073709551615::ubigint', '18446744073709551615'],
    ['1.5::double', 1.5],
    [`'nan'::double`, null],
    [`'inf'::double`, null],
    ['0.1::float', Math.fround(0.1)],
    ['12.3400::decimal(9, 4)', 12.34],
    ['-0.0001::decimal(9, 4)', -0.0001],
    ['12345678901234567890.12::decimal(38, 2)', '12345678901234567890.12'],
    [`date '2026-01-31'`, '2026-01-31'],
    [`timestamp '2026-01-31 12:34:56'`, '2026-01-31T12:34:56.000Z'],
    [`timestamp '2026-01-31 12:34:56.123456'`, '2026-01-31T12:34:56.123456Z'],
    [`timestamptz '2026-01-31 12:34:56+02'`, '2026-01-31T10:34:56.000Z'],
    [`timestamp_ns '2026-01-31 12:34:56.123456789'`, '2026-01-31T12:34:56.123456789Z'],
    [`time '12:34:56'`, '12:34:56'],
    [`interval 3 day`, '3 days'],
    [`'{"a": [1]}'::json`, '{"a": [1]}'],
    [`uuid '6f9619ff-8b86-d011-b42d-00cf4fc964ff'`, '6f9619ff-8b86-d011-b42d-00cf4fc964ff'],
    [`['a', null, 'b']`, ['a', null, 'b']],
    ['[]::integer[]', []],
    [`[date '2026-01-31']`, ['2026-01-31']],
    [`{a: 1, b: {c: date '2026-01-31', d: [1.50::decimal(9, 2)]}}`, { a: 1, b: { c: '2026-01-31', d: [1.5] } }],
    [`map {'k': 1, 'l': null}`, { k: 1, l: null }],
    [`'b'::enum('a', 'b')`, 'b'],
    [`array_value(1, 2)::integer[2]`, [1, 2]],
  ])('%s', async (sql, expected) => {
    expect(await value(sql)).toEqual(expected)
  })

  it('JSON carries any row', async () => {
    const rows = await connection.rows('select count(*) as n, sum(i) as s, avg(i) as a from range(10) as r(i)')
    expect(JSON.parse(JSON.stringify(rows))).toEqual([{ n: 10, s: 45, a: 4.5 }])
  })
})

describe('insert', () => {
  const columns = {
    t: 'VARCHAR',
    n: 'BIGINT',
    d: 'DATE',
    ts: 'TIMESTAMP',
    b: 'BOOLEAN',
    l: 'VARCHAR[]',
    s: 'STRUCT(x INTEGER, y VARCHAR)',
    m: 'DECIMAL(9,4)',
    'odd "name\'': 'VARCHAR',
  }

  it('types plain rows, and reads back what was written, whatever the text', async () => {
    await connection.run(
      'create table typed (t varchar, n bigint, d date, ts timestamp, b boolean, l varchar[], s struct(x integer, y varchar), m decimal(9, 4), "odd ""name\'" varchar)',
    )
    const text = fc.string({ unit: 'grapheme' })
    const row = fc.record({
      t: fc.option(text),
      n: fc.option(fc.maxSafeInteger()),
      b: fc.option(fc.boolean()),
      l: fc.option(fc.array(fc.option(text))),
      'odd "name\'': fc.option(text),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
        await connection.run('truncate typed')
        expect(await connection.insert('typed', columns, rows)).toBe(rows.length)
        const back = await connection.rows('select t, n, b, l, "odd ""name\'" from typed')
        expect(back).toEqual(rows)
      }),
      { numRuns: 50 },
    )
  })

  it('refuses a value that is not of its type', async () => {
    await expect(connection.insert('typed', columns, [{ d: 'no date' }])).rejects.toThrow()
    expect(await connection.rows(`select count(*) as n from typed where d is not null`)).toEqual([{ n: 0 }])
  })
})

describe('transaction', () => {
  it('keeps all or nothing', async () => {
    await connection.run('create table kept (n integer)')
    const failing = connection.transaction(async () => {
      await connection.run('insert into kept values (1)')
      throw new Error('stop')
    })
    await expect(failing).rejects.toThrow('stop')
    await connection.transaction(() => connection.run('insert into kept values (2)'))
    expect(await connection.rows('select n from kept')).toEqual([{ n: 2 }])
  })

  it('streams with bounded batches', async () => {
    let [seen, batches] = [0, 0]
    for await (const batch of connection.stream<{ i: number }>('select i from range(100000) as r(i)')) {
      seen += batch.length
      batches++
    }
    expect(seen).toBe(100_000)
    expect(batches).toBeGreaterThan(10)
  })
})

describe('Kysely over DuckDB', () => {
  interface Tables {
    'shop.orders': { id: number; name: string | null; tags: string[] | null }
  }

  it('selects, inserts, updates, deletes and returns, with two-part names', async () => {
    await connection.run('create schema shop; create table shop.orders (id integer, name varchar, tags varchar[])')
    const db = kyselyOver<Tables>(connection)
    await db
      .insertInto('shop.orders')
      .values([
        { id: 1, name: "O'Brien", tags: null },
        { id: 2, name: null, tags: null },
      ])
      .execute()
    const updated = await db.updateTable('shop.orders').set({ name: 'x' }).where('name', 'is', null).executeTakeFirst()
    expect(updated.numUpdatedRows).toBe(1n)
    const deleted = await db.deleteFrom('shop.orders').where('id', '=', 2).returning(['name']).execute()
    expect(deleted).toEqual([{ name: 'x' }])
    const rows = await db.selectFrom('shop.orders').selectAll().where('name', 'in', ["O'Brien", 'y']).execute()
    expect(rows).toEqual([{ id: 1, name: "O'Brien", tags: null }])
  })

  it('rolls back and streams', async () => {
    const db = kyselyOver<Tables>(connection)
    const failing = db.transaction().execute(async (trx) => {
      await trx.deleteFrom('shop.orders').execute()
      throw new Error('stop')
    })
    await expect(failing).rejects.toThrow('stop')
    const seen: number[] = []
    for await (const { id } of db.selectFrom('shop.orders').select('id').stream()) seen.push(id)
    expect(seen).toEqual([1])
  })
})
