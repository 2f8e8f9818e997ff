import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type DelimitedTable, partsToFile, rangesOf, readLayout } from '../../../../pipeline/bulk/delimited.ts'
import { openDatabase } from '../../../../pipeline/warehouse/duckdb.ts'

const prefixes = fc
  .uniqueArray(fc.string({ unit: fc.constantFrom('0', '5', 'A', 'Z'), minLength: 1, maxLength: 3 }))
  .chain((names) =>
    fc.tuple(...names.sort().map((prefix) => fc.record({ prefix: fc.constant(prefix), rows: fc.nat(400_000) }))),
  )

describe('rangesOf', () => {
  it('cuts without gap or overlap, into pieces no larger than a prefix makes them', () => {
    fc.assert(
      fc.property(prefixes, (counted) => {
        const ranges = rangesOf(counted)
        expect(ranges[0]!.from).toBeUndefined()
        expect(ranges.at(-1)!.to).toBeUndefined()
        for (const [index, range] of ranges.slice(1).entries()) expect(range.from).toBe(ranges[index]!.to)
        for (const { from = '', to = '\uffff' } of ranges) {
          const inside = counted.filter(({ prefix }) => prefix >= from && prefix < to).map(({ rows }) => rows)
          const rows = inside.reduce((sum, more) => sum + more, 0)
          expect(rows <= 300_000 || inside.filter((more) => more > 0).length === 1).toBe(true)
        }
      }),
    )
  })
})

describe('partsToFile', () => {
  it('lands the last row of each key in order, cut or whole, and only what is within another table', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lead-engine-parts-'))
    const at = (name: string) => join(folder, `${name}.parquet`)
    const database = await openDatabase()
    const connection = await database.connect()
    const parts = [at('one'), at('two')]
    const table: DelimitedTable = {
      table: 'thing',
      description: '',
      files: ['THING', 'Things'],
      key: ['id'],
      row: readLayout('id name', { text: z.string().nullable() }),
      within: { table: 'other', column: 'id' },
    }
    await connection.run(`
      copy (select 'k' || (i % 50) as id, 'old' || i as name, i as _seq from range(100) t(i)) to '${parts[0]}';
      copy (select 'k' || (i % 50) as id, 'new' || i as name, 100 + i as _seq from range(30) t(i)) to '${parts[1]}';
      copy (select 'k' || (i * 2) as id from range(25) t(i)) to '${at('other')}'`)
    const landed = async (cuts: string[]) => {
      const files = [...cuts, ''].map((_, index) => at(`out${cuts.length}-${index}`))
      for (const [index, file] of files.entries()) {
        await connection.run(partsToFile(table, parts, { from: cuts[index - 1], to: cuts[index] }, [at('other')], file))
      }
      return connection.rows(`select * from read_parquet([${files.map((file) => `'${file}'`).join(', ')}])`)
    }
    const whole = await landed([])
    expect(whole).toHaveLength(25)
    expect(whole).toContainEqual({ id: 'k2', name: 'new2' })
    expect(whole).toContainEqual({ id: 'k48', name: 'old98' })
    expect(whole.map(({ id }) => id)).toEqual(whole.map(({ id }) => id).sort())
    expect(await landed(['k2', 'k34'])).toEqual(whole)
    database.close()
  })
})
