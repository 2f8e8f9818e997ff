import { existsSync } from 'node:fs'
import { LedgerHeld, messageOf, ProjectError } from '../pipeline/errors.ts'
import type { Project } from '../pipeline/load.ts'
import { placesOf } from '../pipeline/warehouse/home.ts'
import { BUILD, openSession, type Session } from '../pipeline/warehouse/session.ts'

/**
 * Ledger and build file, only for reading, with every schema of the project visible; the caller closes it. Without a build
 * file there is an empty one. Throws LedgerHeld while a run writes to them.
 */
export async function openToRead(project: Project, as_of: string): Promise<Session> {
  const { build, ledger } = placesOf(project.root, project.config.target)
  if (!existsSync(ledger)) {
    throw new ProjectError([{ file: 'data', message: 'there is no ledger yet', hint: 'pipeline run' }])
  }
  try {
    const session = await openSession(
      existsSync(build) ? { build, ledger, as_of, read_only: true } : { ledger, ledger_read_only: true, as_of },
    )
    const there = await session.connection.rows<{ name: string }>(
      `select schema_name as name from duckdb_schemas() where database_name = '${BUILD}'`,
    )
    const names = new Set(there.map(({ name }) => name))
    const schemas = [...project.graph.nodes.values()].flatMap((node) => {
      if ('relation' in node) return [node.relation.schema]
      return node.kind === 'step' ? (node.step.builds ?? []).map(({ schema }) => schema) : []
    })
    await session.useSchemas(schemas.filter((schema) => names.has(schema)))
    return session
  } catch (error) {
    if (/lock/i.test(messageOf(error))) throw new LedgerHeld(`a run holds the ledger\n  ${messageOf(error)}`)
    throw error
  }
}
