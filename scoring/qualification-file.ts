import { z } from 'zod'
import { name, rule, sql } from './define.ts'

/** True, false or NULL (unknown), with the columns that say so. */
const signal = z.strictObject({ when: sql, evidence: z.array(name).optional() })

const capacity = z.int().min(0)

/** A lead reaches a tier at `from`, and where one of the others is given, at the cut-off that a run found for it. */
const tier = z.strictObject({
  tier: z.string().regex(/^[A-Z]$/, 'must be one capital letter'),
  from: z.number().min(0).max(100).multipleOf(0.0001).default(0),
  /** The best so many per cent of the leads, tiers above included. */
  top_percent: z.number().positive().max(100).optional(),
  /** So many leads as can be worked in a week, after the tiers above; by value of `within`, or for all. */
  capacity_per_week: z.union([capacity, z.record(z.string(), capacity)]).optional(),
  status: z.enum(['qualified', 'nurture', 'disqualified']),
})

/** How the cards become one score, tier and status: `scoring/qualification.yml`. */
export const qualificationSchema = z.strictObject({
  description: z.string().min(1),
  /** Part → its weight in the score: the sum of card score × weight, clamped to 0 and 100. */
  weights: z.record(name, z.number().positive().max(1).multipleOf(0.0001)),
  /** Best first; everything reaches the last one. A tier is where the score lies, whatever the status. */
  tiers: z.array(tier).min(1),
  /** Bands of two parts → the best tier that they allow; the tiers' own cut-offs may lower it. */
  matrix: z
    .strictObject({ rows: name, columns: name, tiers: z.record(z.string(), z.record(z.string(), z.string())) })
    .optional(),
  /** Column of the facts within whose values `top_percent` and `capacity_per_week` are taken. Absent: over all leads. */
  within: name.optional(),
  /** Known reasons to disqualify, whatever the score. Where `when` is NULL nobody is disqualified. */
  disqualify: z.array(rule.pick({ rule: true, when: true, because: true, evidence: true })).default([]),
  bant: z.strictObject({ budget: signal, authority: signal, need: signal, timeline: signal }),
})
export type Qualification = z.output<typeof qualificationSchema>
