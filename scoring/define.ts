import { z } from 'zod'

export const name = z.string().regex(/^[a-z][a-z0-9_]*$/, 'must be a snake_case name')
/** One SQL expression over the columns of int_lead_facts. NULL means unknown; `as_of()` is the run's date. */
export const sql = z.string().min(1)
/** Text with `{column}` slots. */
const text = z.string().min(1)
const points = z.number().min(-100).max(100).multipleOf(0.0001)

/** `employee_count from 1 up to 500`, or up to a column; a date goes `up to as_of`. */
export const MONOTONE = /^([a-z][a-z0-9_]*)(?: from (\d+(?:\.\d+)?))?(?: up to (\d+(?:\.\d+)?|[a-z][a-z0-9_]*))?$/

export const rule = z.strictObject({
  rule: name,
  /** Scores where this is true; where it is NULL the rule is unknown: it does not score, it widens `score_possible`. */
  when: sql,
  /** What it adds; negative takes away. */
  points,
  /** The reason a salesperson reads: `"{employee_count} employees"`. */
  because: text,
  /** Columns quoted as evidence. Absent: those `when` reads. */
  evidence: z.array(name).optional(),
  /** Counts within this group's cap. */
  group: name.optional(),
  /** Points halve every `half_life_days` after the date in column `by`; without a date the rule is unknown. */
  decay: z.strictObject({ by: name, half_life_days: z.number().positive() }).optional(),
  /** Points count once for each of a `count`, or for each of a list of `dates` (then `decay` is by that list), `up_to` so many. */
  frequency: z
    .strictObject({ count: name.optional(), dates: name.optional(), up_to: z.int().min(1).max(100) })
    .optional(),
  /** What to find out while the rule is unknown. Absent: those `when` reads. */
  needs: z.array(name).optional(),
  /** What would have to be so for the lead to score higher; absent: the rule's name. No slots. */
  raise: z.string().min(1).optional(),
})

const example = z.strictObject({
  /** Columns of the facts; the others are NULL. */
  given: z.record(name, z.unknown()),
  /** What `as_of()` answers. */
  as_of: z.iso.date().default('2026-01-01'),
  /** `rules`: exactly those that score. */
  expect: z.strictObject({ score: z.number(), band: z.string().optional(), rules: z.array(name).optional() }),
})

/** A scorecard: `scoring/scores/<score>.yml`. Its score is the sum of its rules, capped by group, clamped to `range`. */
export const cardSchema = z.strictObject({
  /** The file's name. */
  score: name,
  /** The part of the score that it is; absent: its own. Cards of one part stand in for each other by segment. */
  part: name.optional(),
  /** Leads whose column `segment` is one of these are scored by it, and not by the card of the part that names none. */
  segment: z.array(z.string().min(1)).min(1).optional(),
  description: z.string().min(1),
  /** Lowest and highest score it can give, within 0 and 100. */
  range: z.tuple([z.number().min(0).max(100), z.number().min(0).max(100)]).default([0, 100]),
  /** Lowest and highest sum of the rules of a group. */
  groups: z.record(name, z.strictObject({ min: points.optional(), max: points.optional() })).default({}),
  rules: z.array(rule).min(1),
  /** Names for parts of the range, best first. */
  bands: z.array(z.strictObject({ band: z.string().min(1), from: z.number() })).default([]),
  /** Run as tests. */
  examples: z.array(example).default([]),
  /** What holds for every lead, run as tests: `monotone: employee_count up to 500`, the score never falls as the column grows. */
  properties: z
    .array(z.strictObject({ monotone: z.string().regex(MONOTONE, 'must be a column, from a value, up to a value') }))
    .default([]),
})
export type Card = z.output<typeof cardSchema>
