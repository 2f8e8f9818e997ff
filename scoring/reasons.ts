import { quoteLiteral } from '../pipeline/table.ts'

/** One entry of `reasons`, as SQL. */
export interface Reason {
  rule: string
  /** It is given where this is true. */
  when: string
  /** A number where it is the same for every lead, else SQL of type DECIMAL. */
  points: number | string
  because: string
  evidence: string
}

/** A constant of the type in which points are counted. */
export function decimal(value: number): string {
  return `${value.toFixed(4)}::DECIMAL(9,4)`
}

/** Keys hold |points| × 10 000, turned round, above the position in the list: sorted, they order reasons by weight, then name. */
const TOP = 10_000_000_000
export const PLACES = 10_000

/** The key of what weighs so much (SQL of type DECIMAL) and stands at this position. */
export function keySql(weight: string, index: number): string {
  return `(${TOP} - (abs(${weight}) * 10000)::BIGINT) * ${PLACES} + ${index + 1}`
}

/** The weight that a key was made of. */
export function pointsOfKey(key: string): string {
  return `((${TOP} - ${key} // ${PLACES})::DECIMAL(18,4) / 10000)::DECIMAL(9,4)`
}

/**
 * The list of the reasons that hold: by |points| descending, then by name. Each text is made only for the leads it is
 * given to, and only integers are sorted.
 */
export function reasonsSql(reasons: readonly Reason[]): string {
  const sorted = [...reasons].sort((a, b) => (a.rule < b.rule ? -1 : 1))
  const keys = sorted.map(({ when, points }, index) => {
    const key =
      typeof points === 'number'
        ? String((TOP - Math.round(Math.abs(points) * 10_000)) * PLACES + index + 1)
        : keySql(points, index)
    return `case when ${when} then ${key} end`
  })
  const structs = sorted.map(({ rule, when, points, because, evidence }) => {
    const value = typeof points === 'number' ? decimal(points) : `(${points})::DECIMAL(9,4)`
    const fields = [
      `'rule': ${quoteLiteral(rule)}`,
      `'points': ${value}`,
      `'because': ${because}`,
      `'evidence': ${evidence}`,
    ]
    return `case when ${when} then {${fields.join(', ')}} end`
  })
  const order = `list_transform(list_sort(list_filter([${keys.join(',\n    ')}], lambda k: k is not null)), lambda k: k % ${PLACES})`
  return `list_select([\n    ${structs.join(',\n    ')}\n  ], ${order})`
}

/** A DECIMAL as people read it: 49.2, not 49.2000. */
export function numberSql(value: string): string {
  return `format('{:.12g}', (${value})::DOUBLE)`
}
