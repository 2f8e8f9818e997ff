import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { SwitchedOn } from '../../../ingest/catalogue.ts'
import { defineProvider, type Field, type Subject } from '../../../ingest/define.ts'
import { enrichmentStep } from '../../../ingest/enrichment.ts'
import { icpSchema } from '../../../ingest/icp.ts'
import { RemoteError } from '../../../pipeline/errors.ts'
import { NotBought } from '../../../pipeline/http.ts'
import { writeIncoming } from '../../../pipeline/incoming.ts'
import type { StepSummary } from '../../../pipeline/step.ts'
import { type TestWorld, world } from '../../helpers/world.ts'

const icp = icpSchema.parse({ version: 1, profiles: { one: { description: 'One', hard: { countries: ['BR'] } } } })
const row = z.object({ subject_id: z.string(), email: z.string().nullable(), status: z.string() })

/** A vendor that knows some people; it remembers whom it was asked about, batch by batch. */
function vendor(name: string, knows: (subject: Subject) => object | undefined, field: 'email' | 'news' = 'email') {
  const batches: string[][] = []
  const provider = defineProvider({
    title: name,
    docs: 'https://vendor.example',
    settings: z.strictObject({}),
    http: () => ({
      base_url: 'https://vendor.example',
      transport: ({ body }) => {
        const subjects = body as Subject[]
        batches.push(subjects.map(({ subject_id }) => subject_id))
        const rows = subjects.flatMap((one) => {
          const found = knows(one)
          return found === undefined ? [] : [{ subject_id: one.subject_id, ...found }]
        })
        return { status: 200, body: rows }
      },
    }),
    resources: {
      emails: {
        ...{ description: 'E-mail', row, key: ['subject_id'], write: 'merge', batch: 100 },
        fills: { [field]: { hit: ({ status }: Record<string, unknown>) => status === 'valid' } },
        async *pages({ http, subjects }) {
          const answer = await http.send({ method: 'POST', path: '/find', body: subjects })
          yield answer.json() as unknown[]
        },
      },
    },
  })
  const on: SwitchedOn = { name, provider, version: 'v1', settings: {} }
  return { on, batches, asked: () => batches.flat() }
}

const valid = { email: 'a@b.example', status: 'valid' }
let w: TestWorld
beforeEach(async () => {
  w = await worldOf(3)
})
afterEach(() => w.close())

async function worldOf(contacts: number, as_of = '2026-01-31'): Promise<TestWorld> {
  const made = await world({ as_of })
  await made.connection.run(`
    create schema if not exists marts;
    create schema if not exists intermediate;
    create table intermediate.int_companies_merged as select * from (values
      ('cmp_in', 'In', 'in.example', null::varchar, 'BR'),
      ('cmp_maybe', 'Maybe', null, null, null),
      ('cmp_out', 'Out', 'out.example', null, 'US')) as t(company_id, name, domain, cnpj, country);
    create schema if not exists discovery;
    create table discovery.icp_prospects as select * from (values
      ('cmp_in', 'one', true), ('cmp_in', 'other', false), ('cmp_maybe', 'one', null), ('cmp_maybe', 'other', false),
      ('cmp_out', 'one', false), ('cmp_out', 'other', false)) as t(company_id, profile, is_match);
    create table intermediate.int_contacts_merged as
      select 'con_' || lpad(i::varchar, 3, '0') as contact_id, 'cmp_in' as company_id, 'Person ' || i as full_name,
        null::varchar as email, null::varchar as linkedin_url
      from range(${contacts}) as t(i);
    insert into intermediate.int_contacts_merged values ('con_out', 'cmp_out', 'Outsider', null, null);
    create table intermediate.int_companies_excluded (company_id varchar, reason varchar);
    create schema if not exists staging;
    create table intermediate.int_suppressions_combined (suppressed_by varchar, suppressed_value varchar);
    create table intermediate.int_subjects_resolved (entity varchar, subject_id varchar, id varchar)`)
  return made
}

async function run(on: SwitchedOn[], inWorld = w, field: Field = 'email'): Promise<StepSummary> {
  const step = enrichmentStep(field, on, icp)
  return step.run(await inWorld.context(step))
}

test('companies outside the ICP are not asked about; those that cannot be judged yet are', async () => {
  const companies = vendor('one', () => valid, 'news')
  const summary = await run([companies.on], w, 'news')
  expect(companies.asked()).toEqual(['cmp_in', 'cmp_maybe'])
  expect(summary).toMatchObject({ rows: 2, text: 'news: 2 asked, 2 hits', failures: [] })
})

test('each provider is asked only about those whom none before it knew', async () => {
  const first = vendor('first', ({ subject_id }) => (subject_id === 'con_001' ? valid : undefined))
  const second = vendor('second', ({ subject_id }) =>
    subject_id === 'con_000' ? { email: null, status: 'invalid' } : valid,
  )
  const third = vendor('third', () => undefined)
  const summary = await run([first.on, second.on, third.on])
  expect(first.asked()).toEqual(['con_000', 'con_001', 'con_002'])
  expect(second.asked()).toEqual(['con_000', 'con_002'])
  expect(third.asked()).toEqual(['con_000'])
  expect(summary.text).toBe('email: 6 asked, 2 hits')
  expect(await w.connection.rows('select subject_id, status from raw.second__emails order by 1')).toEqual([
    { subject_id: 'con_000', status: 'invalid' },
    { subject_id: 'con_002', status: 'valid' },
  ])
})

