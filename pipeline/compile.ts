import { checkGroups, exposureNodes, PROMISE_CONFIG, promisesOf } from './compile-metadata.ts'
import { sourceNodes } from './compile-sources.ts'
import { compileTests } from './compile-tests.ts'
import type { Config, FolderConfig } from './config.ts'
import type { Problem } from './errors.ts'
import type { SourceFile } from './files.ts'
import { incrementalParts, placeOf } from './materializations/compile-incremental.ts'
import { snapshotDrafts, snapshotNode } from './materializations/compile-snapshots.ts'
import { INCREMENTAL_CONFIG } from './materializations/settings.ts'
import { type ModelVersion, refNames, versionedName, versionsOf } from './model-versions.ts'
import { didYouMean } from './nearest.ts'
import type { AnalysisNode, GraphNode, ModelNode, Relation, SeedNode, SourceNode, StepNode } from './nodes.ts'
import type { ProjectFiles } from './project.ts'
import type { LedgerTable, Step } from './step.ts'
import { type Call, render, TemplateError, type TemplateValue } from './template.ts'
import { compileUnitTests } from './unit-tests/compile.ts'

/** What names stand for, while templates are resolved. */
export interface Names {
  project: string
  /** ref name → the node to wait for and the relation to read. */
  refs: Map<string, { id: string; relation: Relation }>
  /** `source.table` → its node. */
  sources: Map<string, SourceNode>
  vars: Record<string, unknown>
}

export interface Compiled {
  refs: string[]
  sources: [string, string][]
  deps: string[]
  config: Record<string, TemplateValue>
  sql: string
}

/** The node whose template it is: `{{ this }}`, and whether `is_incremental()`. */
export interface Self {
  id: string
  relation: Relation
  incremental?: boolean
}

export interface CompileInput {
  files: ProjectFiles
  config: Config
  steps: readonly Step[]
  /** Ledger tables of switched-off plug-ins: they exist, empty. */
  tables: readonly LedgerTable[]
  vars: Record<string, unknown>
  /** Tests that do not say otherwise keep the rows that fail. */
  store_failures?: boolean
  problems: Problem[]
}

/** Resolves every name of the project; the nodes in no particular order. Every unknown name is a problem with file and line. */
export function compileProject(input: CompileInput): Map<string, GraphNode> {
  const { files, config, steps, problems } = input
  const project = config.data.name
  const names: Names = { project, refs: new Map(), sources: new Map(), vars: { ...config.data.vars, ...input.vars } }
  const nodes = new Map<string, GraphNode>()
  const add = (node: GraphNode) => nodes.set(node.id, node)

  for (const node of sourceNodes(input, project)) {
    add(node)
    names.sources.set(`${node.source}.${node.table}`, node)
  }
  for (const seed of seedNodes(input, project)) {
    add(seed)
    names.refs.set(seed.name, { id: seed.id, relation: seed.relation })
  }
  const snapshots = snapshotDrafts(input, project)
  for (const { id, name, relation } of snapshots) names.refs.set(name, { id, relation })
  const drafts = files.models.map((file) => draftModel(file, input, project))
  for (const draft of drafts) for (const name of refNames(draft)) names.refs.set(name, draft)
  for (const step of steps) {
    const id = `step.${project}.${step.name}`
    for (const table of step.builds ?? []) {
      const other = names.refs.get(table.name)
      if (other !== undefined) {
        const message = `builds '${table.name}', which is also the name of ${other.id}`
        problems.push({ file: step.file, message, hint: 'Rename one of them: ref() finds by name.' })
      }
      names.refs.set(table.name, { id, relation: table })
    }
  }
  for (const draft of drafts) {
    const before = problems.length
    const model = finishModel(draft, input, names)
    if (model !== undefined) add(model)
    // One that is wrong itself keeps its name: that others read it is not wrong.
    else if (problems.length === before) for (const name of refNames(draft)) names.refs.delete(name)
  }
  for (const draft of snapshots) {
    const snapshot = snapshotNode(draft, names, problems)
    if (snapshot !== undefined) add(snapshot)
  }
  for (const step of steps) add(stepNode(step, names, problems))
  for (const file of files.analyses) {
    const analysis = analysisNode(file, names, problems)
    if (analysis !== undefined) add(analysis)
  }
  for (const test of compileTests(files, names, nodes, problems, input.store_failures)) add(test)
  for (const test of compileUnitTests(files, names, nodes, problems)) add(test)
  for (const exposure of exposureNodes(files, names, problems)) add(exposure)
  checkGroups(files, nodes, problems)
  return nodes
}

