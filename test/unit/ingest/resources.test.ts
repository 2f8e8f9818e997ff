import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { SwitchedOn } from '../../../ingest/catalogue.ts'
import { defineProvider, type Resource } from '../../../ingest/define.ts'
import { icpSchema } from '../../../ingest/icp.ts'
import { discoverySteps } from '../../../ingest/resources.ts'
import { type Problem, ProjectError, RemoteError } from '../../../pipeline/errors.ts'
import { type HttpFactory, NotAsked } from '../../../pipeline/http.ts'
import type { Step } from '../../../pipeline/step.ts'
import { parseYaml } from '../../../pipeline/yaml.ts'
import { type TestWorld, world } from '../../helpers/world.ts'

const icp = icpSchema.parse({ version: 1, profiles: { one: { description: 'One', hard: { countries: ['BR'] } } } })
const row = z.object({ id: z.string(), size: z.int().nullable(), note: z.string().nullish() })

/** A vendor with one list: each page is what the test says, or is thrown. */
function vendor(pages: unknown[], write: Resource['write'] = 'merge', extra: object = {}): SwitchedOn {
  const provider = defineProvider({
    title: 'Vendor',
    docs: 'https://vendor.example',
    settings: z.strictObject({}),
    http: () => ({
      base_url: 'https://vendor.example',
      transport: ({ query }) => {
        const page = pages[Number(query.page)]
        if (page instanceof Error) throw page
        return { status: 200, body: { rows: page } }
      },
    }),
    resources: {
      firms: {
        ...{ description: 'Firms', row, key: ['id'], write },
        async *pages({ http }) {
          for (let page = 0; page < pages.length; page++) {
            const answer = await http.send({ path: '/firms', query: { page } })
            yield (answer.json() as { rows: unknown[] }).rows
          }
        },
      },
    },
    ...extra,
  })
  return { name: 'vendor', provider, version: 'v1', settings: {} }
}

let w: TestWorld
beforeEach(async () => {
  w = await world({ as_of: '2026-01-31' })
})
afterEach(() => w.close())

async function stepOf(on: SwitchedOn): Promise<Step> {
  const problems: Problem[] = []
  const config = parseYaml('pipeline.yaml', 'discovery:\n  providers:\n    vendor: {}\n', problems)!
  const [step] = await discoverySteps(on, icp, { root: '.', config, problems })
  return step!
}
const firms = () => w.connection.rows('select id, size, _payload, _fetched_at from raw.vendor__firms order by id')

test('rows are kept with all the vendor said, and the time at which it said so', async () => {
  const step = await stepOf(vendor([[{ id: 'a', size: 1, colour: 'red' }], [{ id: 'b', size: null, note: null }]]))
  const summary = await step.run(await w.context(step))
  expect(summary.text).toBe('2 rows, 2 new or changed; vendor.firms has new fields: colour')
  const [a, b] = await firms()
  expect(a).toMatchObject({ id: 'a', size: 1, _fetched_at: '2026-01-31T00:00:00.000Z' })
  expect(JSON.parse(String(a!._payload))).toMatchObject({ id: 'a', size: 1, colour: 'red' })
  expect(b).toMatchObject({ id: 'b', size: null })
})

test('the same again is nothing new', async () => {
  const step = await stepOf(vendor([[{ id: 'a', size: 1, note: 'x' }]]))
  const context = await w.context(step)
  await step.run(context)
  expect((await step.run(context)).text).toBe('1 row, 0 new or changed')
})

test('rows that do not fit are kept aside with their place and reason, without stopping the others', async () => {
  const step = await stepOf(
    vendor([
      [
        { id: 'a', size: 'big' },
        { id: 'b', size: 2, note: 'x' },
      ],
      [7, { size: 3 }],
    ]),
  )
  const summary = await step.run(await w.context(step))
  expect(summary).toMatchObject({ rows: 1, counts: { rows: 4, fresh: 1, rejected: 3 }, failures: [] })
  expect(summary.text).toContain('vendor.firms: 3 rows rejected')
  const rejects = await w.connection.rows<{ line: number; reason: string; content: string }>(
    'select source, file, line, reason, content from _ledger.log.rejects order by line',
  )
  expect(rejects.map(({ line }) => line)).toEqual([1, 3, 4])
  expect(rejects[0]).toMatchObject({ source: 'vendor', file: 'firms', content: '{"id":"a","size":"big"}' })
  expect(rejects[0]!.reason).toMatch(/^size: .*number/)
  expect(rejects[2]!.reason).toMatch(/^id: /)
  expect(rejects.map(({ reason }) => reason).join()).not.toContain('big')
})

