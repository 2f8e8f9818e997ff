import { z } from 'zod'

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

const name = z.string().regex(/^[a-z][a-z0-9_]*$/, 'must be snake_case')
const language = z.string().regex(/^[a-z]{2}$/, 'must be a two-letter language, lower case')
const country = z.string().regex(/^[A-Z]{2}$/, 'must be a two-letter country, upper case')
const clock = z.string().regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'must be a time of day, as "09:00"')

const template = z.string().regex(/^[a-z0-9_]+(\/[a-z0-9_]+)*$/, 'must be a path of snake_case names without ending')

/** One message or task of a sequence. */
export const sequenceStep = z.strictObject({
  /** Part of the event's identity: a step that is renamed is a new step. */
  id: name,
  channel: name,
  /** Days after the step before it (the first: after entering). Moved on to the next of the sequence's `days`. */
  after_days: z.int().min(0).max(365),
  /** `first_touch/intro`: the files `outreach/templates/first_touch/intro.<language>.md`. */
  template: template.optional(),
  /** In its place, several to compare: name → template. Which one a lead gets is its hash's; what came of each: ops.variant_results. */
  variants: z
    .record(name, template)
    .refine((variants) => Object.keys(variants).length > 1, 'wants two variants at least')
    .optional(),
})

/** `outreach/sequences/<name>.yml`: whom to write to, when and with which words. */
export const sequenceFile = z.strictObject({
  description: z.string().min(1),
  /** SQL over the columns of fct_scored_leads, fct_enriched_leads, dim_contacts and dim_companies (`company_name`). */
  audience: z.string().min(1),
  days: z.array(z.enum(WEEKDAYS)).min(1).default(['mon', 'tue', 'wed', 'thu', 'fri']),
  /** Where `languages` does not know the company's country. */
  language,
  languages: z.record(country, language).default({}),
  /** By the clock of the place where the person is, never on its public holidays. `any`: at each hour of each day. */
  hours: z
    .union([
      z.literal('any'),
      z.strictObject({ from: clock, to: clock }).refine(({ from, to }) => from < to, 'must end after it begins'),
    ])
    .default({ from: '09:00', to: '17:30' }),
  /** A message that is so many days late (after an outage, a pause) waits for another approval. */
  max_late_days: z.int().min(1).max(365).default(14),
  /** `consent`: its audience holds only people who agreed to be written to; countries that ask for it are mailed then. */
  legal_basis: z.enum(['legitimate_interest', 'consent']).optional(),
  /** How our interest was weighed against theirs: LGPD art. 10, GDPR art. 6(1)(f). Without one nobody is mailed there. */
  balancing_note: z.string().min(1).optional(),
  /**
   * Whom another sequence has written to, this one may write to so many days after its last message, when nothing of it is left to
   * send. Absent: never. No sequence writes twice to anybody who went through it, and none while another does.
   */
  recontact_after_days: z.int().min(1).max(3650).optional(),
  steps: z.array(sequenceStep).min(1),
})
