import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Problem } from '../../pipeline/errors.ts'
import { parseYaml } from '../../pipeline/yaml.ts'
import type { CrmContext, CrmRecord, CrmRow } from '../../sync/define.ts'
import { readMappings } from '../../sync/mapping.ts'
import { loadCrm } from '../../sync/run.ts'

const names = readdirSync('sync/crms').map((file) => file.replace(/\.ts$/, ''))

describe.each(names)('crm %s', async (name) => {
  const crm = (await loadCrm(name))!

  /** A CRM that holds nothing yet. One that is reached over HTTP will need its stand-in here. */
  function empty() {
    const context: CrmContext<Record<string, unknown>> = {
      settings: crm.settings.parse({}),
      root: mkdtempSync(join(tmpdir(), 'crm-')),
      http: ({ service }) => {
        throw new Error(`${service} would go to the network`)
      },
      as_of: '2026-11-22',
      signal: new AbortController().signal,
    }
    return {
      context,
      upsert: (object: string, rows: readonly CrmRow[]) => crm.upsert(context, object, rows),
      async pull(object: string): Promise<CrmRecord[]> {
        const records: CrmRecord[] = []
        for await (const batch of crm.pull(context, object)) records.push(...batch)
        return records
      },
    }
  }

  const row = (
    n: number,
    fields: CrmRow['fields'] = { name: `Record ${n}` },
    crm_id: string | null = null,
  ): CrmRow => ({
    record_id: `rec_${n}`,
    crm_id,
    fields,
  })

  test('says what it is', async () => {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/)
    expect(crm.title).not.toBe('')
    expect(z.url().safeParse(crm.docs).success).toBe(true)
    expect(crm.objects.length).toBeGreaterThan(0)
    expect(crm.batch).toBeGreaterThan(0)
    expect(crm.settings.safeParse({ no_such_setting: 1 }).success).toBe(false)
    expect(await crm.check(empty().context)).toMatch(/^[^\n]+$/)
  })

  test('has mappings that read without a problem, each for an object of its own', () => {
    const problems: Problem[] = []
    const mappings = readMappings(process.cwd(), name, crm, problems)
    expect(problems).toEqual([])
    expect(mappings.length).toBeGreaterThan(0)
  })

  describe.each(crm.objects)('%s', (object) => {
    test('is empty at first', async () => {
      expect(await empty().pull(object)).toEqual([])
      expect(await empty().upsert(object, [])).toEqual([])
    })

    test('answers one outcome for each row, in the same order, and shows what was written', async () => {
      const one = empty()
      const rows = [3, 1, 2].map((n) => row(n))
      const outcomes = await one.upsert(object, rows)
      expect(outcomes).toMatchObject(rows.map(() => ({ status: 'synced', error: null })))
      const records = new Map((await one.pull(object)).map((record) => [record.crm_id, record]))
      for (const [index, { crm_id }] of outcomes.entries()) {
        expect(records.get(crm_id!)).toMatchObject({ record_id: rows[index]!.record_id, fields: rows[index]!.fields })
        expect(Object.keys(records.get(crm_id!)!.fields).filter((field) => crm.reserved.includes(field))).toEqual([])
      }
    })

    test('makes no second record when a batch is sent again, or names one record twice', async () => {
      const one = empty()
      const first = await one.upsert(object, [row(1), row(2)])
      expect(await one.upsert(object, [row(1), row(2)])).toEqual(first)
      const twice = await one.upsert(object, [row(3), row(3, { name: 'Later' })])
      expect(twice[0]!.crm_id).toBe(twice[1]!.crm_id)
      expect((await one.pull(object)).map(({ record_id }) => record_id).sort()).toEqual(['rec_1', 'rec_2', 'rec_3'])
    })

    test('writes only the fields given', async () => {
      const one = empty()
      const [made] = await one.upsert(object, [row(1, { name: 'A', city: 'Recife' })])
      await one.upsert(object, [row(1, { name: 'B' }, made!.crm_id)])
      expect(await one.pull(object)).toMatchObject([{ fields: { name: 'B', city: 'Recife' } }])
    })
  })
})

test('every folder of mappings belongs to a CRM', () => {
  expect(readdirSync('sync/mappings').filter((folder) => !names.includes(folder))).toEqual([])
})

describe('mappings name columns that their mart describes', () => {
  const files = readdirSync('sync/mappings').flatMap((crm) =>
    readdirSync(join('sync/mappings', crm)).map((file) => `${crm}/${file}`),
  )

  test.each(files)('%s', (file) => {
    const mapping = z
      .object({ from: z.string(), key: z.string(), fields: z.record(z.string(), z.unknown()) })
      .parse(parseYaml(file, readFileSync(join('sync/mappings', file), 'utf8'), [])!.data)
    const twin = `models/marts/${mapping.from}.yml`
    expect(existsSync(twin), twin).toBe(true)
    const described = z
      .object({ models: z.array(z.object({ columns: z.array(z.object({ name: z.string() })) })) })
      .parse(parseYaml(twin, readFileSync(twin, 'utf8'), [])!.data)
    const columns = described.models.flatMap((model) => model.columns.map(({ name }) => name))
    expect([mapping.key, ...Object.keys(mapping.fields)].filter((column) => !columns.includes(column))).toEqual([])
  })
})
