import { describe, expect, it } from 'vitest'
import { cteQuery, ctesOf } from '../../../../pipeline/unit-tests/ctes.ts'
import { csvRows, valueText } from '../../../../pipeline/unit-tests/rows.ts'
import { openDatabase } from '../../../../pipeline/warehouse/duckdb.ts'

describe('CTEs', () => {
  it('are found by their brackets, whatever stands in them', async () => {
    const sql = `-- with no (
/* nor ( */ WITH recursive a(x, y) as materialized (select ')' as x, 1 as y -- )
), "b (""c""" as not materialized (select $$ ) $$ as t, $q$ ( $q$ as u, "x)" from (select E'\\')' as "x)")),
d as (select [x for x in [1, 2]] as list, {'k': (1)} as s) select * from a`
    expect(ctesOf(sql).names).toEqual(['a', 'b ("c"', 'd'])
    const database = await openDatabase()
    const connection = await database.connect()
    expect(await connection.rows(cteQuery(sql, 'a'))).toEqual([{ x: ')', y: 1 }])
    expect(await connection.rows(cteQuery(sql, 'b ("c"'))).toEqual([{ t: ' ) ', u: ' ( ', 'x)': "')" }])
    connection.close()
    database.close()
  })

  it('a query without any has none', () => {
    expect(ctesOf('select 1').names).toEqual([])
    expect(ctesOf('without as (select 1)').names).toEqual([])
  })

  it('keep the lines of the model', () => {
    expect(cteQuery('\nwith a as (\n  select 1\n)\n\nselect * from a', 'a')).toBe(
      '\nwith a as (\n  select 1\n) select * from "a"',
    )
  })
})

describe('rows', () => {
  it('of CSV: an empty field is NULL, a quoted one is text', () => {
    expect(csvRows('a, b ,c\r\n1,"x, ""y""\nz",\n"", d ,"  e "\n\n')).toEqual({
      columns: ['a', 'b', 'c'],
      rows: [
        { a: '1', b: 'x, "y"\nz', c: null },
        { a: '', b: 'd', c: '  e ' },
      ],
    })
    expect(() => csvRows('a,b\n1,2,3')).toThrow('row 1 has 3 fields, the header has 2')
    expect(() => csvRows('a\n"1')).toThrow('not closed')
  })

  it('of any type keep their values', async () => {
    const database = await openDatabase()
    const connection = await database.connect()
    const values: [unknown, string, unknown][] = [
      ['2026-01-31', 'DATE', '2026-01-31'],
      ["it's", 'VARCHAR', "it's"],
      [7, 'VARCHAR', '7'],
      [1.5, 'DECIMAL(9,4)', 1.5],
      [[1, 2], 'INTEGER[]', [1, 2]],
      [['a', null], 'VARCHAR[]', ['a', null]],
      ['[a, b]', 'VARCHAR[]', ['a', 'b']],
      [{ a: 1, b: 'x' }, 'STRUCT(a INTEGER, b VARCHAR)', { a: 1, b: 'x' }],
      [{ k: 1 }, 'JSON', '{"k":1}'],
      [true, 'BOOLEAN', true],
      ['true', 'BOOLEAN', true],
      [null, 'INTEGER', null],
      ['2026-01-31T10:00:00Z', 'TIMESTAMP', '2026-01-31T10:00:00.000Z'],
    ]
    for (const [value, type, expected] of values) {
      expect([value, (await connection.rows(`select ${valueText(value, type)} as v`))[0]]).toEqual([
        value,
        { v: expected },
      ])
    }
    await expect(connection.rows(`select ${valueText('x', 'INTEGER')}`)).rejects.toThrow(/convert/i)
    connection.close()
    database.close()
  })
})
