import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleWorker } from '../../helpers/crm-bars/bundle.ts'
import { type Bench, judge, openBench, torment, VENDORS } from '../../helpers/crm-bars/drive.ts'
import { ROOT } from '../../helpers/source-tree.ts'

// The short form of bench/crm.mjs: a sync that is killed under faulty answers. The judge reads the vendor's journal.

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
    const { journal, objects } = bench.vendor
    const done = await torment(bench, { companies: COMPANIES, kills: 3, seed: 11, share: 0.3, window_ms: [500, 1500] })
    expect(done.last).toMatchObject({ killed: false, code: 0 })
    expect(done.faults / done.requests).toBeGreaterThan(0.2)
    const none = { duplicates: 0, missing: 0, wrong: 0, extra: 0, links_missing: 0, links_extra: 0 }
    expect(judge(bench.vendor, COMPANIES)).toEqual(none)
    const applies = () => journal.applies().filter(({ by, object }) => by === 'api' && !object.startsWith('#'))
    const before = applies().length
    expect(await bench.run({ companies: COMPANIES })).toMatchObject({ counts: { create: 0, update: 0, linked: 0 } })
    expect(applies()).toHaveLength(before)
    await bench.run({ companies: COMPANIES, changed: 37 })
    const after = applies().slice(before)
    expect(after).toHaveLength(37)
    expect(new Set(after.map(({ object }) => object))).toEqual(new Set([objects[0]]))
  }, 60_000)
})
