import { quoteIdentifier as id } from '../pipeline/table.ts'
import { cardLayers, clamp, type Layer, ruleLayers } from './arithmetic.ts'
import type { Brief } from './brief.ts'
import type { Scorecard } from './card.ts'
import { BOUNDS } from './parts.ts'
import { type Policy, SIGNALS } from './qualification.ts'
import { decimal } from './reasons.ts'
import type { Columns } from './text.ts'
import { cutColumn, isRelative, tierLayers } from './tiers.ts'

/** All that decides a score: what `scoring/` says, read and checked. */
export interface Scoring {
  cards: Scorecard[]
  policy: Policy
  /** Absent: no deal briefs. */
  brief: Brief | undefined
  /** Content hash of cards and qualification. */
  version: string
}

export const TOTAL = 'score raw'
export const COMPUTED = 'score computed'
export const SCORE = 'score exact'
const SCORE_RANGE = { min: 0, max: 100 }

/** Columns of the facts by which a person overrules the cards. Facts that lack them have no overrides. */
export const OVERRIDES = ['override_score', 'override_tier', 'override_reason', 'override_until'] as const

export function overridable(types: Columns): boolean {
  return OVERRIDES.every((column) => types[column] !== undefined)
}

/** From the facts to every card's score, the whole and the tier, each with its bounds. */
export function scoreLayers(scoring: Scoring, types: Columns): Layer[] {
  return [...sumLayers(scoring, types), ...decisionLayers(scoring, types)]
}

/** As far as the score. */
export function sumLayers({ cards, policy }: Scoring, types: Columns): Layer[] {
  return [
    ...withPolicyFlags(ruleLayers(cards), policy),
    ...cardLayers(cards),
    cards.flatMap((card) =>
      BOUNDS.map((bound) => ({
        column: weightedColumn(card) + bound,
        sql: weighted(card, id(card.name + bound), policy),
      })),
    ),
    BOUNDS.map((bound) => ({
      column: TOTAL + bound,
      sql: cards.map((card) => id(weightedColumn(card) + bound)).join(' + '),
    })),
    BOUNDS.map((bound) => ({ column: COMPUTED + bound, sql: limited(id(TOTAL + bound)) })),
    BOUNDS.map((bound) => ({
      column: SCORE + bound,
      sql: overridable(types) ? `coalesce(${overrideScore()}, ${id(COMPUTED + bound)})` : id(COMPUTED + bound),
    })),
  ]
}

export function decisionLayers({ cards, policy }: Scoring, types: Columns): Layer[] {
  return tierLayers(cards, policy, SCORE, overridable(types) ? overrideRank(policy) : undefined)
}

/** The score that a person set; NULL for none. */
function overrideScore(): string {
  return `try_cast("override_score" as DECIMAL(9,4))`
}

/** The rank of the tier that a person set; NULL for none. */
export function overrideRank({ qualification: { tiers } }: Policy): string {
  return `case "override_tier" ${tiers.map(({ tier }, index) => `when '${tier}' then ${index + 1}`).join(' ')} end`
}

export function limited(sum: string): string {
  return `${clamp(sum, SCORE_RANGE)}::DECIMAL(9,4)`
}

export function weightedColumn(card: Scorecard): string {
  return `${card.name} weighted`
}

export function weighted(card: Scorecard, value: string, policy: Policy): string {
  return `(${value} * ${decimalWeight(card, policy)})::DECIMAL(9,4)`
}

export function weightOf(card: Scorecard, { qualification: { weights } }: Policy): number {
  return weights[card.part] ?? 0
}

function decimalWeight(card: Scorecard, policy: Policy): string {
  return `${decimal(weightOf(card, policy)).replace('DECIMAL(9,4)', 'DECIMAL(5,4)')}`
}

/** A known reason to disqualify; NULL and false alike say no. */
export function refusedSql({ disqualify }: Policy): string {
  return disqualify.length === 0 ? 'false' : `coalesce(${disqualify.map(({ name }) => id(name)).join(' or ')}, false)`
}

function withPolicyFlags([flags = [], ...rest]: Layer[], { disqualify, bant }: Policy): Layer[] {
  return [
    [
      ...flags,
      ...disqualify.map(({ name, when }) => ({ column: name, sql: `(${when.sql}\n)` })),
      ...SIGNALS.map((signal) => ({ column: `${signal}_signal`, sql: `(${bant[signal].when.sql}\n)` })),
    ],
    ...rest,
  ]
}

/** Each layer a CTE over the one before; the last is named `scored`. */
export function layered(facts: string, layers: readonly Layer[]): string {
  const steps = layers.filter((layer) => layer.length > 0)
  const ctes = steps.map((layer, index) => {
    const name = index === steps.length - 1 ? 'scored' : `step_${index + 1}`
    const from = index === 0 ? `${facts} as facts` : `step_${index}`
    const columns = layer.map(({ column, sql }) => `  ${sql} as ${id(column)}`).join(',\n')
    return `${name} as not materialized (\n  select *,\n${columns}\n  from ${from}\n)`
  })
  return `with ${ctes.join(', ')}`
}

/**
 * The facts beside the cut-offs of the latest run that found any: a lead scored alone is held against the same ones as all
 * were. `cutOffs` is a relation like `ops.score_cutoffs`.
 */
export function withCutOffs(facts: string, { qualification }: Policy, cutOffs: string): string {
  const relative = qualification.tiers.filter(isRelative)
  if (relative.length === 0) return facts
  const columns = relative.map(({ tier }) => `max(cut_off) filter (where tier = '${tier}') as ${id(cutColumn(tier))}`)
  const cut = `(select segment, ${columns.join(', ')} from ${cutOffs} where "by" <> 'score' group by segment)`
  const names = relative.map(({ tier }) => `cut.${id(cutColumn(tier))}`)
  return `(select facts.*, ${names.join(', ')} from ${facts} as facts left join ${cut} as cut
    on cut.segment = ${segmentSql(qualification, 'facts')})`
}

/** What cut-offs are taken within, as text; one name for all leads where that is nothing. */
export function segmentSql({ within }: Policy['qualification'], relation: string): string {
  return within === undefined ? "'*'" : `coalesce(${relation}.${id(within)}::VARCHAR, 'unknown')`
}
