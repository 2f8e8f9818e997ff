import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import type { Listed } from '../../../ingest/catalogue.ts'
import { tableOf } from '../../../ingest/catalogue.ts'
import { changesStep, changesTablesOf } from '../../../ingest/changes.ts'
import type { StepContext } from '../../../pipeline/step.ts'
import type { Row } from '../../../pipeline/warehouse/duckdb.ts'
import { type TestWorld, world } from '../../helpers/world.ts'

const row = z.object({ id: z.string(), city: z.string().nullable() })
const listed: Listed = {
  name: 'register',
  version: '1',
  provider: {
    title: 'A register',
    docs: '',
    settings: z.strictObject({}),
    resources: { shops: { description: 'Shops.', row, key: ['id'], write: 'replace' } },
    bulk: { version: async () => '1', land: async () => ({ rows: 0, text: '' }) },
  },
}
const shops = tableOf(listed, 'shops')
const step = changesStep(listed)

let w: TestWorld
afterEach(() => w.close())

async function opened(): Promise<StepContext> {
  w = await world()
  return w.context({ ...step, records: [shops, ...step.records!] })
}

async function land(context: StepContext, snapshot: string, rows: Record<string, string>, filter = 'all of files f1') {
  const file = join(context.lakeFolder(shops, snapshot), 'a.parquet')
  const values = Object.entries(rows).map(([id, city]) => `('${id}', '${city}')`)
  const from =
    values.length === 0 ? `(select '' as id, '' as city where false)` : `(values ${values.join(', ')}) as v(id, city)`
  await w.connection.run(`copy (select * from ${from} order by id) to '${file}' (format parquet)`)
  await context.commitLake([{ table: shops, rows: values.length }], snapshot, filter)
}

const events = () =>
  w.connection.rows<Row>(`select changed_on, previous_on, id, same_filter, was.city as was, now.city as now
    from raw.register__shops_changes order by changed_on, id`)

it('keeps what changed between months, however many have gone since, and finds nothing twice', async () => {
  const context = await opened()
  expect((await step.run(context)).text).toBe('no two months to compare yet')
  await land(context, '2026-06-13', { a: 'SP', b: 'RJ' })
  expect((await step.run(context)).text).toBe('no two months to compare yet')
  await land(context, '2026-07-11', { a: 'SP', b: 'MG', c: 'BA' })
  expect(await step.run(context)).toMatchObject({ rows: 2, counts: { shops: 2 } })
  const july = await events()
  expect(july).toEqual([
    { changed_on: '2026-07-11', previous_on: '2026-06-13', id: 'b', same_filter: true, was: 'RJ', now: 'MG' },
    { changed_on: '2026-07-11', previous_on: '2026-06-13', id: 'c', same_filter: true, was: null, now: 'BA' },
  ])
  expect((await step.run(context)).text).toBe('2026-07-11 has been compared with the month before')

  await land(context, '2026-08-08', { b: 'MG', c: 'BA' })
  await context.letGoOfSnapshots('register', 2)
  expect(await step.run(context)).toMatchObject({ rows: 1 })
  await land(context, '2026-09-12', { b: 'MG', c: 'BA' })
  await context.letGoOfSnapshots('register', 2)
  expect(await step.run(context)).toMatchObject({ rows: 0, text: '2026-09-12: nothing changed' })
  expect((await context.lakeSnapshots(shops, 9)).map(({ snapshot }) => snapshot)).toEqual(['2026-09-12', '2026-08-08'])
  expect(await events()).toEqual([
    ...july,
    { changed_on: '2026-08-08', previous_on: '2026-07-11', id: 'a', same_filter: true, was: 'SP', now: null },
  ])
})

it('a month loaded twice gives no event twice; loaded anew, it is compared anew', async () => {
  const context = await opened()
  await land(context, '2026-07-11', { a: 'SP' })
  await land(context, '2026-08-08', { a: 'RJ' })
  await step.run(context)
  const first = await events()
  await land(context, '2026-08-08', { a: 'RJ' })
  expect((await step.run(context)).text).toBe('2026-08-08 has been compared with the month before')
  expect(await events()).toEqual(first)
  await land(context, '2026-08-08', { a: 'RJ', b: 'SP' }, 'all of files f2')
  expect(await step.run(context)).toMatchObject({ rows: 2 })
  expect(await events()).toMatchObject([
    { id: 'a', same_filter: true },
    { id: 'b', same_filter: true },
  ])
})

it('says when the filter was another one', async () => {
  const context = await opened()
  await land(context, '2026-07-11', { a: 'SP' }, 'SP only of files f1')
  await land(context, '2026-08-08', { a: 'SP', b: 'RJ' }, 'all of files f2')
  await step.run(context)
  expect(await events()).toMatchObject([{ id: 'b', same_filter: false, was: null, now: 'RJ' }])
})

it('the changes of earlier months are the same files, not copies', async () => {
  const context = await opened()
  for (const [month, city] of [
    ['2026-06-13', 'SP'],
    ['2026-07-11', 'RJ'],
    ['2026-08-08', 'MG'],
  ] as const) {
    await land(context, month, { a: city })
    await step.run(context)
  }
  const { files } = (await context.lakeSnapshot(changesTablesOf(listed)[0]!))!
  expect(files.map((file) => file.slice(-'2026-07-11-0000.parquet'.length))).toEqual([
    '2026-07-11-0000.parquet',
    '2026-08-08-0000.parquet',
  ])
  expect(statSync(files[0]!).nlink).toBe(2)
  expect(existsSync(join(context.paths.data, 'lake', '.landing', 'register', '2026-08-08', 'shops_changes'))).toBe(
    false,
  )
  expect(readdirSync(join(context.paths.data, 'lake', 'register')).length).toBeGreaterThan(3)
})
