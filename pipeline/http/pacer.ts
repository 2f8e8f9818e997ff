import type { HttpOptions, Limits } from '../http.ts'
import { signal } from '../signal.ts'
import { memoryPaces, type Pace, type PaceStore, paceOf } from './pace-store.ts'
import { noteWindows, takeOne, windowsOf } from './rate-window.ts'
import { createTransit, type Transit, type Trip } from './transit.ts'

/** Lets requests to one service start only as fast, and as many at once, as it allows. */
export interface Pacer {
  /**
   * Runs `work` when its turn has come. Throws TooLong when that is further off than a run may wait. `work` says through
   * `trip` when its request really left and was answered.
   */
  run<T>(work: (trip: Trip) => Promise<T>, bucket?: string): Promise<T>
  /** What an answer tells of the service's windows. */
  told(headers: Record<string, string>, bucket?: string): Promise<void>
  /** Nothing more starts for so long: the service asked for a pause. */
  pause(ms: number): Promise<void>
}

/** The service's window is used up, and begins anew only later than a run may wait. */
export class TooLong extends Error {
  override readonly name = 'TooLong'

  constructor(readonly wait_ms: number) {
    super('the service allows no more for now')
  }
}

interface Clock {
  now(): Date
  sleep(ms: number): Promise<void>
}

export const DEFAULT_CONCURRENCY = 8
/** Where a rate is said, it is the rate that limits, however slow the answers. */
export const PACED_CONCURRENCY = 64
const MINUTE_MS = 60_000
/** Starts are planned a little wider than declared, so that what timers were late by can be made good ... */
const SPACING_SLACK = 1.02
/** ... within what the server may see in its windows ... */
const WINDOW_SLACK = 1.005
/** ... and not in one burst. */
const CLOSEST = 0.4
/** A command holds the ledger while it runs: a vendor that wants to be left alone for longer fails the step instead. */
export const LONGEST_WAIT_MS = 60_000
/** The limits of the service as a whole. */
const WHOLE = '*'

/**
 * `per_second` spaces starts evenly (what leaky-bucket servers want), and never lets more reach the server in a second
 * than that, however late timers fire or requests arrive (transit.ts); `per_minute` lets bursts through but never more than that many starts in any 60 s; `windows`
 * are as the service tells them; `concurrency` caps what is under way. Starts of a bucket come in the order of asking.
 */
export function createPacer(
  limits: HttpOptions['limits'],
  clock: Clock,
  buckets: HttpOptions['buckets'] = {},
  store: PaceStore = memoryPaces(),
): Pacer {
  const rated = limits?.per_second !== undefined || limits?.per_minute !== undefined
  const concurrency = limits?.concurrency ?? (rated ? PACED_CONCURRENCY : DEFAULT_CONCURRENCY)
  const queue: (() => void)[] = []
  const gates = new Map<string, Promise<void>>()
  let running = 0
  /** Sent, and not answered yet. */
  let open = 0
  let answer = signal()
  const transit = createTransit(clock)

  const groupsOf = (bucket: string | undefined): [string, Limits][] => {
    const own = bucket === undefined ? undefined : buckets[bucket]
    return [[WHOLE, limits ?? {}], ...(own === undefined ? [] : [[bucket!, own] as [string, Limits]])]
  }

  async function waitForStart(bucket: string | undefined, asked: number): Promise<number> {
    const groups = groupsOf(bucket)
    let started = 0
    for (;;) {
      const next = answer.given
      let now = 0
      const start = await store.update((paces) => {
        now = clock.now().getTime()
        const held = groups.map(([name, own]) => [paceOf(paces, name), own] as const)
        const earliest = Math.max(...held.map(([pace, own]) => earliestOf(pace, own, { now, asked, open, transit })))
        if (earliest <= now) for (const [pace, own] of held) begin(pace, own, now, asked)
        return earliest
      })
      started = now
      if (start <= now) break
      if (start === Number.POSITIVE_INFINITY) {
        await next
        continue
      }
      if (start - now > LONGEST_WAIT_MS * SPACING_SLACK) throw new TooLong(start - now)
      await clock.sleep(Math.ceil(start - now))
    }
    open++
    return started
  }

  function done(): void {
    open--
    answer.give()
    answer = signal()
  }

  function nextStart(bucket: string | undefined): Promise<number> {
    const name = bucket ?? WHOLE
    const asked = clock.now().getTime()
    const turn = (gates.get(name) ?? Promise.resolve()).then(() => waitForStart(bucket, asked))
    gates.set(
      name,
      turn.then(
        () => {},
        () => {},
      ),
    )
    return turn
  }

  return {
    async run(work, bucket) {
      if (running >= concurrency) await new Promise<void>((resolve) => queue.push(resolve))
      else running++
      try {
        const trip = transit.begin(await nextStart(bucket))
        try {
          return await work(trip)
        } finally {
          trip.over()
          done()
        }
      } finally {
        const next = queue.shift()
        if (next === undefined) running--
        else next()
      }
    },
    async told(headers, bucket) {
      const groups = groupsOf(bucket).filter(([, own]) => own.windows !== undefined)
      if (groups.length === 0) return
      const now = clock.now().getTime()
      await store.update((paces) => {
        for (const [name, own] of groups) noteWindows(paceOf(paces, name), own.windows!, headers, now, open - 1)
      })
    },
    async pause(ms) {
      const until = clock.now().getTime() + ms
      await store.update((paces) => {
        const pace = paceOf(paces, WHOLE)
        pace.paused_until = Math.max(pace.paused_until, until)
      })
    },
  }
}

interface Moment {
  now: number
  /** Since when the request could have started, as far as its sender is concerned. */
  asked: number
  open: number
  transit: Transit
}

/** When the request should start by the rate alone. An idle pacer counts from now; one that is behind makes it good. */
function plannedOf(pace: Pace, { per_second }: Limits, asked: number): number {
  const next = per_second === undefined ? 0 : pace.spaced_from + (1000 / per_second) * SPACING_SLACK
  return Math.max(next, asked, pace.paused_until)
}

/** Infinity: not before an answer that is under way has told what is left. */
function earliestOf(pace: Pace, limits: Limits, { now, asked, open, transit }: Moment): number {
  const { per_second, per_minute, windows } = limits
  const planned = plannedOf(pace, limits, asked)
  let earliest = Math.max(pace.paused_until, windows === undefined ? 0 : windowsOf(pace, windows, now, open))
  if (per_second === undefined && per_minute === undefined) return earliest
  const arrivals = transit.arrivals(pace.starts, now, now - planned)
  if (per_second !== undefined) {
    const within = Math.max(1, Math.floor(per_second))
    const full = arrivals.at(-within)
    earliest = Math.max(earliest, planned, (pace.starts.at(-1) ?? 0) + (1000 / per_second) * CLOSEST)
    if (full !== undefined) earliest = Math.max(earliest, full + (within / per_second) * 1000 * WINDOW_SLACK)
  }
  if (per_minute !== undefined) {
    const full = arrivals.at(-per_minute)
    if (full !== undefined) earliest = Math.max(earliest, full + MINUTE_MS * WINDOW_SLACK)
  }
  return earliest
}

function begin(pace: Pace, limits: Limits, now: number, asked: number): void {
  const { per_second, per_minute, windows } = limits
  if (windows !== undefined) takeOne(pace, windows, now)
  if (per_second === undefined && per_minute === undefined) return
  pace.spaced_from = plannedOf(pace, limits, asked)
  const kept = Math.max(per_minute ?? 0, Math.floor(per_second ?? 0), 1)
  pace.starts = [...pace.starts, now].slice(-kept)
}
