import type { Graph } from '../graph.ts'
import { buildName } from '../materialize.ts'
import type { SnapshotNode } from '../nodes.ts'
import { quoteIdentifier, quoteLiteral } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import { LEDGER, type Session } from '../warehouse/session.ts'
import type { Column } from './columns.ts'
import type { MetaColumn } from './settings.ts'

/** dbt's columns as the ledger keeps them; `_opened_at` and `_closed_at` are the dates of the runs that saw it. */
export const KEPT: Record<MetaColumn, string> = {
  dbt_scd_id: 'VARCHAR',
  dbt_updated_at: 'TIMESTAMP',
  dbt_valid_from: 'TIMESTAMP',
  dbt_valid_to: 'TIMESTAMP',
  dbt_is_deleted: 'VARCHAR',
}
export const SEEN: Record<string, string> = { _opened_at: 'TIMESTAMP', _closed_at: 'TIMESTAMP' }

/** Where the ledger keeps a snapshot's rows. */
export function keptName({ name }: { name: string }): string {
  return `${LEDGER}.snapshots.${quoteIdentifier(name)}`
}

/** The columns of every snapshot that the ledger holds, without dbt's and ours. */
export async function keptColumns(connection: Connection): Promise<Map<string, Column[]>> {
  const rows = await connection.rows<{ snapshot: string; name: string; type: string }>(
    `select table_name as snapshot, column_name as name, data_type as type from duckdb_columns()
     where database_name = '${LEDGER}' and schema_name = 'snapshots' order by table_name, column_index`,
  )
  const kept = new Map<string, Column[]>()
  for (const { snapshot, name, type } of rows) {
    const columns = kept.get(snapshot) ?? []
    kept.set(snapshot, columns)
    if (!(name in KEPT) && !(name in SEEN)) columns.push({ name, type })
  }
  return kept
}

/** Shows every snapshot as of the run's date: a version that was closed later is still open then. */
export async function createSnapshotViews(session: Session, graph: Graph): Promise<void> {
  const nodes = [...graph.nodes.values()].filter((node): node is SnapshotNode => node.kind === 'snapshot')
  if (nodes.length === 0) return
  const kept = await keptColumns(session.connection)
  const statements = nodes.flatMap((node) => {
    const columns = kept.get(node.name)
    return columns === undefined ? [] : [viewStatement(node, columns, session.as_of)]
  })
  if (statements.length > 0) await session.connection.run(statements.join(';'))
}

export function viewStatement(node: SnapshotNode, columns: readonly Column[], as_of: string): string {
  const end = `(cast(${quoteLiteral(as_of)} as timestamp) + interval 1 day)`
  const { hard_deletes } = node.settings
  const hidden = hard_deletes === 'new_record' ? '' : ` and dbt_is_deleted = 'False'`
  const own = columns.map(({ name }) => quoteIdentifier(name))
  return `create or replace view ${buildName(node.relation)} as
    select ${[...own, ...metaList(node, `case when _closed_at < ${end} then dbt_valid_to end`)].join(', ')}
    from ${keptName(node)} where _opened_at < ${end}${hidden}`
}

/** A snapshot that had not been taken yet. */
export function emptyView(node: SnapshotNode): string {
  return `create or replace view ${buildName(node.relation)} as ${emptyRows(node)}`
}

/** A SELECT of no rows with the columns that a snapshot has. */
export function emptyRows(node: SnapshotNode): string {
  const none = Object.entries(KEPT).map(([name, type]) => `cast(null as ${type}) as ${name}`)
  return `
    select * exclude (${Object.keys(KEPT).join(', ')}), ${metaList(node, 'dbt_valid_to').join(', ')}
    from (select *, ${none.join(', ')} from (${node.sql}) limit 0)`
}

function metaList({ settings }: SnapshotNode, validTo: string): string[] {
  const { dbt_valid_to_current, snapshot_meta_column_names, hard_deletes } = settings
  const until =
    dbt_valid_to_current === undefined ? validTo : `coalesce(${validTo}, cast((${dbt_valid_to_current}) as timestamp))`
  const shown: [MetaColumn, string][] = [
    ['dbt_scd_id', 'dbt_scd_id'],
    ['dbt_updated_at', 'dbt_updated_at'],
    ['dbt_valid_from', 'dbt_valid_from'],
    ['dbt_valid_to', until],
    ...(hard_deletes === 'new_record' ? ([['dbt_is_deleted', 'dbt_is_deleted']] as [MetaColumn, string][]) : []),
  ]
  return shown.map(([name, value]) => `${value} as ${quoteIdentifier(snapshot_meta_column_names?.[name] ?? name)}`)
}
