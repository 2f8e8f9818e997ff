import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, type Problem, ProjectError } from '../errors.ts'
import type { Graph } from '../graph.ts'
import { didYouMean } from '../nearest.ts'
import type { GraphNode, UnitFixture, UnitTestNode } from '../nodes.ts'
import { quoteIdentifier, quoteLiteral, relationName } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import type { BuildState } from '../warehouse/state.ts'
import { parseYaml } from '../yaml.ts'
import { diffTable, type TextRow } from './diff.ts'
import { csvRows, dictRows, type Rows, valueText } from './rows.ts'
import { Shadow } from './shadow.ts'

export interface UnitTestOutcome {
  status: 'pass' | 'fail'
  message: string
  failures: number
}

export interface UnitTestRunnerOptions {
  graph: Graph
  state: BuildState
  /** The build file, asked for columns that the project does not say. */
  connection: Connection
  as_of: string
  /** The project folder. */
  root: string
  hashOf(path: string): string
  /** Whether it runs even if nothing has changed. */
  mustRun(node: UnitTestNode): boolean
}

interface Column {
  name: string
  type: string
}

const EXPECTED = '_build.main."expected rows"'
const ACTUAL = '_build.main."actual rows"'

/** Runs unit tests, each in a transaction of a database in memory that is rolled back. */
export class UnitTestRunner {
  readonly #options: UnitTestRunnerOptions
  readonly #shapes = new Map<string, string>()
  #shadow: Shadow | undefined

  constructor(options: UnitTestRunnerOptions) {
    this.#options = options
  }

  async run(node: UnitTestNode): Promise<UnitTestOutcome> {
    const { graph, state, as_of, connection, mustRun } = this.#options
    const key = this.#key(node)
    const known = state.get(node.id)
    if (!mustRun(node) && known?.key === key && known.version === 'pass')
      return { status: 'pass', message: 'unchanged', failures: 0 }
    this.#shadow ??= await Shadow.open(graph, as_of, connection)
    const outcome = await this.#compare(node, this.#shadow)
    if (outcome.status === 'pass') state.remember(node.id, { key, version: 'pass', rows: null })
    return outcome
  }

  /** Gives the memory back; the next `run` takes it again. */
  close(): void {
    this.#shadow?.close()
    this.#shadow = undefined
  }