test('nobody is asked twice within the time an answer stands, hit or miss', async () => {
  const first = vendor('first', ({ subject_id }) => (subject_id === 'con_001' ? valid : undefined))
  await run([first.on])
  const summary = await run([first.on])
  expect(first.batches).toHaveLength(1)
  expect(summary.text).toBe('email: 0 asked, 0 hits, 1 known before')
})

test('a newcomer is asked about alone; a change of what is known is a new question', async () => {
  const first = vendor('first', () => undefined)
  await run([first.on])
  await w.connection.run(`
    insert into intermediate.int_contacts_merged values ('con_0000', 'cmp_in', 'New', null, null);
    update intermediate.int_contacts_merged set full_name = 'Renamed' where contact_id = 'con_002'`)
  await run([first.on])
  expect(first.batches[1]).toEqual(['con_0000', 'con_002'])
})

test('after that time it is asked again', async () => {
  const first = vendor('first', () => valid)
  await run([first.on])
  const rows = await w.connection.rows<object>(
    'select * exclude (_fetched_at, _run_id, _load) from raw.enrichment__asked',
  )
  for (const [as_of, batches] of [
    ['2026-03-01', 0],
    ['2026-03-02', 1],
  ] as const) {
    const later = await worldOf(3, as_of)
    const step = enrichmentStep('email', [first.on], icp)
    const context = await later.context(step)
    await context.record(step.records!.at(-1)!, [rows])
    first.batches.length = 0
    await step.run(context)
    expect(first.batches, as_of).toHaveLength(batches)
    later.close()
  }
})

test('an answer bought for an id that was merged since counts for the id it merged into', async () => {
  const first = vendor('first', () => valid)
  await run([first.on])
  await w.connection.run(`
    update intermediate.int_contacts_merged set contact_id = 'con_merged' where contact_id = 'con_001';
    insert into intermediate.int_subjects_resolved values ('contact', 'con_001', 'con_merged')`)
  await run([first.on])
  expect(first.batches).toHaveLength(1)
})

test('batches of a hundred, in the order of ids', async () => {
  const many = await worldOf(250)
  const first = vendor('first', () => valid)
  await run([first.on], many)
  expect(first.batches.map(({ length }) => length)).toEqual([100, 100, 50])
  expect(first.asked()).toEqual([...first.asked()].sort())
  many.close()
})

test('when a provider breaks, what it said is kept and who is left waits for the next run', async () => {
  const many = await worldOf(250)
  let calls = 0
  const first = vendor('first', () => {
    if (++calls > 150) throw new RemoteError('first is down', 'first')
    return undefined
  })
  const second = vendor('second', () => valid)
  const summary = await run([first.on, second.on], many)
  expect(summary.failures).toEqual([{ kind: 'remote', message: 'first is down' }])
  expect(second.asked()).toHaveLength(100)
  many.close()
})

test('what may not be bought is asked of the next provider, and said', async () => {
  const first = vendor('first', () => {
    throw new NotBought('first: 3 credits not bought: the target is not live for spend', 'first', 'not_live', 3)
  })
  const second = vendor('second', () => valid)
  const summary = await run([first.on, second.on])
  expect(second.asked()).toHaveLength(3)
  expect(summary).toMatchObject({
    failures: [],
    text: 'email: 3 asked, 3 hits; first: 3 credits not bought: the target is not live for spend',
  })
})

test('a row about somebody else is no answer', async () => {
  const first = vendor('first', () => ({ ...valid, subject_id: 'con_999' }))
  const summary = await run([first.on])
  expect(summary.text).toBe('email: 3 asked, 0 hits; first.emails: 3 rows rejected')
  expect(await w.connection.rows('select * from raw.first__emails')).toEqual([])
})

test('settings and the order of the waterfall decide the fingerprint', () => {
  const [one, two] = [vendor('one', () => valid).on, vendor('two', () => valid).on]
  const print = (...on: SwitchedOn[]) => enrichmentStep('email', on, icp).fingerprint
  expect(print(one, two)).toBe(print(one, two))
  expect(print(one, two)).not.toBe(print(two, one))
  expect(print(one)).not.toBe(print({ ...one, settings: { key: 'x' } }))
})

test('who is excluded or suppressed is not asked about, nor who is ruled out while the run goes on', async () => {
  await w.connection.run(`
    update intermediate.int_contacts_merged set email = 'Given@in.example' where contact_id = 'con_001';
    insert into intermediate.int_suppressions_combined values ('email', 'given@in.example');
    insert into intermediate.int_companies_excluded values ('cmp_maybe', 'customer')`)
  const at = '2026-01-31T09:00:00.000Z'
  const body = { action: 'add', by: 'contact_id', value: 'con_002' }
  writeIncoming(w.world.paths.data, { id: 'one', kind: 'suppress', at, body })
  const people = vendor('one', () => valid)
  expect((await run([people.on])).text).toBe('email: 1 asked, 1 hit')
  expect(people.asked()).toEqual(['con_000'])
  const companies = vendor('two', () => valid, 'news')
  await run([companies.on], w, 'news')
  expect(companies.asked()).toEqual(['cmp_in'])
})