/** Renders one template, noting what it reads; undefined, with a problem, when it cannot be rendered. */
export function compileTemplate(
  file: SourceFile,
  names: Names,
  problems: Problem[],
  self?: Self,
): Compiled | undefined {
  const compiled: Compiled = { refs: [], sources: [], deps: [], config: {}, sql: '' }
  const before = problems.length
  const note = (list: string[], value: string) => list.includes(value) || list.push(value)
  const problem = (line: number, message: string, hint?: string) =>
    problems.push({ file: file.file, line, message, hint })
  const resolve = (call: Call): string => {
    if (/^this(\.|$)/.test(call.name)) return thisText(call, self)
    switch (call.name) {
      case 'ref': {
        const plain = String(call.args.at(-1) ?? '')
        const version = call.kwargs.v ?? call.kwargs.version
        const name = version == null ? plain : versionedName(plain, String(version))
        const found = names.refs.get(name)
        if (found === undefined && version != null) {
          problem(call.line, `ref('${plain}', v=${version}) names no version of a model`, versionsOf(plain, names.refs))
          return 'unknown'
        }
        if (found === undefined) {
          problem(call.line, `ref('${name}') names no model, seed or step table`, didYouMean(name, names.refs.keys()))
          return 'unknown'
        }
        if (found.id === self?.id)
          problem(
            call.line,
            `ref('${name}') reads the model itself`,
            'An incremental model reads itself as {{ this }}.',
          )
        note(compiled.refs, name)
        note(compiled.deps, found.id)
        return relationText(found.relation)
      }
      case 'source': {
        const [source, table] = [String(call.args[0] ?? ''), String(call.args[1] ?? '')]
        const found = names.sources.get(`${source}.${table}`)
        if (found === undefined) {
          problem(
            call.line,
            `source('${source}', '${table}') is declared nowhere`,
            didYouMean(`${source}.${table}`, names.sources.keys()),
          )
          return 'unknown'
        }
        if (!compiled.deps.includes(found.id)) compiled.sources.push([source, table])
        note(compiled.deps, found.id)
        return relationText(found.relation)
      }
      case 'var': {
        const name = String(call.args[0] ?? '')
        const value = names.vars[name] ?? call.args[1]
        if (value === undefined)
          problem(call.line, `var('${name}') is not set and has no default`, didYouMean(name, Object.keys(names.vars)))
        return value === null ? 'none' : String(value)
      }
      case 'config':
        Object.assign(compiled.config, call.kwargs)
        return ''
      default:
        throw new TemplateError(
          `${call.name}() is not understood`,
          call.line,
          'Known: ref(), source(), config(), var().',
        )
    }
  }
  try {
    compiled.sql = render(file.text, resolve, (call) => holds(call, self))
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    problem(error.line, error.message, error.hint)
  }
  return problems.length > before ? undefined : compiled
}

function thisText({ name, line }: Call, self: Self | undefined): string {
  const parts: Record<string, string> = {
    this: self === undefined ? '' : relationText(self.relation),
    'this.schema': self?.relation.schema ?? '',
    'this.identifier': self?.relation.name ?? '',
    'this.name': self?.relation.name ?? '',
  }
  if (self !== undefined && parts[name] !== undefined) return parts[name]
  const hint = 'A model knows {{ this }}, {{ this.schema }} and {{ this.identifier }}.'
  throw new TemplateError(`${name} is not understood here`, line, hint)
}

function holds({ name, line }: Call, self: Self | undefined): boolean {
  if (name === 'is_incremental') return self?.incremental ?? false
  throw new TemplateError(`${name}() is not understood in a condition`, line, 'Known: is_incremental(), not, and, or.')
}

