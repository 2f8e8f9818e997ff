import { quoteIdentifier as id, quoteLiteral } from '../pipeline/table.ts'
import { adjustment, BOUNDS, cardLayers, cardReasons, clamp, type Layer, ruleLayers, ruleReason } from './arithmetic.ts'
import { type Brief, briefLayer, briefSql } from './brief.ts'
import type { Scorecard } from './card.ts'
import { type Policy, SIGNALS } from './qualification.ts'
import { numberSql, type Reason, reasonsSql } from './reasons.ts'
import { type Columns, evidenceSql, isShowable } from './text.ts'

/** All that decides a score: what `scoring/` says, read and checked. */
export interface Scoring {
  cards: Scorecard[]
  policy: Policy
  /** Absent: no deal briefs. */
  brief: Brief | undefined
  /** Content hash of cards and qualification. */
  version: string
}

const TOTAL = 'score raw'
const SCORE = 'score exact'
const SCORE_RANGE = { min: 0, max: 100 }

/** What scoring adds to the facts, and a deal brief may use beside them. */
export const OUTPUTS: Columns = {
  score: 'DOUBLE',
  fit_score: 'DOUBLE',
  intent_score: 'DOUBLE',
  tier: 'VARCHAR',
  qualification_status: 'VARCHAR',
  ...Object.fromEntries(SIGNALS.map((signal) => [`${signal}_signal`, 'BOOLEAN'])),
}

/**
 * The one SELECT that scores: one row per row of `facts` (a relation, or a query in brackets), whose columns are `types`.
 * Each rule is evaluated once; each later step only adds columns, so that DuckDB runs it as one pass over the facts.
 */
export function compileScores(scoring: Scoring, facts: string, types: Columns): string {
  const { cards, policy } = scoring
  const layers = [
    ...withPolicyFlags(ruleLayers(cards), policy),
    ...cardLayers(cards),
    cards.flatMap((card) =>
      BOUNDS.map((bound) => ({ column: weightedColumn(card, bound), sql: weighted(card, bound, policy) })),
    ),
    BOUNDS.map((bound) => ({
      column: TOTAL + bound,
      sql: cards.map((card) => id(weightedColumn(card, bound))).join(' + '),
    })),
    BOUNDS.map((bound) => ({ column: SCORE + bound, sql: `${clamp(id(TOTAL + bound), SCORE_RANGE)}::DECIMAL(9,4)` })),
    outputs(cards, policy),
    ...(scoring.brief === undefined ? [] : [briefLayer(scoring.brief, { ...types, ...OUTPUTS })]),
  ]
  const bant = SIGNALS.map((signal) => {
    const { when, evidence } = policy.bant[signal]
    const columns = evidence ?? when.columns.filter((column) => isShowable(types[column] ?? ''))
    return `'${signal}': case when ${id(`${signal}_signal`)} is not null then ${evidenceSql(columns, types)} end`
  })
  return `${layered(facts, layers)}
select
  lead_id,
  ${Object.keys(OUTPUTS).map(id).join(', ')},
  {'min': ${id(`${SCORE} low`)}::DOUBLE, 'max': ${id(`${SCORE} high`)}::DOUBLE} as score_possible,
  ${needsData(cards)} as needs_data,
  ${reasonsSql(allReasons(cards, policy, types))} as reasons,
  ${scoring.brief === undefined ? 'NULL::VARCHAR' : briefSql(scoring.brief)} as deal_brief,
  ${quoteLiteral(scoring.version)} as score_version,
  as_of()::TIMESTAMP as scored_at,
  NULL::VARCHAR as owner,
  {${bant.join(', ')}} as bant_evidence
from scored`
}

/** One card alone: its score, band and the rules that score. What the card's examples are run on. */
export function compileCard(card: Scorecard, facts: string, types: Columns): string {
  const band = cutOff(card.card.bands, id(card.name), ({ band: name }) => name)
  const reasons = reasonsSql(card.rules.map((rule) => ruleReason(rule, types)))
  return `${layered(facts, [...ruleLayers([card]), ...cardLayers([card])])}
select ${id(card.name)}::DOUBLE as score, ${band} as band, list_transform(${reasons}, lambda r: split_part(r.rule, '.', 2)) as rules
from scored`
}

