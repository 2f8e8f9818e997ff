import { z } from 'zod'

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

const name = z.string().regex(/^[a-z][a-z0-9_]*$/, 'must be snake_case')
const language = z.string().regex(/^[a-z]{2}$/, 'must be a two-letter language, lower case')
const country = z.string().regex(/^[A-Z]{2}$/, 'must be a two-letter country, upper case')

/** One message or task of a sequence. */
export const sequenceStep = z.strictObject({
  /** Part of the event's identity: a step that is renamed is a new step. */
  id: name,
  channel: name,
  /** Days after the step before it (the first: after entering). Moved on to the next of the sequence's `days`. */
  after_days: z.int().min(0).max(365),
  /** `first_touch/intro`: the files `outreach/templates/first_touch/intro.<language>.md`. */
  template: z.string().regex(/^[a-z0-9_]+(\/[a-z0-9_]+)*$/, 'must be a path of snake_case names without ending'),
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
  steps: z.array(sequenceStep).min(1),
})
