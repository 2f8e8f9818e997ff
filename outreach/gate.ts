import type { StepContext } from '../pipeline/step.ts'
import { quoteLiteral } from '../pipeline/table.ts'
import { type Desk, hashOf, letterOf, namesOf, type Switched } from './desk.ts'
import { casesOf, dueSelect } from './due.ts'
import type { OutreachEvent, Status } from './events.ts'
import { guard } from './guard.ts'
import type { Lead } from './lead.ts'
import { skipped } from './plan.ts'
import type { Person } from './suppressed.ts'

/** What may be done with a message at this moment. `change`: nothing leaves, and the event is to be this. */
export type Verdict = { say: 'go' } | { say: 'wait'; reason: string } | { say: 'change'; event: OutreachEvent }

/** It has left, as far as anybody knows. */
const LEFT: readonly Status[] = ['sent', 'delivered', 'opened', 'replied', 'bounced', 'unsubscribed', 'complained']
/** It may leave yet, or may have left. */
const OPEN_YET: readonly Status[] = ['planned', 'approved', 'sending', 'in_doubt']
/** Counts against the day of its mailbox. */
const COUNTED: readonly Status[] = [...LEFT, 'sending', 'in_doubt', 'failed']

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
  readonly #leads = new Map<string, Known>()
  /** Messages of this UTC day, by channel and mailbox. */
  readonly #today: Map<string, number>
  #day: string

  private constructor(
    context: StepContext,
    desk: Desk,
    isSuppressed: (person: Person) => boolean,
    today: Map<string, number>,
    day: string,
  ) {
    this.#context = context
    this.#desk = desk
    this.#isSuppressed = isSuppressed
    this.#today = today
    this.#day = day
  }

  static async open(context: StepContext, desk: Desk, isSuppressed: (person: Person) => boolean): Promise<Gate> {
    const day = context.now().toISOString().slice(0, 10)
    const rows = await context.connection.rows<{ channel: string; mailbox: string; n: number }>(
      `select channel, mailbox, count(*) as n from raw.outreach__events
       where status in (select unnest(from_json($1, '["VARCHAR"]')))
         and coalesce(sent_at, claimed_at) >= cast($2 as timestamp) and mailbox is not null
       group by all`,
      [JSON.stringify(COUNTED), day],
    )
    const today = new Map(rows.map(({ channel, mailbox, n }) => [`${channel} ${mailbox}`, n]))
    return new Gate(context, desk, isSuppressed, today, day)
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
    const paused = this.lastLook(event)
    if (paused === 'suppressed') return { say: 'change', event: skipped(event, 'suppressed') }
    if (paused !== undefined) return { say: 'wait', reason: paused }
    return this.#outOfTurn(event) ?? this.#refused(event, entry) ?? this.#overCap(event, entry) ?? { say: 'go' }
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
    return this.#isSuppressed({ contact_id: event.contact_id, email, ...company }) ? 'suppressed' : undefined
  }

  /** Steps come one after the other: none before the one before it is settled, or closer to it than the sequence says. */
  #outOfTurn(event: OutreachEvent): Verdict | undefined {
    const sequence = this.#desk.sequences.find(({ name }) => name === event.sequence)
    const at = sequence?.steps.findIndex(({ id }) => id === event.step_id) ?? -1
    if (sequence === undefined || at < 0) return { say: 'wait', reason: 'not_in_its_sequence' }
    const before = this.#before(event)
    if (before.some(({ status }) => OPEN_YET.includes(status))) return { say: 'wait', reason: 'earlier_step_open' }
    const unsent = before.find(
      ({ status, channel }) => channel === event.channel && ['failed', 'rejected'].includes(status),
    )
    if (unsent !== undefined) return { say: 'change', event: skipped(event, `earlier_step_${unsent.status}`) }
    const last = before
      .flatMap(({ sent_at }) => sent_at ?? [])
      .sort()
      .at(-1)
    if (last === undefined) return undefined
    const from = Date.parse(`${last.slice(0, 10)}T00:00:00Z`) + sequence.steps[at]!.after_days * 86_400_000
    return this.#context.now().getTime() < from ? { say: 'wait', reason: 'too_soon_after_the_last' } : undefined
  }

  #refused(event: OutreachEvent, entry: Switched): Verdict | undefined {
    const { lead, history } = this.#leads.get(event.lead_id) ?? {
      lead: undefined,
      history: new Map<string, OutreachEvent>(),
    }
    const message = { subject: event.subject, body: event.body ?? '' }
    const others = [...history.values()].filter(({ event_id }) => event_id !== event.event_id)
    const reason = guard({ lead, sequence: event.sequence, channel: entry.channel, message, history: others })
    if (reason !== undefined) return { say: 'change', event: skipped(event, reason) }
    const moved = lead![entry.channel.address]?.trim() !== event.address
    if (moved || hashOf(event, entry) !== event.content_hash) return { say: 'change', event: reopened(event, entry) }
    return undefined
  }

  #overCap({ channel, mailbox }: OutreachEvent, { senders }: Switched): Verdict | undefined {
    const sender = senders.find((one) => one.mailbox === mailbox)
    if (sender === undefined && senders.length > 0) return { say: 'wait', reason: 'mailbox_gone' }
    const day = this.#context.now().toISOString().slice(0, 10)
    if (day !== this.#day) this.#today.clear()
    this.#day = day
    const sent = this.#today.get(`${channel} ${mailbox}`) ?? 0
    return sent >= (sender?.per_day ?? Number.POSITIVE_INFINITY)
      ? { say: 'wait', reason: 'mailbox_full_today' }
      : undefined
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
    this.#count(event, 1)
    const entry = this.#desk.channels.get(event.channel)!
    const { message_id } = letterOf(claimed, entry, { ...names, thread: [] })
    return { ...claimed, message_id }
  }

  /** An intent that was not acted on. */
  release(before: OutreachEvent): OutreachEvent {
    this.#count(before, -1)
    return before
  }

  /** What the next messages of the lead must know. */
  happened(event: OutreachEvent): void {
    this.#leads.get(event.lead_id)?.history.set(event.event_id, event)
    if (event.status === 'approved') this.#count(event, -1)
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

  #count({ channel, mailbox }: OutreachEvent, by: number): void {
    const key = `${channel} ${mailbox}`
    this.#today.set(key, (this.#today.get(key) ?? 0) + by)
  }
}

/** The approval is of other words than would leave now: void. */
function reopened(event: OutreachEvent, entry: Switched): OutreachEvent {
  const open = { ...event, status: 'planned' as const, approved_by: null, approved_at: null }
  return { ...open, content_hash: hashOf(open, entry) }
}

function entryEmail({ address }: OutreachEvent): string | null {
  return address?.includes('@') ? address : null
}
