import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HttpFactory } from '../../../pipeline/http.ts'
import type { StepSummary } from '../../../pipeline/step.ts'
import { drawFaults, NO_FAULTS, numbers } from '../../fakes/faults.ts'
import { type Expected, judge, ownApplies } from './judge.ts'
import { type Core, openCore, type RunOptions } from './scene.ts'
import { VENDORS, type Vendor, type VendorOptions } from './vendors.ts'

// Bars of the sync through its core, in one process and in a time that waits move on. Each answers figures that are read from the
// vendor's journal; what is promised of our own tables (a rejected row is listed once) is said so.

export interface BarOptions {
  seed: number
  companies: number
}

interface Place {
  vendor: Vendor
  core: Core
  clock: { now: number }
  run(options?: Partial<RunOptions>): Promise<StepSummary | Error>
  /** In peace, until there is nothing to do. */
  settle(options?: Partial<RunOptions>): Promise<StepSummary>
}

const NOON = Date.parse('2026-11-22T12:00:00Z')
const PASSING = ['reset before', 'reset after', 'truncated', '502 after', '500', '503', 'html page']

async function withCore<T>(
  name: string,
  rows: { companies: number },
  options: VendorOptions & { limited?: boolean },
  work: (place: Place) => Promise<T>,
): Promise<T> {
  const root = mkdtempSync(join(tmpdir(), 'crm-bar-'))
  const clock = { now: NOON }
  const vendor = await VENDORS[name]!({ now: () => clock.now, ...options })
  const { settings, mappings } = vendor
  const core = await openCore({ root, crm: name, settings, mappings, clock, limited: options.limited ?? false })
  const run: Place['run'] = (more = {}) => core.run({ ...rows, ...more }).catch((error: Error) => error)
  try {
    return await work({
      ...{ vendor, core, clock, run },
      async settle(more) {
        for (let tries = 0; ; tries++) {
          // What the vendor tells late is told by then.
          clock.now += 60_000
          const said = await run(more)
          if (said instanceof Error) throw said
          const { create = 0, update = 0, linked = 0, unknown = 0 } = said.counts ?? {}
          const isWhole = !said.unfinished && (said.failures ?? []).every(({ kind }) => kind === 'row')
          if (isWhole || create + update + linked + unknown === 0 || tries === 5) return said
        }
      },
    })
  } finally {
    core.close()
    await vendor.close()
    rmSync(root, { recursive: true, force: true })
  }
}

const chosen = (seed: number, companies: number, share: number): number[] => {
  const draw = numbers(seed)
  return Array.from({ length: companies }, (_, n) => n + 1).filter(() => draw() < share)
}
const listed = (ids: readonly string[]) => (ids.length === 0 ? `('')` : `('${ids.join("', '")}')`)
const spoil = (people: readonly number[]) =>
  `update marts.dim_contacts set email = 'nobody at all' where contact_id in ${listed(people.map((n) => `con_${n}`))}`
const created = ({ vendor }: Place, object: 'company' | 'contact' | 'deal') =>
  ownApplies(vendor.journal()).filter((entry) => entry.act === 'create' && entry.object === vendor.objects[object])

