import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { catalogue, type Listed } from '../../../../ingest/catalogue.ts'
import { icpSchema } from '../../../../ingest/icp.ts'
import { wantedOf } from '../../../../ingest/icp-terms.ts'
import { eachList } from '../../../../ingest/paging.ts'
import { company, fixture } from '../../../fixtures/providers/builtwith.ts'
import { openStage, type Stage } from '../../../helpers/provider-scene.ts'
import { type ProviderFixture, type VendorServer, vendorServer } from '../../../helpers/vendor-server.ts'

let stage: Stage
let listed: Listed
beforeAll(async () => {
  stage = await openStage()
  listed = (await catalogue()).get('builtwith')!
})
afterAll(() => stage.close())
let server: VendorServer
afterEach(() => server?.close())

async function playing(how: ProviderFixture = fixture) {
  server = await vendorServer(how)
  return stage.set(listed, how, server)
}
const asked = () => server.journal.map(({ request }) => (JSON.parse(request) as string[])[1]!)
const spent = () => server.journal.reduce((sum, { credits }) => sum + credits, 0)
const bulky: ProviderFixture = { ...fixture, settings: (base_url) => ({ ...fixture.settings(base_url), bulk: 100 }) }
const many = Array.from({ length: 40 }, (_, n) => company(n, `a${n}.example`))

describe('a bulk job', () => {
  it('is one call, paid once, and its rows are those of the small calls', async () => {
    const play = await playing(bulky)
    const { rows, errors } = await play({ resource: 'domains', subjects: many, rows: 0 })
    expect(errors).toEqual([])
    expect(rows).toHaveLength(40)
    expect(asked()).toEqual(['', '/j1', '/j1', '/j1/result'].map((end) => `/v23/domain/bulk${end}`))
    expect(spent()).toBe(40)
  })

  it('is in the ledger before it is looked at: what nobody can read is there word for word, and is not asked for again', async () => {
    const broken = '{"Results": [{"Lookup": "a0.example", "SalesRevenue": "much"}], "Errors": [,] }'
    const play = await playing({
      ...bulky,
      vendor: () => {
        const fine = fixture.vendor()
        return (request) => {
          const answer = fine(request)
          return request.path.endsWith('/result') && answer.status === 200 ? { ...answer, body: broken } : answer
        }
      },
    })
    const first = await play({ resource: 'domains', subjects: many, rows: 0 })
    expect(first.errors).toHaveLength(1)
    const kept = await stage.connection.rows<{ body: string }>('select body from _ledger.log.answers')
    expect(kept.map(({ body }) => body)).toContain(broken)
    await play({ resource: 'domains', subjects: many, rows: 0 })
    expect([spent(), server.journal.filter(({ credits }) => credits > 0).length]).toEqual([40, 1])
  })

  it('is read from the ledger by a process that comes after one that died with the answer in its hands', async () => {
    const play = await playing(bulky)
    const { provider } = listed
    const { pages } = provider.resources.domains!
    // Dies between the answer and its first row.
    provider.resources.domains!.pages = async function* (context) {
      const http: typeof context.http = {
        async send(request, expect_) {
          const answer = await context.http.send(request, expect_)
          if (request.path.endsWith('/result')) throw new TypeError('killed')
          return answer
        },
      }
      yield* pages!({ ...context, http })
    }
    const died = await play({ resource: 'domains', subjects: many, rows: 0 })
    provider.resources.domains!.pages = pages
    expect(died.errors.map(String)).toEqual(['TypeError: killed'])
    const before = server.journal.length
    const { rows, errors } = await play({ resource: 'domains', subjects: many, rows: 0 })
    expect([errors, rows.length, spent()]).toEqual([[], 40, 40])
    expect(
      asked()
        .slice(before)
        .filter((path) => path.endsWith('/result')),
    ).toEqual([])
  })
})

describe('lists and changes', () => {
  it('who uses what is wanted, page by page, without what is known of people', async () => {
    const play = await playing()
    const { rows } = await play({ resource: 'companies', rows: 0 })
    expect(rows).toHaveLength(12)
    expect(rows[0]).toMatchObject({ d: 'BR0.example', company_name: 'Firma', country: 'BR', e: 50 })
    expect(JSON.stringify(rows)).not.toContain('x@y.example')
    expect(asked()).toContain('/lists12/api.json?TECH=Google-Tag-Manager&META=yes&COUNTRY=UK')
  })

  it('what a site began to use is a signal; what it gave up is none', async () => {
    const play = await playing()
    const { rows } = await play({ resource: 'changes', subjects: many.slice(0, 1), rows: 0 })
    const { hit } = listed.provider.resources.changes!.fills!.signals!
    expect(rows.map((row) => [row.technology, hit!(row)])).toEqual([
      ['Shopify', true],
      ['HubSpot', false],
    ])
  })
})

it('each technology that is wanted, by country and size, once', () => {
  const hard = { countries: ['BR'], tech: { wanted: ['Shopify'] }, employees: { min: 50 } }
  const icp = icpSchema.parse({
    version: 1,
    profiles: { a: { description: 'A', hard }, b: { description: 'B', hard } },
  })
  expect(wantedOf(icp)).toEqual([{ technology: 'Shopify', country: 'BR', employees_min: 50 }])
})

it('a list that fails keeps no other out, and is said after all', async () => {
  const seen: number[] = []
  const pages = async function* (n: number) {
    if (n === 1) throw new Error('unknown technology')
    yield n
  }
  const all = async () => {
    for await (const n of eachList([0, 1, 2], pages)) seen.push(n)
  }
  await expect(all()).rejects.toThrow('unknown technology')
  expect(seen).toEqual([0, 2])
})
