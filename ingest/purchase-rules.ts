import { z } from 'zod'
import type { Source } from './asker.ts'
import { batchSize } from './batches.ts'
import type { Field } from './fields.ts'
import type { Cost } from './waterfall/odds.ts'

const order = z.enum(['fixed', 'learned'])

/** `enrichment.waterfall.<field>`: names alone, or names and how they are asked. */
export const waterfallEntry = z.union([
  z.array(z.string()),
  z.strictObject({
    /** Who is asked. What is free goes first. */
    from: z.array(z.string()),
    /** Absent: that of `enrichment.order`. */
    order: order.optional(),
    /** So many believable answers that agree settle the field. */
    agree: z.int().min(1).max(5).default(1),
  }),
])

/** The rest of `enrichment`: what is bought, in which order. */
export const purchaseSettings = {
  /** `fixed`: as written. `learned`: by what the ledger says of hits, validity, price and delay in each country. */
  order: order.default('fixed'),
  /** `decides`: a field is bought only where it can still change the lead's tier. `always`: wherever it is unknown. */
  buy: z.enum(['decides', 'always']).default('decides'),
  /** Tiers whose leads get all fields, also once the tier is settled. */
  buy_for_tiers: z.array(z.string()).default([]),
  /** For so many of a hundred subjects the learned order is drawn by lot, to find out who has become better. */
  explore: z
    .strictObject({ share: z.number().min(0).max(1), usd_per_run: z.number().nonnegative() })
    .default({ share: 0, usd_per_run: 0 }),
}

export interface PurchaseRules {
  buy: 'decides' | 'always'
  buy_for_tiers: readonly string[]
  explore: { share: number; usd_per_run: number }
}

/** A field that money is spent on: whom it is asked of, and when it is settled. */
export interface FieldRule {
  field: Field
  sources: readonly Source[]
  order: 'fixed' | 'learned'
  agree: number
}

/**
 * What a question about one subject costs in USD; those of a batch share the price of its call. A credit counts as one
 * dollar where nobody says what it costs: it is then not bought either.
 */
export function costOf({ on, resource }: Source, usd_per_credit: number | undefined): Cost {
  const usd = usd_per_credit ?? on.provider.http?.(on.settings).usd_per_credit ?? 1
  const { call = 0, hit = 0, miss = 0 } = resource.price ?? {}
  return { call: (usd * call) / batchSize(resource, on.settings), hit: usd * hit, miss: usd * miss }
}
