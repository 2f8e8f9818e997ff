import { quoteIdentifier as id } from '../pipeline/table.ts'
import type { Rule, Scorecard } from './card.ts'
import { decimal, numberSql, type Reason } from './reasons.ts'
import { type Columns, evidenceSql, isShowable, shown, textSql } from './text.ts'

/** A step of the compiled SELECT: its columns, added to all that came before. */
export type Layer = { column: string; sql: string }[]

/** Of every sum there are three: as it is, and the lowest and highest it could be if what is unknown were known. */
export const BOUNDS = ['', ' low', ' high'] as const
type Bound = (typeof BOUNDS)[number]

/** Whether each rule holds, and what the decaying ones are worth today. */
export function ruleLayers(cards: readonly Scorecard[]): Layer[] {
  const rules = cards.flatMap((card) => card.rules)
  const decaying = rules.filter(({ decay }) => decay !== undefined)
  return [
    rules.map(({ name, when, decay }) => {
      const dated = decay === undefined ? '' : ` and (${id(decay.by)} is not null or null)`
      return { column: name, sql: `(${when.sql}\n)${dated}` }
    }),
    decaying.map(({ name, points, decay }) => {
      const age = `greatest(0, as_of() - ${id(decay!.by)}::DATE)`
      const sql = `coalesce((${points}::DOUBLE * pow(0.5, ${age} / ${decay!.half_life_days}::DOUBLE))::DECIMAL(9,4), ${decimal(points)})`
      return { column: pointsColumn(name), sql }
    }),
  ]
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
          .map((group) => clamp(id(groupColumn(card, group) + bound), card.card.groups[group ?? '']))
          .join(' + '),
      })),
    ),
    cards.flatMap((card) =>
      BOUNDS.map((bound) => ({
        column: card.name + bound,
        sql: `${clamp(id(rawColumn(card) + bound), rangeOf(card))}::DECIMAL(9,4)`,
      })),
    ),
  ]
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
  const points = rule.decay === undefined ? rule.points : id(pointsColumn(rule.name))
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

function groupsOf(card: Scorecard): (string | undefined)[] {
  return [...new Set(card.rules.map(({ group }) => group))]
}

function groupColumn(card: Scorecard, group: string | undefined): string {
  return `${card.name}:${group ?? ''}`
}

function rawColumn(card: Scorecard): string {
  return `${card.name} raw`
}

function pointsColumn(rule: string): string {
  return `${rule} points`
}

/** An unknown rule counts in a bound if that lowers the lowest or raises the highest. */
function groupSum(card: Scorecard, group: string | undefined, bound: Bound): string {
  return card.rules
    .filter((rule) => rule.group === group)
    .map(({ name, points, decay }) => {
      const value = decay === undefined ? decimal(points) : id(pointsColumn(name))
      const counts = (bound === ' low' && points < 0) || (bound === ' high' && points > 0)
      return `case when ${counts ? `coalesce(${id(name)}, true)` : id(name)} then ${value} else ${decimal(0)} end`
    })
    .join(' + ')
}
