import type { Connection, Value } from '../warehouse/duckdb.ts'
import { type Names, type Surveyed, theirRows } from './names.ts'

/** One value that is held of somebody, and where it came from. */
export interface Held {
  table: string
  column: string
  value: Value
  /** Of rows of the ledger: who said it, when it was had, in which run. */
  source: string | null
  fetched_at: string | null
  run_id: string | null
  /** Marked as personal data. */
  pii: boolean
}

/** Every value of every row that is theirs, table by table; of the ledger with its origin. Technical columns are left out. */
export async function heldOf(connection: Connection, tables: readonly Surveyed[], names: Names): Promise<Held[]> {
  const held: Held[] = []
  for (const table of tables) {
    const where = theirRows(table, names)
    if (where === undefined || table.empty || table.about?.empties !== undefined) continue
    const rows = await connection.rows<Record<string, Value>>(
      `select * from ${table.place} where ${where} order by all`,
    )
    for (const { _fetched_at = null, _run_id = null, ...row } of rows) {
      for (const [column, value] of Object.entries(row)) {
        if (value === null || /^_(load|hash)$/.test(column)) continue
        const origin = {
          source: table.source || null,
          fetched_at: _fetched_at as string | null,
          run_id: _run_id as string | null,
        }
        const pii = column === '_payload' || table.pii.includes(column)
        held.push({ table: `${table.schema}.${table.name}`, column, value, ...origin, pii })
      }
    }
  }
  return held
}
