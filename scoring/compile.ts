import { quoteIdentifier as id, quoteLiteral } from '../pipeline/table.ts'
import { adjustment, cardLayers, cardReasons, type Layer, ruleLayers, ruleReason } from './arithmetic.ts'
import { briefLayers, briefSql, evidenceListSql } from './brief-sql.ts'
import { needsOf, type Scorecard } from './card.ts'
import { SCORE_CUTOFFS } from './cut-offs.ts'
import {
  COMPUTED,
  layered,
  overridable,
  overrideRank,
  refusedSql,
  SCORE,
  type Scoring,
  scoreLayers,
  TOTAL,
  weightedColumn,
  weightOf,
  withCutOffs,
} from './layers.ts'
import { partSql, partsOf } from './parts.ts'
import { type Policy, SIGNALS } from './qualification.ts'
import { raiseLayer, raiseSql } from './raise.ts'
import { numberSql, type Reason, reasonsSql } from './reasons.ts'
import { type Columns, evidenceSql, isShowable } from './text.ts'
import { lastOpen, rankOf, statusOf, tierName, tierReasons } from './tiers.ts'

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
 * Tiers by percentile or capacity are held against `cutOffs`, whoever asks, and for however few leads. Without `tells`, the
 * columns that only tell are NULL.
 */
export function compileScores(
  scoring: Scoring,
  facts: string,
  types: Columns,
  { cutOffs = SCORE_CUTOFFS, tells = true }: { cutOffs?: string; tells?: boolean } = {},
): string {
  const { cards, policy } = scoring
  const brief = tells ? scoring.brief : undefined
  const layers = [
    ...scoreLayers(scoring, types),
    [...outputs(scoring, types), ...(tells ? raiseLayer(scoring) : [])],
    ...(brief === undefined ? [] : briefLayers(brief, { ...types, ...OUTPUTS })),
  ]
  const bant = SIGNALS.map((signal) => {
    const { when, evidence } = policy.bant[signal]
    const columns = evidence ?? when.columns.filter((column) => isShowable(types[column] ?? ''))
    return `'${signal}': case when ${id(`${signal}_signal`)} is not null then ${evidenceSql(columns, types)} end`
  })
  return `${layered(withCutOffs(facts, policy, cutOffs), layers)}
select
  lead_id,
  ${Object.keys(OUTPUTS).map(id).join(', ')},
  {'min': ${id(`${SCORE} low`)}::DOUBLE, 'max': ${id(`${SCORE} high`)}::DOUBLE} as score_possible,
  ${needsData(cards)} as needs_data,
  ${reasonsSql(allReasons(scoring, types))} as reasons,
  ${tells ? raiseSql(scoring, types) : 'NULL'} as would_raise,
  ${brief === undefined ? 'NULL::VARCHAR' : briefSql(brief)} as deal_brief,
  ${brief === undefined ? 'NULL' : evidenceListSql(brief)} as brief_evidence,
  ${quoteLiteral(scoring.version)} as score_version,
  as_of()::TIMESTAMP as scored_at,
  NULL::VARCHAR as owner,
  {${bant.join(', ')}} as bant_evidence
from scored`
}

/** One card alone: its score, band and the rules that score. What the card's examples are run on. */
export function compileCard(card: Scorecard, facts: string): string {
  const band = bandSql(card)
  const rules = [...card.rules].sort((a, b) => (a.name < b.name ? -1 : 1))
  const names = rules.map(({ name }) => `case when ${id(name)} then ${quoteLiteral(name.split('.')[1]!)} end`)
  const alone = [{ ...card, segments: [] }]
  return `${layered(facts, [...ruleLayers(alone), ...cardLayers(alone)])}
select facts.*, ${id(card.name)}::DOUBLE as score, ${band} as band, list_filter([${names.join(', ')}], lambda r: r is not null) as rules
from scored as facts`
}

function bandSql({ name, card: { bands } }: Scorecard): string {
  if (bands.length === 0) return 'NULL::VARCHAR'
  return `case ${bands.map(({ band, from }) => `when ${id(name)} >= ${from} then ${quoteLiteral(band)}`).join(' ')} end`
}

function outputs({ cards, policy }: Scoring, types: Columns): Layer {
  const open = lastOpen(policy)
  const set = overridable(types) ? `when ${overrideRank(policy)} is not null then ${statusOf(policy, rankOf())} ` : ''
  const refused = policy.disqualify.length === 0 ? '' : `when ${refusedSql(policy)} then 'disqualified' `
  const saved = open === undefined ? '' : `when ${rankOf()} > ${open} and ${rankOf(' high')} <= ${open} then 'nurture' `
  const byTier = statusOf(policy, rankOf())
  const scoreOf = (part: string) =>
    partsOf(cards).includes(part) ? `(${partSql(part, cards, '')})::DOUBLE` : 'NULL::DOUBLE'
  return [
    { column: 'score', sql: `${id(SCORE)}::DOUBLE` },
    { column: 'fit_score', sql: scoreOf('fit') },
    { column: 'intent_score', sql: scoreOf('intent') },
    { column: 'tier', sql: tierName(policy, rankOf()) },
    {
      column: 'qualification_status',
      sql: set + refused + saved === '' ? byTier : `case ${set}${refused}${saved}else ${byTier} end`,
    },
  ]
}

function allReasons({ cards, policy }: Scoring, types: Columns): Reason[] {
  const total = id(TOTAL)
  const weights = cards.map((card) => {
    const after = id(weightedColumn(card))
    const share = numberSql(`${weightOf(card, policy)} * 100`)
    const because = `'${card.name} counts ' || ${share} || '%: ' || ${numberSql(id(card.name))} || ' becomes ' || ${numberSql(after)}`
    return adjustment(`${card.name}.weight`, id(card.name), after, because)
  })
  const limit = `'the score counts from 0 to 100: it was ' || ${numberSql(total)}`
  return [
    ...cards.flatMap((card) => cardReasons(card, types)),
    ...weights,
    adjustment('score.range', total, id(COMPUTED), limit),
    ...(overridable(types) ? overrideReasons(policy) : []),
    ...policy.disqualify.map((rule) => ruleReason(rule, types)),
    ...tierReasons(cards, policy, SCORE),
  ]
}

/** What a person set, in their words. */
function overrideReasons(policy: Policy): Reason[] {
  const why = `' until ' || coalesce("override_until"::VARCHAR, 'further notice') || ': ' || coalesce("override_reason", '')`
  const because = (what: string) => `${what} || ${why}`
  const set = id(SCORE)
  return [
    {
      rule: 'score.override',
      when: `"override_score" is not null and ${set} <> ${id(COMPUTED)}`,
      points: `${set} - ${id(COMPUTED)}`,
      because: because(`'set to ' || ${numberSql(set)}`),
      evidence: 'NULL::VARCHAR',
    },
    {
      rule: 'tier.override',
      when: `${overrideRank(policy)} is not null`,
      points: 0,
      because: because(`'tier set to ' || "override_tier"`),
      evidence: 'NULL::VARCHAR',
    },
  ]
}

/** What would tell whether an unknown rule holds, and is unknown itself, by name. */
function needsData(cards: readonly Scorecard[]): string {
  const readers = new Map<string, string[]>()
  for (const rule of cards.flatMap((card) => card.rules)) {
    for (const column of needsOf(rule)) {
      readers.set(column, [...(readers.get(column) ?? []), `${id(rule.name)} is null`])
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
