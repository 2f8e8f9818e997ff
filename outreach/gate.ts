import type { StepContext } from '../pipeline/step.ts'
import { quoteLiteral } from '../pipeline/table.ts'
import { type Desk, hashOf, letterOf, namesOf, type Switched } from './desk.ts'
import { casesOf, dueSelect } from './due.ts'
import type { OutreachEvent, Status } from './events.ts'
import { freshActs } from './fresh-acts.ts'
import { consequenceOf, guard } from './guard.ts'
import { publicHolidays } from './holidays.ts'
import type { Lead } from './lead.ts'
import { capOf, gapAfter } from './mailbox-pace.ts'
import { type MailboxPast, mailboxPasts, nothingSent } from './mailbox-past.ts'
import type { Moment } from './moment.ts'
import { type Holidays, openDays, openingOf } from './opening-hours.ts'
import { skipped } from './plan.ts'
import type { Sequence } from './sequence.ts'
import type { Person } from './suppressed.ts'

/** What may be done with a message at this moment. `change`: nothing leaves, and the event is to be this. */
export type Verdict = { say: 'go' } | { say: 'wait'; reason: string } | { say: 'change'; event: OutreachEvent }

/** It has left, as far as anybody knows. */
const LEFT: readonly Status[] = ['sent', 'delivered', 'opened', 'replied', 'bounced', 'unsubscribed', 'complained']
interface Known {
  lead: Lead | undefined
  cnpj: string | null
  history: Map<string, OutreachEvent>
}

/** What is asked of each message right before it leaves: the facts of this moment, not those of when it was planned. */
export class Gate {
  readonly #context: StepContext
  readonly #desk: Desk
  readonly #isSuppressed: (person: Person) => boolean
  readonly #heldSince: (lead_id: string) => string | undefined
  readonly #leads = new Map<string, Known>()
  /** What each mailbox has sent, by channel and mailbox. */
  readonly #pasts: Map<string, MailboxPast>
  readonly #holidays: Holidays
  readonly #days: ReturnType<typeof openDays>
  #day: string

  private constructor(
    context: StepContext,
    desk: Desk,
    isSuppressed: (person: Person) => boolean,
    heldSince: (lead_id: string) => string | undefined,
    pasts: Map<string, MailboxPast>,
    holidays: Holidays,
  ) {
    this.#context = context
    this.#desk = desk
    this.#isSuppressed = isSuppressed
    this.#heldSince = heldSince
    this.#pasts = pasts
    this.#holidays = holidays
    this.#days = openDays(holidays)
    this.#day = context.now().toISOString().slice(0, 10)
  }

  static async open(context: StepContext, desk: Desk, isSuppressed: (person: Person) => boolean): Promise<Gate> {
    const pasts = await mailboxPasts(context.connection, context.now())
    return new Gate(context, desk, isSuppressed, await freshActs(context), pasts, await publicHolidays())
  }

