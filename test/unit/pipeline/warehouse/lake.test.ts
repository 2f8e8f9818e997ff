import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { LedgerTable, Step } from '../../../../pipeline/step.ts'
import { lakeSnapshot } from '../../../../pipeline/warehouse/lake.ts'
import { type TestWorld, world } from '../../../helpers/world.ts'

const companies: LedgerTable = {
  source: 'register',
  table: 'companies',
  description: '',
  columns: { id: 'VARCHAR' },
  key: ['id'],
  write: 'replace',
  bulk: true,
}
const codes: LedgerTable = { ...companies, table: 'codes' }
const step: Step = {
  name: 'register',
  kind: 'resource',
  stage: 'discovery',
  file: 'register.ts',
  description: '',
  reads: [],
  records: [companies, codes],
  fingerprint: null,
  run: () => Promise.reject(new Error('not used')),
}

let w: TestWorld
afterEach(() => w.close())

it('keeps the newest snapshots, and what is read today, whatever its age; the rest is deleted and marked', async () => {
  w = await world()
  const context = await w.context(step)
  const land = async (table: LedgerTable, snapshot: string, filter: string) => {
    const file = join(context.lakeFolder(table, snapshot), 'a.parquet')
    await w.connection.run(`copy (select '${snapshot}${filter}' as id) to '${file}' (format parquet)`)
    await context.commitLake([{ table, rows: 1 }], snapshot, filter)
  }
  await land(codes, '2026-05', 'all')
  for (const month of ['2026-05', '2026-06', '2026-07']) await land(companies, month, 'all')
  await land(companies, '2026-07', 'some')
  const [latest, before, oldest] = await context.lakeSnapshots(companies, 9)
  expect([latest, before, oldest].map((one) => [one!.snapshot, one!.filter])).toEqual([
    ['2026-07', 'some'],
    ['2026-06', 'all'],
    ['2026-05', 'all'],
  ])
  expect(await context.letGoOfSnapshots('register', 2)).toEqual(['2026-05'])
  expect(existsSync(oldest!.files[0]!)).toBe(false)
  expect((await context.lakeSnapshots(companies, 9)).map(({ snapshot }) => snapshot)).toEqual(['2026-07', '2026-06'])
  expect((await context.lakeSnapshot(companies))!.filter).toBe('some')
  expect(await w.connection.rows('select id from raw.register__codes')).toEqual([{ id: '2026-05all' }])
  expect(await context.letGoOfSnapshots('register', 2)).toEqual([])
})

it('says that a date is read from files that were deleted', async () => {
  w = await world()
  const context = await w.context(step)
  const file = join(context.lakeFolder(companies, '2026-05'), 'a.parquet')
  await w.connection.run(`copy (select 'x' as id) to '${file}' (format parquet)`)
  await context.commitLake([{ table: companies, rows: 1 }], '2026-05', 'all')
  const file2 = join(context.lakeFolder(companies, '2026-06'), 'a.parquet')
  await w.connection.run(`copy (select 'y' as id) to '${file2}' (format parquet)`)
  await w.connection.run(`update _ledger.log.lake set fetched_at = timestamp '2026-01-01'`)
  await context.commitLake([{ table: companies, rows: 1 }], '2026-06', 'all')
  await context.letGoOfSnapshots('register', 1)
  const root = join(context.paths.data, 'lake')
  await expect(lakeSnapshot(w.connection, root, companies, '2026-02-01')).rejects.toThrow(
    /2026-05.*deleted to make room/,
  )
  await expect(lakeSnapshot(w.connection, root, companies, '2026-11-22')).resolves.toMatchObject({
    snapshot: '2026-06',
  })
})
