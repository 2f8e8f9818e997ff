import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Graph } from '../graph.ts'
import { currentFolder } from '../warehouse/publish.ts'
import type { BuildState } from '../warehouse/state.ts'
import { type Fingerprint, fingerprintsOf } from './fingerprint.ts'
import { textHash, treeMemory } from './tree.ts'

export const NODES_FILE = 'nodes.json'

/** What a publication keeps of the project it was made from. */
export interface Kept {
  nodes: Record<string, Fingerprint>
  /** Source id → when its latest row was loaded, as the last look at freshness had it. */
  sources: Record<string, string>
  /** Model or seed id → hash of the version of its content. */
  versions?: Record<string, string>
}

/** The text of `nodes.json`; `target` is where the last look at freshness lies. */
export function publishedNodes(
  graph: Graph,
  hashOf: (path: string) => string,
  state: BuildState,
  target: string,
): string {
  const tree = (sql: string) => state.get(treeMemory(sql))?.version || undefined
  const nodes = [...fingerprintsOf(graph, hashOf, tree)].sort(([a], [b]) => (a < b ? -1 : 1))
  const loaded = [...readSources(target)].flatMap(([id, { max_loaded_at: at }]) => (at === undefined ? [] : [[id, at]]))
  const sources = Object.fromEntries(loaded) as Record<string, string>
  const versions = Object.fromEntries(
    nodes.flatMap(([id]) => {
      const version = 'relation' in graph.nodes.get(id)! ? state.get(id)?.version : undefined
      return version === undefined ? [] : [[id, textHash(version)]]
    }),
  ) as Record<string, string>
  return `${JSON.stringify({ nodes: Object.fromEntries(nodes) as Kept['nodes'], sources, versions })}\n`
}

/** What is published was made from a project of these fingerprints; undefined when nothing is published. */
export function readPublishedNodes(warehouse: string): Kept | undefined {
  try {
    return JSON.parse(readFileSync(join(currentFolder(warehouse), NODES_FILE), 'utf8')) as Kept
  } catch {
    return undefined
  }
}

/** Says of a publication that still stands that the project of today would be published just so: writes a file beside it anew. */
export function keepBeside(warehouse: string, name: string, text: string): void {
  const file = join(currentFolder(warehouse), name)
  let held: string | undefined
  try {
    held = readFileSync(file, 'utf8')
  } catch {
    held = undefined
  }
  if (held === text) return
  writeFileSync(`${file}.${process.pid}`, text, { mode: 0o444 })
  renameSync(`${file}.${process.pid}`, file)
}

/** What `target/sources.json` knows: source id → its status and when its latest row was loaded. */
export function readSources(target: string): Map<string, { status: string; max_loaded_at?: string }> {
  try {
    const { results } = JSON.parse(readFileSync(join(target, 'sources.json'), 'utf8')) as {
      results: { unique_id: string; status: string; max_loaded_at?: string }[]
    }
    return new Map(results.map(({ unique_id, status, max_loaded_at }) => [unique_id, { status, max_loaded_at }]))
  } catch {
    return new Map()
  }
}
