import fc from 'fast-check'
import { expect, test } from 'vitest'
import { COUNTRIES } from '../../../outreach/countries.ts'
import { openDays, zoneOf } from '../../../outreach/opening-hours.ts'
import { type Journey, sendCalendar } from '../../../outreach/send-calendar.ts'
import { WEEKDAYS } from '../../../outreach/sequence-file.ts'

const DAY = 86_400_000
const HOUR = DAY / 24
/** A tenth of all days are free, by country, as the judge and the calendar are both told. */
const holidays = (country: string | null, _state: string | null, day: string) =>
  (Number(day.slice(8)) * 7 + Number(day.slice(5, 7)) * 3 + (country ?? 'A').charCodeAt(0)) % 10 === 0
const days = openDays(holidays)

const formats = new Map<string, Intl.DateTimeFormat>()
/** The judge's own clock: the platform's, not the library that the calendar reckons with. */
function local(at: number, zone: string) {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      dateStyle: 'short',
      timeStyle: 'medium',
      hourCycle: 'h23',
    })
    formats.set(zone, format)
  }
  const [date, time] = format.format(at).split(', ') as [string, string]
  const day = date.split('/').reverse().join('-')
  return { day, time: time.slice(0, 5), weekday: WEEKDAYS[(new Date(day).getUTCDay() + 6) % 7]! }
}

const place = fc.oneof(
  ...Object.entries(COUNTRIES).map(([country, { states }]) =>
    fc.constantFrom(null, ...Object.keys(states ?? {})).map((state) => ({ country: country as string | null, state })),
  ),
  fc.constant({ country: null, state: null }),
)
const hours = fc
  .tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 1, max: 23 }), fc.constantFrom('00', '30'))
  .map(([from, long, minute]) => ({
    from: `${String(from).padStart(2, '0')}:${minute}`,
    to: `${String(Math.min(23, from + long)).padStart(2, '0')}:59`,
  }))
// Around each change of the clocks, north and south, and in between.
const start = fc
  .constantFrom(
    '2026-03-05',
    '2026-03-26',
    '2026-04-02',
    '2026-10-01',
    '2026-10-22',
    '2026-10-29',
    '2026-12-20',
    '2028-02-26',
  )
  .chain((day) => fc.integer({ min: 0, max: DAY - 1 }).map((ms) => Date.parse(day) + ms))

const world = fc.record({
  now: start,
  leads: fc.array(
    fc.record({
      place,
      hours: fc.option(hours, { nil: undefined }),
      days: fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { minLength: 1 }),
      mailbox: fc.constantFrom('a', 'b'),
      due: fc.integer({ min: -10, max: 10 }),
      offsets: fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 4 }),
      max_late_days: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
      sent_before: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
      stops_after_h: fc.option(fc.integer({ min: 0, max: 24 * 30 }), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  caps: fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 4 })),
  gap_min: fc.integer({ min: 0, max: 600 }),
  outages: fc.array(fc.tuple(fc.integer({ min: 0, max: 24 * 30 }), fc.integer({ min: 1, max: 24 * 9 })), {
    maxLength: 3,
  }),
})

/** All of them take 45 s. */
const RUNS = process.env.LONG === '1' ? 10_000 : 500

