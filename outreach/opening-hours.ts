import { DateTime, IANAZone } from 'luxon'
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
  /** Each hour of each day, holidays as well: nobody asked for better. */
  always?: boolean
}

/** When a sequence writes to a place. */
export function openingOf(
  { days, hours }: Pick<Opening, 'days' | 'hours'>,
  { country, state }: Pick<Opening, 'country' | 'state'>,
): Opening {
  return hours === undefined ? { country, state, days: WEEKDAYS, always: true } : { country, state, days, hours }
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

const QUARTER_MS = 900_000
const zones = new Map<string, { zone: IANAZone; offsets: Map<number, number>; starts: Map<string, number> }>()

/** What was reckoned of a zone before: clocks change at full quarters of an hour, and days are asked for again and again. */
function known(zone: string) {
  let found = zones.get(zone)
  if (found === undefined) {
    found = { zone: IANAZone.create(zone), offsets: new Map(), starts: new Map() }
    zones.set(zone, found)
  }
  return found
}

/** A local day, `2026-01-31`, of that moment (ms since 1970) there. */
export function localDay(at: number, zone: string): string {
  if (zone === 'UTC') return dayOf(at)
  const { zone: iana, offsets } = known(zone)
  const quarter = Math.floor(at / QUARTER_MS)
  let offset = offsets.get(quarter)
  if (offset === undefined) {
    offset = iana.offset(quarter * QUARTER_MS) * 60_000
    offsets.set(quarter, offset)
  }
  return dayOf(at + offset)
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

/** The first moment of a local day, also where the clocks skip midnight. */
function startOf(day: string, zone: string): number {
  const { starts } = known(zone)
  let start = starts.get(day)
  if (start === undefined) {
    start = DateTime.fromISO(day, { zone }).startOf('day').toMillis()
    starts.set(day, start)
  }
  return start
}

/** From when to when (ms, the end not in it) one local day is open; undefined for a day that is not. */
export type Days = (opening: Opening, day: string) => { from: number; to: number } | undefined

/** Remembers each day that it was asked of: the leads of a place share them. */
export function openDays(holidays: Holidays): Days {
  type Open = ReturnType<Days> | null
  const byPlace = new Map<string, Map<string, Open>>()
  const byOpening = new WeakMap<Opening, Map<string, Open>>()
  return (opening, day) => {
    let days = byOpening.get(opening)
    if (days === undefined) {
      const key = keyOf(opening)
      days = byPlace.get(key) ?? new Map()
      byPlace.set(key, days)
      byOpening.set(opening, days)
    }
    let open = days.get(day)
    if (open === undefined) {
      open = openOn(opening, day, holidays) ?? null
      days.set(day, open)
    }
    return open ?? undefined
  }
}

/** The same for all who may be written to at the same times. */
export function keyOf({ country, state, days, hours, always }: Opening): string {
  return `${country} ${state} ${days.join()} ${hours?.from} ${hours?.to} ${always}`
}

function openOn(opening: Opening, day: string, holidays: Holidays): { from: number; to: number } | undefined {
  const zone = zoneOf(opening)
  const whole = () => ({ from: startOf(day, zone), to: startOf(nextDay(day), zone) })
  if (opening.always) return whole()
  if (!opening.days.includes(weekdayOf(day))) return undefined
  if (holidays(opening.country, opening.state, day)) return undefined
  if (opening.hours === undefined) return whole()
  const start = DateTime.fromISO(day, { zone }).startOf('day')
  const from = clock(start, opening.hours.from)
  const to = clock(start, opening.hours.to)
  return from < to ? { from, to } : undefined
}

function weekdayOf(day: string): (typeof WEEKDAYS)[number] {
  return WEEKDAYS[(new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7]!
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
  return startOf(nextDay(localDay(sent, zone), days), zone)
}
