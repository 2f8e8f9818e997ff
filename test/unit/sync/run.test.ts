import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Problem } from '../../../pipeline/errors.ts'
import type { Outward, Step } from '../../../pipeline/step.ts'
import { parseYaml } from '../../../pipeline/yaml.ts'
import type { Fields } from '../../../sync/define.ts'
import { settings, steps } from '../../../sync/run.ts'
import { fillMarts, type LeadFacts } from '../../helpers/marts.ts'
import { type TestWorld, world } from '../../helpers/world.ts'

const open: TestWorld[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

async function syncSteps(): Promise<Step[]> {
  const problems: Problem[] = []
  const config = parseYaml('pipeline.yaml', 'sync: { crms: { file: { path: data/crm } } }', problems)!
  const parsed = settings.parse((config.data as { sync: unknown }).sync)
  const output = await steps({ root: process.cwd(), settings: parsed, config, problems })
  expect(problems).toEqual([])
  return output.steps
}

interface PlanEntry {
  object: string
  record_id: string
  operation: string
  fields: Record<string, { from: unknown; to: unknown }>
  conflicts: unknown[]
  deleted?: boolean
}

async function start(leads: readonly LeadFacts[], live: Outward[] = ['sync']) {
  const made = await world({ live })
  open.push(made)
  await fillMarts(made, leads)
  const [pull, sync] = await syncSteps()
  const { root, target } = made.world.paths
  const path = (object: string) => join(root, 'data/crm', `${object}.json`)
  return {
    made,
    path,
    async run(change: { live?: Outward[]; signal?: AbortSignal } = {}) {
      Object.assign(made.world, change.live === undefined ? {} : { live: new Set(change.live) })
      await pull!.run(await made.context(pull!))
      const context = await made.context(sync!, pull!.records)
      return sync!.run({ ...context, signal: change.signal ?? context.signal })
    },
    step: async () => ({ pull: pull!, sync: sync!, context: await made.context(sync!, pull!.records) }),
    records: (object = 'companies') => JSON.parse(readFileSync(path(object), 'utf8')) as Fields[],
    edit(object: string, change: (records: Fields[]) => Fields[]) {
      const records = existsSync(path(object)) ? (JSON.parse(readFileSync(path(object), 'utf8')) as Fields[]) : []
      mkdirSync(join(root, 'data/crm'), { recursive: true })
      writeFileSync(path(object), JSON.stringify(change(records)))
    },
    plan: () => (JSON.parse(readFileSync(join(target, 'sync_plan.json'), 'utf8')) as { changes: PlanEntry[] }).changes,
    outcomes: () =>
      made.connection.rows<Record<string, unknown>>(
        `select object, record_id, crm_id, operation, status, changed_fields, written, intended, synced_at
         from raw.sync__outcomes order by object, record_id`,
      ),
    versions: async () =>
      (
        await made.connection.rows<{ n: number }>(
          'select (select count(*) from _ledger.raw.sync__outcomes) + (select count(*) from _ledger.raw.crm__records) as n',
        )
      )[0]!.n,
  }
}

describe('not live', () => {
  test('everything is planned, recorded once, and the CRM is not touched', async () => {
    const one = await start([{}, { contact: null }, { lead: { qualification_status: 'disqualified' } }], [])
    const summary = await one.run()
    expect(summary.counts).toMatchObject({ create: 2 + 1 + 2, update: 0, unchanged: 0 })
    expect(existsSync(one.path('companies'))).toBe(false)
    expect(await one.outcomes()).toEqual(
      ['companies cmp_1', 'companies cmp_2', 'contacts con_1', 'deals led_1', 'deals led_2'].map((id) => {
        const [object, record_id] = id.split(' ')
        return expect.objectContaining({
          object,
          record_id,
          operation: 'create',
          status: 'planned',
          synced_at: null,
          written: '{}',
        }) as object
      }),
    )
    expect(one.plan().map(({ object, record_id }) => `${object} ${record_id}`)).toHaveLength(5)
    expect(one.plan()[0]!.fields.name).toEqual({ from: null, to: 'Company 1' })
    const text = readFileSync(join(one.made.world.paths.target, 'sync_plan.json'), 'utf8')
    const before = await one.versions()
    await one.run()
    expect(await one.versions()).toBe(before)
    expect(readFileSync(join(one.made.world.paths.target, 'sync_plan.json'), 'utf8')).toBe(text)
    expect(JSON.stringify(summary)).not.toMatch(/Company|Given|example/)
  })

  test('a plan that nothing is left of says so', async () => {
    const one = await start([{}], [])
    await one.run()
    await fillMarts(one.made, [{ lead: { qualification_status: 'disqualified' } }])
    await one.run()
    expect(
      (await one.outcomes()).map(({ operation, status, changed_fields }) => [operation, status, changed_fields]),
    ).toEqual(Array(3).fill(['unchanged', 'planned', []]))
    const before = await one.versions()
    await one.run()
    expect(await one.versions()).toBe(before)
  })
})

describe('live', () => {
  test('records are made once; with nothing changed nothing is written or recorded', async () => {
    const one = await start([{}, {}])
    const first = await one.run()
    expect(first.counts).toMatchObject({ create: 6, update: 0, unchanged: 0 })
    expect(one.records().map(({ id, name }) => [id, name])).toEqual([
      ['cmp_1', 'Company 1'],
      ['cmp_2', 'Company 2'],
    ])
    const [outcome] = await one.outcomes()
    expect(outcome).toMatchObject({
      crm_id: 'cmp_1',
      operation: 'create',
      status: 'synced',
      synced_at: '2026-11-22T00:00:00.000Z',
      intended: null,
    })
    const second = await one.run()
    expect(second.counts).toMatchObject({ create: 0, update: 0, unchanged: 6, conflicts: 0 })
    const before = await one.versions()
    const bytes = readFileSync(one.path('companies'))
    expect((await one.run()).counts).toMatchObject({ unchanged: 6 })
    expect(await one.versions()).toBe(before)
    expect(readFileSync(one.path('companies'))).toEqual(bytes)
    expect(one.plan()).toEqual([])
  })

  test('changed facts update, edits of people stay, and both are in the plan', async () => {
    const one = await start([{ lead: { owner: 'a' } }, {}])
    await one.run()
    one.edit('companies', (records) =>
      records.map((record) => (record.id === 'cmp_1' ? { ...record, name: 'Typed by hand', extra: 1 } : record)),
    )
    one.edit('deals', (records) =>
      records.map((record) => ({ ...record, stage: 'won', owner: 'somebody', lead_score: 1 })),
    )
    await fillMarts(one.made, [
      { lead: { owner: 'b', score: 70 }, company: { name: 'Ours 1', employee_count: 9 } },
      { company: { name: 'Ours 2', country: null } },
    ])
    await one.run()
    expect(one.records()).toMatchObject([
      { name: 'Typed by hand', extra: 1, employee_count: 9 },
      { name: 'Ours 2', country: 'US' },
    ])
    expect(one.records('deals')[0]).toMatchObject({ stage: 'won', owner: 'somebody', lead_score: 70 })
    const [first] = one.plan()
    expect(first).toMatchObject({
      record_id: 'cmp_1',
      operation: 'update',
      fields: { employee_count: { from: null, to: 9 } },
      conflicts: [{ to: 'name', ours: 'Ours 1', theirs: 'Typed by hand', last: 'Company 1' }],
    })
  })

  test('a record that somebody deleted stays away; a CRM that was emptied is filled again', async () => {
    const one = await start([{}, {}])
    await one.run()
    one.edit('companies', (records) => records.slice(1))
    expect((await one.run()).counts).toMatchObject({ deleted: 1, create: 0 })
    expect(one.records().map(({ id }) => id)).toEqual(['cmp_2'])
    expect(one.plan()).toMatchObject([{ record_id: 'cmp_1', operation: 'unchanged', deleted: true }])
    rmSync(one.path('companies'))
    expect((await one.run()).counts).toMatchObject({ create: 2 })
    expect(one.records().map(({ id }) => id)).toEqual(['cmp_1', 'cmp_2'])
  })

  test('a record that bears our id is adopted: filled, not overwritten, not doubled', async () => {
    const one = await start([{}])
    one.edit('companies', () => [{ id: 'by_hand', lead_engine_id: 'cmp_1', name: 'Theirs' }])
    await one.run()
    expect(one.records()).toMatchObject([{ id: 'by_hand', lead_engine_id: 'cmp_1', name: 'Theirs', country: 'US' }])
    expect((await one.outcomes())[0]).toMatchObject({ crm_id: 'by_hand', operation: 'update' })
  })

  test('killed between intent and outcome, before or after the write, the next run repairs it without a second record', async () => {
    for (const when of ['before', 'after'] as const) {
      const one = await start([{}, {}])
      const { pull, sync, context } = await one.step()
      await pull.run(await one.made.context(pull))
      let records = 0
      const dying = {
        ...context,
        record: async (...[table, rows, options]: Parameters<typeof context.record>) => {
          records += 1
          // The three plans, then intent and outcome of the first batch.
          if (records === (when === 'after' ? 5 : 99)) throw new Error('killed')
          const recorded = await context.record(table, rows, options)
          if (when === 'before' && records === 4) throw new Error('killed')
          return recorded
        },
      }
      await expect(sync.run(dying)).rejects.toThrow('killed')
      expect(existsSync(one.path('companies'))).toBe(when === 'after')
      expect((await one.outcomes())[0]).toMatchObject({
        status: 'planned',
        written: '{}',
        intended: expect.stringContaining('Company 1') as string,
      })
      await one.run()
      expect(one.records().map(({ id }) => id)).toEqual(['cmp_1', 'cmp_2'])
      expect((await one.outcomes()).every(({ status, intended }) => status === 'synced' && intended === null)).toBe(
        true,
      )
      expect((await one.run()).counts).toMatchObject({ create: 0, update: 0, unchanged: 6 })
    }
  })

  test('a CRM that cannot be read stops the sync, and nothing is written', async () => {
    const one = await start([{}])
    await one.run()
    writeFileSync(one.path('companies'), '[{')
    await expect(one.run()).rejects.toMatchObject({ name: 'RemoteError', service: 'file' })
    expect(readFileSync(one.path('companies'), 'utf8')).toBe('[{')
  })

  test('rows that share a key are not synced, and said', async () => {
    const one = await start([{}, {}])
    await one.made.connection.run(
      "update marts.dim_contacts set contact_id = 'con_1'; update marts.fct_enriched_leads set contact_id = 'con_1'",
    )
    const summary = await one.run()
    expect(summary.failures).toMatchObject([
      { kind: 'row', message: expect.stringContaining('2 rows of dim_contacts') as string },
    ])
    expect(summary.counts).toMatchObject({ create: 4 })
  })
})
