import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import { LEDGER } from '../pipeline/warehouse/session.ts'
import { Memory, segmentOf } from './asked.ts'
import { canAsk, type Source, standsFor } from './asker.ts'
import { isFree } from './enrichment.ts'
import { FIELDS, type Field, type Subject } from './fields.ts'
import { costOf, type FieldRule } from './purchase-rules.ts'
import { companySubjects, contactSubjects, ruledOut } from './subjects.ts'
import type { Chosen, OpenLead } from './waterfall/decide.ts'
import { isOpen, type OpenField, type Question, questionsOf } from './waterfall/market.ts'
import { type Counted, Experience } from './waterfall/odds.ts'
import { isSettled } from './waterfall/order.ts'

export interface Decision {
  subject_id: string
  company_id: string
  field: Field
  provider: string | null
  decision: 'bought' | 'skipped'
  reason: string
  expected_credits: number | null
  expected_usd: number | null
}

type Who = Pick<Subject, 'subject_id' | 'company_id'>

interface State {
  subject: Subject
  fields: OpenField<Source>[]
}

interface World {
  connection: Connection
  as_of: string
}

/** All that could be bought, and why what is not: filled from the ledger, kept up to date with each answer. */
export class Purchases {
  readonly #states = new Map<string, State>()
  readonly #decisions = new Map<string, Decision>()
  /** Providers that sell nothing more in this run, with the reason. */
  readonly closed = new Map<string, string>()

  private constructor(
    readonly rules: readonly FieldRule[],
    readonly memory: Memory,
    readonly prices: ReadonlyMap<string, number>,
    /** People to whom a message waits, and whose address was checked too long ago. */
    readonly due: ReadonlySet<string>,
  ) {}

  static async read(
    world: World,
    given: readonly FieldRule[],
    prices: ReadonlyMap<string, number>,
  ): Promise<Purchases> {
    const { connection } = world
    const fields = given.map(({ field }) => field)
    const one = oneEach()
    const rules = given.map((rule) => ({ ...rule, sources: rule.sources.map(one) }))
    const memory = await Memory.read(world, fields)
    const due = fields.includes('email') ? await dueToBeChecked(world) : new Set<string>()
    const made = new Purchases(rules, memory, prices, due)
    const experience = new Experience(await experienced(world, fields))
    const ofContacts = rules.some(({ field }) => FIELDS[field].subject === 'contact')
    const ofCompanies = rules.some(({ field }) => FIELDS[field].subject === 'company')
    const subjects = [
      ...(ofCompanies ? (await companySubjects(connection)).map((one) => [one, 'company'] as const) : []),
      ...(ofContacts ? (await contactSubjects(connection)).map((one) => [one, 'contact'] as const) : []),
    ]
    for (const [subject, kind] of subjects) {
      const own = rules.filter(({ field }) => FIELDS[field].subject === kind)
      made.#open(subject, own, experience)
    }
    for (const { kind, reason, ...subject } of await ruledOut(connection))
      for (const { field } of rules) if (FIELDS[field].subject === kind) made.#skip(subject, field, reason)
    return made
  }

