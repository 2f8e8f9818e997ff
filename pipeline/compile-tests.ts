import { hash } from 'node:crypto'
import { compileTemplate, type Names, relationText } from './compile.ts'
import type { Problem } from './errors.ts'
import { versionedName } from './model-versions.ts'
import type { GraphNode, ModelNode, SeedNode, SnapshotNode, SourceNode, TestNode } from './nodes.ts'
import type { Described, ProjectFiles } from './project.ts'
import type { NodeProperties } from './properties.ts'
import { quoteIdentifier } from './table.ts'
import { AUDIT_SCHEMA, storedAs, testConfigSchema } from './tests/config.ts'
import { type Entry, readEntry } from './tests/entry.ts'
import { columnText, type GenericTest, type TestInput } from './tests/generic.ts'
import { findTest } from './tests/registry.ts'
import { validate } from './yaml.ts'

type Tested = ModelNode | SeedNode | SnapshotNode | SourceNode

/** The tests that property files and `test/data/*.sql` declare. */
export function compileTests(
  files: ProjectFiles,
  names: Names,
  nodes: Map<string, GraphNode>,
  problems: Problem[],
  store_failures = false,
): TestNode[] {
  const tests = [...testsOf(files, names, nodes, problems)]
  if (store_failures) for (const test of tests) keepFailures(test)
  checkStores(tests, problems)
  return tests
}

