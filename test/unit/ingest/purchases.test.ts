import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ASKED } from '../../../ingest/asked.ts'
import type { SwitchedOn } from '../../../ingest/catalogue.ts'
import { defineProvider, type Fills, type Subject } from '../../../ingest/define.ts'
import { sourcesOf } from '../../../ingest/enrichment.ts'
import type { Field } from '../../../ingest/fields.ts'
import { icpSchema } from '../../../ingest/icp.ts'
import { movedPurchases } from '../../../ingest/moved-purchases.ts'
import { purchasePlan } from '../../../ingest/purchase-plan.ts'
import { type PurchaseInput, purchaseStep } from '../../../ingest/purchases.ts'
import type { DiffWorld, Side, SideWorld } from '../../../pipeline/diff/part.ts'
import { NotBought } from '../../../pipeline/http.ts'
import { type TestWorld, world } from '../../helpers/world.ts'

const icp = icpSchema.parse({ version: 1, profiles: { one: { description: 'One', hard: { countries: ['BR'] } } } })
const row = z.object({ subject_id: z.string(), employees: z.int().nullable(), revenue: z.int().nullable() })
const SIZE: Fills = {
  headcount: {
    hit: ({ employees }) => employees !== null,
    valid: ({ employees }) => Number(employees) > 0,
    value: ({ employees }) => String(employees),
  },
}
const BOTH: Fills = { ...SIZE, revenue: { hit: ({ revenue }) => revenue !== null } }

/** A vendor that sells sizes, and remembers whom it was asked about. */
function vendor(
  name: string,
  knows: Record<string, { employees?: number; revenue?: number }>,
  { credits = 1, fills = SIZE, refuses = false }: { credits?: number; fills?: Fills; refuses?: boolean } = {},
) {
  const asked: string[] = []
  const provider = defineProvider({
    ...{ title: name, docs: 'https://vendor.example', settings: z.strictObject({}) },
    http: () => ({
      ...{ base_url: 'https://vendor.example', usd_per_credit: 0.1 },
      transport: ({ body }) => {
        if (refuses) throw new NotBought(`${name} costs ${credits} credits`, name, 'budget', credits)
        const [{ subject_id }] = body as [Subject]
        asked.push(subject_id)
        const known = knows[subject_id]
        return {
          status: 200,
          body: known === undefined ? [] : [{ subject_id, employees: null, revenue: null, ...known }],
        }
      },
    }),
    resources: {
      sizes: {
        ...{ description: 'Sizes', row, key: ['subject_id'], write: 'merge', fills, price: { call: credits } },
        needs: ['domain'],
        async *pages({ http, subjects }) {
          yield (await http.send({ method: 'POST', path: '/size', body: subjects, credits })).json() as unknown[]
        },
      },
    },
  })
  const on: SwitchedOn = { name, provider, version: 'v1', settings: {} }
  return { on, asked }
}

let w: TestWorld
beforeEach(async () => {
  w = await world({ as_of: '2026-01-31', live: ['spend'] })
  await w.connection.run(`
    create schema if not exists marts; create schema if not exists intermediate; create schema if not exists discovery;
    create table intermediate.int_companies_merged as
      select 'cmp_' || i as company_id, 'Company ' || i as name, 'c' || i || '.example' as domain, null::varchar as cnpj,
        'BR' as country
      from range(1, 6) as t(i);
    update intermediate.int_companies_merged set domain = null where company_id = 'cmp_5';
    create table discovery.icp_prospects as select company_id, 'one' as profile, true as is_match
      from intermediate.int_companies_merged;
    create table intermediate.int_contacts_merged (
      contact_id varchar, company_id varchar, full_name varchar, email varchar, linkedin_url varchar);
    create table intermediate.int_companies_excluded (company_id varchar, reason varchar);
    create schema if not exists staging;
    create table intermediate.int_suppressions_combined (suppressed_by varchar, suppressed_value varchar);
    create table intermediate.int_subjects_resolved (entity varchar, subject_id varchar, id varchar);
    create table intermediate.int_lead_facts as select 'lead_' || right(company_id, 1) as lead_id, company_id,
      null::varchar as contact_id from intermediate.int_companies_merged`)
})
afterEach(() => w.close())

/** The tier of a lead is open until somebody told a size above 0; that of lead_4 never was. */
function boundsOver(...providers: SwitchedOn[]): string {
  const told = providers.map(({ name }) => `select subject_id from raw.${name}__sizes where employees > 0`)
  return `(select lead_id, lead_id <> 'lead_4' and known.subject_id is null as is_open, 'B' as tier, 10 as score_min, 60 as score_max,
      [{'field': 'employee_count', 'score_min': 10, 'score_max': 60, 'changes_alone': true}] as fields
    from intermediate.int_lead_facts left join (${told.join(' union ')}) as known on known.subject_id = company_id)`
}

