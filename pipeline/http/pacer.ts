import type { HttpOptions } from '../http.ts'

/** Lets requests to one service start only as fast, and as many at once, as it allows. */
export interface Pacer {
  run<T>(work: () => Promise<T>): Promise<T>
  /** Nothing more starts for so long: the service asked for a pause. */
  pause(ms: number): void
}

interface Clock {
  now(): Date
  sleep(ms: number): Promise<void>
}

export const DEFAULT_CONCURRENCY = 8
const MINUTE_MS = 60_000
/** Requests reach the server less evenly than they leave: a little slack keeps them within its windows. */
const SLACK = 1.02

/**
 * `per_second` spaces starts evenly (what leaky-bucket servers want); `per_minute` lets bursts through but never more
 * than that many starts in any 60 s; `concurrency` caps what is under way. Starts come in the order of asking.
 */
export function createPacer(limits: HttpOptions['limits'], clock: Clock): Pacer {
  const { per_second, per_minute, concurrency = DEFAULT_CONCURRENCY } = limits ?? {}
  const spacing = per_second === undefined ? 0 : (1000 / per_second) * SLACK
  const starts: number[] = []
  const queue: (() => void)[] = []
  let running = 0
  let spacedFrom = Number.NEGATIVE_INFINITY
  let pausedUntil = 0
  let gate: Promise<void> = Promise.resolve()

  function earliest(): number {
    const full = per_minute !== undefined && starts.length === per_minute
    return Math.max(spacedFrom + spacing, full ? starts[0]! + MINUTE_MS * SLACK : 0, pausedUntil)
  }

  async function waitForStart(): Promise<void> {
    let scheduled: number | undefined
    for (let now = clock.now().getTime(); ; now = clock.now().getTime()) {
      const start = earliest()
      if (now >= start) {
        // Timers fire late: counting from the planned time keeps the rate; an idle pacer counts from now.
        spacedFrom = scheduled ?? now
        if (per_minute !== undefined) {
          starts.push(now)
          if (starts.length > per_minute) starts.shift()
        }
        return
      }
      scheduled = start
      await clock.sleep(Math.ceil(start - now))
    }
  }

  function nextStart(): Promise<void> {
    const turn = gate.then(waitForStart)
    gate = turn.catch(() => {})
    return turn
  }

  return {
    async run(work) {
      if (running >= concurrency) await new Promise<void>((resolve) => queue.push(resolve))
      else running++
      try {
        await nextStart()
        return await work()
      } finally {
        const next = queue.shift()
        if (next === undefined) running--
        else next()
      }
    },
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, clock.now().getTime() + ms)
    },
  }
}
