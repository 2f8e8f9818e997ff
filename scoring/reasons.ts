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
const PLACES = 10_000

/**
 * The list of the reasons that hold: by |points| descending, then by name. Each text is made only for the leads it is
 * given to, and only integers are sorted.
 */
export function reasonsSql(reasons: readonly Reason[]): string {
  return listSql(
    reasons.map(({ rule, when, points, because, evidence }) => ({
      name: rule,
      when,
      weight: points,
      fields: { rule: quoteLiteral(rule), points: pointsSql(points), because, evidence },
    })),
  )
}

/** One struct of a list, given where `when` is true. */
export interface Item {
  name: string
  when: string
  /** A number where it is the same for every lead, else SQL of type DECIMAL. */
  weight: number | string
  fields: Record<string, string>
}

/** The items that hold, the weightiest first, then by name; at most so many. */
export function listSql(items: readonly Item[], limit?: number): string {
  const sorted = [...items].sort((a, b) => (a.name < b.name ? -1 : 1))
  const keys = sorted.map(({ when, weight }, index) => {
    const key =
      typeof weight === 'number'
        ? String((TOP - Math.round(Math.abs(weight) * 10_000)) * PLACES + index + 1)
        : `(${TOP} - (abs(${weight}) * 10000)::BIGINT) * ${PLACES} + ${index + 1}`
    return `case when ${when} then ${key} end`
  })
  const structs = sorted.map(({ when, fields }) => {
    const written = Object.entries(fields).map(([name, sql]) => `'${name}': ${sql}`)
    return `case when ${when} then {${written.join(', ')}} end`
  })
  const held = `list_sort(list_filter([${keys.join(',\n    ')}], lambda k: k is not null))`
  const first = limit === undefined ? held : `list_slice(${held}, 1, ${limit})`
  return `list_select([\n    ${structs.join(',\n    ')}\n  ], list_transform(${first}, lambda k: k % ${PLACES}))`
}

function pointsSql(points: number | string): string {
  return typeof points === 'number' ? decimal(points) : `(${points})::DECIMAL(9,4)`
}

/** A DECIMAL as people read it: 49.2, not 49.2000. */
export function numberSql(value: string): string {
  return `format('{:.12g}', (${value})::DOUBLE)`
}
