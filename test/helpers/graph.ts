import { buildGraph, type Graph } from '../../pipeline/graph.ts'
import type { GraphNode } from '../../pipeline/nodes.ts'

interface Given {
  kind?: string
  deps?: string[]
  [field: string]: unknown
}

/**
 * A graph of hand-made nodes: `'model.shop.staging.stg_orders': { deps: […] }`. The key is kind, project, folders and
 * name; the id leaves the folders out, as in a project. Fields that are not given are what they mostly are.
 */
export function graphOf(given: Record<string, Given>): Graph {
  const idOf = (key: string) => {
    const [kind, project, ...path] = key.split('.')
    return kind === 'source' ? key : `${kind}.${project}.${path.at(-1)}`
  }
  const nodes = Object.entries(given).map(([key, { deps = [], ...fields }]) => {
    const [kind, ...fqn] = key.split('.')
    const name = fqn.at(-1)!
    const folder = { seed: 'seeds', test: 'models', source: 'models' }[kind!] ?? 'models'
    return {
      kind,
      id: idOf(key),
      name,
      file: `${[folder, ...fqn.slice(1)].join('/')}.${kind === 'seed' ? 'csv' : kind === 'test' || kind === 'source' ? 'yml' : 'sql'}`,
      description: '',
      fqn,
      tags: [],
      config: {},
      deps: deps.map(idOf),
      ...(kind === 'source' ? { source: fqn.at(-2), table: name } : {}),
      ...(kind === 'test' ? { severity: 'error', test_config: {}, sql: '', raw: '' } : {}),
      ...fields,
    } as unknown as GraphNode
  })
  return buildGraph(new Map(nodes.map((node) => [node.id, node])), [])
}
