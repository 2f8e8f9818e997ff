import { ProjectError } from '../errors.ts'
import { buildName } from '../materialize.ts'
import type { TestNode } from '../nodes.ts'
import { quoteIdentifier, relationName } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import { BUILD } from '../warehouse/session.ts'
import type { BuildState } from '../warehouse/state.ts'
import { verdict } from './threshold.ts'

export interface TestOutcome {
  status: 'pass' | 'warn' | 'fail'
  message: string
  failures: number
  query?: string
}

export interface TestRunnerOptions {
  connection: Connection
  state: BuildState
  /** A hash of the test and of what it reads. */
  keyOf(node: TestNode): Promise<string>
  /** Whether it runs even if nothing has changed. */
  mustRun(node: TestNode): Promise<boolean>
  signal: AbortSignal
}

/** Aggregates per statement: more make DuckDB's planning slow without saving a scan worth speaking of. */
const BATCH = 40

/**
 * Runs data tests. Tests of one relation that one scan can answer are asked together when the first of them is due; a
 * scan that fails is asked again one by one, so that an error is that of the test that has it.
 */
export class TestRunner {
  readonly #options: TestRunnerOptions
  readonly #groups = new Map<string, TestNode[]>()
  readonly #found = new Map<string, number>()

  constructor(options: TestRunnerOptions) {
    this.#options = options
  }

  /** The tests that the coming calls of `run` will ask for. What was found before does not count any more. */
  plan(nodes: Iterable<TestNode>): void {
    this.#groups.clear()
    this.#found.clear()
    for (const node of nodes) {
      if (node.batch === undefined) continue
      const group = this.#groups.get(node.batch.from)
      if (group === undefined) this.#groups.set(node.batch.from, [node])
      else group.push(node)
    }
  }

  async run(node: TestNode): Promise<TestOutcome> {
    const { state } = this.#options
    const key = await this.#changed(node)
    if (key === undefined) {
      const failures = state.get(node.id)!.rows ?? 0
      return { status: 'pass', message: 'unchanged', failures }
    }
    const failures = await this.#failures(node)
    const status = verdict(failures, node.severity, node.test_config)
    if (status === 'pass') {
      state.remember(node.id, { key, version: 'pass', rows: failures })
      return {
        status,
        message: failures === 0 ? '' : `${said(failures, node)}, which its configuration allows`,
        failures,
      }
    }
    const query = node.store === undefined ? node.sql : `select * from ${node.store.schema}.${node.store.name}`
    const { warn_if, error_if } = node.test_config
    const limit = status === 'fail' ? error_if : warn_if
    const why = limit === undefined ? '' : ` (${status === 'fail' ? 'error_if' : 'warn_if'}: ${limit})`
    return { status, message: `${said(failures, node)}${why}`, failures, query }
  }

  /** The key of a test that has to run; undefined when it passed and nothing has changed since. */
  async #changed(node: TestNode): Promise<string | undefined> {
    const { state, keyOf, mustRun } = this.#options
    const key = await keyOf(node)
    const known = state.get(node.id)
    if (known?.key !== key || known.version !== 'pass' || (await mustRun(node))) return key
    return node.store === undefined || state.relations.has(`${node.store.schema}.${node.store.name}`) ? undefined : key
  }

  async #failures(node: TestNode): Promise<number> {
    if (node.batch !== undefined && !this.#found.has(node.id)) await this.#batch(node.batch.from)
    const found = this.#found.get(node.id)
    if (found === undefined) return this.#alone(node)
    this.#found.delete(node.id)
    return node.limit === undefined ? found : Math.min(found, node.limit)
  }

  async #batch(from: string): Promise<void> {
    const group = this.#groups.get(from) ?? []
    this.#groups.delete(from)
    const due: TestNode[] = []
    for (const node of group) if ((await this.#changed(node)) !== undefined) due.push(node)
    if (due.length < 2) return
    const failures = await failuresOf(this.#options.connection, due, this.#options.signal)
    for (const [id, count] of failures) this.#found.set(id, count)
  }

  async #alone(node: TestNode): Promise<number> {
    if (node.store === undefined) return countFailures(this.#options.connection, node)
    const { connection, state } = this.#options
    const { as, schema, name } = node.store
    const place = `${schema}.${name}`
    const existing = state.relations.get(place)
    const target = buildName(node.store)
    const failures = await connection.transaction(async () => {
      await connection.run(`create schema if not exists ${BUILD}.${quoteIdentifier(schema)}`)
      if (existing !== undefined && existing !== as) await connection.run(`drop ${existing} ${target}`)
      await connection.run(`create or replace ${as} ${target} as ${limited(node)}`)
      return counted(connection, node, `select * from ${BUILD}.${relationName(node.store!)}`)
    })
    state.relations.set(place, as)
    return failures
  }
}

/** Numbers of failures by id, found in as few scans as may be; a scan that fails leaves its tests out. */
export async function failuresOf(
  connection: Connection,
  nodes: readonly TestNode[],
  signal?: AbortSignal,
): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (let start = 0; start < nodes.length; start += BATCH) {
    const some = nodes.slice(start, start + BATCH)
    const counts = some.map(({ batch }, index) => `${batch!.count} as f${index}`)
    try {
      const [row] = await connection.rows<Record<string, number>>(
        `select ${counts.join(', ')} from ${some[0]!.batch!.from}`,
      )
      for (const [index, { id }] of some.entries()) found.set(id, row![`f${index}`]!)
    } catch (error) {
      if (signal?.aborted) throw error
    }
  }
  return found
}

/** The number of failures of one test, by its own query. */
export function countFailures(connection: Connection, node: TestNode): Promise<number> {
  return counted(connection, node, limited(node))
}

async function counted(
  connection: Connection,
  { fail_calc = 'count(*)', file, name }: TestNode,
  sql: string,
): Promise<number> {
  const [row] = await connection.rows<{ failures: number | string | null }>(
    `select ${fail_calc} as failures from (${sql}) as failing`,
  )
  const failures = Number(row?.failures ?? Number.NaN)
  if (Number.isNaN(failures))
    throw new ProjectError([
      { file, message: `fail_calc of ${name} came to ${row?.failures ?? 'NULL'}, which is no number: ${fail_calc}` },
    ])
  return failures
}

function limited({ sql, limit }: TestNode): string {
  return limit === undefined ? `${sql}\n` : `select * from (${sql}\n) limit ${limit}`
}

function said(failures: number, { name }: TestNode): string {
  const rows = failures === 1 ? 'row breaks' : 'rows break'
  return `${failures} ${rows} ${name}`
}
