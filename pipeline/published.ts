import type { Graph } from './graph.ts'
import type { GraphNode, ModelNode } from './nodes.ts'
import { OPERATIONS } from './operations.ts'
import { fingerprintOf, type Published } from './warehouse/publish.ts'

/** The schemas that readers see. */
export const PUBLISHED_SCHEMAS = ['marts', 'ops']

export interface PublishedRelations {
  list: Published[]
  /** Changes when the content of anything published changes; what runs say of themselves does not count. */
  fingerprint(version: (id: string) => Promise<string>): Promise<string>
}

export function publishedRelations(graph: Graph): PublishedRelations {
  const models = [...graph.nodes.values()].filter(
    (node): node is ModelNode => node.kind === 'model' && PUBLISHED_SCHEMAS.includes(node.relation.schema),
  )
  const built = [...graph.nodes.values()].flatMap((node) =>
    node.kind === 'step'
      ? (node.step.builds ?? [])
          .filter(({ schema }) => PUBLISHED_SCHEMAS.includes(schema))
          .map((table) => ({ table, id: node.id }))
      : [],
  )
  const list = [
    ...models.map((model) => describe(model, graph)),
    ...built.map(({ table }) => ({ ...table, pii: table.pii ?? [], column_docs: table.docs ?? {}, parquet: false })),
  ]
  return {
    list: [
      ...list,
      ...OPERATIONS.map((table) => ({ ...table, pii: table.pii ?? [], column_docs: table.docs ?? {}, parquet: false })),
    ],
    async fingerprint(version) {
      const versions: [string, string][] = []
      for (const { id } of [...models, ...built]) versions.push([id, await version(id)])
      return fingerprintOf([...versions, ['described', JSON.stringify(list)]])
    },
  }
}

function describe(model: ModelNode, graph: Graph): Published {
  const isPii = (column: ModelNode['columns'][number]) => column.meta.pii === true || column.config?.meta?.pii === true
  return {
    ...model.relation,
    key: keyOf(model, graph),
    pii: model.columns.filter(isPii).map(({ name }) => name),
    description: model.description,
    column_docs: Object.fromEntries(model.columns.map(({ name, description }) => [name, description])),
    parquet: model.relation.schema === 'marts',
    ...(model.meta.indexed === true ? { indexed: true } : {}),
  }
}

/** The columns that a test declares unique: rows are published in their order. */
export function keyOf(model: ModelNode, graph: Graph): string[] {
  const tests = graph.children(model.id).map((id) => graph.nodes.get(id) as GraphNode)
  for (const test of tests) {
    if (test.kind !== 'test' || test.attached !== model.id || test.test_config.where !== undefined) continue
    if (test.generic?.name === 'unique' && test.column !== undefined) return [test.column]
  }
  for (const test of tests) {
    if (test.kind === 'test' && test.attached === model.id && test.generic?.name === 'unique_combination') {
      return test.generic.kwargs.columns as string[]
    }
  }
  return []
}