type Rules = Partial<PurchaseInput['settings']> & { order?: 'fixed' | 'learned'; agree?: number; fields?: Field[] }

function inputOf(on: SwitchedOn[], { order = 'fixed', agree = 1, fields = ['headcount'], ...settings }: Rules = {}) {
  const rules = fields.map((field) => ({ field, sources: sourcesOf(field, on), order, agree }))
  const all = { buy: 'decides' as const, buy_for_tiers: [], explore: { share: 0, usd_per_run: 0 }, ...settings }
  return { rules, settings: all, icp, prices: new Map<string, number>() }
}

async function buy(input: PurchaseInput, on: SwitchedOn[]) {
  const step = purchaseStep(input)
  const context = await w.context(step)
  const summary = await step.run({ ...context, ask: async () => [boundsOver(...on), 'intermediate.int_lead_facts'] })
  const decisions = await w.connection.rows<Record<string, unknown>>(
    'select subject_id, field, provider, decision, reason from raw.enrichment__decisions order by all',
  )
  return { summary, decisions }
}

test('a field is bought where it can change the tier, of one after the other, and what is not is said with its reason', async () => {
  const cheap = vendor('cheap', { cmp_1: { employees: 9 }, cmp_2: { employees: 0 } })
  const dear = vendor('dear', { cmp_2: { employees: 40 } }, { credits: 5 })
  const on = [cheap.on, dear.on]
  const { summary, decisions } = await buy(inputOf(on), on)
  expect(cheap.asked).toEqual(['cmp_1', 'cmp_2', 'cmp_3'])
  expect(dear.asked).toEqual(['cmp_2', 'cmp_3'])
  expect(summary.counts).toMatchObject({ asked: 5, found: 2, settled: 1 })
  expect(decisions.filter(({ decision }) => decision === 'skipped')).toEqual([
    { subject_id: 'cmp_4', field: 'headcount', provider: 'cheap', decision: 'skipped', reason: 'tier_settled' },
    { subject_id: 'cmp_5', field: 'headcount', provider: null, decision: 'skipped', reason: 'too_little_known_to_ask' },
  ])
  // The next run pays nothing: what was answered stands, also that nobody knew.
  await buy(inputOf(on), on)
  expect([cheap.asked.length, dear.asked.length]).toEqual([3, 2])
})

test('nobody is asked about a customer, or who is suppressed, and why is written down', async () => {
  await w.connection.run(`
    insert into intermediate.int_companies_excluded values ('cmp_1', 'customer');
    insert into intermediate.int_contacts_merged values
      ('con_1', 'cmp_1', 'Ana Luz', null, null), ('con_2', 'cmp_2', 'Bo Sol', 'bo@two.example', null);
    insert into intermediate.int_suppressions_combined values ('email', 'bo@two.example')`)
  const mails: Fills = { email: { hit: ({ employees }) => employees !== null } }
  const [sizes, people] = [vendor('sizes', {}), vendor('people', {}, { fills: mails })]
  const on = [sizes.on, people.on]
  const { decisions } = await buy(inputOf(on, { fields: ['headcount', 'email'], buy: 'always' }), on)
  expect(sizes.asked).not.toContain('cmp_1')
  expect(people.asked).toEqual([])
  const never = { provider: null, decision: 'skipped' }
  expect(decisions.filter(({ reason }) => ['customer', 'suppressed'].includes(String(reason)))).toEqual([
    { subject_id: 'cmp_1', field: 'headcount', ...never, reason: 'customer' },
    { subject_id: 'con_1', field: 'email', ...never, reason: 'customer' },
    { subject_id: 'con_2', field: 'email', ...never, reason: 'suppressed' },
  ])
})

test('several must agree where the rule says so', async () => {
  const says = (employees: number) => ({ cmp_1: { employees } })
  const vendors = [vendor('one', says(9)), vendor('two', says(30)), vendor('three', says(9)), vendor('four', says(9))]
  const on = vendors.map((each) => each.on)
  await buy(inputOf(on, { agree: 2, buy: 'always' }), on)
  expect(vendors.map(({ asked }) => asked.includes('cmp_1'))).toEqual([true, true, true, false])
})

