import { quoteIdentifier as id, quoteLiteral } from '../pipeline/table.ts'
import { capped, fullPoints, groupColumn, isVariable, type Layer, ranged, rawColumn, valueSql } from './arithmetic.ts'
import type { Rule, Scorecard } from './card.ts'
import { COMPUTED, limited, overridable, type Scoring, TOTAL, weighted, weightedColumn, weightOf } from './layers.ts'
import { activeSql } from './parts.ts'
import { decimal, keySql, PLACES, pointsOfKey } from './reasons.ts'
import type { Columns } from './text.ts'

const SHOWN = 5

/**
 * What would raise the score most, rule by rule, all else as it is: a rule that gives less than it could, or one that takes
 * away. What it would add is counted through caps, ranges and weights. Empty where a person set the score.
 */
export function raiseSql(scoring: Scoring, types: Columns): string {
  const free = overridable(types) ? '"override_score" is null and ' : ''
  const rules = scoring.cards
    .flatMap((card) => card.rules.map((rule) => ({ rule, active: activeSql(card, scoring.cards) })))
    .sort((a, b) => (a.rule.name < b.rule.name ? -1 : 1))
  const keys = rules.map(({ rule, active }, index) => {
    const gain = id(gainColumn(rule))
    const more =
      rule.points < 0 ? `${id(rule.name)} and ` : isVariable(rule) ? '' : `coalesce(not ${id(rule.name)}, true) and `
    const when = `${free}${active === undefined ? '' : `${active} and `}${more}${gain} > 0`
    return `case when ${when} then ${keySql(gain, index)} end`
  })
  const place = `(k % ${PLACES})::INTEGER`
  const at = (values: readonly string[]) => `([${values.map((value) => quoteLiteral(value)).join(', ')}])[${place}]`
  const names = at(rules.map(({ rule }) => rule.name))
  const words = at(rules.map(({ rule }) => wordsOf(rule)))
  const first = `list_slice(list_sort(list_filter([\n    ${keys.join(',\n    ')}\n  ], lambda k: k is not null)), 1, ${SHOWN})`
  return `list_transform(${first}, lambda k: {'rule': ${names}, 'points': ${pointsOfKey('k')}, 'because': ${words}})`
}

/** By how much each rule would raise the score. */
export function raiseLayer(scoring: Scoring): Layer {
  return scoring.cards.flatMap((card) =>
    card.rules.map((rule) => ({ column: gainColumn(rule), sql: gainSql(scoring, card, rule) })),
  )
}

function gainColumn({ name }: Rule): string {
  return `${name} gain`
}

function wordsOf({ points, raise }: Rule): string {
  return points < 0 ? `no longer: ${raise}` : raise
}

/** By how much the score would rise if this rule gave its best. */
function gainSql({ cards, policy }: Scoring, card: Scorecard, rule: Rule): string {
  const given = isVariable(rule) ? ` - case when ${id(rule.name)} then ${valueSql(rule)} else 0 end` : ''
  const best = rule.points < 0 ? `- ${valueSql(rule)}` : `+ ${decimal(fullPoints(rule))}${given}`
  const group = id(groupColumn(card, rule.group))
  const [before, after] = [group, `(${group} ${best})`].map((sum) => capped(card, rule.group, sum))
  const sum = before === group ? `${id(rawColumn(card))} ${best}` : `${id(rawColumn(card))} - ${before} + ${after}`
  const raised = weighted(card, ranged(card, `(${sum})`, cards), policy)
  const weights = cards.reduce((total, one) => total + weightOf(one, policy), 0)
  if (weights <= 1) return `${raised} - ${id(weightedColumn(card))}`
  return `(${limited(`(${id(TOTAL)} - ${id(weightedColumn(card))} + ${raised})`)} - ${id(COMPUTED)})`
}
