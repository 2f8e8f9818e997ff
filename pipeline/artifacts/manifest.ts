import { createHash, hash } from 'node:crypto'
import { relationText } from '../compile.ts'
import type { Graph } from '../graph.ts'
import { hashFile } from '../hash.ts'
import { refEntry, versionedName } from '../model-versions.ts'
import type {
  AnalysisNode,
  GraphNode,
  ModelNode,
  Relation,
  SeedNode,
  SnapshotNode,
  SourceNode,
  StepNode,
  TestNode,
} from '../nodes.ts'
import type { ColumnProperties } from '../properties.ts'
import type { TableSpec } from '../table.ts'
import { constraintEntry, freshnessEntries, metadataOf, promiseEntries } from './manifest-metadata.ts'
import { unitTestEntry } from './manifest-unit-tests.ts'
import { incrementalConfig, snapshotConfig } from './materialized.ts'
import { artifactMetadata, type Invocation } from './write.ts'

/** The catalog name that readers of the published file see. */
export const DATABASE = 'warehouse'

/**
 * dbt's manifest v12. TypeScript nodes have no kind of their own there: a table that a step builds is a model whose
 * `language` is `typescript`, with the step's reads as its parents; what a step records in the ledger is a source, and
 * `parent_map` says which step's models it comes from. See docs/decisions/typescript-steps-in-the-manifest.md.
 */
export function manifestOf(
  graph: Graph,
  project: string,
  invocation: Invocation,
  nodes: Record<string, unknown> = Object.fromEntries(nodeEntries(graph, project)),
): Record<string, unknown> {
  const sources: Record<string, unknown> = {}
  const unit_tests: Record<string, unknown> = {}
  for (const node of graph.nodes.values()) {
    if (node.kind === 'source') sources[node.id] = sourceEntry(node, project)
    else if (node.kind === 'unit_test') unit_tests[node.id] = unitTestEntry(node, project)
  }
  const parents = parentMap(graph, project)
  return {
    metadata: {
      ...artifactMetadata('manifest/v12', invocation),
      project_name: project,
      project_id: createHash('md5').update(project).digest('hex'),
      adapter_type: 'duckdb',
    },
    nodes,
    sources,
    macros: {},
    metrics: {},
    ...metadataOf(graph, project),
    selectors: Object.fromEntries(
      (graph.selectors ?? []).map(({ name, description, definition }) => [
        name,
        {
          name,
          description: description ?? '',
          definition: typeof definition === 'string' ? criterion(definition) : definition,
        },
      ]),
    ),
    disabled: {},
    parent_map: parents,
    child_map: invert(parents),
    saved_queries: {},
    semantic_models: {},
    unit_tests,
  }
}

/** The manifest's `nodes`, one by one: of a large project they are too many to hold at once. */
export function* nodeEntries(graph: Graph, project: string): Iterable<[string, Record<string, unknown>]> {
  for (const node of graph.nodes.values()) {
    if (node.kind === 'step')
      for (const table of node.step.builds ?? [])
        yield [stepModelId(project, table), stepEntry(node, table, graph, project)]
    else if (node.kind !== 'source' && node.kind !== 'unit_test' && node.kind !== 'exposure')
      yield [node.id, nodeEntry(node, graph, project)]
  }
}

function stepModelId(project: string, table: TableSpec): string {
  return `model.${project}.${table.name}`
}

/** A graph id as the manifest knows it: a step is the models it builds. */
function manifestIds(id: string, graph: Graph, project: string): string[] {
  const node = graph.nodes.get(id)
  if (node?.kind !== 'step') return [id]
  return (node.step.builds ?? []).map((table) => stepModelId(project, table))
}

function parentMap(graph: Graph, project: string): Record<string, string[]> {
  const map: Record<string, string[]> = {}
  for (const node of graph.nodes.values()) {
    for (const id of manifestIds(node.id, graph, project)) map[id] = parentsOf(node, graph, project)
  }
  return map
}

/** A ledger table's parents are what the steps that record it build, else what they read. */
function parentsOf(node: GraphNode, graph: Graph, project: string): string[] {
  const direct = node.deps.flatMap((dep) => {
    const step = graph.nodes.get(dep)
    const ids = manifestIds(dep, graph, project)
    return step?.kind === 'step' && ids.length === 0 ? step.deps.flatMap((id) => manifestIds(id, graph, project)) : ids
  })
  return [...new Set(direct)].filter((id) => id !== node.id).sort()
}

