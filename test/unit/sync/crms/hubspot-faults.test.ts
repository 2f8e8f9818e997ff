import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { CrmRow } from '../../../../sync/records.ts'
import { always, drawFaults, scripted, WIRE_FAULTS } from '../../../fakes/faults.ts'
import { fakeHubspot } from '../../../fakes/hubspot/hubspot.ts'
import { company, contact, type HubspotScene, hubspotScene, rows } from '../../../helpers/hubspot-scene.ts'

const SEED = Number(process.env.HUBSPOT_SEED ?? 20261122)
let scene: HubspotScene
afterEach(() => scene?.close())

const open = async (options: Parameters<typeof hubspotScene>[0] = {}) => {
  scene = await hubspotScene(options)
  return scene
}
const requests = () => scene.hubspot.journal.requests()
const creates = (object: string) =>
  scene.hubspot.journal
    .applies()
    .filter((entry) => entry.by === 'api' && entry.act === 'create' && entry.object === object)

describe('one fault, and a batch of a hundred', () => {
  const harmless = [...WIRE_FAULTS, '423', '429', '429 secondly', '500', '502', '503', '504', 'html page']

  it.each(harmless)('%s: done all the same, and once', async (kind) => {
    const { session, hubspot } = await open({ settings: { timeout_s: 0.2 } })
    hubspot.faults(scripted([kind], /batch\/upsert/))
    const outcomes = await session.upsert('companies', rows(100, company))
    expect(outcomes.filter(({ status }) => status === 'done')).toHaveLength(100)
    expect(creates('companies')).toHaveLength(100)
    expect(requests().filter(({ fault }) => fault === kind)).toHaveLength(1)
  })

  it('a lock is waited for, two seconds at least', async () => {
    const { session, hubspot, waits } = await open()
    hubspot.faults(scripted(['423'], /batch\/upsert/))
    await session.upsert('companies', [company(1)])
    expect(Math.max(...waits)).toBeGreaterThanOrEqual(2_000)
  })

  it('too many in ten seconds: ten seconds, not fewer', async () => {
    const { session, hubspot, clock } = await open()
    hubspot.faults(scripted(['429'], /batch\/upsert/))
    const before = clock.now
    await session.upsert('companies', [company(1)])
    expect(clock.now - before).toBeGreaterThanOrEqual(10_000)
  })

  it('the account is being moved: nothing more is asked, by this run or the next', async () => {
    const { session, hubspot } = await open()
    hubspot.faults(always('477', /companies\/batch/))
    await expect(session.read('companies', ['1'])).rejects.toMatchObject({
      reason: 'rate',
      details: { retry_after_s: 86_400 },
    })
    const asked = requests().length
    expect(
      (await session.upsert('contacts', rows(3, contact)).catch((error: unknown) => error)) as object,
    ).toBeDefined()
    expect(requests()).toHaveLength(asked)
  })

  it('down for good: the rows are unknown, none is lost, none refused', async () => {
    const { session, hubspot } = await open()
    hubspot.faults(always('503', /batch\/upsert/))
    const outcomes = await session.upsert('companies', rows(5, company))
    expect(outcomes.map(({ status }) => status)).toEqual(Array(5).fill('unknown'))
    hubspot.faults(scripted([]))
    const later = await (await scene.again()).upsert('companies', rows(5, company))
    expect(later.every(({ status }) => status === 'done')).toBe(true)
  })
})

