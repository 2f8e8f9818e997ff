import { afterEach, describe, expect, it } from 'vitest'
import { CrmError } from '../../../../sync/define.ts'
import type { CrmRecord } from '../../../../sync/records.ts'
import { SCOPES, TOKEN } from '../../../fakes/hubspot/hubspot.ts'
import { company, contact, type HubspotScene, hubspotScene, rows } from '../../../helpers/hubspot-scene.ts'

let scene: HubspotScene
afterEach(() => scene?.close())

const open = async (options: Parameters<typeof hubspotScene>[0] = {}) => {
  scene = await hubspotScene(options)
  return scene
}
const calls = (path: RegExp) => scene.hubspot.journal.requests().filter((request) => path.test(request.path))
const writes = () =>
  scene.hubspot.journal.applies().filter(({ by, act }) => by === 'api' && !['property', 'group'].includes(act))
const creates = () => writes().filter(({ act }) => act === 'create')

describe('the setup', () => {
  it('makes group and properties once, and says so when one is there that is another', async () => {
    const { session, hubspot, own, again } = await open({ bare: true })
    const missing = (await session.describe('companies')).properties!.map(({ name }) => name)
    expect(missing).not.toContain('lead_engine_id')
    for (const object of ['companies', 'contacts', 'deals']) await session.create(object, own(object))
    const made = () => hubspot.journal.applies().filter(({ act }) => act === 'property').length
    const before = made()
    expect(before).toBe(['companies', 'contacts', 'deals'].flatMap((object) => own(object)).length)
    for (const object of ['companies', 'contacts', 'deals']) await (await again()).create(object, own(object))
    expect(made()).toBe(before)
    expect(hubspot.store.properties.get('deals')!.get('lead_engine_tier')).toMatchObject({
      type: 'enumeration',
      options: [{ value: 'A' }, { value: 'B' }, { value: 'C' }],
    })
    const other = [{ name: 'lead_engine_tier', label: 'Tier', type: 'number' as const }]
    await expect(session.create('deals', other)).rejects.toThrow(
      /deals\.lead_engine_tier is there as option, not number/,
    )
    const unique = [{ name: 'lead_engine_industry', label: 'x', type: 'text' as const, unique: true }]
    await expect(session.create('companies', unique)).rejects.toThrow(/is there, but not unique/)
  })

  it('knows what may be written: types, options, stages, what is read only', async () => {
    const { session } = await open()
    const { properties, pipelines } = await session.describe('deals')
    const of = (name: string) => properties!.find((property) => property.name === name)
    expect(of('dealstage')).toMatchObject({ type: 'option', required: true })
    expect(of('dealstage')!.options).toContain('closedwon')
    expect(of('hs_is_closed_won')).toMatchObject({ type: 'boolean', writable: false })
    expect(of('hubspot_owner_id')).toMatchObject({ type: 'owner' })
    expect(of('amount')).toMatchObject({ type: 'number', writable: true })
    expect(pipelines).toMatchObject([{ id: 'default', label: 'Sales pipeline' }])
    expect(pipelines[0]!.stages.filter(({ closed }) => closed)).toMatchObject([
      { id: 'closedwon', won: true },
      { id: 'closedlost', won: false },
    ])
  })
})

