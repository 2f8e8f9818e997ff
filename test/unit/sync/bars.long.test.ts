import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleWorker } from '../../helpers/crm-bars/bundle.ts'
import { type Bench, openBench, torment } from '../../helpers/crm-bars/drive.ts'
import { CLEAN, judge, ownApplies } from '../../helpers/crm-bars/judge.ts'
import { VENDORS } from '../../helpers/crm-bars/vendors.ts'
import { ROOT } from '../../helpers/source-tree.ts'

// The short form of bench/crm.mjs: processes that are killed, and a vendor that dies, under faulty answers. The judge reads the
// vendor's journal.

const COMPANIES = 150
let worker = ''
const open: Bench[] = []
beforeAll(async () => {
  worker = await bundleWorker(ROOT)
})
afterAll(async () => {
  for (const one of open) await one.close()
})

describe.each(Object.keys(VENDORS))('%s', (name) => {
  test('killed under faulty answers: nothing doubled, lost or wrong; then nothing to write; then what changed alone', async () => {
    const bench = await openBench(name, worker)
    open.push(bench)
    const { vendor } = bench
    const done = await torment(bench, {
      ...{ companies: COMPANIES, kills: 2, seed: 11, share: 0.3, within: 1_000, restart_each: 3 },
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
  }, 60_000)
})
