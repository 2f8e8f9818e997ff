import { createHash } from 'node:crypto'
import { compileTemplate, type Names, relationText } from './compile.ts'
import type { Problem } from './errors.ts'
import { GENERIC_TESTS } from './generic-tests.ts'
import { didYouMean } from './nearest.ts'
import type { GraphNode, ModelNode, SeedNode, SourceNode, TestNode } from './nodes.ts'
import type { Described, ProjectFiles } from './project.ts'
import { type DataTestEntry, type NodeProperties, testConfigSchema } from './properties.ts'
import { quoteIdentifier } from './table.ts'
import { validate, type YamlFile } from './yaml.ts'

type Tested = ModelNode | SeedNode | SourceNode

interface Entry {
  entry: DataTestEntry
  column?: string
  yaml: YamlFile
  path: PropertyKey[]
}

/** The tests that property files and `test/data/*.sql` declare. */
export function* compileTests(
  files: ProjectFiles,
  names: Names,
  nodes: Map<string, GraphNode>,
  problems: Problem[],
): Iterable<TestNode> {
  for (const [kind, described] of [
    ['model', files.model_properties],
    ['seed', files.seed_properties],
  ] as const) {
    for (const [name, properties] of described) {
      const node = nodes.get(`${kind}.${names.project}.${name}`)
      if (node === undefined) continue
      for (const entry of entriesOf(properties)) {
        const test = genericTest(entry, node as Tested, names, problems)
        if (test !== undefined) yield test
      }
    }
  }
  for (const source of files.sources) {
    for (const [index, table] of source.value.tables.entries()) {
      const node = nodes.get(`source.${names.project}.${source.value.name}.${table.name}`) as SourceNode | undefined
      if (node === undefined) continue
      const described = { value: { ...table, config: {} }, yaml: source.yaml, path: [...source.path, 'tables', index] }
      for (const entry of entriesOf(described as Described<NodeProperties>)) {
        const test = genericTest(entry, node, names, problems)
        if (test !== undefined) yield test
      }
    }
  }
  yield* singularTests(files, names, problems)
}

function* entriesOf({ value, yaml, path }: Described<NodeProperties>): Iterable<Entry> {
  for (const key of ['tests', 'data_tests'] as const) {
    for (const [index, entry] of (value[key] ?? []).entries()) yield { entry, yaml, path: [...path, key, index] }
    for (const [position, column] of value.columns.entries()) {
      for (const [index, entry] of (column[key] ?? []).entries()) {
        yield { entry, column: column.name, yaml, path: [...path, 'columns', position, key, index] }
      }
    }
  }
}

function genericTest(
  { entry, column, yaml, path }: Entry,
  node: Tested,
  names: Names,
  problems: Problem[],
): TestNode | undefined {
  const line = () => yaml.lineOf(path)
  const problem = (message: string, hint?: string) =>
    void problems.push({ file: yaml.file, line: line(), message, hint })
  const [testName, given] = typeof entry === 'string' ? [entry, {}] : (Object.entries(entry)[0] ?? ['', {}])
  const generic = GENERIC_TESTS[testName]
  if (generic === undefined)
    return problem(`there is no test '${testName}'`, didYouMean(testName, Object.keys(GENERIC_TESTS)))
  if (generic.column === 'required' && column === undefined)
    return problem(`the test '${testName}' needs a column`, 'Write it below a column.')
  if (generic.column === 'none' && column !== undefined)
    return problem(`the test '${testName}' takes no column`, 'Write it below the model.')
  const { config: rawConfig, arguments: nested, name, description, ...flat } = (given ?? {}) as Record<string, unknown>
  const at = typeof entry === 'string' ? path : [...path, testName]
  const args = validate(
    generic.arguments,
    { ...yaml, data: { ...flat, ...(nested as object) }, lineOf: line },
    problems,
  )
  const config = validate(
    testConfigSchema,
    { ...yaml, data: rawConfig ?? {}, lineOf: (inner) => yaml.lineOf([...at, 'config', ...inner]) },
    problems,
  )
  if (args === undefined || config === undefined || config.enabled === false) return undefined

  const deps = [node.id]
  const kwargs: Record<string, unknown> = { ...args }
  if (typeof kwargs.to === 'string') {
    const file = { path: '', file: yaml.file, name: '', folders: [], text: `{{ ${kwargs.to} }}` }
    const found: Problem[] = []
    const target = compileTemplate(file, names, found)
    for (const { message, hint } of found) problem(`to: ${message}`, hint)
    if (target === undefined) return undefined
    kwargs.to = target.sql
    for (const dep of target.deps) if (!deps.includes(dep)) deps.push(dep)
  }
  const relation = relationText(node.relation)
  const sql = generic.sql({
    relation: config.where === undefined ? relation : `(select * from ${relation} where ${config.where})`,
    column: column === undefined ? '' : quoteIdentifier(column),
    args: kwargs,
  })
  const label = typeof name === 'string' ? name : labelOf(testName, node, column, args)
  const hash = createHash('sha256')
    .update(JSON.stringify([node.id, column, testName, given]))
    .digest('hex')
    .slice(0, 10)
  return {
    kind: 'test',
    id: `test.${names.project}.${label}.${hash}`,
    name: label,
    file: yaml.file,
    description: typeof description === 'string' ? description : '',
    fqn: [...node.fqn.slice(0, -1), label],
    tags: config.tags ?? [],
    deps,
    sql,
    raw: `{{ test_${testName}(**_dbt_generic_test_kwargs) }}`,
    severity: config.severity ?? 'error',
    ...(config.limit === undefined ? {} : { limit: config.limit }),
    attached: node.id,
    ...(column === undefined ? {} : { column }),
    generic: { name: testName, kwargs: { ...args, ...(column === undefined ? {} : { column_name: column }) } },
    config: { materialized: 'test', ...config },
    test_config: config,
  }
}

function labelOf(test: string, node: Tested, column: string | undefined, args: Record<string, unknown>): string {
  const owner = node.kind === 'source' ? `source_${node.source}_${node.table}` : node.name
  const values = Object.values(args).flatMap((value) => (Array.isArray(value) ? value : [value]))
  const tail = values.map((value) => String(value).replaceAll(/[^A-Za-z0-9]+/g, '_')).join('__')
  const full = [test, owner, column, tail].filter((part) => part !== undefined && part !== '').join('_')
  return full.length <= 63 ? full : `${full.slice(0, 30)}_${createHash('md5').update(full).digest('hex')}`
}

function* singularTests(files: ProjectFiles, names: Names, problems: Problem[]): Iterable<TestNode> {
  for (const file of files.tests) {
    const compiled = compileTemplate(file, names, problems)
    if (compiled === undefined) continue
    const properties = files.test_properties.get(file.name)
    const severity = String(compiled.config.severity ?? properties?.config.severity ?? 'error').toLowerCase()
    if (severity !== 'error' && severity !== 'warn') {
      problems.push({ file: file.file, message: `severity '${severity}' is not known`, hint: 'Known: error, warn.' })
      continue
    }
    yield {
      kind: 'test',
      id: `test.${names.project}.${file.name}`,
      name: file.name,
      file: file.file,
      description: properties?.description ?? '',
      fqn: [names.project, 'data', ...file.folders, file.name],
      tags: properties?.config.tags ?? [],
      deps: compiled.deps,
      sql: compiled.sql,
      raw: file.text,
      severity,
      config: { materialized: 'test', severity, ...properties?.config },
      test_config: properties?.config ?? {},
    }
  }
}
