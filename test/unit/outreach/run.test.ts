import { afterEach, expect, test } from 'vitest'
import { settings, steps } from '../../../outreach/run.ts'
import type { Problem } from '../../../pipeline/errors.ts'
import type { Step } from '../../../pipeline/step.ts'
import { parseYaml } from '../../../pipeline/yaml.ts'
import { fillMarts, type LeadFacts } from '../../helpers/marts.ts'
import { type TestWorld, world } from '../../helpers/world.ts'

const open: TestWorld[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

async function outreachPlan(sequences = ['first_touch']): Promise<Step> {
  const problems: Problem[] = []
  const text = `outreach: { channels: { email: { mailboxes: [{ from: "Ana Souza <ana@example.com>" }], postal_address: 1 Test Street }, linkedin: {} }, sequences: [${sequences.join(', ')}] }`
  const config = parseYaml('pipeline.yaml', text, problems)!
  const parsed = settings.parse((config.data as { outreach: unknown }).outreach)
  const output = await steps({ root: process.cwd(), settings: parsed, config, problems })
  expect(problems).toEqual([])
  return output.steps.find(({ name }) => name === 'outreach_plan')!
}

async function start(leads: readonly LeadFacts[]) {
  const made = await world()
  open.push(made)
  await fillMarts(made, leads)
  const run = async (step?: Step) => {
    const which = step ?? (await outreachPlan())
    return which.run(await made.context(which))
  }
  const events = () =>
    made.connection.rows<Record<string, string | null>>(
      'select * exclude (_fetched_at, _run_id, _load) from raw.outreach__events order by lead_id, sequence_step',
    )
  const versions = async () =>
    (await made.connection.rows<{ n: number }>('select count(*) as n from _ledger.raw.outreach__events'))[0]!.n
  return { made, run, events, versions }
}

const SIGNAL = [
  { kind: 'hiring', observed_at: '2026-10-01', evidence: 'older', source: 'x' },
  { kind: 'funding', observed_at: '2026-11-01', evidence: 'raised a\nseries A', source: 'x' },
]

test('plans three steps for every lead of the audience, in its language, and sends nothing', async () => {
  const { run, events } = await start([
    { company: { country: 'BR' }, enriched: { buying_signals: SIGNAL } },
    { lead: { qualification_status: 'nurture' } },
    { contact: { email: null } },
    { contact: null },
  ])
  const summary = await run()
  const rows = await events()
  expect(rows.map(({ lead_id, step_id, status, skip_reason }) => [lead_id, step_id, skip_reason ?? status])).toEqual([
    ['led_1', 'intro', 'planned'],
    ['led_1', 'connect', 'planned'],
    ['led_1', 'follow_up', 'planned'],
    ['led_3', 'intro', 'no_email'],
    ['led_3', 'connect', 'planned'],
    ['led_3', 'follow_up', 'no_email'],
  ])
  expect(rows[0]).toMatchObject({ mailbox: 'ana@example.com', sent_at: null, planned_at: '2026-11-23T00:00:00.000Z' })
  expect(rows[0]!.subject).toContain('Uma pergunta')
  expect(rows[0]!.body).toContain('raised a series A')
  expect(rows[0]!.body).toContain('Ana Souza')
  expect(rows[4]!.body).toContain('Hi Given3')
  expect(summary.counts).toMatchObject({ planned: 4, skipped: 2, new: 6, changed: 0, unchanged: 0 })
  expect(JSON.stringify(summary)).not.toMatch(/Given|person|example/)
})

test('run again with nothing changed, nothing is recorded', async () => {
  const { run, versions } = await start([{}, { contact: { email: null } }])
  await run()
  const before = await versions()
  const summary = await run()
  expect(summary.counts).toMatchObject({ new: 0, changed: 0, unchanged: 6 })
  expect(await versions()).toBe(before)
})

test('a lead that no longer qualifies, changed or vanished gets a new version of what is still planned', async () => {
  const { made, run, events, versions } = await start([{}, {}, {}])
  await run()
  await fillMarts(made, [{ lead: { qualification_status: 'nurture' } }, { company: { name: 'Renamed' } }])
  const summary = await run()
  expect(summary.counts).toMatchObject({ planned: 3, skipped: 6, changed: 9, new: 0 })
  const rows = await events()
  expect(rows.map(({ skip_reason }) => skip_reason)).toEqual([
    ...Array<string>(3).fill('not_qualified'),
    ...Array<null>(3).fill(null),
    ...Array<string>(3).fill('lead_gone'),
  ])
  expect(rows[3]!.subject).toContain('Renamed')
  expect(await versions()).toBe(9 + 9)
})

test('two leads with one address: one of them is written to, the same one each time', async () => {
  const shared = { contact: { email: 'Shared@company.example' } }
  const { run, events } = await start([{}, shared, { contact: { email: 'shared@company.example ' } }])
  await run()
  await run()
  const rows = (await events()).filter(({ step_id }) => step_id === 'intro')
  expect(rows.map(({ skip_reason }) => skip_reason)).toEqual([null, null, 'address_in_use'])
})

test('a mailbox of a role is nobody to write to', async () => {
  const mails = ['info@c1.example', ' No.Reply+x@c2.example', 'information@c3.example']
  const { run, events } = await start(mails.map((email) => ({ contact: { email } })))
  await run()
  const rows = (await events()).filter(({ step_id }) => step_id === 'intro')
  expect(rows.map(({ skip_reason }) => skip_reason)).toEqual(['role_account', 'role_account', null])
})

test('an address that an accountant has for many companies is not written to', async () => {
  const { run, events } = await start([{ contact: { email: 'Accountant@many.example' } }])
  await run()
  const mails = (await events()).filter(({ channel }) => channel === 'email')
  expect(mails.length).toBeGreaterThan(0)
  expect(mails.map(({ skip_reason }) => skip_reason)).toEqual(mails.map(() => 'shared_address'))
})

test('an audience that does not bind is told with file and line, and nothing is planned', async () => {
  const { made, versions } = await start([{}])
  const { dueLeads } = await import('../../../outreach/due.ts')
  await made.context(await outreachPlan())
  const sequence = (audience: string) => ({ name: 's', file: 's.yml', audience, audience_line: 7 }) as never
  const read = async (audience: string) => {
    for await (const _ of dueLeads(made.connection, [sequence(audience)]));
  }
  await expect(read('teir = 1')).rejects.toThrow(/s\.yml:7 {2}audience does not work: .*teir/s)
  await expect(read('score')).rejects.toThrow(/s\.yml:7 {2}audience is DOUBLE, not BOOLEAN/)
  await read("company_name = 'x' -- a comment")
  expect(await versions()).toBe(0)
})

test('with no sequence on, what was planned is skipped', async () => {
  const { run, events } = await start([{}])
  await run()
  await run(await outreachPlan([]))
  expect((await events()).map(({ skip_reason }) => skip_reason)).toEqual(Array(3).fill('sequence_off'))
})
