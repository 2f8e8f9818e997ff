import type { LedgerTable, Step, StepContext, StepSummary } from '../pipeline/step.ts'
import { ASKED, Memory } from './asked.ts'
import { Asker, type Source } from './asker.ts'
import { hashOf, tableOf } from './catalogue.ts'
import { isFree } from './enrichment.ts'
import type { Field } from './fields.ts'
import type { Icp } from './icp.ts'
import { counted } from './intake.ts'
import type { FieldRule, PurchaseRules } from './purchase-rules.ts'
import { Purchases } from './purchase-state.ts'
import { diceOf } from './sample.ts'
import { SUBJECT_READS } from './subjects.ts'
import { type Chosen, chooseRound, type OpenLead } from './waterfall/decide.ts'
import type { Question } from './waterfall/market.ts'

/** What was bought and what was not, with the reason: the last word on each field of each company or person. */
export const DECISIONS: LedgerTable = {
  source: 'enrichment',
  table: 'decisions',
  description: 'For each field that money could be spent on: whether it was bought, of whom, and why, or why not.',
  columns: {
    subject_id: 'VARCHAR',
    company_id: 'VARCHAR',
    field: 'VARCHAR',
    provider: 'VARCHAR',
    decision: 'VARCHAR',
    reason: 'VARCHAR',
    expected_credits: 'DOUBLE',
    expected_usd: 'DOUBLE',
  },
  key: ['subject_id', 'field', 'decision'],
  docs: {
    provider: 'Who was asked, or would have been next.',
    decision: 'bought or skipped',
    reason:
      'could_change_tier, tier_wanted, before_send, always; or why not: tier_settled, known, budget, customer, suppressed and others.',
    expected_usd: 'What the question was expected to cost.',
  },
  write: 'merge',
  visible: 'next_run',
}

const BOUNDS = 'int_leads_score_bounds'
const FACTS = 'int_lead_facts'
/** Refusals that may be none an hour later, with nothing else changed. */
const LATER = ['budget', 'paused']
/** Enough for every field of a lead to be asked of several. */
const MOST_ROUNDS = 60
/** Questions of equal rank go out together, so that the budget ends with what matters least. */
const SLICE = 400

export interface PurchaseInput {
  rules: readonly FieldRule[]
  settings: PurchaseRules
  icp: Icp
  /** USD of a credit, by provider, as `budget` says. */
  prices: ReadonlyMap<string, number>
}

/** The step that spends: in rounds, after all that is free, only where an answer can still change a decision. */
export function purchaseStep(input: PurchaseInput): Step {
  const { rules, settings, icp, prices } = input
  const sources = [
    ...new Map(rules.flatMap((rule) => rule.sources).map((one) => [`${one.on.name}.${one.name}`, one])).values(),
  ]
  const paid = sources.filter((source) => !isFree(source))
  const free = sources.filter(isFree)
  return {
    name: 'purchases',
    kind: 'step',
    stage: 'enrichment',
    file: 'ingest/purchases.ts',
    description: `Buys ${rules.map(({ field }) => field).join(', ')} where it can still change a decision.`,
    reads: [
      ...SUBJECT_READS,
      'int_contacts_merged',
      'int_subjects_resolved',
      ...free.map(({ on, name }) => `${on.name}.${name}`),
    ],
    records: [...paid.map(({ on, name }) => tableOf(on, name)), ASKED, DECISIONS],
    ...(settings.buy === 'always' ? {} : { asks: [BOUNDS, FACTS] }),
    fingerprint: hashOf([
      icp,
      settings,
      [...prices],
      rules.map(({ field, order, agree, sources: own }) => [
        field,
        order,
        agree,
        own.map(({ on }) => [on.name, on.version, on.settings]),
      ]),
    ]),
    bind: async (connection) => {
      await Memory.read(
        { connection, as_of: '2000-01-01' },
        rules.map(({ field }) => field),
      )
    },
    run: (context) => new Buying(context, input).run(),
  }
}

class Buying {
  readonly #notes = new Set<string>()
  readonly #failures: NonNullable<StepSummary['failures']> = []
  readonly #askers = new Map<Source, Asker>()
  #explored = 0
  #asked = 0
  #valid = 0

  constructor(
    readonly context: StepContext,
    readonly input: PurchaseInput,
  ) {}

