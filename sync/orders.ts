import { z } from 'zod'

/** What `pipeline sync` asks of the step beyond what every run does (`StepContext.orders.sync`). */
export const syncOrders = z.strictObject({
  /** A plan file: this and nothing else is written. */
  apply: z.string().optional(),
  /** Write although the guard would stop it. */
  yes: z.boolean().default(false),
  /** Send again what was refused, whether or not anything changed. */
  retry: z.boolean().default(false),
  /** Take back: the id of one write, or of a run. */
  undo: z.string().optional(),
})

export type SyncOrders = z.output<typeof syncOrders>