function invert(parents: Record<string, string[]>): Record<string, string[]> {
  const children: Record<string, string[]> = Object.fromEntries(Object.keys(parents).map((id) => [id, []]))
  for (const [id, list] of Object.entries(parents)) for (const parent of list) children[parent]?.push(id)
  return children
}

interface Common {
  id: string
  name: string
  file: string
  fqn: readonly string[]
  relation?: Relation
  resource_type: string
  raw: string
}

function common({ id, name, file, fqn, relation, resource_type, raw }: Common, project: string) {
  return {
    database: DATABASE,
    schema: relation?.schema ?? 'ops',
    name,
    resource_type,
    package_name: project,
    path: file.split('/').slice(1).join('/') || file,
    original_file_path: file,
    unique_id: id,
    fqn: [...fqn],
    alias: relation?.name ?? name,
    checksum: { name: 'sha256', checksum: hash('sha256', raw) },
    relation_name: relation === undefined ? null : relationText(relation),
    raw_code: raw,
    created_at: 0,
  }
}

function columnEntries(columns: readonly ColumnProperties[]): Record<string, unknown> {
  return Object.fromEntries(
    columns.map(({ name, description, data_type, meta, tags, constraints = [] }) => [
      name,
      {
        name,
        description,
        meta,
        data_type: data_type ?? null,
        constraints: constraints.map(constraintEntry),
        quote: null,
        tags: tags ?? [],
      },
    ]),
  )
}

function nodeEntry(
  node: ModelNode | SeedNode | SnapshotNode | TestNode | AnalysisNode,
  graph: Graph,
  project: string,
): Record<string, unknown> {
  const depends_on = { macros: [] as string[], nodes: parentsOf(node, graph, project) }
  const shared = { description: node.description, tags: node.tags, language: 'sql' }
  switch (node.kind) {
    case 'seed': {
      const { language: _, ...seed } = shared
      return {
        ...common({ ...node, resource_type: 'seed', raw: '' }, project),
        checksum: { name: 'sha256', checksum: hashFile(node.path) },
        ...seed,
        columns: columnEntries(node.columns),
        config: { materialized: 'seed', column_types: node.column_types, tags: node.tags },
        patch_path: patchPath(node.patch, project),
        depends_on: { macros: [] },
      }
    }
    case 'model':
      return {
        ...common({ ...node, resource_type: 'model' }, project),
        ...shared,
        columns: columnEntries(node.columns),
        meta: node.meta,
        ...promiseEntries(node),
        ...versionEntries(node),
        config: {
          materialized: node.materialized,
          schema: node.relation.schema,
          tags: node.tags,
          meta: node.meta,
          ...incrementalConfig(node),
        },
        patch_path: patchPath(node.patch, project),
        refs: node.refs.map(refEntry),
        sources: node.sources,
        ...compiledCode(node.sql),
        depends_on,
      }
    case 'snapshot':
      return {
        ...common({ ...node, resource_type: 'snapshot' }, project),
        ...shared,
        columns: columnEntries(node.columns),
        meta: node.meta,
        config: snapshotConfig(node),
        patch_path: patchPath(node.patch, project),
        refs: node.refs.map(refEntry),
        sources: node.sources,
        ...compiledCode(node.sql),
        depends_on,
      }
    case 'analysis':
      return {
        ...common({ ...node, resource_type: 'analysis' }, project),
        ...shared,
        config: { materialized: 'view' },
        refs: node.refs.map(refEntry),
        sources: node.sources,
        ...compiledCode(node.sql),
        depends_on,
      }
    case 'test':
      return {
        ...common({ ...node, resource_type: 'test' }, project),
        ...shared,
        config: {
          ...testConfig(node),
          tags: node.tags,
        },
        ...compiledCode(node.sql),
        depends_on,
        ...(node.generic === undefined ? {} : genericTest(node, graph, project)),
      }
  }
}

/** `tag:nightly`, as dbt writes it out. */
function criterion(word: string): { method: string; value: string } {
  const [, method, value] = /^([\w.]+):(.+)$/.exec(word) ?? []
  return { method: method ?? 'fqn', value: value ?? word }
}

function versionEntries({ versioning }: ModelNode): Record<string, unknown> {
  if (versioning === undefined) return {}
  const { v, latest_v, deprecation_date } = versioning
  return { version: v, latest_version: latest_v, deprecation_date: deprecation_date ?? null }
}

