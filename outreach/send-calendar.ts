import { type MailboxState, type Moment, notBefore, refusesMoment } from './moment.ts'
import { type Days, type Holidays, keyOf, localDay, nextOpen, type Opening } from './opening-hours.ts'

/** One lead's way through what is left of its sequence. */
export interface Journey {
  lead_id: string
  /** Where it is, and when its sequence writes. */
  opening: Opening
  max_late_days?: number
  /** When steps before the first of `stops` were really sent (ms). */
  sent_at: readonly number[]
  /** In order. */
  stops: readonly { event_id: string; mailbox: string; due: number; after_days: number }[]
}

/** How fast a mailbox may send. */
export interface CalendarMailbox extends Pick<MailboxState, 'sent_today' | 'last_at' | 'health'> {
  /** The cap on its n-th day of sending, counted from 0 = today. */
  cap(days: number): number
  gap_ms(event_id: string): number
  last_id?: string
}

export interface Entry {
  event_id: string
  lead_id: string
  mailbox: string
  /** When it leaves, ms since 1970; undefined with a reason. */
  at: number | undefined
  reason: string | undefined
}

export interface CalendarWorld {
  now: number
  until: number
  days: Days
  holidays: Holidays
  mailboxes: ReadonlyMap<string, CalendarMailbox>
  /** Nothing runs at that moment, and again from the one returned on. */
  down?(at: number): number | undefined
  /** Why nothing more goes to that lead from that moment on: it answered, opted out. */
  stopped?(lead_id: string, at: number): string | undefined
}

const DAY_MS = 86_400_000

interface Waiting {
  ready: number
  journey: Journey
  index: number
  sent_at: readonly number[]
}

/**
 * What leaves when, under virtual time, in order: the mailboxes send side by side, each as fast as the guard lets it, the
 * one that has waited longest first; a step begins to wait when the step before it has really left. What does not leave
 * until the end, or never, is told with the guard's reason. Pure.
 */
export function sendCalendar(journeys: Iterable<Journey>, world: CalendarWorld): Entry[] {
  const boxes = new Map<string, Box>()
  const boxOf = (name: string) => {
    const known = boxes.get(name) ?? new Box(name, world)
    boxes.set(name, known)
    return known
  }
  const wait = (journey: Journey, index: number, sent_at: readonly number[]) => {
    const stop = journey.stops[index]!
    const from = sent_at.length === 0 ? undefined : notBefore(earlierOf(sent_at, stop.after_days, journey.opening))
    boxOf(stop.mailbox).push({ ready: Math.max(stop.due, from ?? stop.due, world.now), journey, index, sent_at })
  }
  for (const journey of journeys) if (journey.stops.length > 0) wait(journey, 0, journey.sent_at)
  const entries: Entry[] = []
  for (;;) {
    let best: Box | undefined
    for (const box of boxes.values()) if (box.next() < (best?.next() ?? world.until)) best = box
    if (best === undefined) break
    const { waiting, at } = best.take()
    const { journey, index } = waiting
    const stop = journey.stops[index]!
    const named = { event_id: stop.event_id, lead_id: journey.lead_id, mailbox: stop.mailbox }
    const reason = world.stopped?.(journey.lead_id, at) ?? refusesMoment(best.momentOf(waiting, at, world))
    entries.push({ ...named, at: reason === undefined ? at : undefined, reason })
    if (reason !== undefined) {
      for (const later of journey.stops.slice(index + 1))
        entries.push({
          event_id: later.event_id,
          lead_id: journey.lead_id,
          mailbox: later.mailbox,
          at: undefined,
          reason: reason === 'too_late' ? 'earlier_step_open' : reason,
        })
      continue
    }
    best.sent(stop.event_id, at)
    if (index + 1 < journey.stops.length) wait(journey, index + 1, [...waiting.sent_at, at])
  }
  for (const box of boxes.values())
    for (const { journey, index } of box.rest())
      for (const [ahead, { event_id, mailbox }] of journey.stops.slice(index).entries())
        entries.push({
          event_id,
          lead_id: journey.lead_id,
          mailbox,
          at: undefined,
          reason: ahead === 0 ? box.reason : 'earlier_step_open',
        })
  return entries
}

function earlierOf(sent_at: readonly number[], after_days: number, opening: Opening) {
  return {
    earlier: sent_at.map((at) => ({ status: 'sent' as const, sent_at: at, same_channel: true })),
    after_days,
    opening,
  }
}

/** What waits for one mailbox: a queue for each place and timetable, so that what is closed is not looked at one by one. */
class Box {
  readonly #world: CalendarWorld
  readonly #mailbox: CalendarMailbox
  readonly #queues = new Map<string, Queue>()
  #clock: number
  #day: string
  #days_before = 0
  #sent_today: number
  #last_at: number | undefined
  #last_id: string | undefined
  #next: { at: number; queue: Queue | undefined } | undefined
  #was_full = false