  /** Reads the facts of the leads that these messages are for. */
  async learn(events: readonly OutreachEvent[]): Promise<void> {
    const ids = [...new Set(events.map(({ lead_id }) => lead_id))].filter((id) => !this.#leads.has(id))
    if (ids.length === 0) return
    const { connection } = this.#context
    await connection.run(
      `create or replace temp table leads_to_write_to as
       select unnest(from_json(${quoteLiteral(JSON.stringify(ids))}, '["VARCHAR"]')) as lead_id`,
    )
    const select = await dueSelect(connection, this.#desk.sequences, 'temp.main.leads_to_write_to')
    for await (const cases of casesOf(connection, select)) {
      for (const { lead, history } of cases) {
        const lead_id = lead?.lead_id ?? history[0]!.lead_id
        this.#leads.set(lead_id, { lead, cnpj: null, history: new Map(history.map((one) => [one.event_id, one])) })
      }
    }
    const roots = await connection.rows<{ lead_id: string; cnpj: string | null }>(
      `select leads.lead_id, companies.cnpj from marts.fct_enriched_leads as leads
       join marts.dim_companies as companies on companies.company_id = leads.company_id
       where leads.lead_id in (select lead_id from temp.main.leads_to_write_to)`,
    )
    for (const { lead_id, cnpj } of roots) {
      const known = this.#leads.get(lead_id)
      if (known !== undefined) known.cnpj = cnpj
    }
  }

  judge(event: OutreachEvent): Verdict {
    const entry = this.#desk.channels.get(event.channel)
    if (entry === undefined) return { say: 'wait', reason: 'channel_off' }
    if (this.#context.signal.aborted) return { say: 'wait', reason: 'interrupted' }
    const sequence = this.#desk.sequences.find(({ name }) => name === event.sequence)
    const at = sequence?.steps.findIndex(({ id }) => id === event.step_id) ?? -1
    if (sequence === undefined || at < 0) return { say: 'wait', reason: 'not_in_its_sequence' }
    if (entry.senders.length > 0 && senderOf(event, entry) === undefined) return { say: 'wait', reason: 'mailbox_gone' }
    const { lead, history } = this.#leads.get(event.lead_id) ?? {
      lead: undefined,
      history: new Map<string, OutreachEvent>(),
    }
    const message = { subject: event.subject, body: event.body ?? '' }
    const others = [...history.values()].filter(({ event_id }) => event_id !== event.event_id)
    const moment = this.#momentOf(event, entry, sequence, sequence.steps[at]!.after_days)
    const is_first = this.threadOf(event).length === 0
    const lacks = entry.channel.lacks?.(entry.settings)
    const window = { recontact_after_days: sequence.recontact_after_days, today: this.#today() }
    const said = { message, history: others, window, ground: sequence, moment, is_first, lacks }
    const reason = guard({ lead, sequence: event.sequence, channel: entry.channel, ...said })
    if (reason !== undefined) {
      const consequence = consequenceOf(reason)
      if (consequence === 'wait') return { say: 'wait', reason }
      const late = { ...event, planned_at: `${this.#today()}T00:00:00.000Z` }
      return { say: 'change', event: consequence === 'stop' ? skipped(event, reason) : reopened(late, entry) }
    }
    const moved = lead![entry.channel.address]?.trim() !== event.address
    if (moved || hashOf(event, entry) !== event.content_hash) return { say: 'change', event: reopened(event, entry) }
    return { say: 'go' }
  }

  #momentOf(event: OutreachEvent, entry: Switched, sequence: Sequence, after_days: number): Moment {
    const last_look = this.lastLook(event)
    const lead = this.#leads.get(event.lead_id)?.lead
    const past = this.#pastOf(event)
    const sender = senderOf(event, entry) ?? {}
    const opening = openingOf(sequence, { country: lead?.country ?? null, state: lead?.state ?? null })
    const earlier = this.#before(event).map(({ status, sent_at, channel }) => ({
      status,
      sent_at: sent_at === null ? undefined : Date.parse(sent_at),
      same_channel: channel === event.channel,
    }))
    const due = Math.max(Date.parse(event.planned_at), Date.parse(event.next_attempt_at ?? event.planned_at))
    const { max_late_days } = sequence
    const { last_at, last_id, sent_today, days_before, health } = past
    const gap_ms = last_id === undefined ? 0 : gapAfter(sender, last_id)
    return {
      now: this.#context.now().getTime(),
      paused: last_look === 'paused',
      suppressed: last_look === 'suppressed',
      held: last_look === 'snoozed' || last_look === 'decided_since' ? last_look : undefined,
      earlier,
      after_days,
      due,
      max_late_days,
      opening,
      days: this.#days,
      holidays: this.#holidays,
      mailbox: { sent_today, per_day: capOf(sender, days_before), last_at, gap_ms, health },
    }
  }

  #today(): string {
    return this.#context.now().toISOString().slice(0, 10)
  }

  #pastOf({ channel, mailbox }: OutreachEvent): MailboxPast {
    const day = this.#today()
    if (day !== this.#day) {
      for (const past of this.#pasts.values()) {
        if (past.sent_today > 0) past.days_before += 1
        past.sent_today = 0
      }
    }
    this.#day = day
    const key = `${channel} ${mailbox}`
    const past = this.#pasts.get(key) ?? nothingSent()
    this.#pasts.set(key, past)
    return past
  }

  /** Asked again when the intent is written: what may have come in the meantime. */
  lastLook(event: OutreachEvent): string | undefined {
    const { acts, signal } = this.#context
    const { sequence, mailbox, channel } = event
    if (signal.aborted) return 'interrupted'
    const scope = { sequence, account: channel, ...(mailbox === null ? {} : { mailbox }) }
    if (acts.pauses.of('send', scope) !== undefined) return 'paused'
    const { lead = undefined, cnpj = null } = this.#leads.get(event.lead_id) ?? {}
    const company = { company_id: lead?.company_id ?? null, domain: lead?.domain ?? null, cnpj }
    const email = entryEmail(event)
    if (this.#isSuppressed({ contact_id: event.contact_id, email, ...company })) return 'suppressed'
    return this.#heldSince(event.lead_id)
  }

  /** The intent: with everything by which the message can be found again. */
  claim(event: OutreachEvent): OutreachEvent {
    const claimed_at = this.#context.now().toISOString()
    const { ledger_id } = this.#context.acts
    const names = namesOf(ledger_id, event.event_id)
    const { token } = names
    const first_claimed_at = event.first_claimed_at ?? claimed_at
    const attempts = (event.attempts ?? 0) + 1
    const claimed: OutreachEvent = { ...event, status: 'sending', token, claimed_at, first_claimed_at, attempts }
    const past = this.#pastOf(event)
    past.sent_today += 1
    past.last_at = Date.parse(claimed_at)
    past.last_id = event.event_id
    const entry = this.#desk.channels.get(event.channel)!
    const { message_id } = letterOf(claimed, entry, { ...names, thread: [] })
    return { ...claimed, message_id }
  }

  /** An intent that was not acted on. */
  release(before: OutreachEvent): OutreachEvent {
    this.#pastOf(before).sent_today -= 1
    return before
  }

  /** What the next messages of the lead must know. */
  happened(event: OutreachEvent): void {
    this.#leads.get(event.lead_id)?.history.set(event.event_id, event)
    if (event.status === 'approved') this.#pastOf(event).sent_today -= 1
  }

  /** Ids of the events of the thread that have left, oldest first: same channel, same mailbox. */
  threadOf(event: OutreachEvent): string[] {
    const same = this.#before(event).filter(
      ({ channel, mailbox }) => channel === event.channel && mailbox === event.mailbox,
    )
    return same.filter(({ status }) => LEFT.includes(status)).map(({ event_id }) => event_id)
  }

  #before({ lead_id, sequence, sequence_step }: OutreachEvent): OutreachEvent[] {
    const history = [...(this.#leads.get(lead_id)?.history.values() ?? [])]
    const earlier = history.filter((one) => one.sequence === sequence && one.sequence_step < sequence_step)
    return earlier.sort((a, b) => a.sequence_step - b.sequence_step)
  }
}

function senderOf({ mailbox }: OutreachEvent, { senders }: Switched) {
  return senders.find((one) => one.mailbox === mailbox)
}

/** The approval is of other words than would leave now: void. */
function reopened(event: OutreachEvent, entry: Switched): OutreachEvent {
  const open = { ...event, status: 'planned' as const, approved_by: null, approved_at: null }
  return { ...open, content_hash: hashOf(open, entry) }
}

function entryEmail({ address }: OutreachEvent): string | null {
  return address?.includes('@') ? address : null
}
