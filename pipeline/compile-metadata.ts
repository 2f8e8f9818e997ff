import { compileTemplate, type Names } from './compile.ts'
import type { Problem } from './errors.ts'
import { stemOf } from './files.ts'
import { didYouMean } from './nearest.ts'
import type { Contract, ExposureNode, GraphNode, Group, ModelNode } from './nodes.ts'
import type { Described, ProjectFiles } from './project.ts'
import type { NodeProperties } from './properties.ts'
import type { Constraint } from './property-metadata.ts'

/** Configuration that makes promises or says whose a model is, wherever it is written. */
export const PROMISE_CONFIG = ['contract', 'access', 'group'] as const

type Promises = Pick<ModelNode, 'access' | 'group' | 'contract' | 'constraints'>

/** What a model promises: a property file's own key wins over configuration. The parents of foreign keys are added to `deps`. */
export function promisesOf(
  described: Described<NodeProperties> | undefined,
  config: Record<string, unknown>,
  { file, deps }: { file: string; deps: string[] },
  names: Names,
  problems: Problem[],
): Promises {
  const properties = described?.value
  const access = properties?.access ?? config.access ?? 'protected'
  if (access !== 'private' && access !== 'protected' && access !== 'public') {
    problems.push({
      file,
      message: `access '${String(access)}' is not known`,
      hint: 'Known: private, protected, public.',
    })
  }
  const group = properties?.group ?? config.group
  const contract = config.contract as { enforced?: boolean } | undefined
  const enforced = contract?.enforced === true
  const promised = enforced ? contractOf(described, file, names, problems) : undefined
  for (const parent of promised?.deps ?? []) if (!deps.includes(parent)) deps.push(parent)
  return {
    access: access as ModelNode['access'],
    ...(typeof group === 'string' ? { group } : {}),
    ...(promised === undefined ? {} : { contract: promised.contract }),
    ...(properties?.constraints === undefined ? {} : { constraints: properties.constraints }),
  }
}

/** A contract names every column with its type; constraints name columns that there are. */
function contractOf(
  described: Described<NodeProperties> | undefined,
  file: string,
  names: Names,
  problems: Problem[],
): { contract: Contract; deps: string[] } | undefined {
  const columns = described?.value.columns ?? []
  if (described === undefined || columns.length === 0) {
    const hint = 'List its columns with name and data_type, or set contract: { enforced: false }.'
    problems.push({ file: described?.yaml.file ?? file, message: 'has an enforced contract and no columns', hint })
    return undefined
  }
  const { yaml, path } = described
  for (const [index, column] of columns.entries()) {
    if (column.data_type !== undefined) continue
    problems.push({
      file: yaml.file,
      line: yaml.lineOf([...path, 'columns', index, 'name']),
      message: `column '${column.name}' has no data_type, and the contract of ${described.value.name} is enforced`,
      hint: 'Add data_type: <a DuckDB type>.',
    })
  }
  const known = columns.map(({ name }) => name)
  for (const [index, { columns: spanned, type }] of (described.value.constraints ?? []).entries()) {
    const line = yaml.lineOf([...path, 'constraints', index])
    for (const name of spanned ?? []) {
      if (known.some((each) => each.toLowerCase() === name.toLowerCase())) continue
      const message = `the constraint ${type} names the column '${name}', which the contract does not have`
      problems.push({ file: yaml.file, line, message, hint: didYouMean(name, known) })
    }
    if ((spanned ?? []).length === 0 && type !== 'check' && type !== 'custom')
      problems.push({
        file: yaml.file,
        line,
        message: `the constraint ${type} says no columns`,
        hint: 'Add columns: […].',
      })
  }
  const { keys, deps } = foreignKeys(described, names, problems)
  const lineOf = (column?: string) => {
    const index = columns.findIndex(({ name }) => name.toLowerCase() === column?.toLowerCase())
    return yaml.lineOf(index < 0 ? [...path, 'name'] : [...path, 'columns', index, 'name'])
  }
  return { contract: { lineOf, foreign_keys: keys }, deps }
}