/** `schema.name`, quoted only where it must be. */
export function relationText({ schema, name }: Relation): string {
  const quoted = (part: string) => (/^[a-z_][a-z0-9_]*$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`)
  return `${quoted(schema)}.${quoted(name)}`
}

function* seedNodes({ files, config }: CompileInput, project: string): Iterable<SeedNode> {
  for (const file of files.seeds) {
    const described = files.seed_properties.get(file.name)
    const properties = described?.value
    yield {
      kind: 'seed',
      id: `seed.${project}.${file.name}`,
      name: file.name,
      file: file.file,
      path: file.path,
      description: properties?.description ?? '',
      fqn: [project, ...file.folders, file.name],
      tags: [...(config.data.seeds.tags ?? []), ...(properties?.config.tags ?? [])],
      deps: [],
      relation: { schema: properties?.config.schema ?? config.data.seeds.schema ?? 'seeds', name: file.name },
      config: { materialized: 'seed', ...config.data.seeds, ...properties?.config },
      column_types: properties?.config.column_types ?? {},
      delimiter: properties?.config.delimiter ?? ',',
      columns: properties?.columns ?? [],
      ...(described === undefined ? {} : { patch: described.yaml.file }),
    }
  }
}

interface ModelDraft {
  file: SourceFile
  version?: ModelVersion
  id: string
  name: string
  relation: Relation
  folder: FolderConfig
}

function draftModel(file: SourceFile, { files, config }: CompileInput, project: string): ModelDraft {
  const folder: FolderConfig = {}
  for (let depth = 0; depth <= file.folders.length; depth++) {
    Object.assign(folder, config.data.models[file.folders.slice(0, depth).join('/')] ?? {})
  }
  const own = files.model_properties.get(file.name)?.value.config
  const inline = /\bschema\s*=\s*['"]([^'"]+)['"]/.exec(file.text)?.[1]
  const schema = inline ?? own?.schema ?? folder.schema ?? file.folders[0] ?? 'main'
  const version = files.versions.get(file.name)
  const name = version?.name ?? file.name
  return {
    file,
    ...(version === undefined ? {} : { version }),
    id: `model.${project}.${version === undefined ? name : versionedName(name, version.version)}`,
    name,
    relation: { schema, name: own?.alias ?? (version === undefined ? name : `${name}_v${version.version}`) },
    folder,
  }
}

const MODEL_CONFIG = [
  'materialized',
  'schema',
  'tags',
  'enabled',
  'meta',
  'alias',
  ...INCREMENTAL_CONFIG,
  ...PROMISE_CONFIG,
]

function finishModel(
  { file, version, id, name, relation, folder }: ModelDraft,
  input: CompileInput,
  names: Names,
): ModelNode | undefined {
  const compiled = compileTemplate(file, names, input.problems, { id, relation })
  if (compiled === undefined) return undefined
  const described = input.files.model_properties.get(file.name)
  const config = { ...folder, ...described?.value.config, ...compiled.config }
  const written = { file, inline: compiled.config, described, folders: input.config }
  for (const key of Object.keys(compiled.config)) {
    if (!MODEL_CONFIG.includes(key))
      input.problems.push({
        ...placeOf(key, written),
        message: `config(${key}=...) is not understood`,
        hint: didYouMean(key, MODEL_CONFIG),
      })
  }
  const materialized = config.materialized ?? 'view'
  if (materialized !== 'view' && materialized !== 'table' && materialized !== 'incremental') {
    input.problems.push({
      ...placeOf('materialized', written),
      message: `materialized '${String(materialized)}' is not known`,
      hint: 'Known: view, table, incremental.',
    })
    return undefined
  }
  if (config.enabled === false) return undefined
  const added =
    materialized === 'incremental' && file.text.includes('is_incremental')
      ? compileTemplate(file, names, input.problems, { id, relation, incremental: true })
      : compiled
  const given = { file, config, described, inline: compiled.config, folders: input.config, problems: input.problems }
  if (added === undefined) return undefined
  const incremental = materialized === 'incremental' ? incrementalParts({ ...given, whole: compiled, added }) : {}
  if (incremental === undefined) return undefined
  const tags = [folder.tags, described?.value.config.tags, compiled.config.tags]
    .flatMap((list) => (list === undefined ? [] : list))
    .map(String)
  return {
    kind: 'model',
    id,
    name,
    file: file.file,
    description: described?.value.description ?? '',
    fqn: [names.project, ...file.folders, name, ...(version === undefined ? [] : [`v${version.version}`])],
    ...(version === undefined ? {} : { version: version.version, versioning: version }),
    tags: [...new Set(tags)],
    deps: compiled.deps,
    relation,
    config: { ...config, materialized, schema: relation.schema, tags: [...new Set(tags)] },
    materialized,
    raw: file.text,
    sql: compiled.sql,
    columns: described?.value.columns ?? [],
    meta: { ...described?.value.meta, ...described?.value.config.meta },
    refs: compiled.refs,
    sources: compiled.sources,
    ...incremental,
    ...promisesOf(described, config, { file: file.file, deps: compiled.deps }, names, input.problems),
    ...(described === undefined ? {} : { patch: described.yaml.file }),
  }
}

function stepNode(step: Step, names: Names, problems: Problem[]): StepNode {
  const id = `step.${names.project}.${step.name}`
  const own = new Set((step.records ?? []).map(({ source, table }) => `${source}.${table}`))
  const deps: string[] = []
  for (const read of step.reads) {
    if (own.has(read)) continue
    const found = read.includes('.') ? names.sources.get(read)?.id : names.refs.get(read)?.id
    if (found === undefined) {
      const known = read.includes('.') ? names.sources.keys() : names.refs.keys()
      problems.push({
        file: step.file,
        message: `step '${step.name}' reads '${read}', which does not exist`,
        hint: didYouMean(read, known),
      })
    } else if (found !== id) deps.push(found)
  }
  return {
    kind: 'step',
    id,
    name: step.name,
    file: step.file,
    description: step.description,
    fqn: [names.project, step.stage, step.name],
    tags: [],
    config: {},
    deps,
    step,
  }
}

function analysisNode(file: SourceFile, names: Names, problems: Problem[]): AnalysisNode | undefined {
  const compiled = compileTemplate(file, names, problems)
  if (compiled === undefined) return undefined
  return {
    kind: 'analysis',
    id: `analysis.${names.project}.${file.name}`,
    name: file.name,
    file: file.file,
    description: '',
    fqn: [names.project, 'analysis', ...file.folders, file.name],
    tags: [],
    config: { materialized: 'view' },
    deps: compiled.deps,
    raw: file.text,
    sql: compiled.sql,
    refs: compiled.refs,
    sources: compiled.sources,
  }
}
