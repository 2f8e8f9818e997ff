import { existsSync, readFileSync } from 'node:fs'
import { Client } from '@hubspot/api-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scripted } from '../../../fakes/faults.ts'
import { type FakeHubspot, fakeHubspot, TOKEN } from '../../../fakes/hubspot/hubspot.ts'

// The stand-in is judged by others: HubSpot's own client speaks to it, and what HubSpot was once recorded to answer is
// compared with what it answers.

let hubspot: FakeHubspot
let client: Client
let now = Date.parse('2026-11-22T12:00:00Z')

beforeAll(async () => {
  hubspot = await fakeHubspot({
    ...{ now: () => now, limits: { max: 190, daily: 1_000_000 } },
    owners: [{ id: '71', email: 'rep@seller.example', firstName: 'Rep', lastName: 'One' }],
  })
  client = new Client({ accessToken: TOKEN, basePath: hubspot.base_url, numberOfApiCallRetries: 3 })
})
afterAll(() => hubspot?.close())

/** The client's enumerations are types of its own; on the wire they are text. */
const as = <T>(value: unknown): T => value as T

describe('HubSpot’s own client', () => {
  it('makes a unique property, upserts by it twice, and gets the same records', async () => {
    await client.crm.properties.groupsApi.create('companies', {
      name: 'lead_engine',
      label: 'Lead Engine',
      displayOrder: -1,
    })
    const made = await client.crm.properties.coreApi.create('companies', {
      ...{ groupName: 'lead_engine', name: 'lead_engine_id', label: 'Id', hasUniqueValue: true },
      type: as('string'),
      fieldType: as('text'),
    })
    expect(made).toMatchObject({ name: 'lead_engine_id', hasUniqueValue: true })
    const inputs = ['a', 'b'].map((id) => ({
      ...{ id, idProperty: 'lead_engine_id', objectWriteTraceId: `${id}#1` },
      properties: { name: id.toUpperCase(), domain: `${id}.example` },
    }))
    const first = await client.crm.companies.batchApi.upsert({ inputs })
    expect(first.status).toBe('COMPLETE')
    expect(first.results.map((record) => record._new)).toEqual([true, true])
    const again = await client.crm.companies.batchApi.upsert({ inputs })
    expect(again.results.map((record) => [record.id, record._new])).toEqual(first.results.map(({ id }) => [id, false]))
    expect(again.results[0]!.createdAt).toBeInstanceOf(Date)
  })

  it('reads a 207: what was done, and what was not, by trace id', async () => {
    const answer = await client.crm.companies.batchApi.upsert({
      inputs: [
        { id: 'c', idProperty: 'lead_engine_id', objectWriteTraceId: 't1', properties: { name: 'C' } },
        { id: 'd', idProperty: 'lead_engine_id', objectWriteTraceId: 't2', properties: { name: 'D', missing: 'x' } },
      ],
    })
    expect(answer.results).toHaveLength(1)
    expect(as<{ numErrors: number; errors: object[] }>(answer)).toMatchObject({
      numErrors: 1,
      errors: [{ category: 'VALIDATION_ERROR', context: { objectWriteTraceId: ['t2'] } }],
    })
  })

  it('is refused what HubSpot refuses: domain as a key, one id twice, 101 rows, an e-mail that is taken', async () => {
    const upsert = (idProperty: string, ids: string[]) =>
      client.crm.companies.batchApi.upsert({
        inputs: ids.map((id) => ({ id, idProperty, properties: { name: id } })),
      })
    await expect(upsert('domain', ['a.example'])).rejects.toMatchObject({ code: 400 })
    await expect(upsert('lead_engine_id', ['x', 'x'])).rejects.toMatchObject({ code: 400 })
    const many = Array.from({ length: 101 }, (_, n) => `m${n}`)
    await expect(upsert('lead_engine_id', many)).rejects.toMatchObject({ code: 400 })
    const { id } = await client.crm.contacts.basicApi.create({
      properties: { email: 'Ana@Acme.example' },
      associations: [],
    })
    const twice = client.crm.contacts.basicApi.create({ properties: { email: 'ana@acme.example' }, associations: [] })
    await expect(twice).rejects.toMatchObject({
      code: 409,
      body: { category: 'CONFLICT', message: `Contact already exists. Existing ID: ${id}` },
    })
  })

  it('finds by search what was made a while ago, and not what was made just now', async () => {
    const search = () =>
      client.crm.companies.searchApi.doSearch({
        filterGroups: [{ filters: [{ propertyName: 'domain', operator: as('EQ'), value: 'late.example' }] }],
        ...{ properties: ['name'], limit: 10, after: '0', sorts: [] },
      })
    await client.crm.companies.basicApi.create({
      properties: { name: 'Late', domain: 'late.example' },
      associations: [],
    })
    expect((await search()).total).toBe(0)
    now += 4_000
    expect((await search()).results).toMatchObject([{ properties: { name: 'Late' } }])
  })

  it('associates in one direction only, as the type says', async () => {
    const deal = await client.crm.deals.basicApi.create({
      properties: { dealname: 'D', dealstage: 'appointmentscheduled' },
      associations: [],
    })
    const person = await client.crm.contacts.basicApi.create({ properties: { lastname: 'Silva' }, associations: [] })
    const link = (associationTypeId: number) =>
      client.crm.associations.v4.batchApi.create('deals', 'contacts', {
        inputs: [
          {
            ...{ _from: { id: deal.id }, to: { id: person.id } },
            types: [{ associationCategory: as('HUBSPOT_DEFINED'), associationTypeId }],
          },
        ],
      })
    await expect(link(4)).rejects.toMatchObject({ code: 400 })
    await link(3)
    await link(3)
    const { results } = await client.crm.associations.v4.basicApi.getPage('deals', deal.id, 'contacts')
    expect(results).toMatchObject([{ toObjectId: as(Number(person.id)) }])
    expect(results[0]!.associationTypes.map(({ typeId }) => typeId)).toEqual([3])
  })

  it('knows owners, pipelines, archives, merges, and waits where it is told to', async () => {
    expect((await client.crm.owners.ownersApi.getPage()).results).toMatchObject([{ email: 'rep@seller.example' }])
    const { results } = await client.crm.pipelines.pipelinesApi.getAll('deals')
    expect(results[0]!.stages.map(({ id }) => id)).toContain('closedwon')
    const [a, b] = await Promise.all(
      ['x', 'y'].map((name) => client.crm.companies.basicApi.create({ properties: { name }, associations: [] })),
    )
    await client.crm.companies.batchApi.archive({ inputs: [{ id: a!.id }] })
    await expect(client.crm.companies.basicApi.getById(a!.id)).rejects.toMatchObject({ code: 404 })
    hubspot.faults(scripted(['500', '503']))
    expect((await client.crm.companies.basicApi.getById(b!.id)).properties.name).toBe('y')
    hubspot.faults(scripted([]))
    const stranger = new Client({ accessToken: 'pat-na1-nobody', basePath: hubspot.base_url })
    await expect(stranger.crm.companies.basicApi.getById(b!.id)).rejects.toMatchObject({ code: 401 })
  })
})

