import type { GraphNode } from './chart.tsx'

/** So many names can stand beside each other. */
export const READABLE = 45

interface Placed {
  id: string
  name: string
  layer: string
  reads: readonly string[]
  status: string | null
  row_count?: unknown
  seconds?: unknown
}

/**
 * Columns from what is read to what reads it, each ordered by where its neighbours stand, so that few lines cross. With a node
 * chosen: that one, and what it depends on and feeds, as far as names can be read.
 */
export function layOut(
  all: readonly Placed[],
  layers: readonly string[],
  chosen: string | undefined,
): { nodes: GraphNode[]; edges: [string, string][] } {
  const shown = chosen === undefined ? all.filter(({ layer }) => layer !== 'analysis') : around(all, chosen)
  const ids = new Set(shown.map(({ id }) => id))
  const edges = shown.flatMap(({ id, reads }) =>
    reads.filter((read) => ids.has(read) && read !== id).map((read): [string, string] => [read, id]),
  )
  const depth = depths(shown, edges)
  const columns: Placed[][] = []
  for (const node of shown) {
    const at = depth.get(node.id)!
    columns[at] = [...(columns[at] ?? []), node]
  }
  const at = new Map<string, number>()
  const spread = () => {
    for (const column of columns)
      for (const [index, { id }] of (column ?? []).entries()) at.set(id, (index + 0.5) / column.length)
  }
  spread()
  const neighbours = new Map<string, string[]>()
  for (const [from, to] of edges) {
    neighbours.set(from, [...(neighbours.get(from) ?? []), to])
    neighbours.set(to, [...(neighbours.get(to) ?? []), from])
  }
  for (let turn = 0; turn < 4; turn++) {
    for (const column of columns) {
      const mean = new Map(
        (column ?? []).map(({ id }) => {
          const others = neighbours.get(id) ?? []
          const sum = others.reduce((total, other) => total + at.get(other)!, 0)
          return [id, others.length === 0 ? at.get(id)! : sum / others.length]
        }),
      )
      column?.sort((a, b) => mean.get(a.id)! - mean.get(b.id)! || (a.id < b.id ? -1 : 1))
    }
    spread()
  }
  const nodes = shown.map(
    ({ id, name, layer, status, row_count, seconds }): GraphNode => ({
      ...{ id, name, status, layer: Math.max(0, layers.indexOf(layer)), chosen: id === chosen },
      ...{ x: depth.get(id)! * 100, y: at.get(id)! * 300 },
      says: [
        name,
        layer,
        status ?? '',
        row_count == null ? '' : `${row_count} rows`,
        seconds == null ? '' : `${seconds} s`,
      ]
        .filter((part) => part !== '')
        .join(' · '),
    }),
  )
  return { nodes, edges }
}

/** How many steps from where nothing is read. */
function depths(shown: readonly Placed[], edges: readonly [string, string][]): Map<string, number> {
  const depth = new Map(shown.map(({ id }) => [id, 0]))
  // What feeds the next run makes a circle: no more rounds than there are nodes, and in practice about a dozen.
  for (let round = 0, moved = true; moved && round < 30; round++) {
    moved = false
    for (const [from, to] of edges) {
      if (depth.get(to)! > depth.get(from)! || depth.get(from)! >= 29) continue
      depth.set(to, depth.get(from)! + 1)
      moved = true
    }
  }
  return depth
}

function around(all: readonly Placed[], chosen: string): Placed[] {
  const byId = new Map(all.map((node) => [node.id, node]))
  const feeds = new Map<string, string[]>()
  for (const { id, reads } of all) for (const read of reads) feeds.set(read, [...(feeds.get(read) ?? []), id])
  const reach = (next: (id: string) => readonly string[], steps: number) => {
    const seen = new Map([[chosen, 0]])
    for (const [id, at] of seen)
      if (at < steps) for (const other of next(id)) if (byId.has(other) && !seen.has(other)) seen.set(other, at + 1)
    return seen.keys()
  }
  const within = (steps: number) =>
    new Set([...reach((id) => byId.get(id)?.reads ?? [], steps), ...reach((id) => feeds.get(id) ?? [], steps)])
  // As far as names can still be read.
  const ids = [30, 3, 2, 1].map(within).find(({ size }) => size <= READABLE) ?? within(1)
  return all.filter(({ id }) => ids.has(id))
}