  constructor(name: string, world: CalendarWorld) {
    this.#world = world
    const unlimited = { sent_today: 0, last_at: undefined, health: { sent: 0, bounced: 0, complained: 0 } }
    this.#mailbox = world.mailboxes.get(name) ?? {
      ...unlimited,
      cap: () => Number.POSITIVE_INFINITY,
      gap_ms: () => 0,
    }
    this.#clock = world.now
    this.#day = localDay(world.now, 'UTC')
    this.#sent_today = this.#mailbox.sent_today
    this.#last_at = this.#mailbox.last_at
    this.#last_id = this.#mailbox.last_id
  }

  /** Why what still waits at the end has not left. */
  get reason(): string {
    return this.#was_full ? 'mailbox_full_today' : 'not_due_yet'
  }

  push(waiting: Waiting): void {
    const key = keyOf(waiting.journey.opening)
    const queue = this.#queues.get(key) ?? new Queue(waiting.journey.opening)
    this.#queues.set(key, queue)
    queue.push(waiting)
    this.#next = undefined
  }

  next(): number {
    this.#next ??= this.#find()
    return this.#next.at
  }

  take(): { waiting: Waiting; at: number } {
    const { at, queue } = this.#next!
    this.#next = undefined
    return { waiting: queue!.pop(), at }
  }

  sent(event_id: string, at: number): void {
    this.#turnTo(at)
    this.#sent_today += 1
    this.#last_at = at
    this.#last_id = event_id
    this.#clock = at + this.#gap()
    this.#next = undefined
  }

  momentOf({ journey, index, sent_at }: Waiting, now: number, { days, holidays }: CalendarWorld): Moment {
    this.#turnTo(now)
    const { due, after_days } = journey.stops[index]!
    const { opening, max_late_days } = journey
    const { health } = this.#mailbox
    const mailbox = {
      sent_today: this.#sent_today,
      per_day: this.#mailbox.cap(this.#days_before),
      last_at: this.#last_at,
      gap_ms: this.#gap(),
      health,
    }
    const { earlier } = earlierOf(sent_at, after_days, opening)
    const asked = { now, paused: false, suppressed: false, earlier, after_days, due, max_late_days }
    return { ...asked, opening, days, holidays, mailbox }
  }

  *rest(): Iterable<Waiting> {
    for (const queue of this.#queues.values()) yield* queue.all()
  }

  #gap(): number {
    return this.#last_id === undefined ? 0 : this.#mailbox.gap_ms(this.#last_id)
  }

  #turnTo(at: number): void {
    const day = localDay(at, 'UTC')
    if (day === this.#day) return
    if (this.#sent_today > 0) this.#days_before += 1
    this.#day = day
    this.#sent_today = 0
  }

  #find(): { at: number; queue: Queue | undefined } {
    const { until, days, down } = this.#world
    for (;;) {
      let at = until
      let queue: Queue | undefined
      const clock = Math.max(this.#clock, (this.#last_at ?? 0) + this.#gap())
      for (const one of this.#queues.values()) {
        const head = one.head()
        if (head === undefined) continue
        const open = nextOpen(Math.max(clock, head.ready), one.opening, days)
        if (open === undefined || open >= at) continue
        at = open
        queue = one
      }
      if (queue === undefined) return { at: Number.POSITIVE_INFINITY, queue }
      const again = down?.(at)
      if (again !== undefined) {
        this.#clock = again
        continue
      }
      this.#turnTo(at)
      if (this.#sent_today < this.#mailbox.cap(this.#days_before)) return { at, queue }
      this.#was_full = true
      this.#clock = Math.floor(at / DAY_MS + 1) * DAY_MS
    }
  }
}

/** A binary heap by readiness, then event: no order depends on a tie. */
class Queue {
  readonly opening: Opening
  readonly #heap: Waiting[] = []

  constructor(opening: Opening) {
    this.opening = opening
  }

  head(): Waiting | undefined {
    return this.#heap[0]
  }

  all(): readonly Waiting[] {
    return this.#heap
  }

  push(waiting: Waiting): void {
    const heap = this.#heap
    let at = heap.push(waiting) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(waiting, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = waiting
  }

  pop(): Waiting {
    const heap = this.#heap
    const top = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1
      if (!before(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return top
  }
}

function before(a: Waiting, b: Waiting): boolean {
  if (a.ready !== b.ready) return a.ready < b.ready
  return a.journey.stops[a.index]!.event_id < b.journey.stops[b.index]!.event_id
}
