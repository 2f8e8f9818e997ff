import { join } from 'node:path'
import type { Graph } from '../graph.ts'
import type { Relation } from '../nodes.ts'
import { textHash } from '../state/tree.ts'
import { quoteIdentifier, quoteLiteral } from '../table.ts'
import { BUILD, type Session } from '../warehouse/session.ts'
import type { BuildState } from '../warehouse/state.ts'
import type { Scratch } from './scratch.ts'

/** Holds tables of the build file as they were before anything was built anew: a publication has only marts. */
export const KEPT = '_kept'

/** What is to be kept, if the build file is that of the publication. */
export interface Keeping {
  /** Names of models and of tables of steps. */
  names: readonly string[]
  /** Mart → hash of what changes with its content, as published. */
  versions: ReadonlyMap<string, string>
}

/** Copies the tables beside the build file. False, with nothing copied, where the build file has gone on since, or lacks one. */
export async function keepTables(
  session: Session,
  scratch: Scratch,
  graph: Graph,
  state: BuildState,
  { names, versions }: Keeping,
): Promise<boolean> {
  const same = ([id, version]: [string, string]) => textHash(state.get(id)?.version ?? '') === version
  if (versions.size === 0 || ![...versions].every(same)) return false
  const relations = [...graph.nodes.values()].flatMap((node): Relation[] => {
    if (node.kind === 'model') return names.includes(node.name) ? [node.relation] : []
    return node.kind === 'step' ? (node.step.builds ?? []).filter(({ name }) => names.includes(name)) : []
  })
  const tables = relations.filter(({ schema, name }) => state.relations.get(`${schema}.${name}`) === 'table')
  if (relations.some(({ schema, name }) => !state.relations.has(`${schema}.${name}`))) return false
  const { connection } = session
  await connection.run(`attach ${quoteLiteral(join(scratch.folder, 'kept.duckdb'))} as ${KEPT}`)
  for (const { schema, name } of tables) {
    const place = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
    await connection.run(`
      create schema if not exists ${KEPT}.${quoteIdentifier(schema)};
      create table ${KEPT}.${place} as from ${BUILD}.${place}`)
  }
  return true
}