/** B4: rows that the CRM refuses, among good ones. */
export async function partialFailure(name: string, { seed, companies }: BarOptions) {
  return withCore(name, { companies }, {}, async (place) => {
    const { core, vendor, run, settle } = place
    const bad = chosen(seed, companies, 0.1)
    const half = bad.slice(0, Math.ceil(bad.length / 2))
    await run({ and: spoil(bad) })
    const first = created(place, 'contact').map(({ key }) => key)
    const isBad = new Set(bad.map((n) => `con_${n}`))
    const kept = await core.connection.rows<{
      record_id: string
      code: string | null
      property: string | null
      error: string
    }>(`select record_id, code, property, error from raw.sync__outcomes where status = 'rejected' order by record_id`)
    const asked = vendor.journal().requests().length
    await run({ and: spoil(bad) })
    const again = vendor.journal().requests().slice(asked)
    await settle({ and: spoil(bad.slice(half.length)) })
    const fixed = created(place, 'contact')
      .slice(first.length)
      .map(({ key }) => String(key))
    await settle()
    return {
      bad: bad.length,
      good_rows_not_applied: companies - bad.length - first.filter((key) => !isBad.has(String(key))).length,
      bad_rows_applied: first.filter((key) => isBad.has(String(key))).length,
      not_listed_once_with_code_and_property:
        bad.length -
        new Set(
          kept
            .filter((row) => isBad.has(row.record_id) && row.code && row.property && row.error)
            .map((row) => row.record_id),
        ).size +
        (kept.length - bad.length),
      sent_again_unchanged: again.filter(({ path }) => vendor.writes('contact').test(path)).length,
      fixed_not_delivered: half.length - fixed.filter((key) => half.includes(Number(key.slice(4)))).length,
      ...judge(vendor, { companies }),
    }
  })
}

/** B5: one row for which a whole batch is refused. `extra`: calls beyond the first. */
export async function wholeBatch(name: string, { seed }: Pick<BarOptions, 'seed'>) {
  const companies = name === 'salesforce' ? 200 : 100
  return withCore(name, { companies }, { hubspot: { partial: false } }, async (place) => {
    const { vendor, core, run } = place
    const bad = 1 + Math.floor(numbers(seed)() * companies)
    vendor.org?.().poison(`p${bad}@c${bad}.example`)
    await run({ and: vendor.org ? '' : spoil([bad]) })
    const calls = vendor
      .journal()
      .requests()
      .filter(({ path }) => vendor.writes('contact').test(path)).length
    const kept = await core.connection.rows(`select record_id from raw.sync__outcomes where status = 'rejected'`)
    return {
      bad,
      extra: calls - 1,
      good_rows_not_applied: companies - 1 - created(place, 'contact').length,
      rejected: kept.map(({ record_id }) => record_id).join(' ') === `con_${bad}` ? 'the bad one alone' : kept.length,
    }
  })
}

/** B6: what the vendor allows, in any window it counts by, with everybody's searches; then a day that is used up. */
export async function limits(name: string, { companies }: BarOptions) {
  const limited = {
    hubspot: { limits: { max: 100, daily: 250_000, search_per_second: 5, concurrency: 5 } },
    limited: true,
  }
  const paced = await withCore(
    name,
    { companies },
    { ...limited, match: true },
    async ({ vendor, run, settle, clock }) => {
      await run()
      const seconds = (clock.now - NOON) / 1000
      await settle()
      const requests = vendor.journal().requests()
      return {
        requests: requests.length,
        seconds: Math.round(seconds),
        refused_for_pace: requests.filter(({ status }) => status === 429).length,
        breaches: vendor.journal().breaches().length,
        verdict: judge(vendor, { companies }),
      }
    },
  )
  return { ...paced, ...(await usedUp(name, { companies: Math.min(companies, 300) })) }
}

/** Used up in the middle of a run: nothing is asked before it begins anew, by whichever run. */
async function usedUp(name: string, { companies }: Pick<BarOptions, 'companies'>) {
  const daily = name === 'salesforce' ? 26 : 30
  const options: VendorOptions & { limited: boolean } = {
    limited: true,
    hubspot: { limits: { max: 190, daily, search_per_second: 5 }, time_zone: 'Asia/Tokyo' },
    salesforce: { daily },
    ...(name === 'salesforce' ? { settings: { api_share: 1, bulk_above: 1_000_000 } } : {}),
  }
  return withCore(name, { companies }, options, async ({ vendor, run, settle, clock }) => {
    const asked = () =>
      vendor
        .journal()
        .requests()
        .filter(({ path }) => !path.endsWith('/token')).length
    const before = ownApplies(vendor.journal()).length
    await run()
    // Its headers stopped that run in time; the next one, which cannot know, is refused once.
    if (vendor.org) await run()
    const spent = asked()
    const written = ownApplies(vendor.journal()).length - before
    // Midnight in Tokyo is three hours away; Salesforce tells of no end, and is left alone for a quarter of an hour.
    const looks = name === 'salesforce' ? [4, 5, 4] : [60, 60, 55]
    for (const minutes of looks) {
      clock.now += minutes * 60_000
      await run()
    }
    const asked_while_used_up = asked() - spent
    clock.now += name === 'salesforce' ? 3 * 60_000 : 10 * 60_000
    vendor.day(100_000)
    await settle()
    return { written_before_used_up: written > 0, asked_while_used_up, after_used_up: judge(vendor, { companies }) }
  })
}

