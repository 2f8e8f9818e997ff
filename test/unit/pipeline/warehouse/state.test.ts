import { afterAll, beforeAll, expect, it } from 'vitest'
import { openSession, type Session } from '../../../../pipeline/warehouse/session.ts'
import { contentVersion } from '../../../../pipeline/warehouse/state.ts'

let session: Session
beforeAll(async () => {
  session = await openSession({ as_of: '2026-11-22' })
})
afterAll(() => session.close())

const versionOf = async (rows: string) => {
  await session.connection.run(`create or replace temp table content as ${rows}`)
  return contentVersion(session.connection, 'content')
}

it('a version says the content, not the order of its rows', async () => {
  const forth = await versionOf('select * from (values (1, [1]), (2, null)) v (id, list)')
  expect(await versionOf('select * from (values (2, null), (1, [1])) v (id, list)')).toEqual(forth)
  expect(forth.rows).toBe(2)
})

it('what looks alike has versions of its own: NULL and an empty list, a number and its text, another name, no rows', async () => {
  const versions: string[] = []
  for (const rows of [
    'select 1 as id, null::int[] as list',
    'select 1 as id, []::int[] as list',
    'select 1 as id, [null]::int[] as list',
    `select '1' as id, null::int[] as list`,
    'select 1 as number, null::int[] as list',
    'select 1 as id, null::int[] as list where false',
  ])
    versions.push((await versionOf(rows)).version)
  expect(new Set(versions).size).toBe(versions.length)
})
