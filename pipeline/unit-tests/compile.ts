import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileTemplate, type Names, relationText } from '../compile.ts'
import { messageOf, type Problem } from '../errors.ts'
import { didYouMean } from '../nearest.ts'
import type { GraphNode, ModelNode, UnitFixture, UnitTestNode } from '../nodes.ts'
import type { Described, ProjectFiles } from '../project.ts'
import { cteQuery, ctesOf } from './ctes.ts'
import { csvRows } from './rows.ts'
import type { FixtureProperties, UnitTestProperties } from './schema.ts'

/** Where the files that `fixture:` names are. */
export const FIXTURES = 'test/fixtures'

/** The unit tests that property files declare; each stands before its model in the order of a run. */
export function compileUnitTests(
  files: ProjectFiles,
  names: Names,
  nodes: Map<string, GraphNode>,
  problems: Problem[],
): UnitTestNode[] {
  const models = [...nodes.values()].filter((node) => node.kind === 'model')
  const byName = new Map<string, ModelNode[]>()
  for (const model of models) byName.set(model.name, [...(byName.get(model.name) ?? []), model])
  const tests = new Map<string, UnitTestNode>()
  for (const described of files.unit_tests) {
    const compiler = new UnitTestCompiler(described, files, names, problems)
    for (const model of compiler.models(byName)) {
      const test = compiler.compile(model)
      if (test === undefined) continue
      const other = tests.get(test.id)
      if (other === undefined) tests.set(test.id, test)
      else
        compiler.problem(
          ['name'],
          `'${test.name}' is described twice for ${described.value.model}`,
          `The other is in ${other.file}.`,
        )
    }
  }
  for (const test of tests.values()) {
    const model = nodes.get(test.attached) as ModelNode
    model.after = [...(model.after ?? []), test.id]
  }
  return [...tests.values()]
}

class UnitTestCompiler {
  readonly #described: Described<UnitTestProperties>
  readonly #files: ProjectFiles
  readonly #names: Names
  readonly #problems: Problem[]

  constructor(described: Described<UnitTestProperties>, files: ProjectFiles, names: Names, problems: Problem[]) {
    this.#described = described
    this.#files = files
    this.#names = names
    this.#problems = problems
  }

  problem(path: readonly PropertyKey[], message: string, hint?: string): undefined {
    const { yaml, path: own, value } = this.#described
    const line = yaml.lineOf([...own, ...path])
    this.#problems.push({ file: yaml.file, line, message: `unit test '${value.name}': ${message}`, hint })
    return undefined
  }