describe('the limits', () => {
  it.each([100, 190])('%i calls in any ten seconds are never passed, nor five searches in one', async (max) => {
    const { session, hubspot, clock } = await open({
      limits: { max, daily: 250_000, search_per_second: 5, concurrency: 5 },
      settings: { concurrency: 5 },
    })
    const search = (round: number) =>
      session.find(
        'companies',
        rows(300, (n) => ({
          record_id: `x${n}`,
          email: null,
          domain: `x${round}-${n}.example`,
          cnpj: null,
          links: [],
        })),
      )
    await Promise.all([...rows(2 * max, () => session.identity()), ...rows(6, search)])
    expect(hubspot.journal.breaches()).toEqual([])
    expect(requests().filter(({ status }) => status === 429)).toEqual([])
    expect(requests().length).toBeGreaterThan(2 * max)
    expect(clock.now - Date.parse('2026-11-22T12:00:00Z')).toBeGreaterThan(10_000)
  })

  it('used up for the day: nothing more before midnight in the account’s zone', async () => {
    const { session, hubspot, clock } = await open({ limits: { max: 190, daily: 12 }, time_zone: 'Asia/Tokyo' })
    await session.identity()
    await session.upsert('companies', rows(100, company))
    hubspot.limiter.used_by_others = 12
    const refused = await session.upsert('companies', rows(3_000, company)).catch((error: unknown) => error)
    expect(JSON.stringify(refused)).toMatch(/unknown|rate|retry_after/)
    const asked = requests().length
    const daily = scene.hubspot.journal.breaches().filter(({ rule }) => rule === 'daily').length
    expect(daily).toBeLessThanOrEqual(5)
    for (const hours of [1, 1, 0.9]) {
      clock.now += hours * 3_600_000
      await session.read('companies', ['1']).catch(() => {})
    }
    expect(requests()).toHaveLength(asked)
    // 12:00 UTC is 21:00 there: three hours later it is the next day.
    clock.now = Date.parse('2026-11-22T15:01:00Z')
    expect(await session.read('companies', ['1'])).toEqual([null])
  })

  it('the last call of the day is told by the headers: no refusal is provoked', async () => {
    const { session, hubspot } = await open({ limits: { max: 190, daily: 4 } })
    await session.identity()
    for (let n = 0; n < 3; n++) await session.describe('companies').catch(() => {})
    for (let n = 0; n < 5; n++) await session.read('companies', ['1']).catch(() => {})
    await expect(session.read('companies', ['1'])).rejects.toThrow(/used up its calls of today/)
    expect(hubspot.journal.breaches()).toEqual([])
    expect(requests()).toHaveLength(4)
  })
})

describe('notes, tasks and messages', () => {
  async function withContact() {
    const { session, hubspot, ...rest } = await open({ settings: { timeout_s: 0.2 } })
    const [made] = await session.upsert('contacts', [contact(1)])
    const links = [{ object: 'contacts', crm_id: made!.crm_id! }]
    const task = (n: number, change: Partial<CrmRow> = {}): CrmRow => ({
      record_id: `evt_${n}`,
      crm_id: null,
      fields: { hs_task_subject: `Call ${n}`, hs_task_body: 'Ask about <growth>\nand budget' },
      links,
      ...change,
    })
    return { session, hubspot, task, links, ...rest }
  }

  it.each(['reset before', 'reset after', 'hang after', 'hang before', 'truncated', '502 after', '500', '429', '423'])(
    '%s: made once',
    async (kind) => {
      const { session, hubspot, task } = await withContact()
      hubspot.faults(scripted([kind], /tasks\/batch\/create/))
      const outcomes = await session.upsert('tasks', rows(40, task))
      expect(outcomes.every(({ status }) => status === 'done')).toBe(true)
      expect(new Set(outcomes.map(({ crm_id }) => crm_id)).size).toBe(40)
      expect(creates('tasks')).toHaveLength(40)
    },
  )

  it('with every second answer lost, by several runs: each once, on its contact', async () => {
    const { hubspot, task, again, links } = await withContact()
    const kinds = ['reset before', 'reset after', 'truncated', '502 after', '500', '503']
    hubspot.faults(drawFaults({ seed: SEED, share: 0.5, kinds }))
    const left = new Map(rows(150, task).map((row) => [row.record_id, row]))
    for (let round = 0; left.size > 0 && round < 60; round++) {
      const session = await again()
      const some = [...left.values()].slice(0, 40)
      try {
        const wanted = some.map(({ record_id }) => ({ record_id, email: null, domain: null, cnpj: null, links }))
        const found = await session.find('tasks', wanted)
        const open_rows = some.filter((_, index) => found[index]!.length === 0)
        for (const [index, row] of some.entries()) if (found[index]!.length > 0) left.delete(row.record_id)
        const outcomes = await session.upsert('tasks', open_rows)
        for (const [index, row] of open_rows.entries())
          if (outcomes[index]!.status === 'done') left.delete(row.record_id)
      } catch {
        // The next run goes on.
      }
    }
    hubspot.faults(scripted([]))
    expect(left.size, `HUBSPOT_SEED=${SEED}`).toBe(0)
    expect(creates('tasks'), `HUBSPOT_SEED=${SEED}`).toHaveLength(150)
    const person = hubspot.store.list('contacts')[0]!
    expect(hubspot.store.linked(person, 'tasks')).toHaveLength(150)
  })

  it('one current note: changed, never a second', async () => {
    const { session, hubspot, links } = await withContact()
    const note = (body: string, crm_id: string | null): CrmRow => ({
      ...{ record_id: 'lead_1', crm_id, links: crm_id === null ? links : [] },
      fields: { hs_note_body: body },
    })
    const [made] = await session.upsert('notes', [note('## Brief\n- one & two', null)])
    await session.upsert('notes', [note('## Brief\n- three', made!.crm_id)])
    const held = hubspot.store.list('notes')
    expect(held).toHaveLength(1)
    expect(held[0]!.properties.hs_note_body).toBe('## Brief<br>- three<br><br><small>lead_engine_id: lead_1</small>')
    expect(await session.read('notes', [made!.crm_id!])).toMatchObject([
      { record_id: 'lead_1', fields: { hs_note_body: '## Brief\n- three' } },
    ])
  })

  it('a LinkedIn message is a communication of that channel', async () => {
    const { session, hubspot, links } = await withContact()
    await session.upsert('communications', [
      { record_id: 'evt_9', crm_id: null, links, fields: { hs_communication_body: 'Hello' } },
    ])
    expect(hubspot.store.list('communications')[0]!.properties).toMatchObject({
      hs_communication_channel_type: 'LINKEDIN_MESSAGE',
      hs_communication_logged_from: 'CRM',
    })
  })
})

