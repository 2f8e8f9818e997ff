import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { catalogue, type Listed } from '../../ingest/catalogue.ts'
import { snakeKeys } from '../../ingest/keys.ts'
import { RemoteError } from '../../pipeline/errors.ts'
import { NotBought } from '../../pipeline/http.ts'
import { ROOT } from '../helpers/ingest.ts'
import { isProper, openStage, type Played, type Stage } from '../helpers/provider-scene.ts'
import {
  FAULTS,
  type FaultKind,
  NEW_FIELD,
  type ProviderFixture,
  type Scene,
  type VendorServer,
  vendorServer,
} from '../helpers/vendor-server.ts'

/** Providers without a replay server, each with the reason. */
const EXEMPT: Record<string, string> = {
  mock: 'it is its own vendor, in process',
  receita_federal: 'it lands files in bulk, which its own tests do',
}

const FOLDER = join(ROOT, 'test/fixtures/providers')
const known = await catalogue()
const names = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith('.ts')) : []
const fixtures = await Promise.all(
  names.map(async (file): Promise<{ name: string; listed: Listed; fixture: ProviderFixture }> => {
    const name = file.slice(0, -3)
    const { fixture } = (await import(`../fixtures/providers/${name}.ts`)) as { fixture: ProviderFixture }
    const listed = fixture.provider === undefined ? known.get(name)! : { name, provider: fixture.provider, version: '' }
    return { name, listed, fixture }
  }),
)

