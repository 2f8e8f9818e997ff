import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { catalogue, type Listed } from '../../../../ingest/catalogue.ts'
import { fixture, freePlan, person } from '../../../fixtures/providers/hunter.ts'
import { openStage, type Stage } from '../../../helpers/provider-scene.ts'
import { type ProviderFixture, type VendorServer, vendorServer } from '../../../helpers/vendor-server.ts'

let stage: Stage
let listed: Listed
beforeAll(async () => {
  stage = await openStage()
  listed = (await catalogue()).get('hunter')!
})
afterAll(() => stage.close())
let server: VendorServer
afterEach(() => server.close())

async function emailsOf(subjects: Parameters<typeof person>[], how: ProviderFixture = fixture) {
  server = await vendorServer(how)
  const play = await stage.set(listed, how, server)
  const people = subjects.map((given) => person(...given))
  const { rows, errors } = await play({ resource: 'emails', subjects: people, rows: 0 })
  expect(errors).toEqual([])
  return rows
}
const asked = () => server.journal.map(({ request }) => (JSON.parse(request) as string[])[1]!)
const spent = () => server.journal.reduce((sum, { credits }) => sum + credits, 0)

describe('an address that is known already', () => {
  it('is verified, asking the same again while Hunter is at it, and charged once', async () => {
    expect(await emailsOf([[1, 'a.example', 'Sara Lenta', 'slow@a.example']])).toMatchObject([
      { email: 'slow@a.example', status: 'valid', found_by: 'given' },
    ])
    expect(new Set(asked()).size).toBe(1)
    expect([asked().length, spent()]).toEqual([3, 0.5])
  })

  it('is open while their mail server is down: nothing paid, and asked again in the next run', async () => {
    const [row] = await emailsOf([[1, 'a.example', 'Davi Longe', 'down@a.example']])
    expect([row!.status, spent()]).toEqual(['pending', 0])
    expect(listed.provider.resources.emails!.pending!(row!)).toBe(true)
  })

  it('of who asked not to be processed is not kept, and they are suppressed', async () => {
    const [row] = await emailsOf([[1, 'a.example', 'Eva Claimed', 'claimed@a.example']])
    expect([row!.email, row!.status]).toEqual([null, 'claimed'])
    expect(listed.provider.resources.emails!.claimed!(row!)).toBe(true)
    expect(asked()).toHaveLength(1)
  })

  it('that is gone makes way for another', async () => {
    expect(await emailsOf([[1, 'a.example', 'Carla Reis', 'gone@a.example']])).toMatchObject([
      { email: 'carla@a.example', found_by: 'finder' },
    ])
  })
})

it('nobody is looked for where Hunter has no address', async () => {
  await emailsOf([[1, 'empty.example', 'Davi Luz']])
  expect(asked()).toEqual(['/email-count?domain=empty.example'])
})

it('several of a domain are listed at once, by ten on the free plan, and told apart by name', async () => {
  const wanted: Parameters<typeof person>[] = [
    [1, 'big.example', 'Bia da Silva Lima'],
    [2, 'big.example', 'Ana Souza'],
    [3, 'big.example', 'Bia Souza'],
  ]
  const rows = await emailsOf(wanted, { ...fixture, vendor: freePlan })
  expect(rows.map(({ email, found_by }) => [email, found_by])).toEqual([
    ['bia@big.example', 'search'],
    ['ana@big.example', 'search'],
    ['bia@big.example', 'finder'],
  ])
  expect(asked().filter((url) => url.includes('domain-search'))).toHaveLength(2)
})