  #open(subject: Subject, rules: readonly FieldRule[], experience: Experience): void {
    const fields: OpenField<Source>[] = []
    for (const rule of rules) {
      const { field, sources, agree, order } = rule
      const answers: OpenField<Source>['answers'] = []
      const left: OpenField<Source>['left'] = []
      let able = 0
      for (const source of sources) {
        const before = this.memory.recall(field, source.on.name, subject, standsFor(source, field))
        if (before !== undefined) answers.push({ valid: before.valid, value: before.answer })
        else if (!isFree(source) && canAsk(source, subject)) {
          const price = costOf(source, this.prices.get(source.on.name))
          left.push({ source, odds: experience.odds(source.on.name, field, segmentOf(subject), price) })
        }
        if (canAsk(source, subject)) able++
      }
      if (isSettled(answers, agree)) this.#skip(subject, field, 'known')
      else if (able === 0) this.#skip(subject, field, 'too_little_known_to_ask')
      else if (left.length === 0) this.#skip(subject, field, 'nobody_knows')
      fields.push({ field, answers, left, agree, order })
    }
    this.#states.set(subject.subject_id, { subject, fields })
  }

  /** What could be asked now. `lots`: for whom the order is drawn by lot. */
  questions(lots: (subject_id: string) => (() => number) | undefined = () => undefined): Question<Source>[] {
    return [...this.#states.values()].flatMap(({ subject, fields }) => {
      const open = fields
        .map((each) => ({ ...each, left: each.left.filter(({ source }) => !this.closed.has(source.on.name)) }))
        .filter(isOpen)
      if (open.length === 0) return []
      return questionsOf(subject.subject_id, open, (field) => FIELDS[field as Field].facts, lots(subject.subject_id))
    })
  }

  /** Those of the questions that come first whatever they decide: a message waits for the answer. */
  urgent(questions: readonly Question<Source>[]): Chosen<Question<Source>>[] {
    return questions
      .filter(({ subject_id, fields }) => fields.includes('email') && this.due.has(subject_id))
      .map((candidate) => ({ candidate, worth: Number.POSITIVE_INFINITY, reason: 'before_send' as const }))
  }

  subject(subject_id: string): Subject {
    return this.#states.get(subject_id)!.subject
  }

  /** An answer came: the source is not asked again, and the field may be settled. */
  told(subject_id: string, field: Field, source: Source, answer: { valid: boolean; answer: string }): void {
    const open = this.#states.get(subject_id)?.fields.find((each) => each.field === field)
    if (open === undefined) return
    open.answers.push({ valid: answer.valid, value: answer.answer })
    open.left = open.left.filter((place) => place.source !== source)
  }

  /** No answer came; the next run may ask. */
  waits(subject_id: string, source: Source): void {
    for (const open of this.#states.get(subject_id)?.fields ?? [])
      open.left = open.left.filter((place) => place.source !== source)
  }

  /** Somebody ruled the subject out since the run began. */
  ruledOut(subject_id: string): void {
    const { subject, fields } = this.#states.get(subject_id)!
    for (const open of fields.filter(isOpen)) {
      open.left = []
      this.#skip(subject, open.field as Field, 'suppressed')
    }
  }

  bought(question: Question<Source>, reason: string): void {
    const subject = this.subject(question.subject_id)
    const { source, odds } = question
    for (const field of question.fields as Field[]) {
      const usd = rounded(odds.cost)
      const credits = rounded(odds.cost / costOfCredit(source, this.prices))
      const decision = { decision: 'bought' as const, reason, expected_credits: credits, expected_usd: usd }
      this.#note(subject, field, { provider: source.on.name, ...decision })
    }
  }

  #skip(subject: Who, field: Field, reason: string, question?: Question<Source>): void {
    const provider = question?.source.on.name ?? null
    const usd = question === undefined ? null : rounded(question.odds.cost)
    const credits =
      question === undefined ? null : rounded(question.odds.cost / costOfCredit(question.source, this.prices))
    this.#note(subject, field, {
      provider,
      decision: 'skipped',
      reason,
      expected_credits: credits,
      expected_usd: usd,
    })
  }

  #note(subject: Who, field: Field, decision: Omit<Decision, 'subject_id' | 'company_id' | 'field'>): void {
    const { subject_id, company_id } = subject
    const key = `${subject_id}\n${field}\n${decision.decision === 'bought' ? decision.provider : ''}`
    this.#decisions.set(key, { subject_id, company_id, field, ...decision })
  }

  /** Why what is still open is not bought. With `leads`: those that were looked at last. */
  close(leads: readonly OpenLead[] | undefined): Decision[] {
    const byLead = new Map<string, OpenLead[]>()
    for (const lead of leads ?? [])
      for (const subject of lead.subjects) byLead.set(subject, [...(byLead.get(subject) ?? []), lead])
    for (const { subject, fields } of this.#states.values()) {
      for (const open of fields) {
        const { field } = open
        if (!isOpen(open)) continue
        const places = open.left.filter(({ source }) => !this.closed.has(source.on.name))
        const shut = open.left.map(({ source }) => this.closed.get(source.on.name)).find((why) => why !== undefined)
        const own = byLead.get(subject.subject_id) ?? []
        const facts = FIELDS[field as Field].facts as readonly string[]
        const decides = own.some((lead) => lead.is_open && facts.some((fact) => lead.columns.has(fact)))
        const reason =
          leads !== undefined && own.length === 0
            ? 'no_lead'
            : leads !== undefined && own.every(({ is_open }) => !is_open)
              ? 'tier_settled'
              : leads !== undefined && !decides
                ? 'decides_nothing'
                : (shut ?? 'not_reached')
        const [place] = places.length > 0 ? places : open.left
        const question = { subject_id: subject.subject_id, field, fields: [field], facts: [], ...place! }
        this.#skip(subject, field as Field, reason, question)
      }
    }
    return [...this.#decisions.values()]
  }
}