test('every provider that is asked over HTTP has a replay server, or a reason why not', () => {
  const without = [...known.keys()].filter((name) => !fixtures.some((each) => each.name === name) && !(name in EXEMPT))
  expect(without).toEqual([])
})

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())
const open: VendorServer[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

async function set(listed: Listed, fixture: ProviderFixture, fault?: Parameters<typeof vendorServer>[1]) {
  const server = await vendorServer(fixture, fault)
  open.push(server)
  return { server, play: await stage.set(listed, fixture, server) }
}

/** More than any vendor needs for a scene, faults and all. */
const MOST_REQUESTS = 400

describe.each(fixtures)('provider $name', ({ listed, fixture }) => {
  describe.each(fixture.scenes.map((scene) => [`${scene.resource}`, scene] as const))('%s', (_name, scene) => {
    test('a full run yields every row, costs what the vendor charges, and a second one asks and pays nothing', async () => {
      const { server, play } = await set(listed, fixture)
      const played = await play(scene)
      expect(played.errors).toEqual([])
      expect(played.rows).toHaveLength(scene.rows)
      expect(played.notes).toEqual([])
      await expectBooksToAgree(server)
      expect(charged(server)).toBeCloseTo(scene.credits ?? 0, 4)
      const paid = server.journal.filter(({ credits }) => credits > 0).length
      const again = await play(scene)
      expect(again.rows).toEqual(played.rows)
      expect(server.journal.filter(({ credits }) => credits > 0)).toHaveLength(paid)
    })

    let happened: Awaited<ReturnType<typeof rehearse>> | undefined
    const faults = FAULTS.map((kind) => [kind, exemptionOf(kind, fixture, scene)] as const)
    test.each(faults.filter(([, reason]) => reason === undefined))('%s', async (kind) => {
      happened ??= await rehearse(listed, fixture, scene)
      const { nth, happy } = happened
      const { server, play } = await set(listed, fixture, { kind, nth, scene })
      const first = await play(scene)
      expect(server.struck(), 'the fault was never met').toBe(true)
      expect(first.errors.filter((error) => !isProper(error))).toEqual([])
      expectNothingLostOrRepeated(server)
      await expectAnswersKept(server)
      expectOutcome(kind, scene.drift ?? fixture.drift, first, happy, server)
      server.mend()
      const second = await play(scene)
      expect(second.errors.filter((error) => !isProper(error))).toEqual([])
      expectNothingLostOrRepeated(server)
      await expectBooksToAgree(server)
    })
    test.skip.each(faults.filter(([, reason]) => reason !== undefined))('%s: %s', () => {})
  })
})

function exemptionOf(kind: FaultKind, { words, drift }: ProviderFixture, scene: Scene): string | undefined {
  if (scene.exempt?.[kind] !== undefined) return scene.exempt[kind]
  if (kind === 'credits exhausted' && words.exhausted === undefined) return 'everything is free'
  if (kind === '200 with an error inside' && words.error_inside === undefined) return 'the vendor says so by status'
  if (!kind.endsWith('field')) return undefined
  if (typeof drift === 'string') return drift
  return kind === 'a missing field' && drift.missing === null ? 'the vendor leaves out what is empty' : undefined
}

/** Without a fault: what it yields, and the second of its requests (the first, if there is but one) as the fault's place. */
async function rehearse(listed: Listed, fixture: ProviderFixture, scene: Scene) {
  const { server, play } = await set(listed, fixture)
  const happy = await play(scene)
  const targets = server.seen.filter(({ method, url }) => scene.target?.test(`${method} ${url}`) ?? true)
  return { happy, nth: Math.min(2, targets.length) }
}

const charged = ({ journal }: VendorServer) => journal.reduce((sum, { credits }) => sum + credits, 0)

/** No paid request that the vendor answered is made again, and none is made without end. */
function expectNothingLostOrRepeated({ journal }: VendorServer): void {
  expect(journal.length).toBeLessThan(MOST_REQUESTS)
  const paid = journal.filter(({ credits, status }) => credits > 0 && status < 300).map(({ request }) => request)
  expect(paid.filter((request, index) => paid.indexOf(request) !== index)).toEqual([])
}

/** Whatever arrived whole is in the ledger, word for word. */
async function expectAnswersKept({ journal }: VendorServer): Promise<void> {
  const kept = await stage.connection.rows<{ body: string }>('select body from _ledger.log.answers')
  const bodies = new Set(kept.map(({ body }) => body))
  const paid = journal.filter(({ credits, whole }) => credits > 0 && whole)
  expect(paid.filter(({ text }) => !bodies.has(text)).map(({ request }) => request)).toEqual([])
}

/** The ledger's credits are the vendor's, to which broken-off calls are added at their full price, and never less. */
async function expectBooksToAgree(server: VendorServer): Promise<void> {
  const [sums] = await stage.connection.rows<{ answered: number; broken: number }>(`
    select
        coalesce(sum(credits) filter (status is not null), 0)::double as answered,
        coalesce(sum(credits) filter (status is null), 0)::double as broken
    from _ledger.log.calls`)
  const answered = server.journal.filter(({ whole, text }) => whole || text.length > 1)
  const cut = answered.filter(({ whole }) => !whole).reduce((sum, { credits }) => sum + credits, 0)
  const whole = charged(server) - cut
  expect(sums!.answered + sums!.broken).toBeGreaterThanOrEqual(whole - 1e-6)
  if (sums!.broken === 0 && cut === 0) expect(sums!.answered).toBeCloseTo(whole, 4)
}

/** As the vendor spells it, or in snake_case, as its column is named. */
const namesOf = (field: string) => [field, ...Object.keys(snakeKeys({ [field]: null }))]

function expectOutcome(
  kind: FaultKind,
  drift: ProviderFixture['drift'],
  { rows, errors, notes }: Played,
  happy: Played,
  server: VendorServer,
): void {
  const paid = server.journal.some(({ faulty, credits }) => faulty && credits > 0)
  const remote = errors.filter((error) => error instanceof RemoteError)
  const said = [...notes, ...errors.map(String)].join('\n')
  const { missing, retyped } = typeof drift === 'string' ? { missing: null, retyped: '' } : drift
  switch (kind) {
    case '429 with retry-after':
    case '429 without':
    case '500':
    case '502 with a page':
      expect(errors).toEqual([])
      expect(rows).toEqual(happy.rows)
      break
    case 'timeout':
    case 'reset in the middle':
    case 'truncated JSON':
      if (errors.length === 0) expect(rows).toEqual(happy.rows)
      else expect([paid, remote.length]).toEqual([true, 1])
      break
    case 'wrong content type':
    case '200 with an error inside':
      if (errors.length === 0) expect(rows).toEqual(happy.rows)
      else expect(remote).toHaveLength(errors.length)
      break
    case 'empty page':
      expect(errors).toEqual([])
      expect(rows.length).toBeLessThanOrEqual(happy.rows.length)
      break
    case 'duplicate page':
      expect(errors).toEqual([])
      expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBe(rows.length)
      break
    case 'an extra field':
      expect(errors).toEqual([])
      expect(rows).toHaveLength(happy.rows.length)
      expect(said).toContain(NEW_FIELD)
      break
    case 'a missing field':
      expect(namesOf(missing!).filter((name) => said.includes(name))).not.toEqual([])
      break
    case 'a retyped field':
      expect(namesOf(retyped).filter((name) => said.includes(name))).not.toEqual([])
      break
    case 'expired key':
    case 'credits exhausted':
      expect(remote.length).toBeGreaterThan(0)
      expect(remote.map((error) => (error as RemoteError).reason)).toContain(kind === 'expired key' ? 'key' : 'quota')
      expect(server.journal.filter(({ faulty }) => faulty).length).toBeLessThanOrEqual(4)
      break
    case 'down for good':
      expect(remote.length).toBeGreaterThan(0)
      expect(errors.filter((error) => error instanceof NotBought)).toEqual([])
      expect(server.journal.filter(({ faulty }) => faulty).length).toBeLessThanOrEqual(30)
  }
  const unaffected = kind === 'down for good' || kind === 'expired key' || kind === 'credits exhausted'
  if (happy.rows.length > 4 && !unaffected && !kind.endsWith('field') && errors.length > 0 && server.journal.length > 4)
    expect(rows.length, 'the rest goes on').toBeGreaterThan(0)
}
