const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** Milliseconds until the time that `Retry-After` names (seconds or an HTTP date); undefined when it names none. */
export function retryAfterMs(headers: Record<string, string>, now: Date): number | undefined {
  const text = headers['retry-after']?.trim()
  if (text === undefined || text === '') return undefined
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000)
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime())
}

/** Doubles with each try, up to half a minute; between half and all of it, so that many callers do not come back at once. */
export function backoffMs(tries: number, random: () => number): number {
  const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1))
  return Math.round(full * (0.5 + random() / 2))
}
