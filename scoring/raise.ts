import { quoteIdentifier as id, quoteLiteral } from '../pipeline/table.ts'
import { capped, fullPoints, groupColumn, groupsOf, ranged, rawColumn, valueSql } from './arithmetic.ts'
import type { Rule, Scorecard } from './card.ts'
import { COMPUTED, limited, overridable, type Scoring, TOTAL, weighted, weightedColumn } from './layers.ts'
import { activeSql } from './parts.ts'
import { decimal, listSql } from './reasons.ts'
import type { Columns } from './text.ts'

const SHOWN = 5

/**
 * What would raise the score most, rule by rule, all else as it is: a rule that gives less than it could, or one that takes
 * away. What it would add is counted through caps, ranges and weights. Empty where a person set the score.
 */
export function raiseSql(scoring: Scoring, types: Columns): string {
  const free = overridable(types) ? '"override_score" is null and ' : ''
  const items = scoring.cards.flatMap((card) => {
    const active = activeSql(card, scoring.cards)
    return card.rules.map((rule) => {
      const gain = gainSql(scoring, card, rule)
      const more = rule.points < 0 ? id(rule.name) : `coalesce(not ${id(rule.name)}, true)`
      return {
        name: rule.name,
        when: `${free}${active === undefined ? '' : `${active} and `}${more} and ${gain} > 0`,
        weight: gain,
        fields: { rule: quoteLiteral(rule.name), points: gain, because: quoteLiteral(wordsOf(rule)) },
      }
    })
  })
  return listSql(items, SHOWN)
}

function wordsOf({ points, raise }: Rule): string {
  return points < 0 ? `no longer: ${raise}` : raise
}

/** By how much the score would rise if this rule gave its best. */
function gainSql({ cards, policy }: Scoring, card: Scorecard, rule: Rule): string {
  const best = rule.points < 0 ? `- ${valueSql(rule)}` : `+ ${decimal(fullPoints(rule))}`
  const group = id(groupColumn(card, rule.group))
  const sum = `${id(rawColumn(card))} - ${capped(card, rule.group, group)} + ${capped(card, rule.group, `(${group} ${best})`)}`
  const lone = groupsOf(card).length === 1 ? capped(card, rule.group, `(${group} ${best})`) : sum
  const after = weighted(card, ranged(card, `(${lone})`, cards), policy)
  return `(${limited(`(${id(TOTAL)} - ${id(weightedColumn(card))} + ${after})`)} - ${id(COMPUTED)})`
}
