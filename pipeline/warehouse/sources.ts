import type { LedgerTable } from '../step.ts'
import { quoteIdentifier } from '../table.ts'
import { lakeSnapshot } from './lake.ts'
import { currentLedgerRows, currentRows, type Landed, rawName } from './ledger.ts'
import { READABLE } from './migrations.ts'
import { BUILD, LEDGER, type Session } from './session.ts'
import { forget, once } from './state.ts'

/** Names of the ledger's own tables that `source('ledger', …)` may read. */
export const LEDGER_SOURCES = Object.keys(READABLE)

/** What the build file remembers these views under. */
const VIEWS = 'views.sources'

/** Puts a view in the build file for every source, showing the ledger as of the run's date. */
export async function createSourceViews(
  session: Session,
  lakeRoot: string,
  tables: readonly LedgerTable[],
): Promise<void> {
  const [ledger] = await session.connection.rows<{ info: string; landed: string[] | null }>(`
    select
      (select ledger_id || ' ' || schema_version from ${LEDGER}.log.info) as info,
      (select list(distinct source || '.' || table_name) from ${LEDGER}.log.lake) as landed`)
  const in_lake = new Set(ledger!.landed)
  const statements: string[] = []
  for (const table of tables)
    statements.push(
      table.bulk && !in_lake.has(`${table.source}.${table.table}`)
        ? viewStatement(table, session.as_of)
        : await viewOf(session, lakeRoot, table),
    )
  for (const name of LEDGER_SOURCES) {
    statements.push(
      `create or replace view ${BUILD}.log.${quoteIdentifier(name)} as ${currentLedgerRows(name, session.as_of)}`,
    )
  }
  // A view keeps the types it was made with: another ledger or another declaration makes it anew.
  const types = tables.map(({ columns }) => columns)
  await once(session, VIEWS, statements.join(';'), JSON.stringify([ledger!.info, types]))
}

/** Makes what a step has just landed visible to the models that read it. */
export async function refreshSourceView(session: Session, lakeRoot: string, table: LedgerTable): Promise<void> {
  if (!table.bulk) return
  await forget(session, VIEWS)
  await session.connection.run(await viewOf(session, lakeRoot, table))
}

async function viewOf(session: Session, lakeRoot: string, table: LedgerTable): Promise<string> {
  const lake = table.bulk ? await lakeSnapshot(session.connection, lakeRoot, table, session.as_of) : undefined
  return viewStatement(table, session.as_of, lake)
}

function viewStatement(table: LedgerTable, as_of: string, lake?: Landed): string {
  const rows = currentRows(table, as_of, lake)
  return `create or replace view ${BUILD}.raw.${quoteIdentifier(rawName(table))} as ${rows}`
}
