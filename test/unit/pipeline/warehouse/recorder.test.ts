import { afterEach, describe, expect, it } from 'vitest'
import type { LedgerTable, Step } from '../../../../pipeline/step.ts'
import { type TestWorld, world } from '../../../helpers/world.ts'

const opened: TestWorld[] = []
afterEach(() => {
  for (const made of opened.splice(0)) made.close()
})

function tableOf(write: LedgerTable['write'], key: string[] = ['id']): LedgerTable {
  const columns = { id: 'VARCHAR', tags: 'VARCHAR[]', seen: 'DATE' }
  return { source: 'demo', table: 'things', description: 'Things.', columns, key, write, payload: true }
}

async function contextOf(table: LedgerTable, options: Parameters<typeof world>[0] = {}) {
  const made = await world(options)
  opened.push(made)
  const step: Step = {
    name: 'demo',
    kind: 'step',
    stage: 'discovery',
    file: 'test',
    description: '',
    reads: [],
    records: [table],
    fingerprint: null,
    run: async () => ({ rows: 0, text: '' }),
  }
  return { made, context: await made.context(step) }
}

describe('record', () => {
  it('merge: appends new and changed rows once, and shows the latest version of each key', async () => {
    const table = tableOf('merge')
    const { made, context } = await contextOf(table)
    const first = [
      { id: 'a', tags: ['x'], seen: '2026-01-01', extra: 1 },
      { id: 'b', tags: null, seen: null },
    ]
    expect(await context.record(table, [first])).toEqual({ appended: 2, unchanged: 0 })
    expect(await context.record(table, [first])).toEqual({ appended: 0, unchanged: 2 })
    expect(await context.record(table, [[{ id: 'a', tags: ['x', 'y'], seen: '2026-01-01' }, first[1]!]])).toEqual({
      appended: 1,
      unchanged: 1,
    })
    const rows = await made.connection.rows('select id, tags, seen from raw.demo__things order by id')
    expect(rows).toEqual([
      { id: 'a', tags: ['x', 'y'], seen: '2026-01-01' },
      { id: 'b', tags: null, seen: null },
    ])
    const stored = await made.connection.rows<{ n: number }>('select count(*) as n from _ledger.raw.demo__things')
    expect(stored[0]!.n).toBe(3)
  })

  it('keeps the whole row as it was handed over', async () => {
    const table = tableOf('merge')
    const { made, context } = await contextOf(table)
    await context.record(table, [[{ id: 'a', tags: [], seen: null, unmodelled: { deep: true } }]])
    const rows = await made.connection.rows<{ deep: string }>(
      `select _payload ->> '$.unmodelled.deep' as deep from raw.demo__things`,
    )
    expect(rows[0]!.deep).toBe('true')
  })

  it('append: a key that is there already is not recorded again', async () => {
    const table = tableOf('append')
    const { made, context } = await contextOf(table)
    await context.record(table, [[{ id: 'a', tags: ['first'], seen: null }]])
    expect(await context.record(table, [[{ id: 'a', tags: ['second'], seen: null }]])).toEqual({
      appended: 0,
      unchanged: 1,
    })
    expect(await made.connection.rows('select tags from raw.demo__things')).toEqual([{ tags: ['first'] }])
  })

  it('replace: shows only the latest load, an empty one too, and an equal one changes nothing', async () => {
    const table = tableOf('replace', [])
    const { made, context } = await contextOf(table)
    const rows = [
      { id: 'a', tags: [], seen: null },
      { id: 'b', tags: [], seen: null },
    ]
    expect(await context.record(table, [rows])).toMatchObject({ appended: 2 })
    expect(await context.record(table, [[...rows].reverse()])).toMatchObject({ appended: 0 })
    await context.record(table, [[rows[0]!]])
    expect(await made.connection.rows('select id from raw.demo__things')).toEqual([{ id: 'a' }])
    await context.record(table, [])
    expect(await made.connection.rows('select id from raw.demo__things')).toEqual([])
  })

  it('keeps the last of several rows of one key in a load', async () => {
    const table = tableOf('merge')
    const { made, context } = await contextOf(table)
    await context.record(table, [[{ id: 'a', tags: ['1'], seen: null }], [{ id: 'a', tags: ['2'], seen: null }]])
    expect(await made.connection.rows('select tags from raw.demo__things')).toEqual([{ tags: ['2'] }])
  })

  it('a replay of the past records nothing', async () => {
    const table = tableOf('merge')
    const { made, context } = await contextOf(table, { frozen: true })
    expect(await context.record(table, [[{ id: 'a', tags: [], seen: null }]])).toEqual({ appended: 0, unchanged: 1 })
    expect(await made.connection.rows('select count(*) as n from _ledger.log.runs')).toEqual([{ n: 0 }])
  })

  it('a past as-of sees only what had been fetched by then', async () => {
    const table = tableOf('merge')
    const { made, context } = await contextOf(table, { as_of: '2026-05-01' })
    await context.record(table, [[{ id: 'a', tags: ['may'], seen: null }]])
    await context.record(table, [[{ id: 'a', tags: ['june'], seen: null }]], { fetched_at: '2026-06-01T10:00:00Z' })
    expect(await made.connection.rows('select tags from raw.demo__things')).toEqual([{ tags: ['may'] }])
  })

  it('the run and its generation are written with the first thing recorded, once', async () => {
    const table = tableOf('merge')
    const { made, context } = await contextOf(table)
    const generation = async () =>
      (await made.connection.rows<{ generation: number }>('select generation from _ledger.log.info'))[0]!.generation
    expect(await generation()).toBe(0)
    await Promise.all(['a', 'b', 'c'].map((id) => context.record(table, [[{ id, tags: [], seen: null }]])))
    expect(await generation()).toBe(1)
    expect(await made.connection.rows('select run_id from _ledger.log.runs')).toEqual([{ run_id: 'run_000001' }])
  })

  it('refuses a table the step did not declare', async () => {
    const { context } = await contextOf(tableOf('merge'))
    await expect(context.record({ ...tableOf('merge'), table: 'other' }, [])).rejects.toThrow('does not declare')
  })
})
