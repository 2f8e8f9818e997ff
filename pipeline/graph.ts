import type { Problem } from './errors.ts'
import type { GraphNode, Group } from './nodes.ts'
import type { WrittenSelector } from './select/selectors-file.ts'

/** The nodes with their order: every node after all it depends on; among equals by stage of life, then by name. */
export interface Graph {
  nodes: Map<string, GraphNode>
  /** Ids in the order in which they run. */
  order: string[]
  /** Whose the models are, by the property files. */
  groups?: readonly Group[]
  /** What `selectors.yml` names, as it is written there. */
  selectors?: readonly WrittenSelector[]
  parents(id: string): readonly string[]
  children(id: string): readonly string[]
}

/**
 * The ledger's own log (`source('ledger', …)`) is written by every step, so its readers wait for all steps that do not
 * themselves depend on it; acting steps run after publication and are left out.
 */
export function waitForLog(nodes: Map<string, GraphNode>): void {
  const logs = [...nodes.values()].filter((node) => node.kind === 'source' && node.source === 'ledger')
  const readers = reach(
    unordered(nodes),
    logs.map(({ id }) => id),
    'down',
  )
  const writers = [...nodes.values()].filter(
    (node) => node.kind === 'step' && node.step.outward === undefined && !readers.has(node.id),
  )
  for (const log of logs) log.after = writers.map(({ id }) => id).sort()
}

/** Who reads whom, in no order. */
export function unordered(nodes: Map<string, GraphNode>): Graph {
  const children = new Map<string, string[]>()
  for (const node of nodes.values()) {
    for (const dep of node.deps) {
      const list = children.get(dep)
      if (list === undefined) children.set(dep, [node.id])
      else list.push(node.id)
    }
  }
  return { nodes, order: [], parents: (id) => nodes.get(id)?.deps ?? [], children: (id) => children.get(id) ?? [] }
}

/** Sorts the nodes; a cycle is a problem that names its members in order. */
export function buildGraph(nodes: Map<string, GraphNode>, problems: Problem[]): Graph {
  const children = new Map<string, string[]>()
  const followers = new Map<string, string[]>()
  const waiting = new Map<string, number>()
  const add = (map: Map<string, string[]>, from: string, to: string) => {
    const list = map.get(from)
    if (list === undefined) map.set(from, [to])
    else list.push(to)
  }
  for (const node of nodes.values()) {
    const deps = node.deps.filter((dep) => nodes.has(dep))
    // A unit test goes before the model that it is of, as soon as what the model reads is there.
    const waits = node.kind === 'unit_test' ? [] : deps
    const after = (node.after ?? []).filter((id) => nodes.has(id) && !waits.includes(id))
    waiting.set(node.id, waits.length + after.length)
    for (const dep of deps) add(children, dep, node.id)
    for (const id of [...waits, ...after]) add(followers, id, node.id)
  }
  const order: string[] = []
  let ready = [...nodes.keys()].filter((id) => waiting.get(id) === 0).sort(byTurn)
  while (ready.length > 0) {
    const next: string[] = []
    for (const id of ready) {
      order.push(id)
      for (const child of followers.get(id) ?? []) {
        const left = waiting.get(child)! - 1
        waiting.set(child, left)
        if (left === 0) next.push(child)
      }
    }
    ready = next.sort(byTurn)
  }
  if (order.length < nodes.size) problems.push(...cycleProblems(nodes, new Set(order)))
  return {
    nodes,
    order,
    parents: (id) => nodes.get(id)?.deps ?? [],
    children: (id) => children.get(id) ?? [],
  }
}

/** Tests first: what reads a table waits for what its tests say. */
function byTurn(a: string, b: string): number {
  const [first, second] = [a.startsWith('test.'), b.startsWith('test.')]
  if (first !== second) return first ? -1 : 1
  return a < b ? -1 : 1
}

function cycleProblems(nodes: Map<string, GraphNode>, sorted: ReadonlySet<string>): Problem[] {
  const left = [...nodes.keys()].filter((id) => !sorted.has(id))
  const inCycle = new Set<string>()
  const problems: Problem[] = []
  for (const start of left) {
    if (inCycle.has(start)) continue
    const cycle = findCycle(start, nodes, sorted)
    if (cycle === undefined || cycle.some((id) => inCycle.has(id))) continue
    for (const id of cycle) inCycle.add(id)
    const names = [...cycle, cycle[0]!].map((id) => nodes.get(id)!.name)
    const first = nodes.get(cycle[0]!)!
    problems.push({
      file: first.file,
      ...lineOfRead(first, nodes.get(cycle.at(-1)!)!),
      message: `is part of a cycle: ${shortened(names).join(' > ')}`,
      hint: 'Take one of these reads away.',
    })
  }
  return problems
}

/** Where a model reads another. */
function lineOfRead(node: GraphNode, read: GraphNode): { line?: number } {
  if (!('raw' in node)) return {}
  const at = node.raw.search(new RegExp(`\\bref\\([^)]*['"]${read.name}['"]`))
  return at < 0 ? {} : { line: node.raw.slice(0, at).split('\n').length }
}

const MOST_SHOWN = 10

function shortened(names: readonly string[]): string[] {
  if (names.length <= MOST_SHOWN) return [...names]
  const left = names.length - MOST_SHOWN
  return [...names.slice(0, MOST_SHOWN - 2), `${left} more`, ...names.slice(-2)]
}

/** Walks up from a node that could not be sorted until a node repeats. */
function findCycle(start: string, nodes: Map<string, GraphNode>, sorted: ReadonlySet<string>): string[] | undefined {
  const path: string[] = []
  const position = new Map<string, number>()
  let current: string | undefined = start
  while (current !== undefined) {
    const seen = position.get(current)
    if (seen !== undefined) return path.slice(seen).reverse()
    position.set(current, path.length)
    path.push(current)
    current = nodes.get(current)?.deps.find((dep) => nodes.has(dep) && !sorted.has(dep))
  }
  return undefined
}

/** The ids reachable from the given ones, themselves included, going `up` to parents or `down` to children. */
export function reach(
  graph: Graph,
  from: Iterable<string>,
  direction: 'up' | 'down',
  depth = Number.POSITIVE_INFINITY,
): Set<string> {
  const found = new Set(from)
  let edge = [...found]
  for (let step = 0; step < depth && edge.length > 0; step++) {
    const next: string[] = []
    for (const id of edge) {
      for (const neighbour of direction === 'up' ? graph.parents(id) : graph.children(id)) {
        if (!found.has(neighbour) && graph.nodes.has(neighbour)) {
          found.add(neighbour)
          next.push(neighbour)
        }
      }
    }
    edge = next
  }
  return found
}