function* testsOf(
  files: ProjectFiles,
  names: Names,
  nodes: Map<string, GraphNode>,
  problems: Problem[],
): Iterable<TestNode> {
  for (const [kind, described] of [
    ['model', files.model_properties],
    ['seed', files.seed_properties],
    ['snapshot', new Map(files.snapshots.map((each) => [each.value.name, each] as const))],
  ] as const) {
    for (const [name, properties] of described) {
      const version = kind === 'model' ? files.versions.get(name) : undefined
      const called = version === undefined ? name : versionedName(version.name, version.version)
      const node = nodes.get(`${kind}.${names.project}.${called}`)
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
    for (const [index, entry] of (value[key] ?? []).entries())
      yield readEntry(entry, { yaml, path: [...path, key, index] })
    for (const [position, { name: column, [key]: entries }] of value.columns.entries()) {
      for (const [index, entry] of (entries ?? []).entries())
        yield readEntry(entry, { column, yaml, path: [...path, 'columns', position, key, index] })
    }
  }
}

function genericTest(entry: Entry, node: Tested, names: Names, problems: Problem[]): TestNode | undefined {
  const { written, column, yaml } = entry
  const problem = (message: string, hint?: string, line = entry.line()) =>
    void problems.push({ file: yaml.file, line, message, hint })
  const found = findTest(written)
  if (!('test' in found)) return problem(`there is no test '${written}'`, found.hint)
  const { test: generic, name: testName, namespace } = found
  if (generic.column === 'required' && column === undefined)
    return problem(`the test '${written}' needs a column`, 'Write it below a column.')
  if (generic.column === 'none' && column !== undefined)
    return problem(`the test '${written}' takes no column`, 'Write it below the model.')
  const deps = [node.id]
  const rendered = rendering(entry, generic, names, deps, problem)
  const given = { ...yaml, data: entry.arguments, lineOf: entry.lineOfArgument }
  const wrong: Problem[] = []
  const args = validate(generic.arguments, given, wrong)
  const config = validate(testConfigSchema, { ...yaml, data: entry.config, lineOf: entry.lineOfConfig }, wrong)
  problems.push(...wrong.map((each) => ({ ...each, message: `the test '${written}': ${each.message}` })))
  if (args === undefined || config === undefined || config.enabled === false) return undefined
  const kwargs = rendered(args)
  const where = config.where === undefined ? undefined : rendered({ where: config.where })?.where
  if (kwargs === undefined || (config.where !== undefined && where === undefined)) return undefined
  const own = relationText(node.relation)
  const input: TestInput<Record<string, unknown>> = {
    relation: where === undefined ? own : `(select * from ${own} where ${String(where)})`,
    column: column === undefined ? '' : entry.column_is_sql ? columnText(column) : quoteIdentifier(column),
    column_name: column ?? '',
    args: kwargs,
  }
  const prefix = namespace === undefined ? testName : `${namespace}_${testName}`
  const label = entry.name ?? labelOf(prefix, node, column, args)
  const fail_calc = config.fail_calc ?? generic.fail_calc
  const store = storedAs(config)
  const count = fail_calc === undefined && store === undefined ? generic.count?.(input) : undefined
  const said = JSON.stringify([node.id, entry.column_is_sql ? undefined : column, written, entry.given])
  return {
    kind: 'test',
    id: `test.${names.project}.${label}.${hash('sha256', said).slice(0, 10)}`,
    name: label,
    file: yaml.file,
    description: entry.description ?? '',
    fqn: [...node.fqn.slice(0, -1), label],
    tags: config.tags ?? [],
    deps,
    sql: generic.sql(input),
    raw: `{{ test_${testName}(**_dbt_generic_test_kwargs) }}`,
    severity: config.severity ?? 'error',
    ...(config.limit === undefined ? {} : { limit: config.limit }),
    attached: node.id,
    ...(column === undefined ? {} : { column }),
    ...(count === undefined ? {} : { batch: { from: input.relation, count } }),
    ...(fail_calc === undefined ? {} : { fail_calc }),
    ...(store === undefined ? {} : { store: { as: store, schema: AUDIT_SCHEMA, name: config.alias ?? label } }),
    generic: {
      name: testName,
      ...(namespace === undefined ? {} : { namespace }),
      kwargs: { ...args, ...(column === undefined ? {} : { column_name: column }) },
    },
    config: { materialized: 'test', ...config },
    test_config: config,
  }
}

/** Renders what the arguments read: `to: ref('x')`, `expression: "x < {{ var('y') }}"`. */
function rendering(
  { yaml, lineOfArgument }: Entry,
  { relations = [] }: GenericTest,
  names: Names,
  deps: string[],
  problem: (message: string, hint?: string, line?: number) => void,
) {
  return (args: Record<string, unknown>): Record<string, unknown> | undefined => {
    const out = { ...args }
    for (const [key, value] of Object.entries(args)) {
      if (typeof value !== 'string' || !(relations.includes(key) || value.includes('{{'))) continue
      const text = value.includes('{{') ? value : `{{ ${value} }}`
      const found: Problem[] = []
      const compiled = compileTemplate({ path: '', file: yaml.file, name: '', folders: [], text }, names, found)
      for (const { message, hint } of found) problem(`${key}: ${message}`, hint, lineOfArgument([key]))
      if (compiled === undefined) return undefined
      out[key] = compiled.sql
      for (const dep of compiled.deps) if (!deps.includes(dep)) deps.push(dep)
    }
    return out
  }
}

function labelOf(test: string, node: Tested, column: string | undefined, args: Record<string, unknown>): string {
  const owner =
    node.kind === 'source'
      ? `source_${node.source}_${node.table}`
      : `${node.name}${node.version === undefined ? '' : `_v${node.version}`}`
  const values = Object.values(args).flatMap((value) =>
    Array.isArray(value) ? value : value === undefined ? [] : [value],
  )
  const tail = values.map((value) => String(value).replaceAll(/[^A-Za-z0-9]+/g, '_')).join('__')
  const full = [test, owner, column, tail].filter((part) => part !== undefined && part !== '').join('_')
  return full.length <= 63 ? full : `${full.slice(0, 30)}_${hash('md5', full)}`
}

function* singularTests(files: ProjectFiles, names: Names, problems: Problem[]): Iterable<TestNode> {
  for (const file of files.tests) {
    const compiled = compileTemplate(file, names, problems)
    if (compiled === undefined) continue
    const properties = files.test_properties.get(file.name)
    const line = (key: PropertyKey) =>
      file.text.slice(0, Math.max(0, file.text.indexOf(String(key)))).split('\n').length
    const given = {
      file: file.file,
      data: compiled.config,
      lineOf: ([key = 'config']: readonly PropertyKey[]) => line(key),
    }
    const inline = validate(testConfigSchema, given, problems)
    if (inline === undefined) continue
    const config = { ...properties?.config, ...inline }
    if (config.enabled === false) continue
    const severity = config.severity ?? 'error'
    const store = storedAs(config)
    yield {
      kind: 'test',
      id: `test.${names.project}.${file.name}`,
      name: file.name,
      file: file.file,
      description: properties?.description ?? '',
      fqn: [names.project, 'data', ...file.folders, file.name],
      tags: config.tags ?? [],
      deps: compiled.deps,
      sql: compiled.sql,
      raw: file.text,
      severity,
      ...(config.limit === undefined ? {} : { limit: config.limit }),
      ...(config.fail_calc === undefined ? {} : { fail_calc: config.fail_calc }),
      ...(store === undefined ? {} : { store: { as: store, schema: AUDIT_SCHEMA, name: config.alias ?? file.name } }),
      config: { materialized: 'test', ...config, severity },
      test_config: config,
    }
  }
}

/** dbt's `--store-failures`: what a test says itself wins. */
function keepFailures(test: TestNode): void {
  const { store_failures, store_failures_as, alias } = test.test_config
  if (store_failures !== undefined || store_failures_as !== undefined) return
  test.store = { as: 'table', schema: AUDIT_SCHEMA, name: alias ?? test.name }
  delete test.batch
}

/** Two tests that would keep their failures in one place. */
function checkStores(tests: readonly TestNode[], problems: Problem[]): void {
  const seen = new Map<string, TestNode>()
  for (const test of tests) {
    if (test.store === undefined) continue
    const other = seen.get(test.store.name.toLowerCase())
    if (other === undefined) seen.set(test.store.name.toLowerCase(), test)
    else
      problems.push({
        file: test.file,
        message: `two tests keep their failures in ${test.store.schema}.${test.store.name}`,
        hint: `Give one of them an alias. The other is in ${other.file}.`,
      })
  }
}