function testConfig({ severity, limit, fail_calc, store, test_config }: TestNode): Record<string, unknown> {
  const { where, warn_if, error_if, store_failures, store_failures_as, alias, meta } = test_config
  return {
    severity,
    where: where ?? null,
    limit: limit ?? null,
    ...(warn_if === undefined ? {} : { warn_if }),
    ...(error_if === undefined ? {} : { error_if }),
    ...(fail_calc === undefined ? {} : { fail_calc }),
    ...(store_failures === undefined ? {} : { store_failures }),
    ...(store_failures_as === undefined ? {} : { store_failures_as }),
    ...(alias === undefined ? {} : { alias }),
    ...(store === undefined ? {} : { schema: store.schema }),
    ...(meta === undefined ? {} : { meta }),
  }
}

function genericTest(node: TestNode, graph: Graph, project: string): Record<string, unknown> {
  const names = node.deps.flatMap((dep) => {
    const parent = graph.nodes.get(dep)
    if (parent?.kind === 'source') return []
    if (parent?.kind === 'step') return (parent.step.builds ?? []).map(({ name }) => name)
    return [parent?.version === undefined ? (parent?.name ?? '') : versionedName(parent.name, parent.version)]
  })
  return {
    column_name: node.column ?? null,
    attached_node: node.attached === undefined ? null : manifestIds(node.attached, graph, project)[0],
    test_metadata: {
      name: node.generic!.name,
      kwargs: node.generic!.kwargs,
      namespace: node.generic!.namespace ?? null,
    },
    refs: names.map(refEntry),
    sources: node.deps.flatMap((dep) => {
      const parent = graph.nodes.get(dep)
      return parent?.kind === 'source' ? [[parent.source, parent.table]] : []
    }),
  }
}

function compiledCode(sql: string) {
  return { compiled: true, compiled_code: sql, extra_ctes_injected: true, extra_ctes: [] }
}

function patchPath(patch: string | undefined, project: string): string | null {
  return patch === undefined ? null : `${project}://${patch}`
}

function stepEntry(node: StepNode, table: TableSpec, graph: Graph, project: string): Record<string, unknown> {
  const { step } = node
  const columns = Object.entries(table.columns).map(([name, data_type]) => ({
    name,
    data_type,
    description: table.docs?.[name] ?? '',
    meta: table.pii?.includes(name) ? { pii: true } : {},
  }))
  const meta = { pipeline: { kind: 'step', step: step.name, stage: step.stage, reads: [...step.reads] } }
  const id = stepModelId(project, table)
  const fqn = [project, step.stage, table.name]
  return {
    ...common(
      { id, name: table.name, file: step.file, fqn, relation: table, resource_type: 'model', raw: '' },
      project,
    ),
    description: table.description,
    tags: node.tags,
    language: 'typescript',
    columns: columnEntries(columns as ColumnProperties[]),
    meta,
    config: { materialized: 'table', schema: table.schema, tags: node.tags, meta },
    refs: step.reads.filter((read) => !read.includes('.')).map(refEntry),
    sources: step.reads.filter((read) => read.includes('.')).map((read) => read.split('.')),
    ...compiledCode(''),
    depends_on: { macros: [], nodes: parentsOf(node, graph, project) },
  }
}

function sourceEntry(node: SourceNode, project: string): Record<string, unknown> {
  const said = new Map((node.columns ?? []).map((column) => [column.name, column]))
  const declared = Object.entries(node.ledger?.columns ?? {}).map(([name, data_type]) => ({
    ...{ name, meta: {}, ...said.get(name), data_type },
    description: said.get(name)?.description || (node.ledger?.docs?.[name] ?? ''),
  }))
  const columns = node.ledger === undefined ? [...said.values()] : declared
  const {
    raw_code: _code,
    created_at,
    checksum: _sum,
    alias: _alias,
    ...base
  } = common({ ...node, resource_type: 'source', raw: '' }, project)
  return {
    ...base,
    created_at,
    source_name: node.source,
    ...freshnessEntries(node, project),
    loader: node.loader ?? (node.ledger === undefined ? '' : 'lead-engine'),
    identifier: node.relation.name,
    description: node.description,
    columns: columnEntries(columns as ColumnProperties[]),
    tags: node.tags,
    meta: {
      ...node.meta,
      ...(node.ledger && { pipeline: { kind: 'ledger', write: node.ledger.write, steps: node.deps } }),
    },
  }
}