describe('what is written', () => {
  it('is 137 companies in two upserts, and nothing twice', async () => {
    const { session, again } = await open()
    const first = await session.upsert('companies', rows(137, company))
    expect(calls(/batch\/upsert/)).toHaveLength(2)
    expect(new Set(first.map(({ crm_id }) => crm_id)).size).toBe(137)
    expect(await (await again()).upsert('companies', rows(137, company))).toEqual(first)
    expect(creates()).toHaveLength(137)
    expect(calls(/companies\/search/)).toHaveLength(0)
  })

  it('is known by a trace: of equal writes the same, of others another', async () => {
    const { session } = await open()
    await session.upsert('companies', [company(1), company(2)])
    await session.upsert('companies', [company(1), company(2, { fields: { name: 'Other' } })])
    const traces = writes().map(({ trace }) => trace)
    expect(traces[0]).toMatch(/^cmp_1#[0-9a-f]{8}$/)
    expect(traces[2]).toBe(traces[0])
    expect(traces[3]).not.toBe(traces[1])
  })

  it('of a batch with bad rows: those are refused, each with code and property, the others are in', async () => {
    const { session } = await open()
    const bad: Record<number, Record<string, string>> = {
      17: { numberofemployees: 'many' },
      42: { no_such_property: 'x' },
      99: { industry: 'FARMING' },
    }
    const batch = rows(100, (n) => company(n, { fields: { ...company(n).fields, ...bad[n] } }))
    const outcomes = await session.upsert('companies', batch)
    expect(outcomes.filter(({ status }) => status === 'done')).toHaveLength(97)
    expect([17, 42, 99].map((n) => outcomes[n - 1])).toMatchObject([
      { status: 'rejected', code: 'INVALID_INTEGER', property: 'numberofemployees' },
      { status: 'rejected', code: 'PROPERTY_DOESNT_EXIST', property: 'no_such_property' },
      { status: 'rejected', code: 'INVALID_OPTION', property: 'industry' },
    ])
    expect(calls(/batch\/upsert/)).toHaveLength(1)
  })

  it('where one bad row fails the whole batch: it stands alone after at most 2 · log₂ 100 more calls', async () => {
    const { session } = await open({ partial: false })
    for (const place of [1, 50, 100]) {
      const before = calls(/batch\/upsert/).length
      const batch = rows(100, (n) =>
        company(
          n,
          n === place ? { fields: { ...company(n).fields, founded_year: '1', numberofemployees: 'many' } } : {},
        ),
      )
      const outcomes = await session.upsert('companies', batch)
      expect(outcomes.filter(({ status }) => status === 'done')).toHaveLength(99)
      expect(outcomes[place - 1]).toMatchObject({ status: 'rejected', property: 'numberofemployees' })
      expect(calls(/batch\/upsert/).length - before - 1).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(100)))
    }
  })

  it('moves no lifecycle backwards, and leaves alone what would', async () => {
    const { session, hubspot } = await open()
    const id = hubspot.store.create(
      'companies',
      { name: 'Old friend', lifecyclestage: 'customer' },
      { by: 'person' },
    ).id
    const row = company(1, { crm_id: id, fields: { lifecyclestage: 'lead', city: 'Recife' } })
    expect(await session.upsert('companies', [row])).toMatchObject([{ status: 'done', crm_id: id }])
    expect(hubspot.store.get('companies', id)!.properties).toMatchObject({ lifecyclestage: 'customer', city: 'Recife' })
    const forward = company(1, { crm_id: id, fields: { lifecyclestage: 'evangelist' } })
    await session.upsert('companies', [forward])
    expect(hubspot.store.get('companies', id)!.properties.lifecyclestage).toBe('evangelist')
    expect(hubspot.journal.breaches()).toEqual([])
  })

  it('never makes again what somebody deleted, nor a second of an e-mail', async () => {
    const { session, hubspot, again } = await open()
    const [made] = await session.upsert('companies', [company(1)])
    hubspot.store.archive(hubspot.store.live('companies', made!.crm_id!)!, { by: 'person' })
    const row = company(1, { crm_id: made!.crm_id })
    expect(await (await again()).upsert('companies', [row])).toMatchObject([{ status: 'gone' }])
    const theirs = hubspot.store.create('contacts', { email: 'person1@company1.example' }, { by: 'person' }).id
    const [clash, fine] = await session.upsert('contacts', [contact(1), contact(2)])
    expect(clash).toMatchObject({ status: 'rejected', code: 'CONFLICT' })
    expect(clash!.message).toContain(`Existing ID: ${theirs}`)
    expect(fine).toMatchObject({ status: 'done' })
    expect(creates()).toHaveLength(2)
  })

  it('follows merges: into a record of nobody’s it goes on, into another one of ours it stops', async () => {
    const { session, hubspot, again } = await open()
    const { store } = hubspot
    const [a, b, c] = (await session.upsert('companies', rows(3, company))).map(({ crm_id }) => crm_id!)
    const theirs = store.create('companies', { name: 'Theirs' }, { by: 'person' })
    store.merge(theirs, store.live('companies', a!)!, { by: 'person' })
    store.merge(store.live('companies', c!)!, store.live('companies', b!)!, { by: 'person' })
    const outcomes = await (await again()).upsert('companies', [
      company(1, { crm_id: a!, fields: { city: 'Recife' } }),
      company(2, { crm_id: b!, fields: { city: 'Olinda' } }),
    ])
    expect(outcomes[0]).toMatchObject({ status: 'done', crm_id: theirs.id })
    expect(outcomes[1]).toMatchObject({ status: 'rejected', code: 'TAKEN', crm_id: c })
    expect(outcomes[1]!.message).toContain("bears the lead_engine_id 'cmp_3'")
    expect(store.live('companies', theirs.id)!.properties).toMatchObject({ city: 'Recife', name: 'Theirs' })
    expect(store.list('companies')).toHaveLength(2)
  })

  it('a merge may have given the record a number of its own', async () => {
    const { session, hubspot, again } = await open()
    const { store } = hubspot
    const [a] = (await session.upsert('companies', [company(1)])).map(({ crm_id }) => crm_id!)
    const theirs = store.create('companies', { name: 'Theirs' }, { by: 'person' })
    store.merge(theirs, store.live('companies', a!)!, { by: 'person' }, '900000')
    const row = company(1, { crm_id: a!, fields: { city: 'Recife' } })
    expect(await (await again()).upsert('companies', [row])).toMatchObject([{ status: 'done', crm_id: '900000' }])
  })
})

