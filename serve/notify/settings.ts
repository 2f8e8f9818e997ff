import { z } from 'zod'

const server = z.strictObject({
  host: z.string().min(1),
  port: z.int().min(1).max(65_535),
  user: z.string().optional(),
  pass: z.string().optional(),
  /** `required` unless said: in the clear only to servers on this machine. */
  tls: z.enum(['required', 'none']).default('required'),
})

/** `notify:` of `pipeline.yaml`: who is told when something needs a person. Absent channels are not used. */
export const settings = z.strictObject({
  /** A Slack-compatible webhook: gets `{"text": …}`. */
  webhook: z.url().optional(),
  email: z.strictObject({ from: z.email(), to: z.array(z.email()).min(1), smtp: server }).optional(),
  /** Who is told of an interested reply, by the name that leads have as owner; those who are not here: all of the above. */
  owners: z
    .record(z.string(), z.strictObject({ webhook: z.url().optional(), email: z.email().optional() }))
    .default({}),
  /** A run that has not ended for so long did not happen. */
  run_every_hours: z.number().positive().default(26),
  /** Share of the rows of a run that could not be read. */
  rejected_share: z.number().min(0).max(1).default(0.05),
  /** Share of a budget that is spent. */
  budget_share: z.number().min(0).max(1).default(0.8),
  /** How long a message may wait for somebody's approval. */
  approvals_hours: z.number().positive().default(24),
})

export type NotifySettings = z.output<typeof settings>
