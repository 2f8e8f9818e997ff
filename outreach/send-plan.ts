import type { PlanTable } from '../pipeline/plan-part.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import type { Desk } from './desk.ts'
import type { OutreachEvent } from './events.ts'
import { publicHolidays } from './holidays.ts'
import type { Lead } from './lead.ts'
import { capOf, gapAfter } from './mailbox-pace.ts'
import { mailboxPasts, nothingSent } from './mailbox-past.ts'
import { keyOf, type Opening, openDays, openingOf } from './opening-hours.ts'
import { type CalendarMailbox, type Journey, sendCalendar } from './send-calendar.ts'

/** How far `pipeline plan` looks ahead. */
const WEEKS = 4
const DAY_MS = 86_400_000

/** What is told of a step that does not leave within the calendar. */
interface Stay {
  lead_id: string
  sequence: string
  channel: string
  step: number
  reason: string
}

/** The ways that leads have before them, gathered lead by lead, and then the calendar of all of them. */
export class SendPlan {
  readonly #desk: Desk
  readonly #journeys: Journey[] = []
  readonly #stays: Stay[] = []
  /** By event: what a line about it says. */
  readonly #steps = new Map<string, Omit<Stay, 'lead_id' | 'reason'>>()
  /** Leads of one place and sequence share theirs, so that a day is looked up once for all. */
  readonly #openings = new Map<string, Opening>()

  constructor(desk: Desk) {
    this.#desk = desk
  }

  /** One lead, with all that is planned for it or was done. */
  add(lead: Lead | undefined, events: readonly OutreachEvent[]): void {
    for (const event of events)
      if (event.status === 'skipped') this.#stays.push(stay(event, event.skip_reason ?? 'not said'))
    const open = events
      .filter(({ status }) => status === 'planned' || status === 'approved')
      .sort((a, b) => a.sequence_step - b.sequence_step)
    const first = open[0]
    const sequence = this.#desk.sequences.find(({ name }) => name === first?.sequence)
    if (first === undefined || sequence === undefined) return
    const own = events.filter((event) => event.sequence === sequence.name)
    const blocks = own.find((one) => one.sequence_step < first.sequence_step && STUCK.includes(one.status))
    if (blocks !== undefined) {
      const reason = ['sending', 'in_doubt'].includes(blocks.status)
        ? 'earlier_step_open'
        : `earlier_step_${blocks.status}`
      if (reason === 'earlier_step_open' || blocks.channel === first.channel) {
        for (const event of open) this.#stays.push(stay(event, reason))
        return
      }
    }
    for (const { event_id, sequence_step, channel } of open)
      this.#steps.set(event_id, { sequence: sequence.name, channel, step: sequence_step })
    this.#journeys.push({
      lead_id: first.lead_id,
      opening: this.#openingOf(openingOf(sequence, { country: lead?.country ?? null, state: lead?.state ?? null })),
      max_late_days: sequence.max_late_days,
      sent_at: own.flatMap(({ sent_at }) => (sent_at === null ? [] : Date.parse(sent_at))),
      stops: open.map((event) => ({
        event_id: event.event_id,
        mailbox: `${event.channel} ${event.mailbox}`,
        due: Date.parse(event.planned_at),
        after_days: sequence.steps.find(({ id }) => id === event.step_id)?.after_days ?? 0,
      })),
    })
  }

  #openingOf(opening: Opening): Opening {
    const key = keyOf(opening)
    const known = this.#openings.get(key) ?? opening
    this.#openings.set(key, known)
    return known
  }

  /** Messages a day, were all that is planned approved today; and of each lead that gets none then, why. */
  async tables(connection: Connection): Promise<{ tables: PlanTable[]; leaving: number; staying: number }> {
    const now = Date.parse(`${this.#desk.as_of}T00:00:00Z`)
    const holidays = this.#desk.sequences.some(({ hours }) => hours !== undefined)
      ? await publicHolidays()
      : () => false
    const mailboxes = await this.#mailboxes(connection, new Date(now))
    const until = now + WEEKS * 7 * DAY_MS
    const entries = sendCalendar(this.#journeys, { now, until, days: openDays(holidays), holidays, mailboxes })
    const days = new Map<string, number>()
    let leaving = 0
    const stays = [...this.#stays]
    for (const { event_id, lead_id, at, reason } of entries) {
      const step = this.#steps.get(event_id)!
      if (at === undefined) stays.push({ lead_id, ...step, reason: reason! })
      else {
        leaving += 1
        const key = `${new Date(at).toISOString().slice(0, 10)} ${step.channel} ${step.sequence}`
        days.set(key, (days.get(key) ?? 0) + 1)
      }
    }
    const calendar = [...days]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, messages]) => {
        const [day, channel, sequence] = key.split(' ') as [string, string, string]
        return { day, channel, sequence, messages }
      })
    return {
      tables: [
        {
          name: `send calendar of ${WEEKS} weeks, were all approved today`,
          columns: ['day', 'channel', 'sequence', 'messages'],
          rows: calendar,
        },
        { name: 'not in it, and why', columns: ['reason', 'messages', 'leads'], rows: reasonsOf(stays) },
        {
          name: 'not in it, lead by lead',
          columns: ['lead_id', 'sequence', 'step', 'channel', 'reason'],
          rows: stays.sort((a, b) => order(a.lead_id, b.lead_id) || a.step - b.step).map((one) => ({ ...one })),
        },
      ],
      leaving,
      staying: stays.length,
    }
  }

  async #mailboxes(connection: Connection, now: Date): Promise<Map<string, CalendarMailbox>> {
    const pasts = await mailboxPasts(connection, now)
    const mailboxes = new Map<string, CalendarMailbox>()
    for (const [channel, { senders }] of this.#desk.channels) {
      for (const sender of senders) {
        const key = `${channel} ${sender.mailbox}`
        const past = pasts.get(key) ?? nothingSent()
        const cap = (days: number) => capOf(sender, past.days_before + days)
        mailboxes.set(key, { ...past, cap, gap_ms: (event_id) => gapAfter(sender, event_id) })
      }
    }
    return mailboxes
  }
}

const STUCK: readonly string[] = ['sending', 'in_doubt', 'failed', 'rejected']

function stay({ lead_id, sequence, channel, sequence_step }: OutreachEvent, reason: string): Stay {
  return { lead_id, sequence, channel, step: sequence_step, reason }
}

function reasonsOf(stays: readonly Stay[]) {
  const reasons = new Map<string, { messages: number; leads: Set<string> }>()
  for (const { lead_id, reason } of stays) {
    const found = reasons.get(reason) ?? { messages: 0, leads: new Set() }
    found.messages += 1
    found.leads.add(lead_id)
    reasons.set(reason, found)
  }
  return [...reasons]
    .sort(([a], [b]) => order(a, b))
    .map(([reason, { messages, leads }]) => ({ reason, messages, leads: leads.size }))
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
