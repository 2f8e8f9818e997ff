import { createHash } from 'node:crypto'
import type { Graph } from '../graph.ts'
import { refEntry } from '../model-versions.ts'
import type { ExposureNode, ModelNode, SourceNode } from '../nodes.ts'
import type { Constraint, Owner } from '../property-metadata.ts'

/** Exposures, groups, contracts and freshness as dbt's manifest has them. */
export function metadataOf(
  graph: Graph,
  project: string,
): Record<'docs' | 'exposures' | 'groups' | 'group_map', object> {
  const groups = graph.groups ?? []
  const members = (name: string) =>
    [...graph.nodes.values()].filter((node) => node.kind === 'model' && node.group === name).map(({ id }) => id)
  const exposures = [...graph.nodes.values()].filter((node) => node.kind === 'exposure')
  return {
    docs: overview(project),
    exposures: Object.fromEntries(exposures.map((node) => [node.id, exposureEntry(node, graph, project)])),
    groups: Object.fromEntries(
      groups.map(({ id, name, file, owner, description, meta }) => [
        id,
        {
          ...place(file, project),
          name,
          resource_type: 'group',
          unique_id: id,
          owner: ownerEntry(owner),
          description,
          config: { meta },
        },
      ]),
    ),
    group_map: Object.fromEntries(groups.map(({ name }) => [name, members(name).sort()])),
  }
}

/** What dbt's page opens with. */
function overview(project: string): object {
  const id = `doc.${project}.__overview__`
  const block_contents = `# ${project}\n\nModels, seeds, steps, sources and exposures are on the left. A table whose language is \`typescript\` is built by a step; a source of the loader \`lead-engine\` is a table of the ledger.`
  const file = { package_name: project, path: 'pipeline.yaml', original_file_path: 'pipeline.yaml' }
  return { [id]: { ...file, unique_id: id, name: '__overview__', resource_type: 'doc', block_contents } }
}

function place(file: string, project: string) {
  return { package_name: project, path: file.split('/').slice(1).join('/') || file, original_file_path: file }
}

function ownerEntry({ name, email }: Owner) {
  return { name: name ?? null, email: email ?? null }
}

function exposureEntry(node: ExposureNode, graph: Graph, project: string): object {
  const { id, name, type, owner, description, label, url, maturity, meta, tags, fqn, refs, sources } = node
  return {
    ...place(node.file, project),
    name,
    resource_type: 'exposure',
    unique_id: id,
    fqn,
    type,
    owner: ownerEntry(owner),
    description,
    label: label ?? null,
    url: url ?? null,
    maturity: maturity ?? null,
    meta,
    tags,
    config: { enabled: true, tags, meta },
    depends_on: { macros: [], nodes: parents(node, graph, project) },
    refs: refs.map(refEntry),
    sources,
    metrics: [],
    created_at: 0,
  }
}

/** A step that the exposure shows stands for the tables it builds. */
function parents(node: ExposureNode, graph: Graph, project: string): string[] {
  return node.deps.flatMap((id) => {
    const parent = graph.nodes.get(id)
    if (parent?.kind !== 'step') return [id]
    return (parent.step.builds ?? []).flatMap(({ name }) =>
      node.refs.includes(name) ? [`model.${project}.${name}`] : [],
    )
  })
}

export function promiseEntries({ access, group, contract, config, constraints, columns }: ModelNode) {
  const types = columns.map(({ name, data_type }) => [name, data_type ?? null])
  const alias_types = (config.contract as { alias_types?: boolean } | undefined)?.alias_types ?? true
  const keys = [
    ...(constraints ?? []),
    ...columns.flatMap((column) => (column.constraints ?? []).map((each) => ({ ...each, columns: [column.name] }))),
  ]
  return {
    access: access ?? 'protected',
    group: group ?? null,
    contract: {
      enforced: contract !== undefined,
      alias_types,
      checksum: contract !== undefined ? createHash('sha256').update(JSON.stringify(types)).digest('hex') : null,
    },
    constraints: (constraints ?? []).map((each) => ({ ...constraintEntry(each), columns: each.columns ?? [] })),
    primary_key: keys.find(({ type }) => type === 'primary_key')?.columns ?? [],
  }
}

export function constraintEntry({ type, name, expression, to, to_columns, ...switches }: Constraint) {
  return {
    type,
    name: name ?? null,
    expression: expression ?? null,
    warn_unenforced: switches.warn_unenforced ?? true,
    warn_unsupported: switches.warn_unsupported ?? true,
    to: to ?? null,
    to_columns: to_columns ?? [],
  }
}

export function freshnessEntries({ freshness, config, source_description, patch }: SourceNode, project: string) {
  const { warn_after = null, error_after = null, filter = null } = freshness ?? {}
  const threshold = freshness === undefined ? null : { warn_after, error_after, filter }
  const loaded = freshness?.loaded_at_query === undefined ? freshness?.loaded_at_field : undefined
  return {
    source_description: source_description ?? '',
    freshness: threshold,
    loaded_at_field: loaded ?? null,
    loaded_at_query: freshness?.loaded_at_query ?? null,
    config: { enabled: config.enabled ?? true, freshness: threshold },
    patch_path: patch === undefined ? null : `${project}://${patch}`,
  }
}
