import { contractPart } from '../contract.ts'
import { modelParts, readsDate } from '../materializations/keys.ts'
import type { ModelNode, SeedNode } from '../nodes.ts'
import type { KeyParts } from './key.ts'

/** What counts of a model or seed itself when it is asked whether what stands is what would be built. */
export function relationParts(
  node: ModelNode | SeedNode,
  given: { as_of: string; hashOf(path: string): string; treeOf(sql: string): string },
): Omit<KeyParts, 'reads'> {
  const { relation } = node
  if (node.kind === 'seed')
    return { file: given.hashOf(node.path), config: [node.column_types, node.delimiter], relation, as_of: null }
  const as_of = readsDate(node) ? given.as_of : null
  return { ...modelParts(node, given.treeOf), contract: contractPart(node), relation, as_of }
}