/** The parents that foreign keys name. */
function foreignKeys(
  { value, yaml, path }: Described<NodeProperties>,
  names: Names,
  problems: Problem[],
): { keys: Contract['foreign_keys']; deps: string[] } {
  const keys: Contract['foreign_keys'] = []
  const deps: string[] = []
  const said: { of: Constraint; columns: string[]; at: PropertyKey[] }[] = [
    ...value.columns.flatMap((column, position) =>
      (column.constraints ?? []).map((of, index) => ({
        ...{ of, columns: [column.name] },
        at: [...path, 'columns', position, 'constraints', index],
      })),
    ),
    ...(value.constraints ?? []).map((of, index) => ({
      ...{ of, columns: of.columns ?? [] },
      at: [...path, 'constraints', index],
    })),
  ]
  for (const { of, columns, at } of said) {
    const line = yaml.lineOf(at)
    const problem = (message: string, hint: string) => problems.push({ file: yaml.file, line, message, hint })
    if ((of.type === 'check' || of.type === 'custom') && of.expression === undefined)
      problem(`the constraint ${of.type} has no expression`, 'Add expression: <SQL>.')
    if (of.type !== 'foreign_key') continue
    const written = /^\s*(?:references\s+)?([\w."]+)\s*\(([^)]*)\)\s*$/i.exec(of.expression ?? '')
    const to_columns = of.to_columns ?? written?.[2]?.split(',').map((name) => name.trim().replaceAll('"', '')) ?? []
    if (of.to !== undefined) {
      const found: Problem[] = []
      const source = { path: '', file: yaml.file, name: '', folders: [], text: `{{ ${of.to} }}` }
      const parent = compileTemplate(source, names, found)
      problems.push(...found.map((each) => ({ ...each, line })))
      deps.push(...(parent?.deps ?? []))
      if (parent !== undefined) keys.push({ columns, to: parent.sql, to_columns })
    } else if (written !== null) keys.push({ columns, to: written[1]!, to_columns })
    else problem('the foreign key says no parent', "Add to: ref('…') and to_columns: […].")
    if ((of.to !== undefined || written !== null) && to_columns.length !== columns.length)
      problem(
        `the foreign key has ${columns.length} columns and leads to ${to_columns.length}`,
        'Name as many in to_columns.',
      )
  }
  return { keys, deps }
}

/** The exposures of the property files, as nodes that nothing reads. */
export function* exposureNodes(files: ProjectFiles, names: Names, problems: Problem[]): Iterable<ExposureNode> {
  for (const { value, yaml, path } of files.exposures) {
    if (value.config.enabled === false) continue
    const { name, type, owner, description, label, url, maturity } = value
    const deps: string[] = []
    const refs: string[] = []
    const sources: [string, string][] = []
    for (const [index, text] of value.depends_on.entries()) {
      const line = yaml.lineOf([...path, 'depends_on', index])
      if (!/^\s*(ref|source)\s*\(/.test(text)) {
        const message = `exposure '${name}' depends on '${text}', which is neither ref(…) nor source(…)`
        problems.push({ file: yaml.file, line, message, hint: `Write ref('${text}').` })
        continue
      }
      const found: Problem[] = []
      const file = { path: '', file: yaml.file, name, folders: [], text: `{{ ${text} }}` }
      const compiled = compileTemplate(file, names, found)
      problems.push(...found.map((problem) => ({ ...problem, line })))
      deps.push(...(compiled?.deps ?? []))
      refs.push(...(compiled?.refs ?? []))
      sources.push(...(compiled?.sources ?? []))
    }
    const tags = [...new Set([...(value.tags ?? []), ...(value.config.tags ?? [])])]
    yield {
      kind: 'exposure',
      id: `exposure.${names.project}.${name}`,
      name,
      file: yaml.file,
      description,
      fqn: [names.project, ...yaml.file.split('/').slice(1, -1), name],
      tags,
      config: { enabled: true, ...value.config },
      deps: [...new Set(deps)],
      type,
      owner,
      meta: { ...value.meta, ...value.config.meta },
      refs,
      sources,
      ...(label === undefined ? {} : { label }),
      ...(url === undefined ? {} : { url }),
      ...(maturity === undefined ? {} : { maturity }),
    }
  }
}

export function groupsOf(files: ProjectFiles, project: string): Group[] {
  return files.groups.map(({ value, yaml }) => ({
    id: `group.${project}.${value.name}`,
    name: value.name,
    file: yaml.file,
    owner: value.owner,
    description: value.description,
    meta: value.config?.meta ?? {},
  }))
}

/** Groups that exist, and private models that only their own group reads. Tests may look at anything. */
export function checkGroups(files: ProjectFiles, nodes: ReadonlyMap<string, GraphNode>, problems: Problem[]): void {
  const known = files.groups.map(({ value }) => value.name)
  const models = [...nodes.values()].filter((node): node is ModelNode => node.kind === 'model')
  for (const { name, file, group } of models) {
    if (group === undefined || known.includes(group)) continue
    const described = files.model_properties.get(stemOf(file))
    const place = described?.value.group === undefined ? [] : ['group']
    problems.push({
      file: described?.yaml.file ?? file,
      ...(described === undefined ? {} : { line: described.yaml.lineOf([...described.path, ...place]) }),
      message: `${name} is in the group '${group}', which no property file declares`,
      hint: didYouMean(group, known) ?? 'Declare it below groups: with its owner.',
    })
  }
  const secret = new Map(models.filter(({ access }) => access === 'private').map((model) => [model.id, model]))
  if (secret.size === 0) return
  for (const node of nodes.values()) {
    if (node.kind === 'test' || node.kind === 'unit_test') continue
    for (const id of node.deps) {
      const target = secret.get(id)
      if (target === undefined || (target.group !== undefined && node.group === target.group)) continue
      const owner = target.group === undefined ? 'is in no group' : `is private to the group '${target.group}'`
      problems.push({
        file: node.file,
        ...lineOfRef(node, target.name, files),
        message: `${node.name} reads ${target.name}, which ${target.group === undefined ? 'is private and ' : ''}${owner}`,
        hint: `Make ${target.name} protected, or put both into one group.`,
      })
    }
  }
}

function lineOfRef(node: GraphNode, name: string, files: ProjectFiles): { line?: number } {
  if (node.kind === 'exposure') {
    const found = files.exposures.find(({ value }) => value.name === node.name)
    return found === undefined ? {} : { line: found.yaml.lineOf([...found.path, 'depends_on']) }
  }
  if (!('raw' in node)) return {}
  const at = node.raw.search(new RegExp(`\\bref\\(\\s*(['"][^'"]*['"]\\s*,\\s*)?['"]${name}['"]`))
  return at < 0 ? {} : { line: node.raw.slice(0, at).split('\n').length }
}
