import type { LedgerTable } from '../step.ts'
import { quoteIdentifier } from '../table.ts'
import { lakeSnapshot } from './lake.ts'
import { currentLedgerRows, currentRows, rawName } from './ledger.ts'
import { READABLE } from './migrations.ts'
import { BUILD, type Session } from './session.ts'

/** Names of the ledger's own tables that `source('ledger', …)` may read. */
export const LEDGER_SOURCES = Object.keys(READABLE)

/** Puts a view in the build file for every source, showing the ledger as of the run's date. */
export async function createSourceViews(
  session: Session,
  lakeRoot: string,
  tables: readonly LedgerTable[],
): Promise<void> {
  const statements: string[] = []
  for (const table of tables) statements.push(await viewOf(session, lakeRoot, table))
  for (const name of LEDGER_SOURCES) {
    statements.push(
      `create or replace view ${BUILD}.log.${quoteIdentifier(name)} as ${currentLedgerRows(name, session.as_of)}`,
    )
  }
  await session.connection.run(statements.join(';'))
}

/** Makes what a step has just landed visible to the models that read it. */
export async function refreshSourceView(session: Session, lakeRoot: string, table: LedgerTable): Promise<void> {
  if (table.bulk) await session.connection.run(await viewOf(session, lakeRoot, table))
}

async function viewOf(session: Session, lakeRoot: string, table: LedgerTable): Promise<string> {
  const lake = table.bulk ? await lakeSnapshot(session.connection, lakeRoot, table, session.as_of) : undefined
  const rows = currentRows(table, session.as_of, lake)
  return `create or replace view ${BUILD}.raw.${quoteIdentifier(rawName(table))} as ${rows}`
}
