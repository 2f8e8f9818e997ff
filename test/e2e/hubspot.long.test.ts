import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawFaults, NO_FAULTS, numbers, WIRE_FAULTS } from '../fakes/faults.ts'
import { type FakeHubspot, fakeHubspot, type HubspotOptions, SCOPES, TOKEN } from '../fakes/hubspot/hubspot.ts'
import { setUp } from '../fixtures/crms/hubspot.ts'
import { pipeline, projectCopy } from '../helpers/cli.ts'

// Whole runs against HubSpot's stand-in; what they wrote is read from its journal. HUBSPOT_KILLS=40 and HUBSPOT_COMPANIES=300
// make the last part long.

const SEED = Number(process.env.HUBSPOT_SEED ?? 20261122)
const KILLS = Number(process.env.HUBSPOT_KILLS ?? 2)
const COMPANIES = Number(process.env.HUBSPOT_COMPANIES ?? 40)
const LONG = 240_000 + KILLS * 60_000

interface Place {
  root: string
  hubspot: FakeHubspot
  run(args?: readonly string[], kill_after_ms?: number): ReturnType<typeof pipeline>
  writes(): ReturnType<FakeHubspot['journal']['applies']>
  /** As `sed` would. */
  edit(file: string, from: string | RegExp, to: string): void
}

