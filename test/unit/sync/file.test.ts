import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import file from '../../../sync/crms/file.ts'
import type { CrmContext, CrmRow, Fields } from '../../../sync/define.ts'

function crm() {
  const root = mkdtempSync(join(tmpdir(), 'crm-'))
  const settings = file.settings.parse({})
  const context: CrmContext<typeof settings> = {
    settings,
    root,
    http: () => {
      throw new Error('no network')
    },
    as_of: '2026-11-22',
    now: () => new Date(0),
    signal: new AbortController().signal,
  }
  const path = join(root, 'data/crm/companies.json')
  const session = file.connect(context)
  return {
    path,
    put(text: string) {
      mkdirSync(join(root, 'data/crm'), { recursive: true })
      writeFileSync(path, text)
    },
    read: () => JSON.parse(readFileSync(path, 'utf8')) as Fields[],
    upsert: (...rows: CrmRow[]) => session.upsert('companies', rows),
    async pull() {
      const records = []
      for await (const batch of session.pull('companies', null)) records.push(...batch)
      return records
    },
  }
}

const row = (record_id: string, fields: Fields, crm_id: string | null = null): CrmRow => ({
  record_id,
  crm_id,
  fields,
  links: [],
})

test('records are sorted by id, written whole, and nothing else is left in the folder', async () => {
  const one = crm()
  await one.upsert(row('b', { name: 'B' }), row('a', { name: 'A' }))
  expect(one.read()).toEqual([
    { id: 'a', lead_engine_id: 'a', name: 'A' },
    { id: 'b', lead_engine_id: 'b', name: 'B' },
  ])
  expect(readdirSync(join(one.path, '..'))).toEqual(['companies.json'])
})

test('what people add, edit or stamp is respected', async () => {
  const one = crm()
  one.put('[{"id": "by_hand", "note": "x"}, {"id": "adopted", "lead_engine_id": "a", "name": "Theirs"}]')
  await one.upsert(row('a', { city: 'Recife' }), row('b', {}))
  expect(one.read()).toEqual([
    { id: 'adopted', lead_engine_id: 'a', name: 'Theirs', city: 'Recife' },
    { id: 'b', lead_engine_id: 'b' },
    { id: 'by_hand', note: 'x' },
  ])
})

test('a record that somebody gave to another of ours is not taken', async () => {
  const one = crm()
  one.put('[{"id": "a", "lead_engine_id": "b"}]')
  expect(await one.upsert(row('a', { name: 'A' }, 'a'))).toMatchObject([{ status: 'rejected', crm_id: null }])
  expect(one.read()).toEqual([{ id: 'a', lead_engine_id: 'b' }])
})

describe('a file that cannot be understood is told with its line, without its content, and left as it is', () => {
  test.each([
    ['[\n  {"id": "a", "email": "secret@example.com"\n', /^data\/crm\/companies\.json(:\d+)? is not valid JSON/],
    ['{"id": "a"}', /companies\.json: record 1, as a whole/],
    ['[{"id": "a"}, {"name": "secret@example.com"}]', /companies\.json: record 2, id/],
    ['[{"id": "a"}, {"id": "a"}]', /two records have the id 'a'/],
  ])('%j', async (text, message) => {
    const one = crm()
    one.put(text)
    await expect(one.pull()).rejects.toThrow(message)
    await expect(one.upsert(row('x', {}))).rejects.not.toThrow(/secret/)
    expect(readFileSync(one.path, 'utf8')).toBe(text)
  })
})
