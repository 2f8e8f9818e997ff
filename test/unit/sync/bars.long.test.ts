import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as bars from '../../helpers/crm-bars/bars.ts'
import { bundleWorker } from '../../helpers/crm-bars/bundle.ts'
import { type Bench, openBench, torment } from '../../helpers/crm-bars/drive.ts'
import { CLEAN, judge, ownApplies } from '../../helpers/crm-bars/judge.ts'
import { VENDORS } from '../../helpers/crm-bars/vendors.ts'
import { ROOT } from '../../helpers/source-tree.ts'

// The short form of bench/crm.mjs, and what is longest in that of bench/crm-bars.mjs: processes that are killed, and a vendor that dies, under faulty answers. The judge reads the
// vendor's journal.

const COMPANIES = 150
const seed = Number(process.env.CRM_SEED ?? 20261122)
let worker = ''
const open: Bench[] = []
beforeAll(async () => {
  worker = await bundleWorker(ROOT)
})
afterAll(async () => {
  for (const one of open) await one.close()
})

describe.each(Object.keys(VENDORS))(`%s (CRM_SEED=${seed})`, (name) => {
  test('killed under faulty answers: nothing doubled, lost or wrong; then nothing to write; then what changed alone', async () => {
    const bench = await openBench(name, worker)
    open.push(bench)
    const { vendor } = bench
    const done = await torment(bench, {
      ...{ companies: COMPANIES, kills: 2, seed: 11, share: 0.3, within: 1_000, restart_each: 2 },
    })
    const { changed } = done
    expect(done.last, JSON.stringify(done.last)).toMatchObject({ killed: false, code: 0 })
    expect(done.restarts).toBeGreaterThan(0)
    expect(done.written_before_peace).toBeGreaterThan(0)
    expect(judge(vendor, { companies: COMPANIES, changed })).toEqual(CLEAN)
    const before = ownApplies(vendor.journal()).length
    await bench.run({ companies: COMPANIES, changed: changed + 37 })
    const after = ownApplies(vendor.journal()).slice(before)
    expect(after).toHaveLength(37)
    expect(new Set(after.map(({ object }) => object))).toEqual(new Set([vendor.objects.company]))
  }, 120_000)

  test('what the vendor allows is kept to; a day that is used up is left alone, whichever run comes', async () => {
    const { requests, seconds, ...told } = await bars.limits(name, { seed, companies: 300 })
    expect(requests).toBeGreaterThan(20)
    expect(seconds).toBeLessThan(600)
    const nothing = { refused_for_pace: 0, breaches: 0, asked_while_used_up: 0 }
    expect(told).toEqual({ ...nothing, written_before_used_up: true, verdict: CLEAN, after_used_up: CLEAN })
  })

  test('dead with its nth request, it is picked up without a second record, a lost one or a wrong one', async () => {
    const { points, unclean } = await bars.everyRequest(name, { seed, companies: 3, most: 4 })
    expect(points).toBeGreaterThan(1)
    expect(unclean).toEqual([])
  })

  test('a vendor that dies under it comes back to the same end', async () => {
    expect(await bars.dyingVendor(name, { seed, companies: 20, times: 2 })).toEqual(CLEAN)
  })
})

test('salesforce: jobs of Bulk API 2.0 that were left in any state come to the same end', async () => {
  const { points, unclean } = await bars.everyRequest('salesforce', { seed, companies: 3, most: 4, bulk: true })
  expect(points).toBeGreaterThan(1)
  expect(unclean).toEqual([])
})
