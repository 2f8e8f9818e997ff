import { existsSync } from 'node:fs'
import { messageOf } from '../errors.ts'
import { hashFile } from '../hash.ts'
import type { Project } from '../load.ts'
import type { GraphNode } from '../nodes.ts'
import { placesOf } from '../warehouse/home.ts'
import { sourceVersions } from '../warehouse/ledger.ts'
import { BUILD, LEDGER, openSession, type Session } from '../warehouse/session.ts'
import type { NodeState } from '../warehouse/state.ts'
import { sqlOf } from './fingerprint.ts'
import { type KeyParts, keyText, reasonOf } from './key.ts'
import { relationParts } from './parts.ts'
import { parseTrees, treeMemory, treeOf } from './tree.ts'

/** What the build file and the ledger remember, read without changing them. */
interface Memory {
  nodes: Map<string, { key: string; version: string }>
  relations: Set<string>
  sources: ReadonlyMap<string, string>
  steps: Map<string, string>
}

/**
 * Why each of these nodes would be built now, `unchanged` where nothing would be done; ids in the order of the run.
 * What waits for something that is built first may still turn out unchanged. Undefined while a run holds the build file.
 */
export async function forecast(
  project: Project,
  ids: readonly string[],
  as_of: string,
  full_refresh: boolean,
): Promise<Map<string, string> | undefined> {
  const memory = await remembered(project, ids, as_of)
  if (memory === undefined) return undefined
  const { graph } = project
  const why = new Map<string, string>()
  const built = (id: string) => (why.get(id) ?? 'unchanged') !== 'unchanged'
  for (const id of ids) {
    const node = graph.nodes.get(id)!
    if (full_refresh && node.kind !== 'step') {
      why.set(id, 'full refresh')
      continue
    }
    const own = reasonFor(node, project, memory, as_of)
    const waits = node.deps.find(
      (dep) => built(dep) || (graph.nodes.get(dep)?.kind === 'source' && graph.parents(dep).some(built)),
    )
    if (own !== 'unchanged' || waits === undefined) why.set(id, own)
    else why.set(id, `upstream ${graph.nodes.get(waits)!.name} may change`)
  }
  return why
}

function reasonFor(node: GraphNode, { graph, config }: Project, memory: Memory, as_of: string): string {
  const known = memory.nodes.get(node.id)
  const reads = [...node.deps, ...(node.feedback ?? [])].map((id) => [id, versionOf(id)] as const)
  function versionOf(id: string): string {
    const dep = graph.nodes.get(id)
    if (dep?.kind !== 'source') return memory.nodes.get(id)?.version ?? ''
    const kept = dep.ledger !== undefined || dep.source === 'ledger'
    return kept ? (memory.sources.get(`${dep.source}.${dep.table}`) ?? '0') : 'unmanaged'
  }
  const trees = { as_of, hashOf: hashFile, treeOf: (sql: string) => treeOf(memory.nodes, sql) }
  if (node.kind === 'model' || node.kind === 'seed') {
    const { schema, name } = node.relation
    const now = keyText(relationParts(node, trees), reads)
    if (known?.key !== now) return reasonOf(known?.key, now, graph)
    if (!memory.relations.has(`${schema}.${name}`)) return 'it is not there'
    return reads.some(([, version]) => version === 'unmanaged') ? 'reads what is not kept track of' : 'unchanged'
  }
  if (node.kind === 'step') {
    const builds = node.step.builds ?? []
    const before = builds.length > 0 ? known?.key : memory.steps.get(node.step.name)
    const live = [...config.target.live].sort()
    const now = keyText({ fingerprint: node.step.fingerprint, as_of, live }, reads)
    if (before !== now) return reasonOf(before, now, graph)
    if (!builds.every(({ schema, name }) => memory.relations.has(`${schema}.${name}`))) return 'it is not there'
    return node.step.fingerprint === null ? 'asks every time' : 'unchanged'
  }
  // Of the rest only what is read and the SQL can be foreseen: their other parts are taken as they were.
  if (known === undefined) return 'new'
  const old = JSON.parse(known.key.startsWith('{') ? known.key : '{}') as Partial<KeyParts>
  const sql = sqlOf(node)
  const dated = old.as_of === undefined || old.as_of === null ? old.as_of : as_of
  const { reads: _reads, ...parts } = { ...old, as_of: dated, ...(sql === undefined ? {} : { sql: trees.treeOf(sql) }) }
  const now = keyText(parts, reads)
  return now === known.key ? 'unchanged' : reasonOf(known.key, now, graph)
}

async function remembered(project: Project, ids: readonly string[], as_of: string): Promise<Memory | undefined> {
  const places = placesOf(project.root, project.config.target)
  const memory: Memory = { nodes: new Map(), relations: new Set(), sources: new Map(), steps: new Map() }
  if (!existsSync(places.build) || !existsSync(places.ledger)) return memory
  let session: Session
  try {
    session = await openSession({ build: places.build, ledger: places.ledger, as_of, read_only: true })
  } catch (error) {
    if (/lock/i.test(messageOf(error))) return undefined
    throw error
  }
  try {
    const { connection } = session
    const relations = await connection.rows<{ name: string }>(`
      select schema_name || '.' || table_name as name from duckdb_tables() where database_name = '${BUILD}'
      union all
      select schema_name || '.' || view_name from duckdb_views() where database_name = '${BUILD}' and not internal`)
    for (const { name } of relations) memory.relations.add(name)
    if (memory.relations.has('_state.nodes')) {
      const rows = await connection.rows<{ id: string } & NodeState>(
        `select id, key, version from ${BUILD}._state.nodes order by rowid`,
      )
      for (const { id, key, version } of rows) memory.nodes.set(id, { key, version })
    }
    memory.sources = await sourceVersions(connection, as_of)
    const steps = await connection.rows<{ step: string; fingerprint: string }>(
      `select step, fingerprint from ${LEDGER}.log.steps`,
    )
    for (const { step, fingerprint } of steps) memory.steps.set(step, fingerprint)
    const texts = ids.flatMap((id) => sqlOf(project.graph.nodes.get(id)) ?? [])
    const open = texts.filter((text) => !memory.nodes.has(treeMemory(text)))
    for (const [index, { hash }] of (await parseTrees(connection, open)).entries())
      memory.nodes.set(treeMemory(open[index]!), { key: 'parsed', version: hash ?? '' })
    return memory
  } finally {
    session.close()
  }
}
