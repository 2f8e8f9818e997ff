import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { LedgerTable } from '../../../../pipeline/step.ts'
import { createLedger, ensureRawTables } from '../../../../pipeline/warehouse/ledger.ts'
import { openSession, type Session } from '../../../../pipeline/warehouse/session.ts'
import { createSourceViews } from '../../../../pipeline/warehouse/sources.ts'

const things: LedgerTable = {
  ...{ source: 'demo', table: 'things', columns: { id: 'INTEGER', name: 'VARCHAR' }, key: ['id'], write: 'append' },
  ...{ bulk: false, payload: false, description: '' },
}

/** A session over the given file of a build, with a ledger of its own; `prepare` is what a run does of it. */
async function opened(build?: string, as_of = '2026-11-22') {
  const session = await openSession({ as_of, ...(build === undefined ? {} : { build }) })
  await createLedger(session.connection, new Date(0))
  const prepare = async (tables: LedgerTable[]) => {
    await ensureRawTables(session.connection, tables)
    await createSourceViews(session, '/nowhere', tables)
  }
  return { session, prepare }
}

const made = async ({ connection }: Session) =>
  (await connection.rows<{ n: number }>(`select count(*) as n from _build._state.nodes where id = 'views.sources'`))[0]!
    .n

it('makes the views of the ledger once, and anew when the declaration or the date is another', async () => {
  const { session, prepare } = await opened()
  const counts: number[] = []
  for (const tables of [[things], [things], [{ ...things, write: 'merge' as const }], [things]]) {
    await prepare(tables)
    counts.push(await made(session))
  }
  expect(counts).toEqual([1, 1, 2, 3])
  const wider = { ...things, columns: { ...things.columns, added: 'DATE' } }
  await prepare([wider])
  expect(await session.connection.describe('select added from raw.demo__things')).toEqual([
    { name: 'added', type: 'DATE' },
  ])
  session.close()
})

it('makes them anew over another ledger, whose columns may be of other types', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lead-engine-views-'))
  const build = join(folder, 'build.duckdb')
  const types: unknown[] = []
  for (const [as_of, id] of [
    ['2026-11-22', 'INTEGER'],
    ['2026-11-22', 'VARCHAR'],
    ['2026-11-23', 'VARCHAR'],
  ] as const) {
    const { session, prepare } = await opened(build, as_of)
    await prepare([{ ...things, columns: { id, name: 'VARCHAR' } }])
    const [row] = await session.connection.rows(
      `select cast(as_of() as varchar) as date, (select any_value(typeof(id)) from (select id from raw.demo__things union all select null)) as type`,
    )
    types.push(row)
    session.close()
  }
  rmSync(folder, { recursive: true })
  expect(types).toEqual([
    { date: '2026-11-22', type: 'INTEGER' },
    { date: '2026-11-22', type: 'VARCHAR' },
    { date: '2026-11-23', type: 'VARCHAR' },
  ])
})