test('one answer that fills several fields is one question', async () => {
  const both = vendor('both', { cmp_1: { employees: 9, revenue: 100 } }, { fills: BOTH })
  const { decisions } = await buy(inputOf([both.on], { fields: ['headcount', 'revenue'], buy: 'always' }), [both.on])
  expect(both.asked.filter((id) => id === 'cmp_1')).toHaveLength(1)
  expect(decisions.filter(({ subject_id }) => subject_id === 'cmp_1').map(({ field }) => field)).toEqual([
    'headcount',
    'revenue',
  ])
})

test('where the budget ends, so do the purchases of that provider, and the reason is kept', async () => {
  const broke = vendor('broke', {}, { refuses: true })
  const { summary, decisions } = await buy(inputOf([broke.on]), [broke.on])
  expect(summary.failures).toEqual([])
  expect(decisions[0]).toMatchObject({ subject_id: 'cmp_1', decision: 'skipped', reason: 'budget' })
})

test('the learned order asks first whoever finds most for the money', async () => {
  const [poor, good] = [vendor('poor', {}), vendor('good', {}, { credits: 2 })]
  const on = [poor.on, good.on]
  const step = purchaseStep(inputOf(on))
  const context = await w.context(step)
  const past = (provider: string, valid: boolean) =>
    Array.from({ length: 40 }, (_, index) => ({
      ...{ field: 'headcount', provider, subject_id: `old_${index}`, inputs: 'x', hit: valid, valid, segment: 'BR' },
      asked_on: '2026-01-20',
    }))
  await context.record(ASKED, [[...past('poor', false), ...past('good', true)]])
  await buy(inputOf(on, { order: 'learned' }), on)
  expect(good.asked[0]).toBe('cmp_1')
  expect(poor.asked).toHaveLength(3)
  const fixed = [vendor('poor', {}), vendor('good', {}, { credits: 2 })]
  expect(fixed.map(({ asked }) => asked)).toEqual([[], []])
})

test('the plan counts what would be bought, and what would not', async () => {
  const one = vendor('one', {})
  await w.context(purchaseStep(inputOf([one.on])))
  await w.connection.run(`create table intermediate.int_leads_score_bounds as select * from ${boundsOver(one.on)}`)
  const signal = new AbortController().signal
  const planned = {
    connection: w.connection,
    http: w.world.http,
    has: () => true,
    as_of: '2026-01-31',
    root: '',
    live: [],
    signal,
  }
  const section = await purchasePlan(inputOf([one.on])).tell(planned)
  expect(section.figures).toMatchObject({ questions_first: 3, credits_first: 3, usd_first: 0.3 })
  expect(section.text).toContain('not live for spend')
  expect(section.tables![1]!.rows).toEqual([
    { field: 'headcount', reason: 'tier_settled', subjects: 1 },
    { field: 'headcount', reason: 'too_little_known_to_ask', subjects: 1 },
  ])
})

test('of two that are as good, the one that answers faster by the log of calls is asked first', async () => {
  const known = { cmp_1: { employees: 9 } }
  const [slow, fast] = [vendor('slow', known), vendor('fast', known)]
  const on = [slow.on, fast.on]
  const context = await w.context(purchaseStep(inputOf(on)))
  const past = (provider: string) =>
    Array.from({ length: 40 }, (_, index) => ({
      ...{ field: 'headcount', provider, subject_id: `old_${index}`, inputs: 'x', hit: true, valid: true },
      ...{ segment: 'BR', asked_on: '2026-01-20', call_id: `${provider}_${index}`, subjects_of_call: 1 },
    }))
  await context.record(ASKED, [[...past('slow'), ...past('fast')]])
  await w.connection.run(`
    insert into _ledger.log.calls by name
      select name || '_' || n as call_id, 'run_000000' as run_id, name as service, 'GET /' as endpoint, 'h' as request_hash,
        200 as status, 0 as credits, 0 as usd, true as hit, false as cached, timestamp '2026-01-20 08:00:00' as requested_at
      from range(40) as t(n), (values ('slow'), ('fast')) as names(name);
    insert into _ledger.log.answers by name
      select call_id, request_hash, 200 as status, '{}' as headers, '' as body,
        requested_at + case service when 'slow' then interval 20 second else interval 200 millisecond end as fetched_at
      from _ledger.log.calls`)
  await buy(inputOf(on, { order: 'learned' }), on)
  expect([slow.asked.includes('cmp_1'), fast.asked.includes('cmp_1')]).toEqual([false, true])
})

