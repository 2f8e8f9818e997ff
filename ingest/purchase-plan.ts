import type { PlanPart, PlanWorld } from '../pipeline/plan-part.ts'
import type { Source } from './asker.ts'
import { costOfCredit, Purchases } from './purchase-state.ts'
import { type PurchaseInput, readLeads } from './purchases.ts'
import { chooseRound } from './waterfall/decide.ts'
import type { Question } from './waterfall/market.ts'

export const BOUNDS = 'intermediate.int_leads_score_bounds'
export const FACTS = 'intermediate.int_lead_facts'

interface Estimate {
  provider: string
  field: string
  questions: number
  credits: number
  usd: number
}

/**
 * What `run` would buy first, and why it would leave the rest. The first answers decide what is asked next, so that the
 * end of it is only known to lie between the first round and everything that is still open.
 */
export function purchasePlan(input: PurchaseInput): PlanPart {
  return {
    name: 'purchases',
    title: 'what would be bought',
    reads: [
      BOUNDS,
      FACTS,
      'intermediate.int_contacts_merged',
      'discovery.icp_prospects',
      'intermediate.int_companies_excluded',
    ],
    tell: (world) => tell(world, input),
  }
}

/** What would be bought as things stand: at first, and at most if no answer settles anything. */
export async function forecastOf(
  { connection, as_of }: Pick<PlanWorld, 'connection' | 'as_of'>,
  { rules, settings, prices }: PurchaseInput,
) {
  const purchases = await Purchases.read({ connection, as_of }, rules, prices)
  const questions = purchases.questions()
  const always = settings.buy === 'always'
  const leads = always ? undefined : await readLeads(connection, BOUNDS, FACTS)
  const wanted = new Set(settings.buy_for_tiers)
  const urgent = purchases.urgent(questions).map(({ candidate }) => candidate)
  const before = new Set(urgent)
  const others = questions.filter((one) => !before.has(one))
  const chosen = leads === undefined ? others : chooseRound(leads, others, wanted).map((one) => one.candidate)
  const first = urgent.concat(chosen)
  const at_most = urgent.concat(leads === undefined ? others : chooseAll(leads, others, wanted))
  return { purchases, leads, first, at_most }
}

async function tell(world: PlanWorld, input: PurchaseInput) {
  const { live } = world
  const { prices } = input
  const { purchases, leads, first, at_most: relevant } = await forecastOf(world, input)
  const estimates = sum(first, prices)
  const atMost = sum(relevant, prices)
  const total = (rows: readonly Estimate[], key: 'questions' | 'credits' | 'usd') =>
    Math.round(1000 * rows.reduce((all, row) => all + row[key], 0)) / 1000
  const skips = new Map<string, number>()
  const asked = new Set(relevant.flatMap(({ subject_id, fields }) => fields.map((field) => `${subject_id} ${field}`)))
  for (const { subject_id, field, reason } of purchases.close(leads)) {
    const why = asked.has(`${subject_id} ${field}`) ? undefined : reason
    if (why !== undefined) skips.set(`${field}\n${why}`, (skips.get(`${field}\n${why}`) ?? 0) + 1)
  }
  const figures = {
    questions_first: total(estimates, 'questions'),
    credits_first: total(estimates, 'credits'),
    usd_first: total(estimates, 'usd'),
    questions: total(atMost, 'questions'),
    credits: total(atMost, 'credits'),
    usd: total(atMost, 'usd'),
  }
  const may = live.includes('spend') ? '' : '; the target is not live for spend: nothing would be bought'
  return {
    text: `${figures.questions_first} questions at first for about ${figures.credits_first} credits (${figures.usd_first} USD), ${figures.questions} for ${figures.credits} (${figures.usd} USD) if none of them settles anything${may}`,
    figures,
    tables: [
      {
        name: 'by provider and field, first round',
        columns: ['provider', 'field', 'questions', 'credits', 'usd'],
        rows: estimates.map((row) => ({ ...row })),
      },
      {
        name: 'not bought',
        columns: ['field', 'reason', 'subjects'],
        rows: [...skips].sort().map(([key, subjects]) => {
          const [field, reason] = key.split('\n')
          return { field: field!, reason: reason!, subjects }
        }),
      },
    ],
  }
}

/** Every question that could matter to an open lead, not one at a time. */
function chooseAll(
  leads: Parameters<typeof chooseRound>[0],
  questions: readonly Question<Source>[],
  wanted: ReadonlySet<string>,
): Question<Source>[] {
  const left = new Set(questions)
  const all: Question<Source>[] = []
  for (;;) {
    const chosen = chooseRound(leads, [...left], wanted)
    if (chosen.length === 0) return all
    for (const { candidate } of chosen) {
      left.delete(candidate)
      all.push(candidate)
    }
  }
}

function sum(questions: readonly Question<Source>[], prices: ReadonlyMap<string, number>): Estimate[] {
  const rows = new Map<string, Estimate>()
  for (const { source, field, odds } of questions) {
    const { name } = source.on
    const price = costOfCredit(source, prices)
    const key = `${name} ${field}`
    const row = rows.get(key) ?? { provider: name, field, questions: 0, credits: 0, usd: 0 }
    row.questions++
    row.usd += odds.cost
    row.credits += price === 0 ? 0 : odds.cost / price
    rows.set(key, row)
  }
  const round = (amount: number) => Math.round(1000 * amount) / 1000
  return [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, row]) => ({ ...row, credits: round(row.credits), usd: round(row.usd) }))
}