test(`over ${RUNS} random calendars nothing leaves at a wrong moment`, () => {
  let sent = 0
  let refused = 0
  fc.assert(
    fc.property(world, ({ now, leads, caps, gap_min, outages }) => {
      const until = now + 35 * DAY
      const cap = { a: caps[0], b: caps[1] } as Record<string, number>
      const gap = gap_min * 60_000
      const journeys = leads.map(
        (lead, n): Journey => ({
          lead_id: `led_${n}`,
          opening: { ...lead.place, days: lead.days, hours: lead.hours },
          max_late_days: lead.max_late_days,
          sent_at: lead.sent_before === undefined ? [] : [now - lead.sent_before * HOUR],
          stops: lead.offsets.map((after_days, step) => ({
            event_id: `${n}/${step}`,
            mailbox: lead.mailbox,
            due: now + lead.due * DAY,
            after_days,
          })),
        }),
      )
      const isDown = (at: number) => {
        const ends = outages.filter(([from, long]) => at >= now + from * HOUR && at < now + (from + long) * HOUR)
        return ends.length === 0 ? undefined : Math.max(...ends.map(([from, long]) => now + (from + long) * HOUR))
      }
      const stopAt = (lead_id: string) => {
        const after = leads[Number(lead_id.slice(4))]!.stops_after_h
        return after === undefined ? Number.POSITIVE_INFINITY : now + after * HOUR
      }
      const mailbox = (name: string) => ({
        sent_today: 0,
        last_at: undefined,
        health: { sent: 0, bounced: 0, complained: 0 },
        cap: () => cap[name]!,
        gap_ms: () => gap,
      })
      const entries = sendCalendar(journeys, {
        now,
        until,
        days,
        holidays,
        mailboxes: new Map([
          ['a', mailbox('a')],
          ['b', mailbox('b')],
        ]),
        down: isDown,
        stopped: (lead_id, at) => (at >= stopAt(lead_id) ? 'stopped_replied' : undefined),
      })
      // Everything is told once: when it leaves, or why not.
      expect(entries.map(({ event_id }) => event_id).sort()).toEqual(
        journeys.flatMap(({ stops }) => stops.map(({ event_id }) => event_id)).sort(),
      )
      expect(entries.every(({ at, reason }) => (at === undefined) !== (reason === undefined))).toBe(true)
      const perDay = new Map<string, number>()
      const last = new Map<string, number>()
      const lastOf = new Map<string, number>(
        journeys.flatMap(({ lead_id, sent_at }) => sent_at.map((at) => [lead_id, at] as const)),
      )
      for (const { event_id, lead_id, mailbox: from, at } of entries) {
        if (at === undefined) {
          refused += 1
          continue
        }
        sent += 1
        const { opening, stops, max_late_days } = journeys[Number(lead_id.slice(4))]!
        const stop = stops.find((one) => one.event_id === event_id)!
        const zone = zoneOf(opening)
        const here = local(at, zone)
        expect(at).toBeGreaterThanOrEqual(Math.max(now, stop.due))
        expect(at).toBeLessThan(until)
        expect(opening.days).toContain(here.weekday)
        expect(holidays(opening.country, opening.state, here.day)).toBe(false)
        if (opening.hours !== undefined) {
          expect(here.time >= opening.hours.from && here.time < opening.hours.to).toBe(true)
        }
        expect(isDown(at)).toBeUndefined()
        expect(at).toBeLessThan(stopAt(lead_id))
        const key = `${from} ${new Date(at).toISOString().slice(0, 10)}`
        perDay.set(key, (perDay.get(key) ?? 0) + 1)
        expect(perDay.get(key)).toBeLessThanOrEqual(cap[from]!)
        const previous = last.get(from)
        if (previous !== undefined) expect(at - previous).toBeGreaterThanOrEqual(gap)
        last.set(from, at)
        const before = lastOf.get(lead_id)
        let ready = stop.due
        if (before !== undefined) {
          const apart = (Date.parse(here.day) - Date.parse(local(before, zone).day)) / DAY
          expect(apart).toBeGreaterThanOrEqual(stop.after_days)
          ready = Math.max(ready, before + stop.after_days * DAY)
        }
        if (max_late_days !== undefined) expect(at - ready).toBeLessThanOrEqual((max_late_days + 1) * DAY)
        lastOf.set(lead_id, at)
      }
    }),
    { numRuns: RUNS, seed: 2026_11_22 },
  )
  // The judge has seen both: otherwise it would have nothing to say.
  expect(sent).toBeGreaterThan(RUNS)
  expect(refused).toBeGreaterThan(RUNS)
}, 120_000)

test('a day without any cap, a lead that stops, and the reasons of what stays', () => {
  const now = Date.parse('2026-11-23T12:00:00Z')
  const opening = { country: 'US', state: 'CA', days: WEEKDAYS.slice(0, 5), hours: { from: '09:00', to: '17:00' } }
  const stop = (event_id: string, after_days: number) => ({ event_id, mailbox: 'a', due: now, after_days })
  const [first, second, third] = sendCalendar(
    [{ lead_id: 'led_1', opening, sent_at: [], stops: [stop('1', 0), stop('2', 3), stop('3', 60)] }],
    {
      now,
      until: now + 28 * DAY,
      days: openDays((_c, _s, day) => day === '2026-11-26'),
      holidays: (_c, _s, day) => day === '2026-11-26',
      mailboxes: new Map(),
    },
  )
  expect(new Date(first!.at!).toISOString()).toBe('2026-11-23T17:00:00.000Z')
  expect(new Date(second!.at!).toISOString()).toBe('2026-11-27T17:00:00.000Z')
  expect(third).toMatchObject({ at: undefined, reason: 'not_due_yet' })
})
