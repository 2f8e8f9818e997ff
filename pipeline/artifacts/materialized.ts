import type { ModelNode, SnapshotNode } from '../nodes.ts'

/** What dbt's manifest says of an incremental model's configuration. */
export function incrementalConfig({ incremental }: ModelNode): Record<string, unknown> {
  if (incremental === undefined) return {}
  const { strategy, unique_key, predicates, on_schema_change, full_refresh } = incremental
  return {
    incremental_strategy: strategy,
    unique_key: keyOf(unique_key),
    on_schema_change,
    full_refresh: full_refresh ?? null,
    ...(predicates.length === 0 ? {} : { incremental_predicates: predicates }),
  }
}

/** What it says of a snapshot's. */
export function snapshotConfig({ settings, relation, tags, meta }: SnapshotNode): Record<string, unknown> {
  const { strategy, unique_key, updated_at, check_cols, hard_deletes, dbt_valid_to_current } = settings
  return {
    materialized: 'snapshot',
    schema: relation.schema,
    strategy,
    unique_key: keyOf(unique_key),
    updated_at: updated_at ?? null,
    check_cols: check_cols ?? null,
    hard_deletes: hard_deletes ?? 'ignore',
    dbt_valid_to_current: dbt_valid_to_current ?? null,
    ...(settings.snapshot_meta_column_names === undefined
      ? {}
      : { snapshot_meta_column_names: settings.snapshot_meta_column_names }),
    tags,
    meta,
  }
}

/** dbt writes one column as text, several as a list. */
function keyOf(columns: readonly string[]): string | readonly string[] | null {
  return columns.length > 1 ? columns : (columns[0] ?? null)
}
