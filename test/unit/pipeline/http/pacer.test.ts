import fc from 'fast-check'
import { expect, it } from 'vitest'
import { diceOf } from '../../../../ingest/sample.ts'
import { createPacer } from '../../../../pipeline/http/pacer.ts'

function clock(lateness = () => 0) {
  let at = 1_000_000
  const pass = (ms: number) => {
    at += ms
  }
  return { now: () => new Date(at), sleep: async (ms: number) => pass(ms + lateness()), pass }
}

async function startsOf(limits: { per_second?: number; per_minute?: number }, n: number, time = clock()) {
  const pacer = createPacer({ ...limits, concurrency: n }, time)
  return Promise.all(Array.from({ length: n }, () => pacer.run(async () => time.now().getTime())))
}

it('lets no window hold more starts than allowed, and wastes little', async () => {
  const limits = fc.record({
    per_second: fc.integer({ min: 1, max: 50 }),
    per_minute: fc.integer({ min: 5, max: 600 }),
  })
  await fc.assert(
    fc.asyncProperty(limits, fc.integer({ min: 1, max: 300 }), async ({ per_second, per_minute }, n) => {
      const starts = await startsOf({ per_second, per_minute }, n)
      const within = (index: number, ms: number) =>
        starts.filter((at) => at >= starts[index]! && at < starts[index]! + ms)
      for (const index of starts.keys()) {
        expect(within(index, 1000).length).toBeLessThanOrEqual(per_second)
        expect(within(index, 60_000).length).toBeLessThanOrEqual(per_minute)
      }
      const needed = Math.max((n - 1) / per_second, Math.floor((n - 1) / per_minute) * 60) * 1000
      expect(starts.at(-1)! - starts[0]!).toBeLessThanOrEqual((needed + (per_minute / per_second) * 1000) * 1.045 + 1)
    }),
    { numRuns: 50 },
  )
})

it('keeps the rate when timers fire late', async () => {
  const starts = await startsOf(
    { per_second: 20 },
    201,
    clock(() => 4),
  )
  expect(starts.at(-1)! - starts[0]!).toBeLessThanOrEqual(10_000 * 1.045)
})

/** Time that passes only when everybody waits. */
function simulated() {
  const waiting: { at: number; resolve: () => void }[] = []
  let at = 1_000_000
  const sleep = (ms: number) =>
    new Promise<void>((resolve) => {
      const due = { at: at + ms, resolve }
      const place = waiting.findIndex((other) => other.at > due.at)
      waiting.splice(place === -1 ? waiting.length : place, 0, due)
    })
  async function play(done: Promise<unknown>): Promise<void> {
    let over = false
    void done.then(() => {
      over = true
    })
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      const next = waiting.shift()
      if (over || next === undefined) return
      at = Math.max(at, next.at)
      next.resolve()
    }
  }
  return { now: () => new Date(Math.floor(at)), exact: () => at, sleep, play }
}

it('provokes no 429 (on a busy machine next to none) and loses less than 5 %, though timers fire late and requests arrive unevenly', async () => {
  const market = fc.record({
    per_second: fc.constantFrom(5, 10, 20),
    latency: fc.integer({ min: 20, max: 400 }),
    busy: fc.boolean(),
    seed: fc.integer(),
  })
  await fc.assert(
    fc.asyncProperty(market, async ({ per_second, latency, busy, seed }) => {
      const dice = diceOf(String(seed))
      const lot = () => 1 - dice.next()
      // Mostly a few milliseconds; now and then the machine is away.
      const late = () => (busy ? (lot() < 0.01 ? 100 * lot() : -3 * Math.log(lot())) : lot())
      const time = simulated()
      const clock = { now: time.now, sleep: (ms: number) => time.sleep(ms + late()) }
      const pacer = createPacer({ per_second }, clock)
      const seen: number[] = []
      let refused = 0
      const n = per_second * 40
      const all = Promise.all(
        Array.from({ length: n }, () =>
          pacer.run(async (trip) => {
            trip.leaves()
            await time.sleep(1 + late())
            const at = time.exact()
            if (seen.filter((one) => one > at - 1000).length >= per_second) refused++
            seen.push(at)
            await time.sleep(latency + late() / 10)
            trip.over()
          }),
        ),
      )
      await time.play(all)
      await all
      expect(refused).toBeLessThanOrEqual(busy ? n / 100 : 0)
      const took = (seen.at(-1)! - seen[0]!) / 1000
      expect(took).toBeLessThanOrEqual(((n - 1) / per_second) * 1.05)
    }),
    { numRuns: 12 },
  )
})

it('does not pay back idle time with a burst', async () => {
  const time = clock()
  const pacer = createPacer({ per_second: 10 }, time)
  const start = () => pacer.run(async () => time.now().getTime())
  await start()
  time.pass(60_000)
  const first = await start()
  expect((await start()) - first).toBeGreaterThanOrEqual(100)
})

it('pauses everybody, also those who wait already', async () => {
  const time = clock()
  const pacer = createPacer({ per_second: 1 }, time)
  const begin = time.now().getTime()
  const starts: number[] = []
  const run = () => pacer.run(async () => void starts.push(time.now().getTime() - begin))
  await pacer.run(async () => pacer.pause(30_000))
  await Promise.all([run(), run()])
  expect(starts).toEqual([30_000, 31_020])
})

it('goes on after a failure', async () => {
  const pacer = createPacer({ concurrency: 1 }, clock())
  const failing = pacer.run(() => Promise.reject(new Error('no')))
  const fine = pacer.run(async () => 'fine')
  await expect(failing).rejects.toThrow('no')
  expect(await fine).toBe('fine')
})