describe('a server that dies', () => {
  it('goes on with what it held, and nothing is there twice', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hubspot-'))
    try {
      const file = join(folder, 'journal.jsonl')
      const { session, hubspot } = await open({ file })
      const port = Number(new URL(hubspot.base_url).port)
      await session.upsert('companies', rows(250, company))
      await hubspot.close()
      const revived = await fakeHubspot({ file, port })
      const outcomes = await (await scene.again()).upsert('companies', rows(300, company))
      expect(outcomes.every(({ status }) => status === 'done')).toBe(true)
      expect(revived.store.list('companies')).toHaveLength(300)
      expect(revived.journal.applies().filter(({ act }) => act === 'create')).toHaveLength(300)
      await revived.close()
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe(`2,000 companies, their contacts and links, three answers in ten faulty (HUBSPOT_SEED=${SEED})`, () => {
  it('are there once each, right, and hang where they should', async () => {
    const { hubspot, again } = await open({ settings: { timeout_s: 0.2 } })
    const kinds = [...WIRE_FAULTS, '423', '429 secondly', '500', '502', '503', 'html page'].filter(
      (kind) => !kind.startsWith('hang'),
    )
    hubspot.faults(drawFaults({ seed: SEED, share: 0.3, kinds }))
    const companies = rows(2_000, company)
    const contacts = rows(2_000, contact)
    const ids = { companies: await deliver('companies', companies), contacts: await deliver('contacts', contacts) }
    const pairs = contacts.map(({ record_id }) => ({
      from_id: ids.contacts.get(record_id)!,
      to_id: ids.companies.get(record_id.replace('con', 'cmp'))!,
    }))
    for (let open_pairs = pairs, round = 0; open_pairs.length > 0 && round < 40; round++) {
      const outcomes = await (await again()).link('contacts', 'companies', open_pairs).catch(() => [])
      open_pairs = open_pairs.filter((_, index) => outcomes[index]?.status !== 'done')
    }
    hubspot.faults(scripted([]))
    const faulty = requests().filter(({ fault }) => fault !== null).length / requests().length
    expect(faulty).toBeGreaterThan(0.2)
    for (const [object, wanted] of [
      ['companies', companies],
      ['contacts', contacts],
    ] as const) {
      expect(creates(object)).toHaveLength(2_000)
      const held = new Map(hubspot.store.list(object).map((rec) => [rec.properties.lead_engine_id, rec.properties]))
      for (const { record_id, fields } of wanted) expect(held.get(record_id)).toMatchObject(fields)
    }
    for (const { properties, id } of hubspot.store.list('contacts')) {
      const linked = hubspot.store.linked(hubspot.store.live('contacts', id)!, 'companies')
      expect(linked.map(([rec]) => rec.properties.lead_engine_id)).toEqual([
        properties.lead_engine_id!.replace('con', 'cmp'),
      ])
    }

    async function deliver(object: string, wanted: CrmRow[]): Promise<Map<string, string>> {
      const delivered = new Map<string, string>()
      for (let left = wanted, round = 0; left.length > 0 && round < 60; round++) {
        const outcomes = await (await again()).upsert(object, left).catch(() => [])
        for (const [index, row] of left.entries()) {
          const outcome = outcomes[index]
          if (outcome?.status === 'done') delivered.set(row.record_id, outcome.crm_id!)
        }
        left = wanted.filter(({ record_id }) => !delivered.has(record_id))
      }
      expect(delivered.size).toBe(wanted.length)
      return delivered
    }
  })
})
