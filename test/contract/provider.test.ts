import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { catalogue, type Listed, tableOf } from '../../ingest/catalogue.ts'
import type { Resource } from '../../ingest/define.ts'
import { FIELDS, type Field, type Fill, type Subject } from '../../ingest/fields.ts'
import { icpSchema } from '../../ingest/icp.ts'
import type { Http } from '../../pipeline/http.ts'
import { columnsOf } from '../../pipeline/table.ts'
import type { Connection } from '../../pipeline/warehouse/duckdb.ts'
import { ROOT } from '../helpers/ingest.ts'
import { type TestWorld, world } from '../helpers/world.ts'

/** Where a provider is let off, and why. */
const EXEMPT: Record<string, Partial<Record<'docs' | 'pages', string>>> = {
  mock: { docs: 'it is its own vendor: its recipes are its documentation' },
  receita_federal: { pages: 'it lands files in bulk, which its own tests do' },
}

const SNAKE_CASE = /^[a-z][a-z0-9_]*$/
const AS_OF = '2026-03-15'
const icp = icpSchema.parse({
  version: 1,
  profiles: { all: { description: 'All', hard: { countries: ['BR', 'US'] } } },
})
/** Every file of ingest/providers. */
const providers = [...(await catalogue()).values()]

let w: TestWorld
let connection: Connection
beforeAll(async () => {
  w = await world({ as_of: AS_OF })
  connection = w.connection
})
afterAll(() => w.close())

test('there are providers', () => {
  expect(providers.map(({ name }) => name)).toContain('mock')
})

/** Whether a provider brings its own answers, as the mock does. */
function answersInProcess({ provider }: Listed): boolean {
  const settings = provider.settings.safeParse({})
  return settings.success && provider.http?.(settings.data).transport !== undefined
}

describe.each(providers)('provider $name', (listed) => {
  const { name, provider } = listed
  const resources = Object.entries(provider.resources)
  const exempt = EXEMPT[name] ?? {}

  test('bears a snake_case name and a title', () => {
    expect(name).toMatch(SNAKE_CASE)
    expect(provider.title).not.toBe('')
  })

  test(`says where it is documented${exempt.docs === undefined ? '' : ` (not on the web: ${exempt.docs})`}`, () => {
    if (exempt.docs === undefined) expect(z.url().safeParse(provider.docs).success).toBe(true)
    else expect(existsSync(join(ROOT, provider.docs))).toBe(true)
  })

  test('takes no setting it does not know, and repeats none that is wrong', () => {
    const strict = provider.settings.safeParse({ no_such_setting: 1 })
    expect(strict.error?.issues.map(({ code }) => code)).toContain('unrecognized_keys')
    const secret = 'not-to-be-repeated'
    for (const given of [secret, [secret], { [secret]: secret }, -1]) {
      const wrong = Object.fromEntries(Object.keys(provider.settings.shape).map((key) => [key, given]))
      const issues = provider.settings.safeParse(wrong).error?.issues ?? []
      // A name that is not known is said: it has to be mended. What stands under it is not.
      const told = issues.filter(({ code }) => code !== 'unrecognized_keys')
      expect(JSON.stringify(told)).not.toContain(secret)
    }
  })

  test('is asked over HTTP or lands in bulk, not both', () => {
    expect(provider.http === undefined).toBe(provider.bulk !== undefined)
    for (const [, { pages }] of resources) expect(pages === undefined).toBe(provider.bulk !== undefined)
  })

  test('fills a field from one table only', () => {
    const fields = resources.flatMap(([, { fills }]) => Object.keys(fills ?? {}))
    expect(fields).toEqual([...new Set(fields)])
  })

  describe.each(resources)('%s', (table, resource) => {
    const columns = Object.keys(resource.row.shape)

    test('has names that SQL and YAML can say, and none that the ledger uses itself', () => {
      for (const each of [table, ...columns]) expect(each).toMatch(SNAKE_CASE)
      expect(resource.description).not.toBe('')
    })

    test('has its key, and its personal data, among its columns', () => {
      expect(resource.key.length).toBeGreaterThan(0)
      expect(resource.key.filter((column) => !columns.includes(column))).toEqual([])
      expect((resource.pii ?? []).filter((column) => !columns.includes(column))).toEqual([])
    })

    test('is a table that DuckDB takes', async () => {
      const types = Object.entries(columnsOf(resource.row)).map(
        ([column, type]) => `cast(null as ${type}) as ${column}`,
      )
      const described = await connection.describe(`select ${types.join(', ')}`)
      expect(described.map(({ name }) => name)).toEqual(columns)
    })

    test('says on what ground it holds personal data', () => {
      expect(resource.legal_basis !== undefined).toBe((resource.pii ?? []).length > 0)
    })

    test.runIf(resource.fills)('answers about a kind of subject, and says whether it does', () => {
      const fills = Object.entries(resource.fills!) as [Field, Fill][]
      expect(new Set(fills.map(([field]) => FIELDS[field]?.subject)).size).toBe(1)
      expect(resource.key).toContain('subject_id')
      const unknown = Object.fromEntries(columns.map((column) => [column, null]))
      for (const [, { hit, valid, confidence }] of fills) {
        expect(typeof (hit?.(unknown) ?? true)).toBe('boolean')
        expect(typeof (valid?.(unknown) ?? true)).toBe('boolean')
        const sure = confidence?.(unknown) ?? 0
        expect(sure >= 0 && sure <= 1).toBe(true)
      }
    })
  })

  const reason =
    exempt.pages ?? (answersInProcess(listed) ? undefined : 'it answers over the network, which its own tests play')
  const why = reason === undefined ? '' : ` (exempt: ${reason})`
  describe.skipIf(reason !== undefined)(`its answers${why}`, () => {
    test.each(resources)(
      '%s: every row fits, has a key of its own, and is the same when asked again',
      async (table) => {
        const rows = await rowsOf(listed, table, subjectsOf(provider.resources[table]!))
        expect(rows.length).toBeGreaterThan(0)
        const { row, key } = provider.resources[table]!
        expect(rows.map((one) => row.safeParse(one).error?.message).filter(Boolean)).toEqual([])
        const keys = rows.map((one) => JSON.stringify(key.map((column) => one[column])))
        const doubled = keys.length - new Set(keys).size
        expect(doubled / keys.length).toBeLessThan(0.2)
        expect(await rowsOf(listed, table, subjectsOf(provider.resources[table]!))).toEqual(rows)
      },
    )

    test.each(resources)('%s: the ledger takes what it gives, and takes it once', async (name) => {
      const table = tableOf(listed, name)
      const step = { name: 'one', kind: 'resource', stage: 'discovery', file: '', description: '', reads: [] } as const
      const context = await w.context({ ...step, records: [table], fingerprint: null, run: () => Promise.reject() })
      const rows = await rowsOf(listed, name, subjectsOf(provider.resources[name]!))
      const first = await context.record(table, [rows])
      expect(first.appended).toBeGreaterThan(0)
      expect((await context.record(table, [rows])).appended).toBe(0)
      const [stored] = await connection.rows<{ n: number }>(`select count(*) as n from raw.${listed.name}__${name}`)
      expect(stored!.n).toBe(first.appended)
    })

    test.each(resources.filter(([, { fills }]) => fills !== undefined))(
      '%s: is about who was asked for, whoever else is in the batch',
      async (table, resource) => {
        const subjects = subjectsOf(resource)
        const rows = await rowsOf(listed, table, subjects)
        const asked = new Set(subjects.map(({ subject_id }) => subject_id))
        expect(rows.filter(({ subject_id }) => !asked.has(String(subject_id)))).toEqual([])
        const apart = [...subjects].reverse().map((subject) => rowsOf(listed, table, [subject]))
        expect(sorted((await Promise.all(apart)).flat())).toEqual(sorted(rows))
        expect(await rowsOf(listed, table, [])).toEqual([])
      },
    )
  })
})

