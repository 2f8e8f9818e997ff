import { z } from 'zod'
import { name, sql } from './define.ts'

/** The head of a template of deal briefs, `scoring/briefs/<brief>.<language>.md`. */
export const briefSchema = z.strictObject({
  /** The file's name, before the language. */
  brief: name,
  language: z.string().regex(/^[a-z]{2}$/, 'must be two small letters'),
  description: z.string().min(1),
  /** The leads whose briefs are written in this language; the one template that has none is for all others. */
  when: sql.optional(),
  /** How dates are written, by strftime. */
  dates: z
    .string()
    .regex(/^[%\w\s./-]+$/, 'must be a format of strftime')
    .default('%Y-%m-%d'),
  /** What stands between thousands. */
  thousands: z.enum([',', '.', '']).default(','),
  /** By column, what its values are called: `seniority: { c_level: diretoria }`. Others stand as they are. */
  words: z.record(name, z.record(z.string(), z.string().min(1))).default({}),
})

/** The comment before a sentence: `<!-- when: budget_signal -->`. */
export const directiveSchema = z.strictObject({
  /** Left out unless true. May read the facts and the score's own columns. */
  when: sql.optional(),
  /** What the sentence states beside its slots. */
  cite: z.array(name).min(1).optional(),
  /** Days after which its rows are too old for it, in place of their own limits. */
  within: z.int().positive().optional(),
})

/** `scoring/evidence.yml`: the rows of marts that a sentence may rest on. */
export const evidenceSchema = z.strictObject({
  description: z.string().min(1),
  rows: z.record(
    name,
    z.strictObject({
      /** The mart that the row is in. */
      table: name,
      /** The column of int_lead_facts with the row's id; NULL where there is no row. */
      id: name,
      /** The column of int_lead_facts that says when this was so. Absent: it is of this very run. */
      seen: name.optional(),
      /** Days after which it is too old to be told. */
      within: z.int().positive().optional(),
      /** Columns of int_lead_facts, and of the score, that the row carries. */
      columns: z.array(name).min(1),
    }),
  ),
})
export type EvidenceFile = z.output<typeof evidenceSchema>
