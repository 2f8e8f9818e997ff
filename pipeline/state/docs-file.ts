import type { Graph } from '../graph.ts'
import type { GraphNode, TestNode } from '../nodes.ts'
import { type PublishedRelations, publishedRelations } from '../published.ts'

export const DOCS_FILE = 'docs.json'

export interface DocColumn {
  name: string
  description: string
  type?: string
  /** Names of the tests that hold it to something. */
  tests: string[]
  pii: boolean
}

/** What people read of one node. */
export interface DocNode {
  id: string
  name: string
  kind: string
  /** How far along: source, seed, staging, intermediate, marts, ops, step, outward, analysis. */
  layer: string
  file: string
  description: string
  /** `schema.table`, where it is one. */
  relation: string | null
  /** The tables that a step builds. */
  builds: string[]
  materialized: string | null
  /** Ids of what it reads, in order. */
  reads: string[]
  /** What it reads as the run before left it. */
  reads_later: string[]
  columns: DocColumn[]
  /** Compiled; of models and analyses. */
  sql: string | null
}

export interface DocTest {
  id: string
  name: string
  about: string | null
  column: string | null
  severity: string
}

/** The project as people read it: its graph, with words, kept beside a publication. */
export interface Docs {
  project: string
  nodes: DocNode[]
  tests: DocTest[]
  /** `schema.table` of what is published → its columns with personal data. */
  pii: Record<string, string[]>
}

export function docsOf(graph: Graph, project: string, relations: PublishedRelations = publishedRelations(graph)): Docs {
  const all = [...graph.nodes.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  const tests = all.filter((node): node is TestNode => node.kind === 'test')
  const shown = all.filter(({ kind }) => !['test', 'unit_test'].includes(kind))
  const ids = new Set(shown.map(({ id }) => id))
  return {
    project,
    nodes: shown.map((node) => docNode(node, tests, ids)),
    tests: tests.map(({ id, name, attached = null, column = null, severity }) => ({
      ...{ id, name, about: attached, column, severity },
    })),
    pii: Object.fromEntries(relations.list.map(({ schema, name, pii }) => [`${schema}.${name}`, [...pii]])),
  }
}

function docNode(node: GraphNode, tests: readonly TestNode[], ids: ReadonlySet<string>): DocNode {
  const own = tests.filter(({ attached }) => attached === node.id)
  const { id, name, kind, file, description } = node
  return {
    ...{ id, name, kind, layer: layerOf(node), file, description: description.trim() },
    relation: 'relation' in node ? `${node.relation.schema}.${node.relation.name}` : null,
    builds: node.kind === 'step' ? (node.step.builds ?? []).map(({ schema, name }) => `${schema}.${name}`) : [],
    materialized: node.kind === 'model' ? node.materialized : null,
    reads: node.deps.filter((dep) => ids.has(dep)).sort(),
    reads_later: (node.feedback ?? []).filter((dep) => ids.has(dep)).sort(),
    columns: columnsOf(node).map((column) => ({
      ...column,
      tests: own.filter((test) => test.column === column.name).map((test) => test.generic?.name ?? test.name),
    })),
    sql: node.kind === 'model' || node.kind === 'analysis' ? node.sql : null,
  }
}

function layerOf(node: GraphNode): string {
  if (node.kind === 'model') return node.relation.schema
  if (node.kind === 'step' && node.step.outward !== undefined) return 'outward'
  return node.kind
}

function columnsOf(node: GraphNode): Omit<DocColumn, 'tests'>[] {
  if (node.kind === 'source' && node.ledger !== undefined) {
    const { columns, docs = {}, pii = [] } = node.ledger
    return Object.entries(columns).map(([name, type]) => ({
      ...{ name, description: docs[name] ?? '', type: String(type), pii: pii.includes(name) },
    }))
  }
  if (node.kind === 'step') {
    const builds = node.step.builds ?? []
    return builds.flatMap(({ name: table, columns, docs = {}, pii = [] }) =>
      Object.entries(columns).map(([name, type]) => ({
        ...{
          name: builds.length > 1 ? `${table}.${name}` : name,
          description: docs[name] ?? '',
          type: String(type),
          pii: pii.includes(name),
        },
      })),
    )
  }
  const described = 'columns' in node ? (node.columns ?? []) : []
  return described.map(({ name, description = '', meta, config }) => ({
    ...{ name, description: description.trim(), pii: meta?.pii === true || config?.meta?.pii === true },
  }))
}