test('an address that a message waits for, and that was checked too long ago, is checked first, whatever it decides', async () => {
  await w.connection.run(`
    insert into intermediate.int_contacts_merged
      select 'con_' || i, 'cmp_' || i, 'Person ' || i, 'p' || i || '@c' || i || '.example', null from range(1, 5) as t(i);
    create or replace table intermediate.int_lead_facts as
      select 'lead_' || right(company_id, 1) as lead_id, company_id, contact_id from intermediate.int_contacts_merged;
    create table raw.outreach__events (contact_id varchar, channel varchar, status varchar, skip_reason varchar);
    insert into raw.outreach__events values ('con_1', 'email', 'planned', null), ('con_2', 'email', 'skipped', 'stale_email'),
      ('con_3', 'email', 'sent', null), ('con_4', 'linkedin', 'planned', null)`)
  const checker = vendor('checker', {}, { fills: { email: {} } })
  const on = [checker.on]
  const input = inputOf(on, { fields: ['email'] })
  const context = await w.context(purchaseStep(input))
  const before = (subject_id: string, asked_on: string) => ({
    ...{
      field: 'email',
      provider: 'checker',
      subject_id,
      inputs: 'x',
      hit: true,
      valid: true,
      segment: 'BR',
      asked_on,
    },
  })
  const old = ['con_1', 'con_2', 'con_3', 'con_4'].map((id) => before(id, '2025-12-20'))
  await context.record(ASKED, [old])
  const settled = `(select lead_id, false as is_open, 'A' as tier, 80 as score_min, 80 as score_max,
      []::struct(field varchar, score_min integer, score_max integer, changes_alone boolean)[] as fields
    from intermediate.int_lead_facts)`
  const step = purchaseStep(input)
  const made = await w.context(step)
  await step.run({ ...made, ask: async () => [settled, 'intermediate.int_lead_facts'] })
  expect(checker.asked.sort()).toEqual(['con_1', 'con_2'])
  const reasons = await w.connection.rows(
    `select subject_id, decision, reason from raw.enrichment__decisions where decision = 'bought' order by 1`,
  )
  expect(reasons).toEqual(
    ['con_1', 'con_2'].map((subject_id) => ({ subject_id, decision: 'bought', reason: 'before_send' })),
  )
  const again = await w.context(step)
  await step.run({ ...again, ask: async () => [settled, 'intermediate.int_lead_facts'] })
  expect(checker.asked).toHaveLength(2)
})

test('where a budget ends, the step is not done: the next run asks again', async () => {
  const broke = vendor('broke', {}, { refuses: true })
  expect((await buy(inputOf([broke.on]), [broke.on])).summary.unfinished).toBe(true)
  const fine = vendor('fine', {})
  expect((await buy(inputOf([fine.on]), [fine.on])).summary.unfinished).toBe(false)
})

test('a change says what would newly be bought, or no longer, and for how much', async () => {
  const one = vendor('one', {}, { credits: 3 })
  const input = inputOf([one.on])
  await w.context(purchaseStep(input))
  await w.connection.run('create schema before; create schema after')
  const part = movedPurchases(input)
  let known = true
  const shared = {
    connection: w.connection,
    as_of: '2026-01-31',
    place: (name: string, side: Side) => `${side}."${name}"`,
    own: () => true,
    built: () => known,
  } as unknown as DiffWorld
  const side = (of: Side) =>
    ({
      ...shared,
      side: of,
      writer: w.connection,
      place: (name: string) => shared.place(name, of),
    }) as unknown as SideWorld
  const open = (where: string) =>
    w.connection.run(`create or replace table intermediate.int_leads_score_bounds as
      select * replace (${where} as is_open) from ${boundsOver(one.on)}`)
  // Before, the tiers of 1 and 2 are open; after, those of 2, 3 and 4.
  await open("lead_id in ('lead_1', 'lead_2')")
  await part.refine!(side('before'))
  await open("lead_id in ('lead_2', 'lead_3', 'lead_4')")
  await part.refine!(side('after'))
  const { figures, tables } = await part.tell(shared)
  expect(figures).toEqual({
    purchases_started: { value: 2, of: 2 },
    purchases_stopped: { value: 1, of: 2 },
    usd_added: { value: 0.6, of: 0.6 },
    usd_saved: { value: 0.3, of: 0.6 },
  })
  expect(tables[0]!.rows).toEqual([
    { field: 'headcount', provider: 'one', change: 'bought', values: 2, credits: 6, usd: 0.6 },
    { field: 'headcount', provider: 'one', change: 'not bought', values: 1, credits: -3, usd: -0.3 },
  ])
  expect(one.asked).toEqual([])
  known = false
  expect(await part.tell(shared)).toEqual({ figures: {}, tables: [], notes: [expect.stringMatching(/not compared/)] })
})
