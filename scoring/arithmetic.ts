import { quoteIdentifier as id } from '../pipeline/table.ts'
import type { Rule, Scorecard } from './card.ts'
import { activeSql, BOUNDS, type Bound } from './parts.ts'
import { decimal, numberSql, type Reason } from './reasons.ts'
import { type Columns, evidenceSql, isShowable, shown, textSql } from './text.ts'

/** A step of the compiled SELECT: its columns, added to all that came before. */
export type Layer = { column: string; sql: string }[]

/** Whether each rule holds, and what those are worth today whose points depend on dates or counts. */
export function ruleLayers(cards: readonly Scorecard[]): Layer[] {
  const rules = cards.flatMap((card) => card.rules)
  return [
    cards.flatMap((card) => {
      const active = activeSql(card, cards)
      return card.rules.map((rule) => {
        const flag = flagSql(rule)
        return {
          column: rule.name,
          sql: active === undefined ? flag : `case when ${active} then ${flag} else false end`,
        }
      })
    }),
    rules.filter(isVariable).map((rule) => ({ column: pointsColumn(rule.name), sql: pointsSql(rule) })),
  ]
}

/** Without the date it decays from, or what it counts, a rule is unknown. */
function flagSql({ when, decay, frequency }: Rule): string {
  const read = new Set([
    ...(decay === undefined ? [] : [decay.by]),
    ...(frequency === undefined ? [] : [frequency.column]),
  ])
  const known = [...read].map((column) => ` and (${id(column)} is not null or null)`)
  return `(${when.sql}\n)${known.join('')}`
}

export function isVariable({ decay, frequency }: Rule): boolean {
  return decay !== undefined || frequency !== undefined
}

/** What a rule gives at most. */
export function fullPoints({ points, frequency }: Rule): number {
  return points * (frequency?.up_to ?? 1)
}

function pointsSql(rule: Rule): string {
  const { points, decay, frequency } = rule
  const full = decimal(fullPoints(rule))
  const left = (date: string) =>
    `pow(0.5, greatest(0, as_of() - ${date}::DATE) / ${decay?.half_life_days ?? 1}::DOUBLE)`
  if (frequency?.of === 'dates' && decay !== undefined) {
    const dates = `list_filter(${id(frequency.column)}, lambda d: d is not null)`
    const latest = `list_slice(list_sort(${dates}, 'DESC'), 1, ${frequency.up_to})`
    const sum = `coalesce(list_sum(list_transform(${latest}, lambda d: ${left('d')})), 0)`
    return `case when ${id(frequency.column)} is null then ${full} else (${points}::DOUBLE * ${sum})::DECIMAL(9,4) end`
  }
  const count =
    frequency?.of === 'dates' ? `len(${id(frequency.column)})` : `greatest(${id(frequency?.column ?? '')}, 0)`
  const times = frequency === undefined ? '' : `least(${count}, ${frequency.up_to}) * `
  const each = decay === undefined ? decimal(points) : `${points}::DOUBLE * ${left(id(decay.by))}`
  // greatest() and least() pass over NULL.
  const unknown = [decay?.by, frequency?.column].filter((column) => column !== undefined)
  const missing = [...new Set(unknown)].map((column) => `${id(column)} is null`).join(' or ')
  return `case when ${missing} then ${full} else (${times}${each})::DECIMAL(9,4) end`
}

/** Sums by group, capped; by card, clamped. The card's score is in the column of its name. */
export function cardLayers(cards: readonly Scorecard[]): Layer[] {
  return [
    cards.flatMap((card) =>
      groupsOf(card).flatMap((group) =>
        BOUNDS.map((bound) => ({ column: groupColumn(card, group) + bound, sql: groupSum(card, group, bound) })),
      ),
    ),
    cards.flatMap((card) =>
      BOUNDS.map((bound) => ({
        column: rawColumn(card) + bound,
        sql: groupsOf(card)
          .map((group) => capped(card, group, id(groupColumn(card, group) + bound)))
          .join(' + '),
      })),
    ),
    cards.flatMap((card) =>
      BOUNDS.map((bound) => ({ column: card.name + bound, sql: ranged(card, id(rawColumn(card) + bound), cards) })),
    ),
  ]
}