/** The same resource of a provider is the same source, whichever field it is there for: one answer fills them all. */
function oneEach(): (source: Source) => Source {
  const known = new Map<string, Source>()
  return (source) => {
    const name = `${source.on.name}.${source.name}`
    if (!known.has(name)) known.set(name, source)
    return known.get(name)!
  }
}

/** USD of one credit of a source. */
export function costOfCredit(source: Source, prices: ReadonlyMap<string, number>): number {
  return prices.get(source.on.name) ?? source.on.provider.http?.(source.on.settings).usd_per_credit ?? 1
}

function rounded(amount: number): number {
  return Math.round(amount * 1000) / 1000
}

/** The ledger's own record of who knew what, by day and country; subjects of a call share its price. */
function experienced({ connection, as_of }: World, fields: readonly string[]): Promise<Counted[]> {
  const list = fields.map((field) => `'${field}'`).join(', ')
  return connection.rows<Counted>(`
    select
        asked.provider,
        asked.field,
        coalesce(asked.segment, 'unknown') as segment,
        date_diff('day', asked.asked_on, date '${as_of}')::integer as age_days,
        count(*)::integer as asked,
        count(*) filter (where asked.hit)::integer as hits,
        count(*) filter (where coalesce(asked.valid, asked.hit))::integer as valid,
        sum(coalesce(calls.usd::double, 0) / greatest(coalesce(asked.subjects_of_call, 1), 1)) as cost,
        coalesce(sum(greatest(date_diff('millisecond', calls.requested_at, answers.fetched_at), 0)
            / 1000 / greatest(coalesce(asked.subjects_of_call, 1), 1)), 0)::double as seconds
    from raw.enrichment__asked as asked
    left join log.calls as calls on calls.call_id = asked.call_id
    left join ${LEDGER}.log.answers as answers on answers.call_id = asked.call_id
    where asked.field in (${list})
    group by all
    order by all`)
}

const MESSAGES = 'raw.outreach__events'

/** Feedback of the last run, as what was asked is: messages that are still to be sent decide whose address is checked again. */
async function dueToBeChecked({ connection, as_of }: World): Promise<Set<string>> {
  const [schema, table] = MESSAGES.split('.')
  const there = await connection.rows(
    `select 1 from information_schema.tables where table_schema = '${schema}' and table_name = '${table}' limit 1`,
  )
  if (there.length === 0) return new Set()
  const rows = await connection.rows<{ id: string }>(`
    select coalesce(resolved.id, messages.contact_id) as id
    from ${MESSAGES} as messages
    left join (select distinct subject_id, id from intermediate.int_subjects_resolved) as resolved
        on resolved.subject_id = messages.contact_id
    join raw.enrichment__asked as asked on asked.field = 'email' and asked.subject_id = messages.contact_id
    where messages.channel = 'email'
        and (messages.status in ('planned', 'approved') or messages.skip_reason = 'stale_email')
    group by all
    having date_diff('day', max(asked.asked_on), date '${as_of}') >= ${FIELDS.email.ttl_days}
    order by id`)
  return new Set(rows.map(({ id }) => id))
}
