import type { Problem } from './errors.ts'
import { didYouMean } from './nearest.ts'
import type { Freshness, SourceNode } from './nodes.ts'
import type { Described, ProjectFiles } from './project.ts'
import type { SourceProperties, SourceTableProperties } from './properties.ts'
import type { LedgerTable, Step } from './step.ts'
import { LEDGER_SOURCES } from './warehouse/sources.ts'

export interface SourcesInput {
  files: Pick<ProjectFiles, 'sources'>
  steps: readonly Step[]
  /** Ledger tables of switched-off plug-ins: they exist, empty. */
  tables: readonly LedgerTable[]
  problems: Problem[]
}

/**
 * Everything that `source()` may name: the ledger's own tables, those that TypeScript declares, and those that property
 * files declare. A property file that names one of the first two describes it: TypeScript says what it is, YAML what is
 * promised of it.
 */
export function sourceNodes(input: SourcesInput, project: string): SourceNode[] {
  const nodes = new Map<string, SourceNode>()
  for (const node of [...logNodes(project), ...ledgerNodes(input, project)]) {
    if (!nodes.has(node.id)) nodes.set(node.id, node)
  }
  const declared = new Set(nodes.keys())
  const sources = new Set([...nodes.values()].map(({ source }) => source))
  const seen = new Map<string, string>()
  for (const described of input.files.sources) {
    for (const [index, table] of described.value.tables.entries()) {
      const id = `source.${project}.${described.value.name}.${table.name}`
      const path = [...described.path, 'tables', index]
      const line = described.yaml.lineOf([...path, 'name'])
      const problem = (message: string, hint?: string) =>
        input.problems.push({ file: described.yaml.file, line, message, hint })
      const first = seen.get(id)
      if (first !== undefined) problem(`source '${described.value.name}.${table.name}' is described twice`, first)
      seen.set(id, `The other is in ${described.yaml.file}:${line}.`)
      if (enabled(described.value, table) === false) continue
      const known = nodes.get(id)
      if (!declared.has(id) && sources.has(described.value.name) && described.value.schema === undefined) {
        const tables = [...nodes.values()].filter(({ source }) => source === described.value.name)
        const names = tables.map((each) => each.table)
        problem(
          `the ledger's source '${described.value.name}' has no table '${table.name}'`,
          didYouMean(table.name, names) ?? 'Give the source a schema: if it is a database of your own.',
        )
        continue
      }
      nodes.set(id, describe(known ?? externalNode(described, table, project), described, table, path, input.problems))
    }
  }
  return [...nodes.values()]
}

function* logNodes(project: string): Iterable<SourceNode> {
  for (const name of LEDGER_SOURCES) {
    yield {
      ...base(project, 'ledger', name),
      relation: { schema: 'log', name },
      file: 'pipeline/warehouse/migrations.ts',
      description: `The ledger's own ${name}.`,
      deps: [],
    }
  }
}

function base(project: string, source: string, table: string) {
  return {
    kind: 'source' as const,
    id: `source.${project}.${source}.${table}`,
    name: table,
    source,
    table,
    fqn: [project, source, table],
    tags: [] as string[],
    config: {},
  }
}

function* ledgerNodes(input: SourcesInput, project: string): Iterable<SourceNode> {
  const writers = new Map<string, { table: LedgerTable; file: string; deps: string[] }>()
  for (const step of input.steps) {
    for (const table of step.records ?? []) {
      const key = `${table.source}.${table.table}`
      const writer = writers.get(key) ?? { table, file: step.file, deps: [] }
      writer.deps.push(`step.${project}.${step.name}`)
      writers.set(key, writer)
    }
  }
  const switchedOff = input.tables.map((table) => ({ table, file: 'pipeline.yaml', deps: [] as string[] }))
  for (const { table: ledger, file, deps } of [...writers.values(), ...switchedOff]) {
    yield {
      ...base(project, ledger.source, ledger.table),
      ...(ledger.visible === 'next_run' ? { deps: [], feedback: deps } : { deps }),
      relation: { schema: 'raw', name: `${ledger.source}__${ledger.table}` },
      ledger,
      file,
      description: ledger.description,
    }
  }
}

type DescribedSource = Described<SourceProperties>

function externalNode({ value, yaml }: DescribedSource, table: SourceTableProperties, project: string): SourceNode {
  return {
    ...base(project, value.name, table.name),
    relation: { schema: value.schema ?? value.name, name: table.identifier ?? table.name },
    file: yaml.file,
    description: '',
    deps: [],
  }
}

function enabled(source: SourceProperties, table: SourceTableProperties): boolean {
  return table.config?.enabled ?? source.config?.enabled ?? true
}

/** What the property file adds to a source: its words, its tags, and how old it may be. */
function describe(
  node: SourceNode,
  { value, yaml }: DescribedSource,
  table: SourceTableProperties,
  path: PropertyKey[],
  problems: Problem[],
): SourceNode {
  const tags = [value.tags, value.config?.tags, table.tags, table.config?.tags].flatMap((list) => list ?? [])
  const loader = table.loader ?? value.loader
  const freshness = freshnessOf(node, value, table)
  if (freshness !== undefined && freshness.loaded_at_query === undefined && freshness.loaded_at_field === '') {
    problems.push({
      file: yaml.file,
      line: yaml.lineOf(path),
      message: `source '${node.source}.${node.table}' has freshness, and nothing says when a row was loaded`,
      hint: 'Add loaded_at_field: <a timestamp column>, or loaded_at_query.',
    })
  }
  return {
    ...node,
    description: table.description || node.description,
    source_description: value.description,
    tags: [...new Set(tags)],
    meta: { ...value.meta, ...value.config?.meta, ...table.meta, ...table.config?.meta },
    config: { enabled: true, ...value.config, ...table.config },
    columns: table.columns,
    ...(loader === undefined ? {} : { loader }),
    ...(freshness === undefined ? {} : { freshness }),
    patch: yaml.file,
  }
}

/** A table's words win over its source's; `null` says none. A ledger table knows when each row was fetched. */
function freshnessOf(node: SourceNode, source: SourceProperties, table: SourceTableProperties): Freshness | undefined {
  const levels = [table.config, table, source.config, source]
  const given = levels.find((level) => level?.freshness !== undefined)?.freshness
  if (given === undefined || given === null || (!given.warn_after && !given.error_after)) return undefined
  const loaded = levels.find((level) => level?.loaded_at_field !== undefined || level?.loaded_at_query !== undefined)
  return {
    warn_after: given.warn_after ?? null,
    error_after: given.error_after ?? null,
    filter: given.filter ?? null,
    loaded_at_field: loaded?.loaded_at_field ?? (node.ledger === undefined ? '' : '_fetched_at'),
    ...(loaded?.loaded_at_query === undefined ? {} : { loaded_at_query: loaded.loaded_at_query }),
  }
}