/** A sum within the limits of its group. */
export function capped({ card }: Scorecard, group: string | undefined, sum: string): string {
  return clamp(sum, card.groups[group ?? ''])
}

/** A card's sum within its range; 0 for leads that it does not score. */
export function ranged(card: Scorecard, sum: string, cards: readonly Scorecard[]): string {
  const value = `${clamp(sum, rangeOf(card))}::DECIMAL(9,4)`
  const active = activeSql(card, cards)
  return active === undefined || rangeOf(card).min === 0
    ? value
    : `case when ${active} then ${value} else ${decimal(0)} end`
}

/** A card's rules, caps and range as reasons: they sum to the card's score. */
export function cardReasons(card: Scorecard, types: Columns): Reason[] {
  const caps = groupsOf(card).flatMap((group) => {
    const cap = card.card.groups[group ?? '']
    if (group === undefined || cap === undefined) return []
    const sum = id(groupColumn(card, group))
    const because = `'${group} counts from ${cap.min ?? 'any'} to ${cap.max ?? 'any'}: it was ' || ${numberSql(sum)}`
    return [adjustment(`${card.name}.${group}.cap`, sum, clamp(sum, cap), because)]
  })
  const raw = id(rawColumn(card))
  const because = `'${card.name} counts from ${card.card.range[0]} to ${card.card.range[1]}: it was ' || ${numberSql(raw)}`
  return [
    ...card.rules.map((rule) => ruleReason(rule, types)),
    ...caps,
    adjustment(`${card.name}.range`, raw, id(card.name), because),
  ]
}

export function ruleReason(rule: Rule, types: Columns): Reason {
  const points = isVariable(rule) ? id(pointsColumn(rule.name)) : rule.points
  const evidence = rule.evidence ?? rule.when.columns.filter((column) => isShowable(types[column] ?? ''))
  return {
    rule: rule.name,
    when: typeof points === 'number' ? id(rule.name) : `${id(rule.name)} and ${points} <> 0`,
    points,
    because: textSql(rule.because, (slot) => `coalesce(${shown(slot, types[slot] ?? 'VARCHAR')}, 'unknown')`),
    evidence: evidenceSql(evidence, types),
  }
}

/** What a cap, a range or a weight changes, as a reason of its own. */
export function adjustment(rule: string, before: string, after: string, because: string): Reason {
  return { rule, when: `${after} <> ${before}`, points: `${after} - ${before}`, because, evidence: 'NULL::VARCHAR' }
}

export function clamp(value: string, limits: { min?: number; max?: number } = {}): string {
  const floored = limits.min === undefined ? value : `greatest(${value}, ${decimal(limits.min)})`
  return limits.max === undefined ? floored : `least(${floored}, ${decimal(limits.max)})`
}

function rangeOf({ card }: Scorecard): { min: number; max: number } {
  return { min: card.range[0], max: card.range[1] }
}

export function groupsOf(card: Scorecard): (string | undefined)[] {
  return [...new Set(card.rules.map(({ group }) => group))]
}

export function groupColumn(card: Scorecard, group: string | undefined): string {
  return `${card.name}:${group ?? ''}`
}

export function rawColumn(card: Scorecard): string {
  return `${card.name} raw`
}

export function pointsColumn(rule: string): string {
  return `${rule} points`
}

/** What a rule gives when it holds. */
export function valueSql(rule: Rule): string {
  return isVariable(rule) ? id(pointsColumn(rule.name)) : decimal(rule.points)
}

/** An unknown rule counts in a bound if that lowers the lowest or raises the highest. */
function groupSum(card: Scorecard, group: string | undefined, bound: Bound): string {
  return card.rules
    .filter((rule) => rule.group === group)
    .map((rule) => {
      const { name, points } = rule
      const counts = (bound === ' low' && points < 0) || (bound === ' high' && points > 0)
      const holds = counts ? `coalesce(${id(name)}, true)` : id(name)
      return `case when ${holds} then ${valueSql(rule)} else ${decimal(0)} end`
    })
    .join(' + ')
}