/** B8: records that were there before us. */
export async function conflicts(name: string, { seed, companies }: BarOptions) {
  return withCore(name, { companies }, { match: true }, async (place) => {
    const { vendor, core, run, settle, clock } = place
    const draw = numbers(seed)
    const twins = { one: new Set<number>(), several: new Set<number>(), person: new Set<number>() }
    const theirs = new Set<string>()
    for (let n = 1; n <= companies; n++) {
      const domain = `c${n}.example`
      const kind = draw()
      if (kind < 0.3) twins.one.add(n)
      else if (kind < 0.4) twins.several.add(n)
      for (let times = 0; times < (kind < 0.3 ? 1 : kind < 0.4 ? 2 : 0); times++)
        theirs.add(vendor.person('company', { name: `Theirs ${n}.${times}`, domain }))
      if (draw() < 0.3) {
        twins.person.add(n)
        theirs.add(vendor.person('contact', { name: `Person ${n}`, domain, email: `p${n}@${domain}` }))
      }
    }
    clock.now += 10_000
    vendor.faults(drawFaults({ seed, share: 0.2, kinds: PASSING }))
    for (let runs = 0; runs < 2; runs++) {
      await run()
      clock.now += 60_000
    }
    vendor.faults(NO_FAULTS)
    await settle()
    const all = ownApplies(vendor.journal())
    const made = (object: 'company' | 'contact') =>
      created(place, object).map(({ key }) => Number(String(key).slice(4)))
    const stamps = new Map<string, Set<string | null>>()
    for (const { id, key, act } of all)
      if (act === 'update' && theirs.has(id)) stamps.set(id, (stamps.get(id) ?? new Set()).add(key))
    const questions = await core.connection.rows<{ record_id: string }>(
      `select record_id from raw.sync__questions where is_open and kind = 'crm_record'`,
    )
    const waiting = name === 'salesforce' ? [...twins.several].filter((n) => !twins.person.has(n)) : []
    const names = vendor
      .journal()
      .applies()
      .filter(
        ({ by, act, fields }) =>
          by === 'api' &&
          act === 'update' &&
          Object.values(fields).some((value) => /^Company \d+$/.test(String(value))),
      )
    return {
      adopted: twins.one.size + twins.person.size,
      ambiguous: twins.several.size,
      made_though_there: [
        ...made('company').filter((n) => twins.one.has(n) || twins.several.has(n)),
        ...made('contact').filter((n) => twins.person.has(n)),
      ].length,
      not_adopted_once:
        twins.one.size + twins.person.size - [...stamps.values()].filter((keys) => keys.size === 1).length,
      overwritten: names.filter(({ id }) => theirs.has(id)).length,
      not_asked: [...twins.several].filter((n) => !questions.some(({ record_id }) => record_id === `cmp_${n}`)).length,
      asked_without_need: questions.filter(({ record_id }) => !twins.several.has(Number(record_id.slice(4)))).length,
      // What Salesforce wants to be born with its account waits until somebody has said which one that is.
      missing:
        companies -
        twins.one.size -
        twins.several.size -
        made('company').length +
        (companies - twins.person.size - made('contact').length) -
        waiting.length,
    }
  })
}

/** B9: credentials that open another account. */
export async function otherAccount(name: string) {
  const options: VendorOptions = { hubspot: { portal_id: 999 }, salesforce: { org_id: '00D5f0000099999' } }
  return withCore(name, { companies: 20 }, options, async ({ vendor, run }) => {
    const said = await run()
    return { said: said instanceof Error ? said.message : 'nothing', writes: ownApplies(vendor.journal()).length }
  })
}

