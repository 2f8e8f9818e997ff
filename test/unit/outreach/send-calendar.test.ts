import fc from 'fast-check'
import { expect, test } from 'vitest'
import { COUNTRIES } from '../../../outreach/countries.ts'
import { refusesLead } from '../../../outreach/guard.ts'
import type { Lead } from '../../../outreach/lead.ts'
import { refusesMoment } from '../../../outreach/moment.ts'
import { openDays, zoneOf } from '../../../outreach/opening-hours.ts'
import { type Entry, type Journey, sendCalendar } from '../../../outreach/send-calendar.ts'
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
    { minLength: 1, maxLength: 6 },
  ),
  caps: fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 4 })),
  gap_min: fc.integer({ min: 0, max: 600 }),
  outages: fc.array(fc.tuple(fc.integer({ min: 0, max: 24 * 30 }), fc.integer({ min: 1, max: 24 * 9 })), {
    maxLength: 3,
  }),
  /** When the sender that knows nothing of calendars tries, in hours. */
  tries: fc.array(fc.integer({ min: 0, max: 24 * 35 * 4 - 1 }), { minLength: 10, maxLength: 25 }),
})

const RUNS = process.env.LONG === '1' ? 10_000 : 400
const WORKS = { lead_id: 'l', qualification_status: 'qualified', held: null, audiences: ['s'] } as unknown as Lead

function hold(is: boolean, otherwise: string): void {
  if (!is) throw new Error(`leaves ${otherwise}`)
}

test(`over ${RUNS} random calendars nothing leaves at a wrong moment`, () => {
  let sent = 0
  let refused = 0
  fc.assert(
    fc.property(world, ({ now, leads, caps, gap_min, outages, tries }) => {
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
      const told = new Set(entries.map(({ event_id }) => event_id))
      const all = journeys.flatMap(({ stops }) => stops)
      hold(told.size === entries.length && all.every(({ event_id }) => told.has(event_id)), 'not told, or twice')
      hold(
        entries.every(({ at, reason }) => (at === undefined) !== (reason === undefined)),
        'neither time nor reason',
      )
      judge(entries)
      judge(naive())

      /** A sender that knows no calendar: it tries every lead at any time, and only the guard keeps it. */
      function naive(): Entry[] {
        const told: Entry[] = []
        const state = journeys.map(({ sent_at }) => ({ index: 0, sent_at: [...sent_at] }))
        const boxes = new Map<string, { last_at: number | undefined; day: string; sent_today: number }>()
        for (const at of tries.map((quarter) => now + (quarter * HOUR) / 4).sort((a, b) => a - b)) {
          if (isDown(at) !== undefined) continue
          for (const [n, { lead_id, opening, max_late_days, stops }] of journeys.entries()) {
            const { index, sent_at } = state[n]!
            const stop = stops[index]
            if (stop === undefined) continue
            const box = boxes.get(stop.mailbox) ?? { last_at: undefined, day: '', sent_today: 0 }
            boxes.set(stop.mailbox, box)
            const day = new Date(at).toISOString().slice(0, 10)
            if (day !== box.day) Object.assign(box, { day, sent_today: 0 })
            const is_stopped = at >= stopAt(lead_id)
            const status = is_stopped && n % 2 === 0 ? ('replied' as const) : ('sent' as const)
            const done = sent_at.map((sent) => ({ status, sent_at: sent, same_channel: true }))
            const history = [{ sequence: 's', status, sent_at: null, planned_at: '2026-01-01T00:00:00Z' }]
            const reason =
              refusesLead(WORKS, 's', history) ??
              refusesMoment({
                now: at,
                paused: false,
                suppressed: is_stopped && n % 2 === 1,
                earlier: done,
                after_days: stop.after_days,
                due: stop.due,
                max_late_days,
                opening,
                days,
                holidays,
                mailbox: {
                  sent_today: box.sent_today,
                  per_day: cap[stop.mailbox]!,
                  last_at: box.last_at,
                  gap_ms: gap,
                  health: { sent: 0, bounced: 0, complained: 0 },
                },
              })
            if (reason !== undefined) continue
            told.push({ event_id: stop.event_id, lead_id, mailbox: stop.mailbox, at, reason: undefined })
            box.sent_today += 1
            box.last_at = at
            sent_at.push(at)
            state[n]!.index += 1
          }
        }
        return told
      }

      function judge(entries: readonly Entry[]): void {
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
          hold(at >= Math.max(now, stop.due), 'before it is due')
          hold(at < until, 'after the end')
          hold(opening.days.includes(here.weekday), 'on a day off')
          hold(!holidays(opening.country, opening.state, here.day), 'on a holiday')
          const { hours } = opening
          hold(hours === undefined || (here.time >= hours.from && here.time < hours.to), 'outside hours')
          hold(isDown(at) === undefined, 'in an outage')
          hold(at < stopAt(lead_id), 'after a stop')
          const key = `${from} ${new Date(at).toISOString().slice(0, 10)}`
          const today = (perDay.get(key) ?? 0) + 1
          perDay.set(key, today)
          hold(today <= cap[from]!, 'over the cap')
          const previous = last.get(from)
          hold(previous === undefined || at - previous >= gap, 'within the gap')
          last.set(from, at)
          const before = lastOf.get(lead_id)
          let ready = stop.due
          if (before !== undefined) {
            const apart = (Date.parse(here.day) - Date.parse(local(before, zone).day)) / DAY
            hold(apart >= stop.after_days, 'closer than the sequence says')
            ready = Math.max(ready, before + stop.after_days * DAY)
          }
          hold(max_late_days === undefined || at - ready <= (max_late_days + 1) * DAY, 'too late')
          lastOf.set(lead_id, at)
        }
      }
    }),
    { numRuns: RUNS, seed: 2026_11_22 },
  )
  // The judge has seen both: otherwise it would have nothing to say.
  expect(sent).toBeGreaterThan(RUNS)
  expect(refused).toBeGreaterThan(RUNS)
}, 240_000)

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
