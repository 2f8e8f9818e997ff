import type { RateWindow } from '../http.ts'
import type { Pace } from './pace-store.ts'

/** Until the service has told of a window, one request at a time finds out. */
const UNTOLD = 1
/** No limit is told. */
const UNLIMITED = 1e9
const SHORTEST_MS = 1_000

/** From when the service's windows let a request start. Infinity: not before an answer that is under way. */
export function windowsOf(pace: Pace, windows: readonly RateWindow[], now: number, open: number): number {
  let earliest = 0
  for (const { remaining } of windows) {
    const held = pace.windows[remaining]
    const left = held === undefined || now >= held.reset_at ? UNTOLD - open : held.left
    if (left > 0) continue
    if (open > 0) return Number.POSITIVE_INFINITY
    if (held !== undefined && now < held.reset_at) earliest = Math.max(earliest, held.reset_at)
  }
  return earliest
}

/** A request starts: it takes one of what is left. */
export function takeOne(pace: Pace, windows: readonly RateWindow[], now: number): void {
  for (const { remaining } of windows) {
    const held = pace.windows[remaining]
    if (held !== undefined && now < held.reset_at) held.left--
  }
}

/** What an answer tells. `open` others are under way, and may not be counted in it. */
export function noteWindows(
  pace: Pace,
  windows: readonly RateWindow[],
  headers: Record<string, string>,
  now: number,
  open: number,
): void {
  for (const window of windows) {
    const text = headers[window.remaining]?.trim() ?? ''
    const said = text === '' || Number.isNaN(Number(text)) ? UNLIMITED : Number(text)
    const before = pace.windows[window.remaining]
    const held = before !== undefined && now < before.reset_at ? before : undefined
    // Answers overtake each other: only a number well above the last one says that the window has begun anew.
    const same = held !== undefined && said <= held.told + 2 * (open + 1)
    const told = same ? Math.min(said, held.told) : said
    const ends =
      resetOf(window, headers, now) ??
      knownOf(window, now) ??
      (same ? held.reset_at : now + (window.period_s ?? 60) * 1000)
    pace.windows[window.remaining] = { left: told - open, told, reset_at: Math.max(ends, now + SHORTEST_MS) }
  }
}

function knownOf({ ends_in_s }: RateWindow, now: number): number | undefined {
  const seconds = ends_in_s?.()
  return seconds === undefined ? undefined : now + seconds * 1000
}

/** Seconds from now, or an instant in seconds or milliseconds since 1970. */
function resetOf({ reset }: RateWindow, headers: Record<string, string>, now: number): number | undefined {
  const text = reset === undefined ? '' : (headers[reset]?.trim() ?? '')
  const value = Number(text)
  if (text === '' || Number.isNaN(value)) return undefined
  if (value >= 1e11) return value
  return value >= 1e9 ? value * 1000 : now + value * 1000
}
