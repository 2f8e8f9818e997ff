import { createHttp, type HttpDeps } from '../../pipeline/http.ts'
import { loadCrm } from '../../sync/crms.ts'
import type { CrmProperty, CrmRow, CrmSession } from '../../sync/records.ts'
import { type FakeHubspot, fakeHubspot, type HubspotOptions, TOKEN } from '../fakes/hubspot/hubspot.ts'
import { setUp } from '../fixtures/crms/hubspot.ts'
import { httpWorld } from './http-world.ts'

export interface HubspotScene {
  hubspot: FakeHubspot
  session: CrmSession
  /** What a new run has. */
  again(settings?: Record<string, unknown>): Promise<CrmSession>
  own(object: string): readonly CrmProperty[]
  /** Milliseconds since 1970: the clock of both sides, which waits move on at once. */
  clock: { now: number }
  waits: number[]
  close(): Promise<void>
}

/** An account of HubSpot's and a session with it, over the real HTTP layer, in a time that waits move on. */
export async function hubspotScene(
  options: HubspotOptions & { settings?: Record<string, unknown>; bare?: boolean } = {},
): Promise<HubspotScene> {
  const clock = { now: Date.parse('2026-11-22T12:00:00Z') }
  const waits: number[] = []
  let runs = 0
  const hubspot = await fakeHubspot({ ...options, now: () => clock.now })
  if (options.bare !== true) setUp(hubspot.store)
  const world = await httpWorld()
  const crm = (await loadCrm('hubspot'))!
  const now = () => new Date(clock.now)
  const deps: HttpDeps = {
    connection: world.connection,
    run_id: 'run_1',
    as_of: '2026-11-22',
    now,
    sleep: async (ms) => {
      waits.push(ms)
      clock.now += ms
    },
    random: () => 0.5,
    live: new Set(['sync']),
    budget: { priceOf: () => undefined, reserve: () => ({ settle() {} }) },
    signal: new AbortController().signal,
  }
  const open = (settings: Record<string, unknown> = {}): CrmSession => {
    const http = createHttp({ ...deps, run_id: `run_${++runs}` })
    const given = { token: TOKEN, portal_id: '123456', base_url: hubspot.base_url, timeout_s: 1, ...settings }
    return crm.connect({
      settings: crm.settings.parse({ ...given, ...options.settings }),
      root: '.',
      http: (told) => http({ ...told, service: 'hubspot' }),
      as_of: '2026-11-22',
      now,
      signal: deps.signal,
    })
  }
  return {
    hubspot,
    session: open(),
    again: async (settings) => open(settings),
    own: (object) => crm.objects[object]!.own,
    clock,
    waits,
    async close() {
      world.connection.close()
      world.database.close()
      await hubspot.close()
    },
  }
}

/** The n-th company of ours. */
export function company(n: number, change: Partial<CrmRow> = {}): CrmRow {
  const fields = { name: `Company ${n}`, domain: `company${n}.example` }
  return { record_id: `cmp_${n}`, crm_id: null, fields, links: [], ...change }
}

export function contact(n: number, change: Partial<CrmRow> = {}): CrmRow {
  const fields = { email: `person${n}@company${n}.example`, lastname: `Last ${n}` }
  return { record_id: `con_${n}`, crm_id: null, fields, links: [], ...change }
}

export function rows<T>(count: number, row: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => row(n + 1))
}