describe('records of before us', () => {
  it('are found by domain, CNPJ in either spelling, and e-mail; several are told', async () => {
    const { session, hubspot, clock } = await open()
    const by = { by: 'person' } as const
    const one = hubspot.store.create('companies', { name: 'One', domain: 'one.example' }, by).id
    const two = [1, 2].map(() => hubspot.store.create('companies', { name: 'Two', domain: 'two.example' }, by).id)
    const cnpj = hubspot.store.create('companies', { name: 'Três', cnpj: '11.222.333/0001-81' }, by).id
    clock.now += 5_000
    const wanted = (record_id: string, change: object) => ({
      ...{ record_id, email: null, domain: null, cnpj: null, links: [] },
      ...change,
    })
    const found = await session.find('companies', [
      wanted('a', { domain: 'one.example' }),
      wanted('b', { domain: 'two.example' }),
      wanted('c', { cnpj: '11222333000181' }),
      wanted('d', { domain: 'nobody.example' }),
    ])
    expect(found.map((records) => records.map(({ crm_id }) => crm_id))).toEqual([[one], two, [cnpj], []])
    const person = hubspot.store.create('contacts', { email: 'ana@one.example' }, by).id
    expect(await session.find('contacts', [wanted('e', { email: 'ana@one.example' })])).toMatchObject([
      [{ crm_id: person, record_id: null }],
    ])
  })

  it('that bear our id are found by that, without waiting for search', async () => {
    const { session, again } = await open()
    const [made] = await session.upsert('companies', [company(1)])
    const wanted = { record_id: 'cmp_1', email: null, domain: 'company1.example', cnpj: null, links: [] }
    expect(await (await again()).find('companies', [wanted])).toMatchObject([[{ crm_id: made!.crm_id }]])
    expect(calls(/search/)).toHaveLength(0)
  })

  it('a thousand domains ask no search that HubSpot refuses', async () => {
    const { session, hubspot, clock } = await open({ limits: { max: 100, search_per_second: 5 } })
    const theirs = rows(
      30,
      (n) => hubspot.store.create('companies', company(n).fields as Record<string, string>, { by: 'person' }).id,
    )
    clock.now += 5_000
    const found = await session.find(
      'companies',
      rows(1_000, (n) => ({ record_id: `c_${n}`, email: null, domain: `company${n}.example`, cnpj: null, links: [] })),
    )
    expect(found.flat().map(({ crm_id }) => crm_id)).toEqual(theirs)
    expect(hubspot.journal.breaches()).toEqual([])
  })
})