  /** What decides the outcome: the test, the SQL and the types of all that is upstream, the seeds; never rows that were built. */
  #key(node: UnitTestNode): string {
    const model = this.#options.graph.nodes.get(node.attached)!
    const own = [node.sql, node.given, node.expect, node.as_of, node.cte]
    const dated = node.as_of === undefined && /\bas_of\s*\(/i.test(node.sql) ? this.#options.as_of : null
    return hashed([own, dated, node.reads_itself ? this.#shape(model.id) : model.deps.map((dep) => this.#shape(dep))])
  }

  #shape(id: string): string {
    const known = this.#shapes.get(id)
    if (known !== undefined) return known
    const node = this.#options.graph.nodes.get(id)
    const shape = node === undefined ? '' : hashed([id, this.#own(node)])
    this.#shapes.set(id, shape)
    return shape
  }

  #own(node: GraphNode): unknown {
    switch (node.kind) {
      case 'model':
        return [node.sql, node.deps.map((dep) => this.#shape(dep))]
      case 'snapshot':
        return [node.sql, node.settings, node.deps.map((dep) => this.#shape(dep))]
      case 'seed':
        return [this.#options.hashOf(node.path), node.column_types, node.delimiter]
      case 'source':
        return [
          node.ledger?.columns,
          node.ledger?.payload,
          node.columns?.map(({ name, data_type }) => [name, data_type]),
        ]
      case 'step':
        return (node.step.builds ?? []).map(({ schema, name, columns }) => [schema, name, columns])
      default:
        return null
    }
  }

  async #compare(node: UnitTestNode, shadow: Shadow): Promise<UnitTestOutcome> {
    const { graph } = this.#options
    const model = graph.nodes.get(node.attached)!
    for (const dep of model.deps) await shadow.make(dep)
    if (node.reads_itself) await shadow.make(model.id)
    const { connection } = shadow
    const fixtures: { fixture: UnitFixture; rows: Rows; columns: Column[] }[] = []
    for (const fixture of node.given) {
      if (typeof fixture.rows === 'string' && fixture.format === 'sql') continue
      const columns = await connection.describe(`select * from ${relationName(fixture.relation)}`)
      fixtures.push({ fixture, rows: written(fixture), columns })
    }
    for (const { fixture, rows, columns } of fixtures) await this.#check(node, fixture, rows, columns, shadow.values)

    await connection.run('begin')
    try {
      if (node.as_of !== undefined)
        await connection.run(`create or replace macro _build.main.as_of() as cast(${quoteLiteral(node.as_of)} as date)`)
      await this.#empty(node, model.deps, connection)
      for (const { fixture, rows, columns } of fixtures)
        await fill(connection, relationName(fixture.relation), rows, columns)
      for (const fixture of node.given) {
        if (fixture.format !== 'sql') continue
        await this.#at(node, fixture.path, () =>
          connection.run(
            `insert into ${relationName(fixture.relation)} by name select * from (${fixture.rows as string}\n)`,
          ),
        )
      }
      return await this.#verdict(node, shadow)
    } finally {
      await connection.run('rollback')
    }
  }

  /** Seeds have rows only where the test takes them as they are. */
  async #empty(node: UnitTestNode, deps: readonly string[], connection: Connection): Promise<void> {
    const kept = node.given.flatMap(({ format, node: id }) => (format === 'seed' ? [id] : []))
    for (const dep of deps) {
      const seed = this.#options.graph.nodes.get(dep)
      if (seed?.kind === 'seed' && !kept.includes(dep))
        await connection.run(`delete from ${relationName(seed.relation)}`)
    }
  }

  async #verdict(node: UnitTestNode, { connection, values }: Shadow): Promise<UnitTestOutcome> {
    const { expect } = node
    const actual = await connection.describe(node.sql)
    const sql = expect.format === 'sql' ? (expect.rows as string) : undefined
    const rows = sql === undefined ? written(expect) : undefined
    const asked =
      sql === undefined
        ? rows!.columns
        : await this.#at(node, expect.path, async () => (await connection.describe(sql)).map(({ name }) => name))
    const compared = asked.length === 0 ? actual : this.#columns(node, asked, actual)
    const list = compared.map(({ name }) => quoteIdentifier(name)).join(', ')
    await connection.run(`create table ${ACTUAL} as select ${list} from (${node.sql}\n)`)
    await connection.run(`create table ${EXPECTED} as from ${ACTUAL} with no data`)
    if (sql !== undefined)
      await this.#at(node, expect.path, () =>
        connection.run(`insert into ${EXPECTED} by name select * from (${sql}\n)`),
      )
    else {
      await this.#check(node, expect, rows!, compared, values)
      await fill(connection, EXPECTED, rows!, compared)
    }
    const missing = await difference(connection, EXPECTED, ACTUAL, compared)
    const unexpected = await difference(connection, ACTUAL, EXPECTED, compared)
    const failures = missing.length + unexpected.length
    if (failures === 0) return { status: 'pass', message: '', failures }
    const place = node.cte === undefined ? '' : `, CTE ${node.cte}`
    const head = `${node.file}:${this.#lineOf(node, ['expect'])}  unit test ${node.name} of ${this.#nameOf(node)}${place}: ${missing.length} expected ${missing.length === 1 ? 'row is' : 'rows are'} missing, ${unexpected.length} ${unexpected.length === 1 ? 'row is' : 'rows are'} unexpected`
    const names = compared.map(({ name }) => name)
    return { status: 'fail', message: [head, ...diffTable(names, missing, unexpected)].join('\n'), failures }
  }

  #nameOf(node: UnitTestNode): string {
    return this.#options.graph.nodes.get(node.attached)!.name
  }

  /** The columns that are compared, as the model spells them. */
  #columns(node: UnitTestNode, asked: readonly string[], actual: readonly Column[]): Column[] {
    const known = new Map(actual.map((column) => [column.name.toLowerCase(), column]))
    const problems: Problem[] = []
    const columns = asked.flatMap((name) => {
      const column = known.get(name.toLowerCase())
      if (column !== undefined) return [column]
      const what = node.cte === undefined ? this.#nameOf(node) : `the CTE ${node.cte} of ${this.#nameOf(node)}`
      const path = [...node.expect.path, 'rows', rowWith(node.expect, name), name]
      problems.push(
        this.#problem(
          node,
          path,
          `${what} has no column '${name}'`,
          didYouMean(
            name,
            actual.map((each) => each.name),
          ),
        ),
      )
      return []
    })
    if (problems.length > 0) throw new ProjectError(problems)
    return columns
  }

  /** Every column must be there, every value be of its column's type; what is wrong is said with its line. */
  async #check(
    node: UnitTestNode,
    fixture: UnitFixture,
    { columns: named, rows }: Rows,
    columns: readonly Column[],
    connection: Connection,
  ): Promise<void> {
    const known = new Map(columns.map((column) => [column.name.toLowerCase(), column]))
    const problems: Problem[] = []
    for (const name of named) {
      if (known.has(name.toLowerCase())) continue
      const path = [...fixture.path, 'rows', rowWith(fixture, name), name]
      problems.push(
        this.#problem(
          node,
          path,
          `${fixture.input} has no column '${name}'`,
          didYouMean(
            name,
            columns.map((each) => each.name),
          ),
        ),
      )
    }
    if (problems.length > 0) throw new ProjectError(problems)
    const values = rows.flatMap((row, index) =>
      Object.entries(row).map(([name, value]) => ({ index, name, value, type: known.get(name.toLowerCase())!.type })),
    )
    const every = async (some: typeof values): Promise<void> => {
      if (some.length === 0) return
      try {
        await connection.rows(`select ${some.map(({ value, type }) => valueText(value, type)).join(', ')}`)
      } catch (error) {
        if (some.length > 1) {
          await every(some.slice(0, some.length >> 1))
          return every(some.slice(some.length >> 1))
        }
        const { index, name, type } = some[0]!
        const path = [...fixture.path, 'rows', index, name]
        const said = messageOf(error).split('\n')[0]!
        problems.push(this.#problem(node, path, `${fixture.input}, row ${index + 1}: ${name} is ${type}: ${said}`))
      }
    }
    await every(values)
    if (fixture.input === 'expect') {
      for (const [index, row] of rows.entries()) {
        const lacking = named.find((name) => !(name in row))
        if (lacking !== undefined)
          problems.push(
            this.#problem(
              node,
              [...fixture.path, 'rows', index],
              `expect, row ${index + 1} does not say ${lacking}`,
              `Write ${lacking}: null if that is what is expected.`,
            ),
          )
      }
    }
    if (problems.length > 0) throw new ProjectError(problems)
  }

  /** An error of SQL that the test itself brings, at its place. */
  async #at<T>(node: UnitTestNode, path: readonly PropertyKey[], work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw new ProjectError([this.#problem(node, [...path, 'rows'], messageOf(error))])
    }
  }

  #problem(node: UnitTestNode, path: readonly PropertyKey[], message: string, hint?: string): Problem {
    const line = this.#lineOf(node, path)
    return {
      file: node.file,
      line,
      message: `unit test '${node.name}': ${message}`,
      ...(hint === undefined ? {} : { hint }),
    }
  }

  #lineOf(node: UnitTestNode, path: readonly PropertyKey[]): number {
    try {
      const yaml = parseYaml(node.file, readFileSync(join(this.#options.root, node.file), 'utf8'), [])
      return yaml?.lineOf([...node.path, ...path]) ?? 1
    } catch {
      return 1
    }
  }
}

function written({ format, rows }: UnitFixture): Rows {
  if (format === 'csv') return csvRows(rows as string)
  return format === 'dict' ? dictRows(rows as Record<string, unknown>[]) : { columns: [], rows: [] }
}

/** The first row that names a column, so that its line can be said. */
function rowWith({ format, rows }: UnitFixture, name: string): number {
  return format === 'dict' ? (rows as object[]).findIndex((row) => name in row) : 0
}

async function fill(
  connection: Connection,
  into: string,
  { columns, rows }: Rows,
  types: readonly Column[],
): Promise<void> {
  if (rows.length === 0) return
  const known = new Map(types.map((column) => [column.name.toLowerCase(), column.type]))
  const tuples = rows.map(
    (row) => `(${columns.map((name) => valueText(row[name], known.get(name.toLowerCase())!)).join(', ')})`,
  )
  await connection.run(`insert into ${into} (${columns.map(quoteIdentifier).join(', ')}) values ${tuples.join(', ')}`)
}

/** Rows of one table that the other lacks, as often as it lacks them; as text, in an order that does not depend on chance. */
async function difference(
  connection: Connection,
  table: string,
  other: string,
  columns: readonly Column[],
): Promise<TextRow[]> {
  const texts = columns.map(({ name }, index) => `cast(${quoteIdentifier(name)} as varchar) as c${index}`)
  const rows = await connection.rows<Record<string, string | null>>(
    `select ${texts.join(', ')} from (from ${table} except all from ${other}) order by all`,
  )
  return rows.map((row) => columns.map((_, index) => row[`c${index}`] ?? null))
}

function hashed(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}
