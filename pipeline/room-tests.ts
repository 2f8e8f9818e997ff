import type { Problem } from './errors.ts'
import { didYouMean } from './nearest.ts'
import type { GraphNode, TestNode } from './nodes.ts'

/** A promise of one of a room's files about data, run with the tests of the models. */
export interface RoomTest {
  /** Unique among all tests; snake_case. */
  name: string
  /** The file that promises it. */
  file: string
  description: string
  tags?: readonly string[]
  /** The model or step table that it is about, as `ref` names it; what reads that waits for the test. */
  about: string
  /** Rows that it returns are failures. */
  sql: string
}

/** Tests of rooms as nodes: selected, skipped when nothing changed, and reported as any other. What one is about must exist. */
export function roomTestNodes(
  tests: readonly RoomTest[],
  nodes: ReadonlyMap<string, GraphNode>,
  project: string,
  problems: Problem[],
): TestNode[] {
  const byName = new Map([...nodes.values()].flatMap(tablesOf))
  return tests.flatMap(({ name, file, description, tags = [], about, sql }) => {
    const node = byName.get(about)
    if (node === undefined) {
      const message = `the test ${name} is about '${about}', which is no model and no table of a step`
      const hint = didYouMean(about, byName.keys())
      problems.push({ file, message, ...(hint === undefined ? {} : { hint }) })
      return []
    }
    const folders = file.split('/').slice(0, -1)
    return [
      {
        kind: 'test',
        id: `test.${project}.${name}`,
        name,
        file,
        description,
        fqn: [project, ...folders, name],
        tags: [...tags],
        deps: [node.id],
        sql,
        raw: sql,
        severity: 'error',
        attached: node.id,
        config: { materialized: 'test', tags: [...tags], severity: 'error' },
        test_config: {},
      },
    ]
  })
}

/** What a node builds, by the names that `ref` knows. */
function tablesOf(node: GraphNode): [string, GraphNode][] {
  if (node.kind === 'model') return [[node.name, node]]
  return node.kind === 'step' ? (node.step.builds ?? []).map(({ name }) => [name, node]) : []
}