type Row = Record<string, unknown>

const sorted = (rows: Row[]) => rows.map((row) => JSON.stringify(row)).sort()

function subjectsOf({ fills = {} }: Resource): Subject[] {
  const [field] = Object.keys(fills) as Field[]
  if (field === undefined) return []
  const { subject } = FIELDS[field]
  return Array.from({ length: 25 }, (_, index) => ({
    ...{ subject_id: `${subject}_${index}`, company_id: `cmp_${index}`, cnpj: null, linkedin_url: null },
    ...{ name: `Company ${index}`, domain: `company-${index}.example`, country: index % 2 === 0 ? 'BR' : null },
    full_name: subject === 'contact' ? `Given Family${index}` : null,
    email: subject === 'contact' && index % 3 > 0 ? `given.family${index}@company-${index}.example` : null,
  }))
}

/** What a provider answers in process, having travelled as JSON. */
async function rowsOf({ provider }: Listed, table: string, subjects: Subject[]): Promise<Row[]> {
  const settings = provider.settings.parse({})
  const { transport } = provider.http!(settings)
  const http: Http = {
    async send({ method = 'GET', path, query = {}, body }) {
      const given = Object.entries(query).map(([key, value]) => [key, String(value)])
      const sent = body === undefined ? undefined : (JSON.parse(JSON.stringify(body)) as unknown)
      const answer = await transport!({ method, path, query: Object.fromEntries(given), body: sent, as_of: AS_OF })
      const text = JSON.stringify(answer.body)
      const json = () => JSON.parse(text) as unknown
      return {
        status: answer.status,
        headers: {},
        text,
        json,
        fetched_at: `${AS_OF}T00:00:00Z`,
        cached: false,
        call_id: '',
      }
    },
  }
  const rows: Row[] = []
  const fields = Object.keys(provider.resources[table]!.fills ?? {}) as Field[]
  for await (const page of provider.resources[table]!.pages!({ settings, icp, http, as_of: AS_OF, subjects, fields })) {
    rows.push(...(page as Row[]))
  }
  return rows
}
