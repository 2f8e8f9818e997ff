import { hash as digest } from 'node:crypto'
import type { Graph } from '../graph.ts'
import type { GraphNode } from '../nodes.ts'

/** What a node is, in hashes: enough to say whether it has changed and in what. */
export interface Fingerprint {
  /** Its content: the compiled SQL, a seed's rows, a step's settings, a source's columns. */
  body: string
  /** The syntax tree of its SQL, where that is known. */
  tree?: string
  /** What an incremental model adds with, where that is another text. */
  added?: string
  config: string
  relation: string
  /** The columns it promises, and their types; '' when it promises none. */
  contract: string
  /** What of a step's settings only tells, where it says so. */
  told?: string
}

/** The settings that say where a node is built, not how. */
const PLACE = ['schema', 'alias', 'database']

/**
 * Fingerprints of every node of a project. `hashOf` answers the content hash of a seed's file; `treeOf` the tree of a
 * text, where it is remembered.
 */
export function fingerprintsOf(
  graph: Graph,
  hashOf: (path: string) => string,
  treeOf?: (sql: string) => string | undefined,
): Map<string, Fingerprint> {
  const prints = new Map<string, Fingerprint>()
  const configs = new Map<string, string>()
  for (const node of graph.nodes.values()) {
    const sql = sqlOf(node)
    const tree = sql === undefined ? undefined : treeOf?.(sql)
    const written = JSON.stringify(node.config)
    const config = configs.get(written) ?? configOf(node)
    configs.set(written, config)
    prints.set(node.id, {
      body: sql === undefined ? bodyOf(node, hashOf) : hash(sql),
      ...(tree === undefined ? {} : { tree }),
      ...(node.kind === 'model' && node.sql_incremental !== undefined
        ? { added: hash(node.sql_incremental.replaceAll(/\s+/g, ' ')) }
        : {}),
      config,
      relation: 'relation' in node ? `${node.relation.schema}.${node.relation.name}` : '',
      contract: contractOf(node),
      ...(node.kind === 'step' && node.step.told_by !== undefined ? { told: hash(node.step.told_by) } : {}),
    })
  }
  return prints
}

function configOf({ config }: GraphNode): string {
  return hash(stable(Object.fromEntries(Object.entries(config).filter(([key]) => !PLACE.includes(key)))))
}

/** The SQL that is a node's content. */
export function sqlOf(node: GraphNode | undefined): string | undefined {
  return node?.kind === 'model' || node?.kind === 'test' || node?.kind === 'analysis' ? node.sql : undefined
}

function bodyOf(node: GraphNode, hashOf: (path: string) => string): string {
  if (node.kind === 'seed') return hashOf(node.path)
  if (node.kind === 'step') return hash(stable([node.step.fingerprint, node.deps]))
  if (node.kind === 'source')
    return hash(stable([node.ledger?.columns, node.ledger?.write, node.freshness, node.loader]))
  const { id: _id, file: _file, tags: _tags, config: _config, description: _description, ...own } = node
  return hash(stable(own))
}

function contractOf(node: GraphNode): string {
  if (node.kind !== 'model') return ''
  const enforced = (node.config.contract as { enforced?: unknown } | undefined)?.enforced === true
  if (!enforced) return ''
  return hash(stable(node.columns.map(({ name, data_type }) => [name.toLowerCase(), data_type?.toLowerCase()])))
}

function hash(text: string): string {
  return digest('sha1', text)
}

/** JSON with keys in order, so that equal values are equal texts. */
export function stable(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) as object
  }) as string
}
