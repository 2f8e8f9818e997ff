import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { z } from 'zod'
import {
  chunkToPart,
  countVoid,
  type DelimitedTable,
  extraToPart,
  readLayout,
  repeatedKeys,
  voidRows,
  withoutVoid,
} from '../../../../pipeline/bulk/delimited.ts'
import { type Connection, openDatabase } from '../../../../pipeline/warehouse/duckdb.ts'

const table: DelimitedTable = {
  table: 'thing',
  description: '',
  files: ['THING', 'Things'],
  key: ['id'],
  row: readLayout('id name', { text: z.string().nullable() }),
  extra: [
    ['x', 'extra'],
    ['z', 'extra'],
  ],
}
const folder = mkdtempSync(join(tmpdir(), 'lead-engine-parts-'))
const at = (name: string) => join(folder, name)

/** Parts of rows, in the order given, through the text that a chunk is. */
async function partsOf(connection: Connection, given: [string, string][][]): Promise<string[]> {
  const parts: string[] = []
  for (const [index, rows] of given.entries()) {
    const chunk = at(`${index}.csv`)
    writeFileSync(chunk, rows.map((row) => `${row.join('\u001f')}\n`).join(''))
    parts.push(at(`${index}.parquet`))
    await connection.run(chunkToPart(table, chunk, parts.at(-1)!))
  }
  return parts
}

const rowsIn = (connection: Connection, parts: readonly string[]) =>
  connection.rows<{ id: string; name: string | null }>(
    `select id, name from read_parquet([${parts.map((part) => `'${part}'`).join(', ')}])`,
  )

it('keeps the last row of each key, in the order of the rows, however the keys are dealt into shares', async () => {
  const database = await openDatabase()
  const connection = await database.connect()
  const row = fc.tuple(
    fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    fc.string({ unit: fc.constantFrom('"', ';', 'ç'), maxLength: 3 }),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(row, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 3 }),
      async (given, buckets) => {
        const parts = await partsOf(connection, given)
        const voids: string[] = []
        for (let bucket = 0; bucket < buckets; bucket++) {
          const file = at(`void-${bucket}.parquet`)
          await connection.run(voidRows(table, parts, repeatedKeys(table, parts, bucket, buckets), file))
          voids.push(file)
        }
        const settled = [...parts]
        for (const { part } of await connection.rows<{ part: number }>(countVoid(voids))) {
          settled[part] = at(`settled-${part}.parquet`)
          await connection.run(withoutVoid(parts[part]!, part, voids, settled[part]!))
        }
        const all = given.flat()
        const last = all.filter(([id], index) => !all.slice(index + 1).some(([other]) => other === id))
        expect(await rowsIn(connection, settled)).toEqual(
          last.map(([id, name]) => ({ id, name: name === '' ? null : name })),
        )
      },
    ),
    { numRuns: 25 },
  )
  database.close()
})

it('makes a part of the rows that the files lack, or of none', async () => {
  const database = await openDatabase()
  const connection = await database.connect()
  await connection.run(extraToPart(table, at('extra.parquet')))
  expect(await rowsIn(connection, [at('extra.parquet')])).toEqual([
    { id: 'x', name: 'extra' },
    { id: 'z', name: 'extra' },
  ])
  await connection.run(extraToPart({ ...table, extra: undefined }, at('none.parquet')))
  expect(await rowsIn(connection, [at('none.parquet')])).toEqual([])
  database.close()
})
