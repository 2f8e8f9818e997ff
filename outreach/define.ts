import { z } from 'zod'

/** A way to reach somebody: one file in `outreach/channels/`, named as it appears in SQL and YAML. */
export interface Channel<Settings extends z.ZodObject = z.ZodObject> {
  /** As people know it. */
  title: string
  /** The rules we write by: the vendor's documentation or terms. */
  docs: string
  /** What `pipeline.yaml` may say below its name. Strict; secrets come as `${NAME}`. */
  settings: Settings
  /** `machine`: `pipeline send` delivers it. `person`: it becomes a task that somebody does by hand and marks done. */
  done_by: 'machine' | 'person'
  /** The column of a lead that says where a message goes; a lead without it is skipped: `no_<address>`. */
  address: Address
  /** Whether a message has a subject line. Templates are held to it. */
  subject: boolean
  /** Who may send; a lead keeps the sender that began. Absent: nobody is named. */
  senders?(settings: z.output<Settings>): readonly Sender[]
  /** Why this message cannot go this way, as a snake_case reason without personal data; undefined when it can. */
  refuses(message: Message): string | undefined
}

export type Address = 'email' | 'linkedin_url' | 'phone'

/** Somebody who may be named as the author of a message. */
export interface Sender {
  /** What `fct_outreach_events.mailbox` says. */
  mailbox: string
  /** For the slot `{sender_name}`; null when the configuration gives only an address. */
  name: string | null
}

/** A rendered message on its way to one person. */
export interface Message {
  address: string
  /** What verification says of the address: 'valid' | 'risky' | 'invalid' | 'unknown'; null when nobody asked. */
  address_status: string | null
  /** It belongs to a role or a machine (`info@`), not to a person. */
  address_is_role: boolean
  /** Null on channels without a subject line. */
  subject: string | null
  /** Markdown. */
  body: string
}

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

/** Types a channel's literal; adds nothing. */
export function defineChannel<S extends z.ZodObject>(channel: Channel<S>): Channel<S> {
  return channel
}
