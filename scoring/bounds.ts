import { quoteIdentifier as id, quoteLiteral, type TableSpec } from '../pipeline/table.ts'
import { capped, groupColumn, groupsOf, type Layer, ranged, valueSql } from './arithmetic.ts'
import { needsOf, type Rule, type Scorecard } from './card.ts'
import {
  layered,
  limited,
  overridable,
  overrideRank,
  refusedSql,
  SCORE,
  type Scoring,
  scoreLayers,
  TOTAL,
  weighted,
  weightedColumn,
  withCutOffs,
} from './layers.ts'
import type { Bound } from './parts.ts'
import type { Columns } from './text.ts'
import { rankOf, rankWith, tierName } from './tiers.ts'

/** What is still open of every lead: what its score and tier could become, and which fields could change the tier. */
export const LEAD_BOUNDS: TableSpec = {
  schema: 'intermediate',
  name: 'int_leads_score_bounds',
  description: 'Score and tier of every lead as they are and as they could be if what is unknown were known.',
  columns: {
    lead_id: 'VARCHAR',
    score: 'DECIMAL(9,4)',
    score_min: 'DECIMAL(9,4)',
    score_max: 'DECIMAL(9,4)',
    tier: 'VARCHAR',
    tier_min: 'VARCHAR',
    tier_max: 'VARCHAR',
    is_open: 'BOOLEAN',
    fields:
      'STRUCT(field VARCHAR, score_min DECIMAL(9,4), score_max DECIMAL(9,4), tier_min VARCHAR, tier_max VARCHAR, changes_alone BOOLEAN)[]',
    score_version: 'VARCHAR',
  },
  key: ['lead_id'],
  docs: {
    tier_min: 'The worst tier that the unknown leaves open.',
    tier_max: 'The best.',
    is_open: 'Whether knowing more could still change the tier: not for leads that a known reason or a person decided.',
    fields:
      'Unknown columns of the facts that could change the tier, alone or with others; with what each could do alone. Empty where the tier is not open.',
  },
}

/**
 * The cards as one SELECT over `facts` (a relation like int_lead_facts, or a query in brackets), in the columns of
 * LEAD_BOUNDS: the same rules, caps, weights and tiers as the score, for who asks what is worth finding out.
 */
export function compileBounds(scoring: Scoring, facts: string, types: Columns, cutOffs: string): string {
  const { cards, policy } = scoring
  const readers = readersOf(cards)
  const effects = readers.map(({ field, rules }) => effectsOf(scoring, field, rules))
  const unset = overridable(types) ? `${overrideRank(policy)} is null and "override_score" is null and ` : ''
  const layers = [
    ...scoreLayers(scoring, types),
    [{ column: 'open', sql: `${unset}not ${refusedSql(policy)} and ${rankOf(' low')} <> ${rankOf(' high')}` }],
    readers.map(({ field, rules }) => ({
      column: `${field}?`,
      sql: `${id(field)} is null and (${anyUnknown(rules)})`,
    })),
    ...[0, 1, 2].map((step) => effects.flatMap((layersOf) => layersOf[step]!)),
  ]
  const fields = readers.map(({ field }) => {
    const at = (bound: Bound) => id(`${field}? rank${bound}`)
    const struct = [
      `'field': ${quoteLiteral(field)}`,
      `'score_min': ${id(`${field}? score low`)}`,
      `'score_max': ${id(`${field}? score high`)}`,
      `'tier_min': ${tierName(policy, at(' low'))}`,
      `'tier_max': ${tierName(policy, at(' high'))}`,
      `'changes_alone': ${at(' low')} <> ${at(' high')}`,
    ]
    return `case when ${id(`${field}?`)} then {${struct.join(', ')}} end`
  })
  const list =
    fields.length === 0 ? 'NULL' : `list_filter([\n    ${fields.join(',\n    ')}\n  ], lambda f: f is not null)`
  return `${layered(withCutOffs(facts, policy, cutOffs), layers)}
select
  lead_id,
  ${id(SCORE)} as score, ${id(`${SCORE} low`)} as score_min, ${id(`${SCORE} high`)} as score_max,
  ${tierName(policy, rankOf())} as tier, ${tierName(policy, rankOf(' low'))} as tier_min, ${tierName(policy, rankOf(' high'))} as tier_max,
  open as is_open,
  case when open then ${list} else [] end as fields,
  ${quoteLiteral(scoring.version)} as score_version
from scored`
}

/** Fields that a rule needs, in order, with the rules that do. */
function readersOf(cards: readonly Scorecard[]): { field: string; rules: Rule[] }[] {
  const readers = new Map<string, Rule[]>()
  for (const rule of cards.flatMap((card) => card.rules)) {
    for (const field of needsOf(rule)) readers.set(field, [...(readers.get(field) ?? []), rule])
  }
  return [...readers].map(([field, rules]) => ({ field, rules })).sort((a, b) => (a.field < b.field ? -1 : 1))
}

function anyUnknown(rules: readonly Rule[]): string {
  return rules.map(({ name }) => `${id(name)} is null`).join(' or ')
}

/** Cards, score and rank if of all that is unknown only this field were known: at worst and at best. */
function effectsOf({ cards, policy }: Scoring, field: string, rules: readonly Rule[]): Layer[] {
  const bounds = [' low', ' high'] as const
  const touched = cards.filter((card) => card.rules.some((rule) => rules.includes(rule)))
  const cardColumn = (card: Scorecard, bound: Bound) => `${field}? ${card.name}${bound}`
  const scoreColumn = (bound: Bound) => `${field}? score${bound}`
  return [
    bounds.flatMap((bound) =>
      touched.map((card) => ({
        column: cardColumn(card, bound),
        sql: ranged(card, rawWith(card, rules, bound), cards),
      })),
    ),
    bounds.map((bound) => {
      const changes = touched.map(
        (card) => ` - ${id(weightedColumn(card))} + ${weighted(card, id(cardColumn(card, bound)), policy)}`,
      )
      return { column: scoreColumn(bound), sql: limited(`(${id(TOTAL)}${changes.join('')})`) }
    }),
    bounds.map((bound) => ({
      column: `${field}? rank${bound}`,
      sql: rankWith(cards, policy, {
        score: id(scoreColumn(bound)),
        card: (card) => id(touched.includes(card) ? cardColumn(card, bound) : card.name),
        bound,
      }),
    })),
  ]
}

function rawWith(card: Scorecard, rules: readonly Rule[], bound: Bound): string {
  const sums = groupsOf(card).map((group) => {
    const sum = id(groupColumn(card, group))
    const unknown = card.rules
      .filter((rule) => rule.group === group && rules.includes(rule) && rule.points < 0 === (bound === ' low'))
      .map((rule) => ` + case when ${id(rule.name)} is null then ${valueSql(rule)} else 0 end`)
    return unknown.length === 0 ? capped(card, group, sum) : capped(card, group, `(${sum}${unknown.join('')})`)
  })
  return `(${sums.join(' + ')})`
}