  /** The model it is about, or each of its versions that is wanted. */
  models(known: ReadonlyMap<string, readonly ModelNode[]>): readonly ModelNode[] {
    const { value } = this.#described
    if (value.config.enabled === false) return []
    const all = known.get(value.model)
    if (all === undefined) {
      // A model that cannot be compiled has problems of its own, and one that is switched off has no tests.
      if (!this.#files.models.some(({ name }) => name === value.model))
        this.problem(['model'], `there is no model '${value.model}'`, didYouMean(value.model, known.keys()))
      return []
    }
    const { versions } = value
    if (versions === undefined) return all
    const [word, listed] = 'include' in versions ? ['include', versions.include] : ['exclude', versions.exclude]
    for (const [index, version] of listed.entries())
      if (!all.some((model) => model.version === String(version)))
        this.problem(['versions', word, index], `${value.model} has no version ${version}`)
    return all.filter(({ version }) => listed.some((each) => String(each) === version) === (word === 'include'))
  }

  compile(model: ModelNode): UnitTestNode | undefined {
    const { value, yaml, path } = this.#described
    const version = model.version === undefined ? '' : `_v${model.version}`
    const before = this.#problems.length
    const whole = this.#sql(model)
    const given = value.given.map((each, index) => this.#input(each, index, model))
    const expect = this.#fixture(value.expect, ['expect'], { input: 'expect', relation: model.relation })
    if (whole === undefined || this.#problems.length > before) return undefined
    const cte = this.#cte(whole)
    if (this.#problems.length > before) return undefined
    const tags = value.config.tags ?? []
    return {
      kind: 'unit_test',
      id: `unit_test.${this.#names.project}.${value.model}.${value.name}${version}`,
      name: `${value.name}${version}`,
      file: yaml.file,
      description: value.description,
      fqn: [...model.fqn, value.name],
      tags,
      config: { ...value.config, tags },
      deps: [model.id],
      after: [...model.deps],
      attached: model.id,
      sql: cte === undefined ? whole : cteQuery(whole, cte),
      ...(cte === undefined ? {} : { cte }),
      given: given as UnitFixture[],
      expect: expect!,
      ...(value.overrides?.as_of === undefined ? {} : { as_of: value.overrides.as_of }),
      reads_itself:
        value.overrides?.macros?.is_incremental === true || value.given.some(({ input }) => input === 'this'),
      definition: value,
      path,
    }
  }

  /** The model's SQL, rendered again where the test overrides what it is rendered with. */
  #sql(model: ModelNode): string | undefined {
    const { vars = {}, macros = {} } = this.#described.value.overrides ?? {}
    if (macros.is_incremental === true && model.materialized !== 'incremental')
      return this.problem(
        ['overrides', 'macros', 'is_incremental'],
        `${model.name} is materialized as ${model.materialized}, so that is_incremental() is never true`,
        'Take the override away, or make the model incremental.',
      )
    for (const name of Object.keys(vars)) {
      if (model.raw.includes(name)) continue
      this.problem(['overrides', 'vars', name], `${model.name} does not read var('${name}')`, 'Take it away.')
    }
    if (Object.keys(vars).length === 0 && macros.is_incremental === undefined) return model.sql
    const file = this.#files.models.find(({ file }) => file === model.file)!
    const names = { ...this.#names, vars: { ...this.#names.vars, ...vars } }
    const incremental = macros.is_incremental ?? false
    return compileTemplate(file, names, this.#problems, { id: model.id, relation: model.relation, incremental })?.sql
  }

  #cte(sql: string): string | undefined {
    const { cte, expect } = this.#described.value
    const wanted = expect.cte ?? cte
    if (wanted === undefined) return undefined
    const place = expect.cte === undefined ? ['cte'] : ['expect', 'cte']
    const { names } = ctesOf(sql)
    const found = names.find((name) => name.toLowerCase() === wanted.toLowerCase())
    const known = names.length === 0 ? 'The model has no CTEs.' : didYouMean(wanted, names)
    return found ?? this.problem(place, `${this.#described.value.model} has no CTE '${wanted}'`, known)
  }

  #input(given: UnitTestProperties['given'][number], index: number, model: ModelNode): UnitFixture | undefined {
    const path = ['given', index]
    if (given.input === 'this')
      return this.#fixture(given, path, { input: 'this', relation: model.relation, node: model.id })
    const text = given.input.includes('{{') ? given.input : `{{ ${given.input} }}`
    const found: Problem[] = []
    const compiled = compileTemplate({ path: '', file: '', name: '', folders: [], text }, this.#names, found)
    for (const { message, hint } of found) this.problem([...path, 'input'], message, hint)
    const [node] = compiled?.deps ?? []
    if (compiled === undefined) return undefined
    if (node === undefined || !model.deps.includes(node)) {
      const reads = [
        ...model.refs.map((ref) => `ref('${ref}')`),
        ...model.sources.map(([a, b]) => `source('${a}', '${b}')`),
      ]
      return this.problem(
        [...path, 'input'],
        `${model.name} does not read ${given.input}`,
        didYouMean(given.input, reads) ?? `It reads ${reads.join(', ')}.`,
      )
    }
    const [source] = compiled.sources
    const name =
      source === undefined
        ? this.#names.refs.get(compiled.refs[0]!)!.relation
        : this.#names.sources.get(source.join('.'))!.relation
    return this.#fixture(given, path, { input: given.input, relation: name, node })
  }

  /** Rows as they are written, in YAML or in the file that `fixture` names. */
  #fixture(
    written: FixtureProperties,
    path: PropertyKey[],
    input: Pick<UnitFixture, 'input' | 'relation' | 'node'>,
  ): UnitFixture | undefined {
    const { format } = written
    if (written.rows != null && written.fixture != null)
      return this.problem(path, 'has both rows and a fixture', 'Keep one of them.')
    if (written.fixture != null) return this.#file(written.fixture, format, path, input)
    const rows = written.rows ?? undefined
    if (rows === undefined) {
      if (input.node?.startsWith('seed.')) return { ...input, format: 'seed', rows: [], path }
      const hint =
        input.input === 'expect' ? 'Write rows: [] where none are expected.' : 'Write rows: [] where it has none.'
      return this.problem(path, `${input.input === 'expect' ? 'expect' : input.input} has no rows`, hint)
    }
    if (format === 'dict' && typeof rows === 'string')
      return this.problem([...path, 'rows'], 'rows are text', 'Say which with format: csv or format: sql.')
    if (format !== 'dict' && typeof rows !== 'string')
      return this.problem(
        [...path, 'rows'],
        `rows are a list, and the format is ${format}`,
        'Write them as text: rows: |',
      )
    return this.#checked({ ...input, format, rows, path }, 'rows')
  }

  #file(
    name: string,
    format: FixtureProperties['format'],
    path: PropertyKey[],
    input: Pick<UnitFixture, 'input' | 'relation' | 'node'>,
  ): UnitFixture | undefined {
    if (format === 'dict')
      return this.problem(path, `the fixture '${name}' needs a format`, 'Say format: csv or format: sql.')
    const file = `${FIXTURES}/${name.replace(/\.(csv|sql)$/, '')}.${format}`
    const place = join(this.#files.root, file)
    if (!existsSync(place))
      return this.problem([...path, 'fixture'], `there is no file ${file}`, 'Write it, or mend the name.')
    return this.#checked({ ...input, format, rows: readFileSync(place, 'utf8'), path }, 'fixture')
  }

  #checked(fixture: UnitFixture, key: string): UnitFixture | undefined {
    if (fixture.format !== 'csv') return fixture
    try {
      csvRows(fixture.rows as string)
      return fixture
    } catch (error) {
      return this.problem(
        [...fixture.path, key],
        messageOf(error),
        `Mend the CSV of ${relationText(fixture.relation)}.`,
      )
    }
  }
}
