import { z } from 'zod'

const name = z.string().regex(/^[a-z][a-z0-9_]*$/, 'must be a snake_case name')
/** One SQL expression over the columns of int_lead_facts. NULL means unknown; `as_of()` is the run's date. */
const sql = z.string().min(1)
/** Text with `{column}` slots. */
const text = z.string().min(1)
const points = z.number().min(-100).max(100).multipleOf(0.0001)

const rule = z.strictObject({
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
})
export type Card = z.output<typeof cardSchema>

/** True, false or NULL (unknown), with the columns that say so. */
const signal = z.strictObject({ when: sql, evidence: z.array(name).optional() })

/** How the cards become one score, tier and status: `scoring/qualification.yml`. */
export const qualificationSchema = z.strictObject({
  description: z.string().min(1),
  /** Card → its part in the score: the sum of card score × weight, clamped to 0 and 100. */
  weights: z.record(name, z.number().positive().max(1).multipleOf(0.0001)),
  /** Best first; the last one starts at 0. A tier is where the score lies, whatever the status. */
  tiers: z
    .array(
      z.strictObject({
        tier: z.string().regex(/^[A-Z]$/, 'must be one capital letter'),
        from: z.number().min(0).max(100).multipleOf(0.0001),
        status: z.enum(['qualified', 'nurture', 'disqualified']),
      }),
    )
    .min(1),
  /** Known reasons to disqualify, whatever the score. Where `when` is NULL nobody is disqualified. */
  disqualify: z.array(rule.pick({ rule: true, when: true, because: true, evidence: true })).default([]),
  bant: z.strictObject({ budget: signal, authority: signal, need: signal, timeline: signal }),
})
export type Qualification = z.output<typeof qualificationSchema>
