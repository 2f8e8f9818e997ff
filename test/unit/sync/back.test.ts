import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemoryCrm } from '../../helpers/memory-crm.ts'
import { type SyncScene, syncScene } from '../../helpers/sync-scene.ts'

let crm: MemoryCrm
let scene: SyncScene
beforeEach(async () => {
  crm = new MemoryCrm()
  scene = await syncScene({ a: crm })
})
afterEach(() => scene.close())

/** Read only. */
const look = () => scene.run({ live: false })
const rows = (sql: string) => scene.connection.rows(sql)

describe('who opted out in the CRM', () => {
  const standing = () => rows(`select email, record_id from raw.crm__opt_outs where opted_out order by email`)

  it('is kept when the record is deleted, or gets another address', async () => {
    const gone = crm.put('contacts', { email: 'Ana@x.example', opted_out: true }, 'con_1')
    const moved = crm.put('contacts', { email: 'bo@x.example', opted_out: true })
    crm.put('contacts', { email: 'ci@x.example' })
    await look()
    crm.remove('contacts', gone)
    crm.edit('contacts', moved, { email: 'bo@y.example' })
    await look()
    expect(await standing()).toEqual([
      { email: 'ana@x.example', record_id: 'con_1' },
      { email: 'bo@x.example', record_id: null },
      { email: 'bo@y.example', record_id: null },
    ])
  })

  it('is taken back by the same record only, in words; what says nothing takes nothing back', async () => {
    const one = crm.put('contacts', { email: 'ana@x.example', opted_out: true })
    const two = crm.put('contacts', { email: 'bo@x.example', opted_out: true })
    crm.put('contacts', { email: 'bo@x.example', opted_out: false })
    await look()
    expect(await standing()).toHaveLength(2)
    crm.edit('contacts', two, { opted_out: null })
    crm.edit('contacts', one, { opted_out: false })
    await look()
    expect(await standing()).toEqual([{ email: 'bo@x.example', record_id: null }])
  })

  it('is made nowhere, whatever we say of it ourselves, and what is there of them is left alone', async () => {
    const other = new MemoryCrm()
    const both = await syncScene({ a: crm, b: other })
    try {
      await both.fill(2)
      await both.connection.run(
        `insert into intermediate.int_suppressions_combined values ('email', 'p1@c1.example', 'a')`,
      )
      both.say('suppress', { action: 'remove', by: 'email', value: 'p1@c1.example' })
      await both.run()
      for (const one of [crm, other]) expect(one.of('contacts').map(({ record_id }) => record_id)).toEqual(['con_2'])
    } finally {
      both.close()
    }
  })

  it('is recorded once', async () => {
    crm.put('contacts', { email: 'ana@x.example', opted_out: true })
    await look()
    await look()
    expect(await rows('select count(*) as n from _ledger.raw.crm__opt_outs')).toEqual([{ n: 1 }])
  })
})

describe('a deal that we made', () => {
  const taken = async () =>
    (await rows(`select is_taken_up from raw.crm__records where object = 'deals'`))[0]!.is_taken_up

  it('is taken up once people change its stage, not when they change something else', async () => {
    await scene.fill(1)
    await scene.run()
    await look()
    expect(await taken()).toBeNull()
    const [deal] = crm.of('deals')
    crm.edit('deals', deal!.crm_id, { city: 'Recife' })
    await look()
    expect(await taken()).toBeNull()
    crm.edit('deals', deal!.crm_id, { stage: 'meeting' })
    await look()
    expect(await taken()).toBe(true)
  })
})

describe('what the CRM tells by itself', () => {
  let told = 0
  const tell = async (raw: string, instance = 'a') =>
    scene.connection.run(
      `insert into _ledger.log.incoming (id, kind, "at", body, run_id) values ($1, 'crm_hook', '2026-11-22 08:00:00', $2, 'run_000001')`,
      [`hook_${++told}`, JSON.stringify({ instance, changes: [], raw })],
    )
  const event = (object: string, crm_id: string) => ({ id: `${object} ${crm_id}`, object, crm_id, at: null })
  const reads = () => crm.calls.filter(({ call }) => call === 'read').length
  const held = (crm_id: string) =>
    rows(
      `select fields ->> '$.name' as name, deleted, merged_into, links from raw.crm__records where crm_id = '${crm_id}'`,
    )

  it('is read right then, though a search would not find it yet, by the same way as the pull, once', async () => {
    const [edited, removed, loser, winner] = [1, 2, 3, 4].map((n) => crm.put('companies', { name: `Company ${n}` }))
    const person = crm.put('contacts', { name: 'Ana' })
    crm.store.get('contacts')!.get(person)!.links.push({ object: 'companies', crm_id: edited! })
    await look()
    crm.lag = 60_000_000
    crm.edit('companies', edited!, { name: 'Changed' })
    crm.edit('contacts', person, { name: 'Ana B' })
    crm.remove('companies', removed!)
    crm.remove('companies', loser!, winner)
    await tell(JSON.stringify([event('companies', edited!), event('companies', removed!), event('companies', loser!)]))
    await tell(JSON.stringify([event('companies', edited!), event('contacts', person), event('things', '9')]))
    await tell(JSON.stringify([event('companies', edited!)]), 'another')
    await look()
    expect(await held(edited!)).toMatchObject([{ name: 'Changed', deleted: false }])
    expect(await held(removed!)).toMatchObject([{ deleted: true, merged_into: null }])
    expect(await held(loser!)).toMatchObject([{ deleted: true, merged_into: winner }])
    const [kept] = await held(person)
    expect(kept).toMatchObject({ name: 'Ana B' })
    expect(JSON.parse(String(kept!.links))).toEqual([{ object: 'companies', crm_id: edited }])
    const before = reads()
    expect(before).toBeGreaterThan(0)
    await look()
    expect(reads()).toBe(before)
    expect(await rows('select events, records from raw.crm__hooks order by message_id')).toEqual([
      { events: 3, records: 3 },
      { events: 3, records: 3 },
    ])
  })

  it('is followed again when the reading breaks off, and what is no list of events is put aside', async () => {
    const id = crm.put('companies', { name: 'One' })
    await look()
    crm.lag = 60_000_000
    crm.edit('companies', id, { name: 'Two' })
    await tell(JSON.stringify([event('companies', id)]))
    await tell('{"not": "events"}')
    await tell('no json')
    crm.fault = (call) => (call === 'read' ? 'after' : undefined)
    await expect(look()).rejects.toThrow(/broke off/)
    expect(await rows('select * from raw.crm__hooks')).toEqual([])
    crm.fault = () => undefined
    await look()
    expect(await held(id)).toMatchObject([{ name: 'Two' }])
    expect(await rows('select events from raw.crm__hooks order by message_id')).toEqual([
      { events: 1 },
      { events: null },
      { events: null },
    ])
  })
})
