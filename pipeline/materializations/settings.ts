import { z } from 'zod'

const words = z.union([z.string().transform((word) => [word]), z.array(z.string()).min(1)])

export const STRATEGIES = ['append', 'delete+insert', 'merge'] as const
export const SCHEMA_CHANGES = ['ignore', 'fail', 'append_new_columns', 'sync_all_columns'] as const

/** dbt's settings of an incremental model, wherever a model is configured. */
export const incrementalSettings = {
  incremental_strategy: z.enum(STRATEGIES, `must be one of ${STRATEGIES.join(', ')}`).optional(),
  unique_key: words.optional(),
  incremental_predicates: words.optional(),
  on_schema_change: z.enum(SCHEMA_CHANGES, `must be one of ${SCHEMA_CHANGES.join(', ')}`).optional(),
  /** Wins over `--full-refresh` and its absence. */
  full_refresh: z.boolean().optional(),
}

export const INCREMENTAL_CONFIG = Object.keys(incrementalSettings)

/** How an incremental model takes in what is new. */
export interface Incremental {
  strategy: (typeof STRATEGIES)[number]
  /** Columns; empty where the strategy needs none. */
  unique_key: string[]
  /** Conditions on the rows that stand (`DBT_INTERNAL_DEST`) and those that come (`DBT_INTERNAL_SOURCE`, merge only). */
  predicates: string[]
  on_schema_change: (typeof SCHEMA_CHANGES)[number]
  full_refresh?: boolean
}

/** Of dbt's own columns, how a team calls them. */
const META = ['dbt_valid_from', 'dbt_valid_to', 'dbt_scd_id', 'dbt_updated_at', 'dbt_is_deleted'] as const
const metaNames = z.strictObject(
  Object.fromEntries(META.map((name) => [name, z.string().min(1).optional()])) as Record<
    (typeof META)[number],
    z.ZodOptional<z.ZodString>
  >,
)

/** dbt's settings of a snapshot. */
export const snapshotSettings = z.strictObject({
  strategy: z.enum(['timestamp', 'check'], 'must be timestamp or check'),
  unique_key: words,
  updated_at: z.string().optional(),
  check_cols: z.union([z.literal('all'), z.array(z.string()).min(1)]).optional(),
  hard_deletes: z.enum(['ignore', 'invalidate', 'new_record'], 'must be ignore, invalidate or new_record').optional(),
  dbt_valid_to_current: z.string().optional(),
  snapshot_meta_column_names: metaNames.optional(),
  schema: z.string().optional(),
  alias: z.string().optional(),
  tags: z.union([z.string().transform((tag) => [tag]), z.array(z.string())]).optional(),
  enabled: z.boolean().optional(),
  meta: z.record(z.string(), z.unknown()).optional(),
})

export type SnapshotSettings = z.output<typeof snapshotSettings>
export type MetaColumn = (typeof META)[number]
