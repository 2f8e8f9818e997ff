import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { changesTable, type Side, writeChanges } from '../../../../pipeline/bulk/changes.ts'
import type { LedgerTable } from '../../../../pipeline/step.ts'
import { openDatabase, type Row } from '../../../../pipeline/warehouse/duckdb.ts'

const folder = mkdtempSync(join(tmpdir(), 'lead-engine-changes-'))
const database = await openDatabase()
const connection = await database.connect()
afterAll(() => {
  connection.close()
  database.close()
  rmSync(folder, { recursive: true })
})

const table: LedgerTable = {
  source: 'register',
  table: 'shops',
  description: 'Shops.',
  columns: { cnpj: 'VARCHAR', name: 'VARCHAR', codes: 'VARCHAR[]', since: 'DATE', capital: 'DECIMAL(18,2)' },
  key: ['cnpj'],
  pii: ['name'],
  write: 'replace',
  bulk: true,
}

let files = 0
/** A month, dealt to parts that say nothing about the key. */
async function land(snapshot: string, rows: readonly Row[], parts: number, columns = table.columns): Promise<Side> {
  const written: string[] = []
  for (let part = 0; part < parts; part++) {
    const file = join(folder, `${++files}.parquet`)
    const list = Object.entries(columns).map(([name, type]) => `${name} ${type}`)
    await connection.run(`create or replace temp table landing (${list.join(', ')})`)
    await connection.insert(
      'landing',
      columns,
      rows.filter((_, index) => index % parts === part),
    )
    await connection.run(`copy (from landing) to '${file}' (format parquet)`)
    written.push(file)
  }
  return { snapshot, files: written }
}

async function changes(before: Side, after: Side, same_filter = true): Promise<Row[]> {
  const home = mkdtempSync(join(folder, 'out-'))
  const fileOf = (part: number) => join(home, `${part}.parquet`)
  const written = await writeChanges(connection, { table, before, after, same_filter }, fileOf, 7)
  const all = await Promise.all(written.map((_, part) => connection.rows(`from '${fileOf(part)}'`)))
  expect(all.map((rows) => rows.length)).toEqual(written)
  return all.flat()
}

const row = fc.record({
  cnpj: fc.integer({ min: 0, max: 40 }).map((n) => `${String(n).padStart(7, '0')}${'ABC9'[n % 4]}000100`),
  name: fc.option(fc.constantFrom('A', 'B', 'Ç'), { nil: null }),
  codes: fc.array(fc.constantFrom('6201501', '6202300'), { maxLength: 2 }),
  since: fc.option(fc.constantFrom('2020-01-31', '2024-02-29'), { nil: null }),
  capital: fc.option(fc.constantFrom('1000', '999999999999.99'), { nil: null }),
})
const month = fc.uniqueArray(row, { selector: ({ cnpj }) => cnpj, maxLength: 30 })
const parts = fc.integer({ min: 1, max: 3 })
const edits = fc.array(fc.tuple(fc.nat(), row), { maxLength: 6 })

it('finds exactly the rows that random edits of a month made other, new or gone', async () => {
  await fc.assert(
    fc.asyncProperty(month, edits, fc.nat({ max: 3 }), parts, parts, async (was, edited, gone, left, right) => {
      const now = new Map(was.slice(gone).map((one) => [one.cnpj, one]))
      for (const [at, other] of edited) {
        const target = at % 2 === 0 ? other.cnpj : (was[at % Math.max(1, was.length)]?.cnpj ?? other.cnpj)
        now.set(target, { ...other, cnpj: target })
      }
      const before = new Map(was.map((one) => [one.cnpj, one]))
      const text = (one: object | undefined) => JSON.stringify(one)
      const expected = [...new Set([...before.keys(), ...now.keys()])]
        .filter((key) => text(before.get(key)) !== text(now.get(key)))
        .sort()
      const found = await changes(
        await land('2026-07-11', was, left),
        await land('2026-08-08', [...now.values()].reverse(), right),
      )
      expect(found.map(({ cnpj }) => cnpj)).toEqual(expected)
      const money = (value: string | null) => (value === null ? null : Number(value).toFixed(2))
      const kept = (one: (typeof was)[number] | undefined) =>
        one === undefined ? null : { ...one, capital: money(one.capital) }
      for (const change of found) {
        expect(change).toMatchObject({ changed_on: '2026-08-08', previous_on: '2026-07-11', same_filter: true })
        expect(change.was).toEqual(kept(before.get(String(change.cnpj))))
        expect(change.now).toEqual(kept(now.get(String(change.cnpj))))
      }
    }),
    { numRuns: 25 },
  )
})

it('finds nothing between a month and itself, however it is dealt', async () => {
  const rows = Array.from({ length: 500 }, (_, n) => ({ cnpj: String(n).padStart(14, '0'), name: `N${n}`, codes: [] }))
  expect(await changes(await land('2026-07-11', rows, 2), await land('2026-08-08', rows.toReversed(), 3))).toEqual([])
})

it('a column that the month before did not have yet is no change by itself', async () => {
  const { capital: _new, ...older } = table.columns
  const rows = [
    { cnpj: '1', name: 'A', codes: [] },
    { cnpj: '2', name: 'B', codes: [] },
  ]
  const before = await land('2026-07-11', rows, 1, older)
  const after = await land(
    '2026-08-08',
    [
      { ...rows[0]!, capital: 5 },
      { ...rows[1]!, name: 'C', capital: 6 },
    ],
    1,
  )
  expect(await changes(before, after, false)).toMatchObject([
    { cnpj: '2', same_filter: false, was: { name: 'B', capital: null }, now: { name: 'C', capital: '6.00' } },
  ])
})

it('what is kept is personal data where the table holds any', () => {
  expect(changesTable(table)).toMatchObject({ table: 'shops_changes', pii: ['was', 'now'], bulk: true })
  expect(changesTable({ ...table, pii: undefined }).pii).toBeUndefined()
})