function layered(facts: string, layers: readonly Layer[]): string {
  const steps = layers.filter((layer) => layer.length > 0)
  const ctes = steps.map((layer, index) => {
    const name = index === steps.length - 1 ? 'scored' : `step_${index + 1}`
    const from = index === 0 ? `${facts} as facts` : `step_${index}`
    const columns = layer.map(({ column, sql }) => `  ${sql} as ${id(column)}`).join(',\n')
    return `${name} as not materialized (\n  select *,\n${columns}\n  from ${from}\n)`
  })
  return `with ${ctes.join(', ')}`
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

function outputs(cards: readonly Scorecard[], policy: Policy): Layer {
  const { tiers } = policy.qualification
  const line = lineOf(policy)
  const refused = policy.disqualify.map(({ name }) => `when ${id(name)} then 'disqualified' `).join('')
  const saved = line === undefined ? '' : `when ${isBelow(line)} and ${id(`${SCORE} high`)} >= ${line} then 'nurture' `
  const byTier = cutOff(tiers, id(SCORE), ({ status }) => status)
  const scoreOf = (name: string) => (cards.some((card) => card.name === name) ? `${id(name)}::DOUBLE` : 'NULL::DOUBLE')
  return [
    { column: 'score', sql: `${id(SCORE)}::DOUBLE` },
    { column: 'fit_score', sql: scoreOf('fit') },
    { column: 'intent_score', sql: scoreOf('intent') },
    { column: 'tier', sql: cutOff(tiers, id(SCORE), ({ tier }) => tier) },
    {
      column: 'qualification_status',
      sql: refused + saved === '' ? byTier : `case ${refused}${saved}else ${byTier} end`,
    },
  ]
}

const isBelow = (line: number) => `${id(SCORE)} < ${line}`

/** The lowest score that is not disqualified by its tier; undefined where no tier disqualifies. */
function lineOf({ qualification: { tiers } }: Policy): number | undefined {
  if (tiers.every(({ status }) => status !== 'disqualified')) return undefined
  const open = tiers.filter(({ status }) => status !== 'disqualified')
  return Math.min(...open.map(({ from }) => from))
}

function cutOff<T extends { from: number }>(bands: readonly T[], value: string, name: (band: T) => string): string {
  if (bands.length === 0) return 'NULL::VARCHAR'
  const cases = bands.map((band) => `when ${value} >= ${band.from} then ${quoteLiteral(name(band))}`)
  return `case ${cases.join(' ')} end`
}

function weightedColumn(card: Scorecard, bound: string): string {
  return `${card.name} weighted${bound}`
}

function weighted(card: Scorecard, bound: string, { qualification }: Policy): string {
  return `(${id(card.name + bound)} * ${weightOf(card, qualification)}::DECIMAL(5,4))::DECIMAL(9,4)`
}

function weightOf(card: Scorecard, { weights }: Policy['qualification']): number {
  return weights[card.name] ?? 0
}

function allReasons(cards: readonly Scorecard[], policy: Policy, types: Columns): Reason[] {
  const line = lineOf(policy)
  const total = id(TOTAL)
  const high = id(`${SCORE} high`)
  const weights = cards.map((card) => {
    const after = id(weightedColumn(card, ''))
    const share = numberSql(`${weightOf(card, policy.qualification)} * 100`)
    const because = `'${card.name} counts ' || ${share} || '%: ' || ${numberSql(id(card.name))} || ' becomes ' || ${numberSql(after)}`
    return adjustment(`${card.name}.weight`, id(card.name), after, because)
  })
  const decisions: Reason[] =
    line === undefined
      ? []
      : [
          {
            rule: 'status.below_line',
            when: `${isBelow(line)} and ${high} < ${line}`,
            points: 0,
            because: `'below the line at ${line}: at most ' || ${numberSql(high)}`,
            evidence: 'NULL::VARCHAR',
          },
          {
            rule: 'status.missing_data',
            when: `${isBelow(line)} and ${high} >= ${line} and qualification_status = 'nurture'`,
            points: 0,
            because: `'below the line at ${line} for missing data: it could reach ' || ${numberSql(high)}`,
            evidence: 'NULL::VARCHAR',
          },
        ]
  return [
    ...cards.flatMap((card) => cardReasons(card, types)),
    ...weights,
    adjustment('score.range', total, id(SCORE), `'the score counts from 0 to 100: it was ' || ${numberSql(total)}`),
    ...policy.disqualify.map((rule) => ruleReason(rule, types)),
    ...decisions,
  ]
}

/** Columns that are NULL and read by a rule that is unknown, by name. */
function needsData(cards: readonly Scorecard[]): string {
  const readers = new Map<string, string[]>()
  for (const { name, when, decay } of cards.flatMap((card) => card.rules)) {
    for (const column of new Set([...when.columns, ...(decay === undefined ? [] : [decay.by])])) {
      readers.set(column, [...(readers.get(column) ?? []), `${id(name)} is null`])
    }
  }
  const columns = [...readers.keys()].sort().map((column) => {
    const unknown = readers.get(column)!.join(' or ')
    return `case when ${id(column)} is null and (${unknown}) then ${quoteLiteral(column)} end`
  })
  const any = [...new Set([...readers.values()].flat())].join(' or ')
  if (any === '') return '[]::VARCHAR[]'
  return `case when ${any} then list_filter([${columns.join(', ')}], lambda c: c is not null) else []::VARCHAR[] end`
}