describe('what people did', () => {
  const pulled = async (object: string, since: string | null): Promise<CrmRecord[]> => {
    const all: CrmRecord[] = []
    for await (const batch of scene.session.pull(object, since)) all.push(...batch)
    return all
  }

  it('comes in pages, each record once, from a little before the time asked for', async () => {
    const { session, clock, hubspot } = await open({ limits: { max: 190 } })
    await session.upsert('companies', rows(450, company))
    clock.now += 3_600_000
    const since = new Date(clock.now).toISOString()
    const edited = rows(410, (n) => hubspot.store.list('companies')[n - 1]!)
    for (const record of edited) hubspot.store.update(record, { city: 'Recife' }, { by: 'person' })
    clock.now += 10_000
    const ids = (await pulled('companies', since)).map(({ crm_id }) => crm_id)
    expect(ids).toHaveLength(410)
    expect(new Set(ids)).toEqual(new Set(edited.map(({ id }) => id)))
    expect((await pulled('companies', null)).map(({ crm_id }) => crm_id)).toHaveLength(450)
    expect(hubspot.journal.breaches()).toEqual([])
  })

  it('says what it means: owners, stages, opt-outs, meetings', async () => {
    const { hubspot } = await open({ owners: [{ id: '71', email: 'Rep@Seller.example' }] })
    const by = { by: 'person' } as const
    const { store } = hubspot
    store.create('contacts', { email: 'Ana@One.example', hubspot_owner_id: '71', hs_email_optout: 'true' }, by)
    const closed = {
      dealstage: 'closedwon',
      hs_is_closed: 'true',
      hs_is_closed_won: 'true',
      closedate: '1764000000000',
    }
    const deal = store.create('deals', { dealname: 'D', amount: '1200.5', pipeline: 'default', ...closed }, by)
    const met = { hs_meeting_start_time: '2026-11-20T10:00:00Z', hs_meeting_outcome: 'COMPLETED' }
    const meeting = store.create('meetings', { hs_timestamp: '2026-11-20T10:00:00Z', ...met }, by)
    store.associate(meeting, deal, [212], by)
    expect(await pulled('contacts', null)).toMatchObject([
      { facts: { email: 'ana@one.example', owner: 'rep@seller.example', opted_out: true } },
    ])
    expect(await pulled('deals', null)).toMatchObject([
      {
        facts: {
          stage: 'closedwon',
          amount: 1200.5,
          is_won: true,
          is_closed: true,
          closed_at: '2025-11-24T16:00:00.000Z',
        },
      },
    ])
    expect(await pulled('meetings', null)).toMatchObject([
      {
        facts: { happened_at: '2026-11-20T10:00:00.000Z', outcome: 'COMPLETED' },
        links: [{ object: 'deals', crm_id: deal.id }],
      },
    ])
  })
})

describe('who may not', () => {
  it('lacks a scope: it is named, and nothing is written', async () => {
    const scopes = SCOPES.filter((scope) => scope !== 'crm.objects.deals.write')
    const { session } = await open({ tokens: { [TOKEN]: { scopes } } })
    for (const object of ['companies', 'contacts', 'deals']) await session.describe(object)
    const error = await session.upsert('companies', [company(1)]).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(CrmError)
    expect((error as Error).message).toMatch(
      /nothing is written: .*crm\.objects\.deals\.write.*Add it to the Service Key/,
    )
    expect(writes()).toEqual([])
    const readless = await again({ [TOKEN]: { scopes: SCOPES.filter((scope) => !scope.includes('owners')) } })
    await expect(readless.session.owners()).rejects.toThrow(/needs the scope crm\.objects\.owners\.read/)
  })

  async function again(tokens: Record<string, { scopes: readonly string[]; expired?: boolean }>) {
    await scene.close()
    return open({ tokens })
  }

  it('has a token that ran out: one call, and no more', async () => {
    const { session } = await open({ tokens: { [TOKEN]: { scopes: SCOPES, expired: true } } })
    await expect(session.identity()).rejects.toMatchObject({ reason: 'key' })
    await expect(session.upsert('companies', rows(300, company))).rejects.toMatchObject({ reason: 'closed' })
    expect(scene.hubspot.journal.requests()).toHaveLength(1)
  })

  it('is another account: identity tells', async () => {
    const { session } = await open({ portal_id: 777, time_zone: 'America/Sao_Paulo' })
    expect(await session.identity()).toMatchObject({ account: '777', time_zone: 'America/Sao_Paulo' })
  })

  it('an app asks for its token ahead of time, never after a 401', async () => {
    const oauth = { client_id: 'app', client_secret: 'shh', refresh_token: 'refresh' }
    const settings = { token: undefined, oauth }
    const { session, clock } = await open({ oauth: { ...oauth, expires_in_s: 1_800 }, settings })
    for (let minute = 0; minute < 120; minute += 5) {
      await session.identity()
      clock.now += 300_000
    }
    expect(scene.hubspot.journal.requests().filter(({ status }) => status === 401)).toEqual([])
    expect(calls(/oauth/)).toHaveLength(5)
    const wrong = await hubspotScene({
      oauth: { ...oauth, expires_in_s: 1_800 },
      settings: { ...settings, oauth: { ...oauth, refresh_token: 'old' } },
    })
    await expect(wrong.session.identity()).rejects.toThrow(
      /does not accept oauth\.refresh_token.*Connect the app again/,
    )
    await wrong.close()
  })
})
