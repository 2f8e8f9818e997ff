import { type Graph, reach } from '../graph.ts'
import type { ModelNode, StepNode } from '../nodes.ts'

/** What a comparison does without, since it only tells: step id → its columns. */
export type Spared = ReadonlyMap<string, readonly string[]>

/**
 * Columns that only tell, of the steps for which that can be relied on: what makes them is the same on both sides (`same`),
 * no model does more with them than pass them on, and no part of the report `needs` them.
 */
export function sparedColumns(
  graph: Graph,
  same: (step: StepNode) => boolean,
  needs: (column: string) => boolean,
): Spared {
  const spared = new Map<string, readonly string[]>()
  for (const node of graph.nodes.values()) {
    if (node.kind !== 'step') continue
    const columns = (node.step.builds ?? []).flatMap(({ told = [] }) => told)
    if (columns.length === 0 || !same(node) || columns.some(needs)) continue
    const readers = [...reach(graph, [node.id], 'down')].map((id) => graph.nodes.get(id)!)
    const models = readers.filter((reader): reader is ModelNode => reader.kind === 'model')
    if (models.every(({ sql }) => columns.every((column) => isPassedOn(column, sql)))) spared.set(node.id, columns)
  }
  return spared
}

/** Whether every mention of the column is one of a list of columns: `scores.deal_brief,` on a line of its own. */
export function isPassedOn(column: string, sql: string): boolean {
  const mentions = sql.split('\n').filter((line) => new RegExp(`\\b${column}\\b`, 'i').test(line.replace(/--.*$/, '')))
  return mentions.every((line) =>
    new RegExp(`^\\s*(\\w+\\.)?${column}\\s*,?\\s*$`, 'i').test(line.replace(/--.*$/, '')),
  )
}

/** The columns of a mart that are not there to be compared. */
export function sparedOf(graph: Graph, spared: Spared, mart: string): string[] {
  const above = reach(graph, [mart], 'up')
  return [...spared].flatMap(([id, columns]) => (above.has(id) ? columns : [])).sort()
}