  async run(): Promise<StepSummary> {
    const { context, input } = this
    const purchases = await Purchases.read(context, input.rules, input.prices)
    const wanted = new Set(input.settings.buy_for_tiers)
    let leads: OpenLead[] | undefined
    let rounds = 0
    for (; rounds < MOST_ROUNDS; rounds++) {
      context.signal.throwIfAborted()
      const questions = purchases.questions((subject_id) => this.#lots(subject_id))
      if (questions.length === 0) break
      leads = input.settings.buy === 'always' ? undefined : await openLeads(context)
      const urgent = purchases.urgent(questions)
      const first = new Set(urgent.map(({ candidate }) => candidate))
      const others = questions.filter((one) => !first.has(one))
      const chosen = urgent.concat(leads === undefined ? everything(others) : chooseRound(leads, others, wanted))
      if (chosen.length === 0) break
      for (let at = 0; at < chosen.length; at += SLICE) await this.#buy(purchases, chosen.slice(at, at + SLICE))
    }
    const decisions = purchases.close(leads)
    if (decisions.length > 0) await context.record(DECISIONS, [decisions])
    const skipped = decisions.filter(({ decision }) => decision === 'skipped')
    const settled = skipped.filter(({ reason }) => reason === 'tier_settled').length
    for (const asker of this.#askers.values()) {
      for (const note of asker.notes) this.#notes.add(note)
      this.#failures.push(...asker.failures)
    }
    const saved = settled === 0 ? '' : `, ${settled} left alone since the tier is settled`
    const text = [
      `${this.#asked} questions in ${counted(rounds, 'round')}, ${counted(this.#valid, 'field')} found${saved}`,
      ...this.#notes,
    ].join('; ')
    const counts = { asked: this.#asked, found: this.#valid, skipped: skipped.length, settled, rounds }
    const unfinished = [...purchases.closed.values()].some((reason) => LATER.includes(reason))
    return { rows: this.#valid, text, counts, failures: this.#failures, unfinished }
  }

  async #buy(purchases: Purchases, chosen: readonly Chosen<Question<Source>>[]): Promise<void> {
    const bySource = new Map<Source, Chosen<Question<Source>>[]>()
    for (const one of chosen) bySource.set(one.candidate.source, [...(bySource.get(one.candidate.source) ?? []), one])
    for (const [source, own] of bySource) {
      if (purchases.closed.has(source.on.name)) continue
      const asker = this.#askers.get(source) ?? new Asker(this.context, this.input.icp, source, purchases.memory)
      this.#askers.set(source, asker)
      const byId = new Map(own.map((one) => [one.candidate.subject_id, one]))
      const subjects = own.map(({ candidate }) => purchases.subject(candidate.subject_id))
      const fields = [...new Set(own.flatMap(({ candidate }) => candidate.fields))].sort() as Field[]
      const asked = await asker.ask(subjects, fields, (told) => {
        purchases.told(told.subject.subject_id, told.field, source, told)
        if (told.valid && fields.includes(told.field)) this.#valid++
      })
      this.#asked += asked.answered.length
      for (const { subject_id } of asked.answered) {
        const { candidate, reason } = byId.get(subject_id)!
        purchases.bought(candidate, reason)
        if (this.#lots(subject_id) !== undefined) this.#explored += candidate.odds.cost
      }
      for (const { subject_id } of asked.waiting) purchases.waits(subject_id, source)
      for (const { subject, reason } of asked.refused) {
        if (reason === 'suppressed') purchases.ruledOut(subject.subject_id)
        else purchases.closed.set(source.on.name, purchases.closed.get(source.on.name) ?? reason)
      }
    }
  }

  /** By lot, from the run's own seed: who is explored, and how. Nobody once that has cost what it may. */
  #lots(subject_id: string): (() => number) | undefined {
    const { share, usd_per_run } = this.input.settings.explore
    if (share === 0 || this.#explored >= usd_per_run) return undefined
    const dice = diceOf(`${this.context.run_id} ${this.context.as_of} ${subject_id}`)
    return dice.next() < share ? () => dice.next() : undefined
  }
}

function everything(questions: readonly Question<Source>[]): Chosen<Question<Source>>[] {
  return questions.map((candidate) => ({ candidate, worth: 1, reason: 'always' as const }))
}

/** What is open of each lead, from what its score could become. */
export async function openLeads({ ask, connection }: Pick<StepContext, 'ask' | 'connection'>): Promise<OpenLead[]> {
  const [bounds, facts] = await ask(BOUNDS, FACTS)
  return readLeads(connection, bounds!, facts!)
}

export async function readLeads(
  connection: StepContext['connection'],
  bounds: string,
  facts: string,
): Promise<OpenLead[]> {
  const rows = await connection.rows<{
    lead_id: string
    company_id: string
    contact_id: string | null
    is_open: boolean
    tier: string | null
    width: number
    columns: { name: string; swing: number; alone: boolean }[]
  }>(`
    select
        bounds.lead_id,
        facts.company_id,
        facts.contact_id,
        bounds.is_open,
        bounds.tier,
        (bounds.score_max - bounds.score_min)::double as width,
        list_transform(
            coalesce(bounds.fields, []),
            lambda f: {
                'name': f.field, 'swing': (f.score_max - f.score_min)::double, 'alone': coalesce(f.changes_alone, false)
            }
        ) as columns
    from ${bounds} as bounds
    join ${facts} as facts on facts.lead_id = bounds.lead_id
    order by bounds.lead_id`)
  return rows.map(({ lead_id, company_id, contact_id, columns, ...lead }) => ({
    lead_id,
    ...lead,
    subjects: contact_id === null ? [company_id] : [company_id, contact_id],
    columns: new Map(columns.map(({ name, ...column }) => [name, column])),
  }))
}