/** Everything that goes before a sync, made once: the places of all tests are copies of it. */
let built = ''
beforeAll(async () => {
  built = projectCopy({}, COMPANIES)
  const { stdout, stderr } = await pipeline(built, ['ledger', 'init'])
  const id = /led-[0-9a-f-]+/.exec(stdout + stderr)![0]
  const config = join(built, 'pipeline.yaml')
  const prod = `  prod: { warehouse: data/warehouse.duckdb, ledger: data/ledger.duckdb, exports: data/exports, ledger_id: ${id}, live: [sync] }`
  writeFileSync(config, readFileSync(config, 'utf8').replace(/^ {2}# prod: .*$/m, prod))
  const stages = ['discovery', 'enrichment', 'scoring'].flatMap((stage) => ['--stage', stage])
  const { code, stderr: said } = await pipeline(built, ['run', ...stages])
  expect(code, said).toBe(0)
}, LONG)
afterAll(() => rmSync(built, { recursive: true, force: true }))

async function place(options: HubspotOptions = {}): Promise<Place> {
  const hubspot = await fakeHubspot({ limits: { max: 190, daily: 1_000_000, search_per_second: 5 }, ...options })
  setUp(hubspot.store)
  const root = mkdtempSync(join(tmpdir(), 'hubspot-e2e-'))
  cpSync(built, root, { recursive: true, verbatimSymlinks: true })
  const env = { HUBSPOT_TOKEN: TOKEN }
  const edit: Place['edit'] = (file, from, to) => {
    const path = join(root, file)
    const text = readFileSync(path, 'utf8')
    expect(text).toMatch(from)
    writeFileSync(path, text.replace(from, to))
  }
  edit(
    'pipeline.yaml',
    /^ {4}file: .*$/m,
    `    hubspot: { token: "\${HUBSPOT_TOKEN}", portal_id: "123456", base_url: "${hubspot.base_url}", timeout_s: 2 }`,
  )
  return {
    root,
    hubspot,
    run: (args = [], kill_after_ms) =>
      pipeline(root, ['run', '--target', 'prod', '--stage', 'sync', ...args], {
        env,
        onStart: (child) => {
          if (kill_after_ms !== undefined) setTimeout(() => child.kill('SIGKILL'), kill_after_ms)
        },
      }),
    writes: () =>
      hubspot.journal.applies().filter(({ by, act }) => by === 'api' && act !== 'property' && act !== 'group'),
    edit,
  }
}

/** By the journal: nothing was made twice, and what the account holds hangs together. */
function judge({ hubspot, writes }: Place) {
  const { store } = hubspot
  const made = writes().filter(({ act }) => act === 'create')
  const keyed = made.filter(({ key }) => key !== null).map(({ object, key }) => `${object} ${key}`)
  expect(new Set(keyed).size, `made twice; HUBSPOT_SEED=${SEED}`).toBe(keyed.length)
  const notes = store
    .list('notes')
    .map(({ properties }) => /lead_engine_id: (\S+)</.exec(properties.hs_note_body ?? '')?.[1])
  expect(new Set(notes).size, `notes made twice; HUBSPOT_SEED=${SEED}`).toBe(notes.length)
  expect(notes.sort()).toEqual(
    store
      .list('deals')
      .map(({ properties }) => properties.lead_engine_id)
      .sort(),
  )
  for (const object of ['contacts', 'deals']) {
    for (const record of store.list(object)) expect(store.linked(record, 'companies')).toHaveLength(1)
  }
  expect(hubspot.journal.breaches()).toEqual([])
  return new Map(
    ['companies', 'contacts', 'deals', 'notes'].map((object) => [
      object,
      store
        .list(object)
        .map(
          ({
            properties: { createdate, lastmodifieddate, hs_lastmodifieddate, hs_object_id, hs_timestamp, ...rest },
          }) => rest,
        )
        .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    ]),
  )
}

describe('a whole run', () => {
  let there: Place
  beforeAll(async () => {
    there = await place()
  }, LONG)
  afterAll(async () => {
    await there?.hubspot.close()
    if (there !== undefined) rmSync(there.root, { recursive: true, force: true })
  })

  it(
    'writes companies, contacts, deals with a stage, one note each, and their links; the next writes nothing',
    async () => {
      const first = await there.run()
      expect(first.code, first.stderr).toBe(0)
      const held = judge(there)
      for (const object of ['companies', 'contacts', 'deals']) expect(held.get(object)!.length).toBeGreaterThan(0)
      for (const deal of held.get('deals')!) expect(deal).toMatchObject({ pipeline: 'default', dealstage: /./ })
      const before = there.writes().length
      const second = await there.run()
      expect(second.code, second.stderr).toBe(0)
      expect(there.writes()).toHaveLength(before)
      expect(second.stderr).toContain('nothing to write')
    },
    LONG,
  )

  it(
    'leaves alone what a person typed, and what a person deleted',
    async () => {
      const { store } = there.hubspot
      const [typed, gone] = store.list('companies')
      store.update(typed!, { city: 'Typed by hand' }, { by: 'person' })
      store.archive(gone!, { by: 'person' })
      const before = there.writes().length
      const after = await there.run()
      expect(after.code, after.stderr).toBe(0)
      expect(there.writes()).toHaveLength(before)
      expect(store.live('companies', typed!.id)!.properties.city).toBe('Typed by hand')
      expect(store.live('companies', gone!.id)).toBeUndefined()
    },
    LONG,
  )
})

describe('one clear error, and nothing written', () => {
  const cases: [string, HubspotOptions, (there: Place) => void, RegExp][] = [
    ['another account', { portal_id: 999 }, () => {}, /open account 999, the settings name 123456/],
    ['a token that ran out', { tokens: { [TOKEN]: { scopes: SCOPES, expired: true } } }, () => {}, /expired/],
    [
      'a scope that is missing',
      { tokens: { [TOKEN]: { scopes: SCOPES.filter((scope) => scope !== 'crm.objects.deals.write') } } },
      () => {},
      /crm\.objects\.deals\.write/,
    ],
    [
      'an unknown property, a read-only one and a value that is not in the list, told together',
      {},
      ({ edit }) => {
        edit('sync/mappings/hubspot/companies.yml', 'to: city', 'to: cty')
        edit('sync/mappings/hubspot/contacts.yml', 'to: jobtitle', 'to: hs_email_domain')
        edit('sync/mappings/hubspot/deals.yml', 'A: qualifiedtobuy', 'A: signed')
      },
      /companies\.yml:\d+ {2}fields\.city: .*'cty'[\s\S]*contacts\.yml:\d+ {2}fields\.title: .*read-only[\s\S]*deals\.yml:\d+ {2}fields\.stage: .*'signed'/,
    ],
  ]

  it.each(cases)(
    '%s',
    async (_what, options, break_it, said) => {
      const there = await place(options)
      try {
        break_it(there)
        const { code, stderr } = await there.run()
        expect(code, stderr).toBeGreaterThan(0)
        expect(stderr).toMatch(said)
        expect(there.writes()).toEqual([])
      } finally {
        await there.hubspot.close()
        rmSync(there.root, { recursive: true, force: true })
      }
    },
    LONG,
  )
})

describe(`${KILLS} kills (-9), a quarter and more of the answers faulty, ${COMPANIES} companies (HUBSPOT_SEED=${SEED})`, () => {
  it(
    'end where an undisturbed run ends: nothing twice, nothing lost, nothing wrong',
    async () => {
      const [calm, wild] = [await place(), await place({ latency_ms: 20 })]
      try {
        expect((await calm.run()).code).toBe(0)
        const draw = numbers(SEED)
        const kinds = [
          ...WIRE_FAULTS.filter((kind) => !kind.startsWith('hang')),
          '423',
          '500',
          '502',
          '503',
          'html page',
        ]
        wild.hubspot.faults(
          drawFaults({ seed: SEED, share: 0.35, kinds, target: /POST \/crm\/(objects|associations)/ }),
        )
        for (let kill = 0; kill < KILLS; kill++) await wild.run([], 2_000 + draw() * 6_000)
        for (let more = 0; more < 2; more++) {
          if ((await wild.run()).code === 0) break
        }
        expect(wild.hubspot.journal.requests().filter(({ fault }) => fault !== null).length).toBeGreaterThan(0)
        wild.hubspot.faults(NO_FAULTS)
        const last = await wild.run()
        expect(last.code, last.stderr).toBe(0)
        const before = wild.writes().length
        await wild.run()
        expect(wild.writes()).toHaveLength(before)
        expect(judge(wild)).toEqual(judge(calm))
      } finally {
        for (const { hubspot, root } of [calm, wild]) {
          await hubspot.close()
          rmSync(root, { recursive: true, force: true })
        }
      }
    },
    LONG,
  )
})
