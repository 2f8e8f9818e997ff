const HOUR_MS = 3_600_000

/** When the next day begins in a zone, in milliseconds since 1970. A zone that nobody knows is taken for UTC. */
export function midnightIn(zone: string, now: Date): number {
  const today = dayIn(zone, now.getTime())
  let [before, after] = [now.getTime(), now.getTime() + 26 * HOUR_MS]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (dayIn(zone, middle) === today) before = middle
    else after = middle
  }
  return after
}

function dayIn(zone: string, at: number): string {
  try {
    return new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(at)
  } catch {
    return new Intl.DateTimeFormat('en-CA', { timeZone: 'UTC' }).format(at)
  }
}