test('when no row fits any more, that is a failure', async () => {
  const step = await stepOf(vendor([[{ identifier: 'a' }, { identifier: 'b' }]]))
  const summary = await step.run(await w.context(step))
  expect(summary.failures).toEqual([{ kind: 'row', message: 'no row of vendor.firms fits its schema' }])
})

test('a field that has gone is said by name', async () => {
  const step = await stepOf(vendor([[{ id: 'a', size: 1 }]]))
  expect((await step.run(await w.context(step))).text).toContain('vendor.firms no longer has: note')
})

test('what came before a failure is kept', async () => {
  const step = await stepOf(vendor([[{ id: 'a', size: 1 }], new RemoteError('vendor is down', 'vendor')]))
  await expect(step.run(await w.context(step))).rejects.toThrow('vendor is down')
  expect(await firms()).toHaveLength(1)
})

test('half a list does not replace a whole one', async () => {
  const whole = await stepOf(
    vendor(
      [
        [
          { id: 'a', size: 1 },
          { id: 'b', size: 1 },
        ],
        [{ id: 'c', size: 1 }],
      ],
      'replace',
    ),
  )
  await whole.run(await w.context(whole))
  expect(await firms()).toHaveLength(3)
  const half = await stepOf(vendor([[{ id: 'z', size: 1 }], new RemoteError('vendor is down', 'vendor')], 'replace'))
  await expect(half.run(await w.context(half))).rejects.toThrow('vendor is down')
  expect(await firms()).toHaveLength(3)
  const empty = await stepOf(vendor([[]], 'replace'))
  await empty.run(await w.context(empty))
  expect(await firms()).toHaveLength(0)
})

test('what may not be asked is a result, not a failure', async () => {
  const refusing: HttpFactory = () => ({
    send: () => Promise.reject(new NotAsked('vendor is not asked about the past', 'vendor')),
  })
  const past = await world({ as_of: '2026-01-31', http: refusing })
  const step = await stepOf(vendor([[]]))
  expect((await step.run(await past.context(step))).text).toBe(
    '0 rows, 0 new or changed; vendor is not asked about the past',
  )
  past.close()
})

test('a bulk provider is one step over all its tables; a folder it cannot read is a problem with a line', async () => {
  const land = async () => ({ rows: 0, text: 'landed' })
  const bulk = (version: () => Promise<string>) => vendor([], 'replace', { http: undefined, bulk: { version, land } })
  const problems: Problem[] = []
  const config = parseYaml('pipeline.yaml', 'discovery:\n  providers:\n    vendor: {}\n', problems)!
  const input = { root: '.', config, problems }
  const [step] = await discoverySteps(
    bulk(async () => '2026-01'),
    icp,
    input,
  )
  expect(step).toMatchObject({
    name: 'vendor',
    kind: 'resource',
    records: [{ table: 'firms', bulk: true, payload: false }],
  })
  const [later] = await discoverySteps(
    bulk(async () => '2026-02'),
    icp,
    input,
  )
  expect(later!.fingerprint).not.toBe(step!.fingerprint)

  expect(
    await discoverySteps(
      bulk(() => Promise.reject(new Error('no such folder'))),
      icp,
      input,
    ),
  ).toEqual([])
  const own = { file: 'data/receita', message: 'is empty' }
  await discoverySteps(
    bulk(() => Promise.reject(new ProjectError([own]))),
    icp,
    input,
  )
  expect(problems).toEqual([{ file: 'pipeline.yaml', line: 3, message: 'vendor cannot be read: no such folder' }, own])
})