/** B10: rows that are locked are sent again, and no others. */
export async function locked({ seed, companies }: BarOptions) {
  return withCore(
    'salesforce',
    { companies },
    { settings: { bulk_above: 1_000_000 } },
    async ({ vendor, run, settle }) => {
      vendor.org!().rows.lockSome(seed, 0.2)
      await run()
      vendor.org!().rows.lockSome(seed, 0)
      await settle()
      const times = new Map<string, number>()
      for (const { object, id } of ownApplies(vendor.journal()))
        times.set(`${object} ${id}`, (times.get(`${object} ${id}`) ?? 0) + 1)
      return { applied_again: [...times.values()].filter((count) => count > 1).length, ...judge(vendor, { companies }) }
    },
  )
}

class Killed extends Error {}

/** Dies with the nth request, before it left or after it was answered; from then on nothing is asked. */
function dyingAt(nth: number, when: 'before' | 'after') {
  let asked = 0
  const wire =
    (factory: HttpFactory): HttpFactory =>
    (options) => {
      const http = factory(options)
      return {
        async send(request, expect) {
          asked++
          if (asked > nth) throw new Killed('killed')
          if (asked < nth) return http.send(request, expect)
          if (when === 'after') await http.send(request, expect).catch(() => {})
          throw new Killed('killed')
        },
      }
    }
  return { wire, reached: () => asked >= nth }
}

/**
 * B1 and B10, by enumeration in place of chance: a sync that dies with its nth request, for each n there is (or `most` of them),
 * and is run again. `bulk`: rows go through Bulk API 2.0, so that its jobs are left in every state.
 */
export async function everyRequest(
  name: string,
  { seed, companies, most = Number.POSITIVE_INFINITY, bulk = false }: BarOptions & { most?: number; bulk?: boolean },
) {
  const settings = name === 'salesforce' ? { bulk_above: bulk ? 1 : 1_000_000 } : {}
  const options: VendorOptions = { notes: true, settings }
  const whole = await withCore(name, { companies }, options, async ({ vendor, run }) => {
    await run()
    return vendor.journal().requests().length
  })
  const points = Array.from({ length: whole * 2 }, (_, at) => ({
    nth: (at >> 1) + 1,
    when: at % 2 === 0 ? ('before' as const) : ('after' as const),
  }))
  const draw = numbers(seed)
  const taken = points.filter(() => draw() < most / points.length)
  const unclean: object[] = []
  for (const { nth, when } of taken) {
    const verdict = await withCore(name, { companies }, options, async ({ vendor, run, settle }) => {
      const { wire } = dyingAt(nth, when)
      await run({ wire })
      await settle()
      return judge(vendor, { companies, notes: true })
    })
    if (Object.values(verdict).some((count) => count > 0)) unclean.push({ nth, when, ...verdict })
  }
  return { requests: whole, points: taken.length, unclean }
}

/** B14: the vendor dies under the sync again and again, with its store kept. */
export async function dyingVendor(name: string, { seed, companies, times }: BarOptions & { times: number }) {
  const folder = mkdtempSync(join(tmpdir(), 'crm-vendor-'))
  try {
    return await withCore(name, { companies }, { folder, notes: true }, async ({ vendor, run, settle }) => {
      const draw = numbers(seed)
      for (let deaths = 0; deaths < times; deaths++) {
        const seen = vendor.journal().entries().length
        const after = Math.floor(draw() * 12)
        const running = run({ changed: deaths })
        while (vendor.journal().entries().length <= seen + after && (await isRunning(running)));
        await vendor.restart(() => new Promise((resolve) => setTimeout(resolve, 5)))
        await running
      }
      await settle({ changed: times })
      const expected: Expected = { companies, changed: times, notes: true }
      return judge(vendor, expected)
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function isRunning(work: Promise<unknown>): Promise<boolean> {
  return Promise.race([work.then(() => false), new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 1))])
}
