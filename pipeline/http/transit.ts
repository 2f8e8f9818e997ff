/** The way of one request to the service and back. */
export interface Trip {
  /** It is sent now: what had to be written down before is written. */
  leaves(): void
  /** It was answered, or will not be. */
  over(): void
}

/** When requests reached the service, as far as can be told from here. */
export interface Transit {
  begin(started: number): Trip
  /**
   * When the requests that started then reached the service at the latest, in order. `behind`: by how many milliseconds
   * the plan is missed already; what is only suspected counts while there is time for it.
   */
  arrivals(starts: readonly number[], now: number, behind: number): number[]
}

interface Noted {
  left?: number
  answered?: number
}

/** What may be lost to the suspicion that requests arrived late, of the time since the service was last idle. */
const PATIENCE = 0.025
const PATIENCE_AT_FIRST_MS = 100
/** Believed however far behind. */
const LEAST_MS = 30
const REMEMBERED = 1_000
const IDLE_MS = 5_000

/**
 * A server counts requests when it gets to see them. One whose answer took longer than that of the fastest may have
 * arrived so much later (a connection being made, a busy machine), and the next window of the server begins with it.
 */
export function createTransit(clock: { now(): Date }): Transit {
  const trips = new Map<number, Noted>()
  const now = () => clock.now().getTime()
  let fastest: number | undefined
  let busy_since = 0
  let last = 0

  function arrivalOf(started: number, at: number, patience: number): number {
    const noted = trips.get(started)
    if (noted === undefined) return started
    if (noted.left === undefined) return at
    const late = fastest === undefined ? 0 : (noted.answered ?? at) - noted.left - fastest
    return noted.left + Math.max(0, Math.min(late, patience))
  }

  return {
    begin(started) {
      if (started - last > IDLE_MS) busy_since = started
      last = started
      const noted: Noted = {}
      trips.set(started, noted)
      if (trips.size > REMEMBERED) trips.delete(trips.keys().next().value!)
      return {
        leaves: () => {
          noted.left = now()
        },
        over: () => {
          if (noted.left === undefined) trips.delete(started)
          else if (noted.answered === undefined) {
            noted.answered = now()
            fastest = Math.min(fastest ?? Number.POSITIVE_INFINITY, noted.answered - noted.left)
          }
        },
      }
    },
    arrivals(starts, at, behind) {
      const patience = PATIENCE_AT_FIRST_MS + PATIENCE * (at - busy_since) - Math.max(0, behind)
      return starts.map((started) => arrivalOf(started, at, Math.max(LEAST_MS, patience))).sort((a, b) => a - b)
    },
  }
}
