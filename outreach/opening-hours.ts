import { DateTime } from 'luxon'
import { COUNTRIES } from './countries.ts'
import { WEEKDAYS } from './sequence-file.ts'

/** Is the day (`2026-01-31`) a public holiday there? */
export type Holidays = (country: string | null, state: string | null, day: string) => boolean

/** When somebody may be written to: by the clock of the place where they are. */
export interface Opening {
  country: string | null
  state: string | null
  days: readonly (typeof WEEKDAYS)[number][]
  /** `09:00`, inclusive and exclusive; absent: the whole day. */
  hours?: { from: string; to: string }
}

/** IANA name of the zone of a place; UTC where nothing is known of it. */
export function zoneOf({ country, state }: Pick<Opening, 'country' | 'state'>): string {
  const known = COUNTRIES[country ?? '']
  if (known === undefined) return 'UTC'
  const code = (state ?? '')
    .trim()
    .toUpperCase()
    .replace(/^[A-Z]{2}-/, '')
  return known.states?.[code] ?? known.zone
}

/** A local day, `2026-01-31`, of that moment (ms since 1970) there. */
export function localDay(at: number, zone: string): string {
  return DateTime.fromMillis(at, { zone }).toISODate()!
}

/** From when to when (ms, the end not in it) one local day is open; undefined for a day that is not. */
export type Days = (opening: Opening, day: string) => { from: number; to: number } | undefined

/** Remembers each day that it was asked of: the leads of a place share them. */
export function openDays(holidays: Holidays): Days {
  const known = new Map<string, { from: number; to: number } | undefined>()
  return (opening, day) => {
    const { country, state, days, hours } = opening
    const key = `${country} ${state} ${days.join()} ${hours?.from} ${hours?.to} ${day}`
    if (!known.has(key)) known.set(key, openOn(opening, day, holidays))
    return known.get(key)
  }
}

function openOn(opening: Opening, day: string, holidays: Holidays): { from: number; to: number } | undefined {
  const zone = zoneOf(opening)
  const start = DateTime.fromISO(day, { zone }).startOf('day')
  if (!opening.days.includes(WEEKDAYS[start.weekday - 1]!)) return undefined
  if (holidays(opening.country, opening.state, day)) return undefined
  if (opening.hours === undefined) return { from: start.toMillis(), to: start.plus({ days: 1 }).toMillis() }
  const from = clock(start, opening.hours.from)
  const to = clock(start, opening.hours.to)
  return from < to ? { from, to } : undefined
}

/** That time of the day there; one that the clocks skip is the first moment after the gap. */
function clock(day: DateTime, time: string): number {
  const [hour, minute] = time.split(':').map(Number) as [number, number]
  return day.set({ hour, minute }).toMillis()
}

export function nextDay(day: string, by = 1): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + by * 86_400_000).toISOString().slice(0, 10)
}

/** Why that moment is none to write at; undefined when it is one. */
export function refusesHour(at: number, opening: Opening, days: Days, holidays: Holidays): string | undefined {
  const zone = zoneOf(opening)
  const day = localDay(at, zone)
  const open = days(opening, day)
  if (open !== undefined) return at >= open.from && at < open.to ? undefined : 'outside_hours'
  return holidays(opening.country, opening.state, day) ? 'public_holiday' : 'not_on_this_day'
}

/** The first moment at or after `at` that is open; undefined when there is none within a year. */
export function nextOpen(at: number, opening: Opening, days: Days): number | undefined {
  let day = localDay(at, zoneOf(opening))
  for (let ahead = 0; ahead < 366; ahead++) {
    const open = days(opening, day)
    if (open !== undefined && at < open.to) return Math.max(at, open.from)
    day = nextDay(day)
  }
  return undefined
}

/** The first moment of the local day that lies so many days after the day of `sent`: what a step's offset means. */
export function daysAfter(sent: number, days: number, zone: string): number {
  return DateTime.fromISO(nextDay(localDay(sent, zone), days), { zone })
    .startOf('day')
    .toMillis()
}