const RECORDED = '../shared/data/specs/recorded-samples-hubspot-salesforce.json'

interface Sample {
  method: string
  host: string
  path: string
  requestBody: Record<string, unknown>
  status: number
  headers: Record<string, string>
  responseBody: Record<string, unknown> | string
}

/** The members of an object, each with its kind; of a list, those of its first. Names of properties are the account's own. */
function shapeOf(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])]
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  if (name === 'properties') return 'properties'
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, shapeOf(inner, key)]),
  )
}

describe.skipIf(!existsSync(RECORDED))(
  `what HubSpot was recorded to answer (${RECORDED}; skipped where it is not)`,
  () => {
    const samples = (existsSync(RECORDED) ? (JSON.parse(readFileSync(RECORDED, 'utf8')) as Sample[]) : []).filter(
      ({ host, path }) => host.includes('hubapi') && !path.includes('2-3604285'),
    )
    const kinds = new Map(
      samples.map((sample) => [`${sample.method} ${sample.path.replace(/^.*\//, '')} ${sample.status}`, sample]),
    )

    it('is of each kind of call', () => {
      expect([...kinds.keys()].sort()).toEqual([
        ...[
          'GET me 200',
          'POST archive 204',
          'POST create 201',
          'POST search 200',
          'POST search 429',
          'POST update 200',
        ],
      ])
    })

    it.each([...kinds])('%s: the stand-in answers in the same shape, with the same headers', async (_kind, sample) => {
      const account = await fakeHubspot({ limits: { max: 190, daily: 250_000 }, index_delay_ms: [0, 0] })
      const { store } = account
      const object = sample.path.includes('CONTACT') ? 'contacts' : 'companies'
      const words = (fields: unknown) => {
        const known = store.properties.get(object)!
        return Object.fromEntries(Object.entries(fields as Record<string, string>).filter(([name]) => known.has(name)))
      }
      const body = structuredClone(sample.requestBody) as {
        inputs?: { id?: string; properties?: unknown }[]
        properties?: string[]
        filterGroups?: { filters: { value: string }[] }[]
      }
      body.properties = body.properties?.filter((name) => store.properties.get(object)!.has(name))
      for (const input of body.inputs ?? []) {
        if (input.properties !== undefined) input.properties = words(input.properties)
        if (input.id !== undefined) input.id = store.create(object, { name: 'There' }, { by: 'person' }).id
      }
      const results = (sample.responseBody as { results?: object[] }).results ?? []
      const [filter] = body.filterGroups?.[0]?.filters ?? []
      if (sample.status === 200 && filter !== undefined && results.length > 0) {
        store.create(object, { email: filter.value, domain: filter.value, firstname: 'John' }, { by: 'person' })
      }
      const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
      const ask = () =>
        fetch(`${account.base_url}${sample.path}`, {
          ...{ method: sample.method, headers },
          ...(sample.method === 'GET' ? {} : { body: JSON.stringify(body) }),
        })
      if (sample.status === 429) account.limiter.limit_searches(0)
      const answer = await ask()
      expect(answer.status).toBe(sample.status)
      const text = await answer.text()
      const told = text === '' ? '' : (JSON.parse(text) as object)
      const recorded = shapeOf(sample.responseBody) as object
      expect(shapeOf(told)).toMatchObject(
        sample.path.endsWith('/me') ? { portalId: 'number', timeZone: 'string' } : recorded,
      )
      if (typeof told === 'object' && !sample.path.endsWith('/me')) {
        expect(Object.keys(told).sort()).toEqual(Object.keys(recorded).sort())
      }
      const limits = Object.keys(sample.headers).filter((name) => /ratelimit/i.test(name) && !/secondly/i.test(name))
      for (const name of limits) expect(answer.headers.get(name), name).not.toBeNull()
      const more = [...answer.headers.keys()].filter((name) => /ratelimit/i.test(name))
      expect(more).toHaveLength(limits.length)
      await account.close()
    })
  },
)
