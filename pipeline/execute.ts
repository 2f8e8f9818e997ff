import { Asking, asksVersion } from './asks.ts'
import { bugStack } from './bug.ts'
import { contextFor, type World } from './context.ts'
import { keepingPromises } from './contract.ts'
import { Interrupted } from './errors.ts'
import type { Graph } from './graph.ts'
import { buildIncremental } from './materializations/incremental.ts'
import { takeSnapshot } from './materializations/snapshot.ts'
import { buildName, buildSeed, modelStatement } from './materialize.ts'
import type { GraphNode, ModelNode, SeedNode, SnapshotNode, StepNode } from './nodes.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import { failed, type Listener, type NodeResult } from './results.ts'
import { type KeyParts, keyText, reasonOf, sameBut } from './state/key.ts'
import { relationParts } from './state/parts.ts'
import { treeOf } from './state/tree.ts'
import type { StepSummary } from './step.ts'
import { relationName } from './table.ts'
import { TestRunner } from './tests/runner.ts'
import { UnitTestRunner } from './unit-tests/runner.ts'
import { Crew } from './warehouse/crew.ts'
import { sourceVersions } from './warehouse/ledger.ts'
import { type BuildState, contentVersion } from './warehouse/state.ts'

export interface ExecuteOptions {
  graph: Graph
  world: World
  state: BuildState
  /** Rebuild models and seeds even if nothing changed. Steps that only record ask nobody again. */
  full_refresh: boolean
  /** With `full_refresh`: only these; absent means all. */
  refresh_only?: ReadonlySet<string>
  /** Stop at the first failure. */
  fail_fast: boolean
  listener: Listener
  /** What runs record for the next one, and their log, count as they were when a node was built: only the tree can differ. */
  ignores_feedback?: boolean
  /** Models that are to be views here, whatever they are elsewhere. */
  as_views?: ReadonlySet<string>
  /** Content hashes of seed files, by path. */
  hashOf(path: string): string
}

/** What the statement that notes a build answers. */
interface Built {
  version: string
  rows: number | null
}

/** Runs nodes in order. What failed stops what depends on it, nothing else. Keeps what it learns between calls. */
export class Executor {
  readonly results = new Map<string, NodeResult>()
  readonly #options: ExecuteOptions
  readonly #versions = new Map<string, string>()
  readonly #blocked = new Map<string, string>()
  /** What a test found wrong, and which one did first. */
  readonly #refuted = new Map<string, string>()
  #crew: Crew | undefined
  #sources: Map<string, string> | undefined
  #testRunner: TestRunner | undefined
  #unitTestRunner: UnitTestRunner | undefined

  constructor(options: ExecuteOptions) {
    this.#options = options
  }

  /** Runs the given nodes, in this order. Answers whether all is well so far. */
  async run(ids: readonly string[]): Promise<boolean> {
    const { graph, world, fail_fast, listener } = this.#options
    this.#crew ??= await Crew.over(this.#connection)
    this.#tests.plan(ids.map((id) => graph.nodes.get(id)!).filter((node) => node.kind === 'test'))
    for (const id of ids) {
      const node = graph.nodes.get(id)!
      if (node.kind === 'source' || node.kind === 'analysis') continue
      if (world.signal.aborted) throw new Interrupted('interrupted')
      const stop = fail_fast && [...this.results.values()].some(failed)
      const cause = stop ? 'an earlier failure (--fail-fast)' : this.#cause(node)
      const result = cause === undefined ? await this.#one(node) : this.#skipped(node, cause)
      this.results.set(id, result)
      await this.#crew.expect(result.rows ?? 0)
      if (failed(result) || result.status === 'skipped') this.#blocked.set(id, node.name)
      if (node.kind === 'test' && result.status === 'fail')
        for (const dep of node.deps) if (!this.#refuted.has(dep)) this.#refuted.set(dep, node.name)
      listener.finished?.(result)
    }
    this.#unitTestRunner?.close()
    await this.#options.state.flush()
    return ![...this.results.values()].some(failed)
  }

  /** The version of a node's output, as its children see it. */
  async version(id: string): Promise<string> {
    const node = this.#options.graph.nodes.get(id)
    if (node === undefined) return ''
    if (node.kind === 'source' || node.kind === 'snapshot') {
      this.#sources ??= await sourceVersions(this.#options.world.session.connection, this.#options.world.session.as_of)
      if (node.kind === 'snapshot')
        return `${this.#sources.get(`snapshots.${node.name}`) ?? '0'}:${JSON.stringify(node.settings)}`
      return node.ledger !== undefined || node.source === 'ledger'
        ? (this.#sources.get(`${node.source}.${node.table}`) ?? '0')
        : 'unmanaged'
    }
    return this.#versions.get(id) ?? this.#options.state.get(id)?.version ?? ''
  }

  /** Why a node cannot run: a parent failed, or a test of a parent did. A remote failure leaves the ledger usable. */
  #cause(node: GraphNode): string | undefined {
    const { graph } = this.#options
    if (node.kind === 'unit_test') return undefined
    for (const id of node.after ?? [])
      if (graph.nodes.get(id)?.kind === 'unit_test' && this.#blocked.has(id))
        return `the unit test ${this.#blocked.get(id)}`
    for (const dep of node.deps) {
      const parent = graph.nodes.get(dep)
      const writers = parent?.kind === 'source' ? parent.deps : []
      for (const id of [dep, ...writers]) {
        const result = this.results.get(id)
        if (this.#blocked.has(id) && !(result?.remote && parent?.kind === 'source')) return this.#blocked.get(id)
      }
      if (node.kind !== 'test' && this.#refuted.has(dep)) return this.#refuted.get(dep)
    }
    return undefined
  }

  #skipped(node: GraphNode, cause: string): NodeResult {
    const now = this.#options.world.now().toISOString()
    return { node, status: 'skipped', message: `because of ${cause}`, started_at: now, ended_at: now, seconds: 0 }
  }

  async #one(node: GraphNode): Promise<NodeResult> {
    const { world, listener } = this.#options
    listener.started?.(node)
    const started_at = world.now().toISOString()
    const clock = performance.now()
    let outcome: Outcome
    try {
      outcome = await this.#build(node)
    } catch (error) {
      if (error instanceof Interrupted || world.signal.aborted) throw new Interrupted('interrupted')
      outcome = outcomeOf(error, node)
      const stack = bugStack(error)
      if (stack !== undefined) outcome.stack = stack
    }
    const seconds = (performance.now() - clock) / 1000
    return { node, ...outcome, started_at, ended_at: world.now().toISOString(), seconds }
  }

  async #build(node: GraphNode): Promise<Outcome> {
    switch (node.kind) {
      case 'model':
        if (node.materialized === 'incremental') return this.#incremental(node)
        return this.#relation(node, async (existing, note) =>
          this.#atomically(`${modelStatement(this.#shaped(node), existing)}\n; ${note}`),
        )
      case 'seed':
        return this.#relation(node, async (existing, note) =>
          this.#connection.transaction(async () => {
            await buildSeed(this.#connection, node, existing)
            return this.#connection.rows<Built>(note)
          }),
        )
      case 'snapshot':
        return this.#snapshot(node)
      case 'step':
        return this.#step(node)
      case 'test':
        return this.#tests.run(node)
      case 'unit_test':
        return this.#unitTests.run(node)
      default:
        return { status: 'success', message: '' }
    }
  }

  #shaped<N extends ModelNode | SeedNode>(node: N): N {
    return this.#options.as_views?.has(node.id) ? { ...node, materialized: 'view' } : node
  }

  get #connection() {
    return this.#options.world.session.connection
  }

  async #key(node: GraphNode, own: Omit<KeyParts, 'reads'>): Promise<string> {
    const parents: [string, string][] = []
    for (const dep of node.deps) parents.push([dep, await this.version(dep)])
    for (const dep of node.feedback ?? []) parents.push([dep, await this.version(dep)])
    return keyText(own, parents)
  }

  /** Whether what was built with the key `known` is what would be built. */
  #stands(known: string | undefined, key: string): boolean {
    const { graph, ignores_feedback } = this.#options
    if (known === key || known === undefined || ignores_feedback !== true) return known === key
    return sameBut(known, key, (id) => {
      const source = graph.nodes.get(id)
      return source?.kind === 'source' && (source.source === 'ledger' || source.feedback !== undefined)
    })
  }

  /** Whether `--full-refresh` means this node. */
  #refreshes(node: GraphNode): boolean {
    const { full_refresh, refresh_only } = this.#options
    return full_refresh && (refresh_only?.has(node.id) ?? true)
  }

  /** Several statements in one transaction; answers the rows of the last. */
  async #atomically(statements: string): Promise<Built[]> {
    try {
      const rows = await this.#connection.rows<Built>(`begin; ${statements}`)
      await this.#connection.run('commit')
      return rows
    } catch (error) {
      await this.#connection.run('rollback').catch(() => {})
      throw error
    }
  }

  async #relation(
    node: ModelNode | SeedNode,
    build: (existing: 'table' | 'view' | undefined, note: string, key: string) => Promise<Built[]>,
  ): Promise<Outcome> {
    const { state, world, graph } = this.#options
    const { hashOf } = this.#options
    const tree = (sql: string) => treeOf(state, sql)
    const parts = relationParts(node, { as_of: world.session.as_of, hashOf, treeOf: tree })
    const key = await this.#key(node, parts)
    const place = `${node.relation.schema}.${node.relation.name}`
    const existing = state.relations.get(place)
    const known = state.get(node.id)
    const refresh = this.#refreshes(node)
    if (
      !refresh &&
      known !== undefined &&
      this.#stands(known.key, key) &&
      existing !== undefined &&
      !(await this.#readsUnmanaged(node))
    ) {
      this.#versions.set(node.id, known.version)
      return { status: 'reused', message: 'unchanged', ...(known.rows === null ? {} : { rows: known.rows }) }
    }
    if (await this.#readsUnmanaged(node)) await this.#crew?.expect(Number.POSITIVE_INFINITY)
    const same_key = existing === undefined ? 'it was not there' : 'reads what is not kept track of'
    const changed = known?.key === key ? same_key : reasonOf(known?.key, key, graph)
    const reason = refresh ? 'full refresh' : changed
    const shape = this.#shaped(node)
    const materialized = shape.kind === 'model' && shape.materialized === 'view' ? 'view' : 'table'
    const noting = state.noting(node.id, key, buildName(node.relation), materialized)
    const [built] = await keepingPromises(this.#connection, node, this.#options.listener, () =>
      build(existing, noting, key),
    )
    const { version, rows } = built!
    state.noted(node.id, { key, version, rows })
    state.relations.set(place, materialized)
    this.#versions.set(node.id, version)
    const same = known?.version === version && materialized === 'table'
    return { status: 'success', message: same ? 'same rows as before' : '', reason, ...(rows === null ? {} : { rows }) }
  }

  #incremental(node: ModelNode): Promise<Outcome> {
    const { state } = this.#options
    return this.#relation(node, (existing, _note, key) => {
      const known = state.get(node.id)
      const full_refresh = this.#refreshes(node)
      return buildIncremental({ connection: this.#connection, state, node, key, existing, known, full_refresh })
    })
  }

  async #snapshot(node: SnapshotNode): Promise<Outcome> {
    const { state, world, graph } = this.#options
    const before = await this.version(node.id)
    const key = await this.#key(node, { config: node.settings, relation: node.relation, fingerprint: before })
    const known = state.get(node.id)
    if (known?.key === key && !(await this.#readsUnmanaged(node))) return { status: 'reused', message: 'unchanged' }
    const { rows, text } = await takeSnapshot(world, node)
    this.#sources = undefined
    this.#versions.delete(node.id)
    const version = await this.version(node.id)
    const fingerprint = { config: node.settings, relation: node.relation, fingerprint: version }
    if (!world.recorder.frozen) await state.save(node.id, { key: await this.#key(node, fingerprint), version, rows })
    return { status: 'success', message: text, reason: reasonOf(known?.key, key, graph), rows }
  }

  async #readsUnmanaged(node: GraphNode): Promise<boolean> {
    for (const dep of node.deps) if ((await this.version(dep)) === 'unmanaged') return true
    return false
  }

  async #step(node: StepNode): Promise<Outcome> {
    const { state, world } = this.#options
    const { step } = node
    const builds = step.builds ?? []
    const key = await this.#key(node, {
      fingerprint: this.#fingerprint(node),
      as_of: world.session.as_of,
      live: [...world.live].sort(),
    })
    const known = builds.length > 0 ? state.get(node.id)?.key : await world.recorder.stepFingerprint(step.name)
    const standing = builds.every(({ schema, name }) => state.relations.has(`${schema}.${name}`))
    if (step.fingerprint !== null && this.#stands(known, key) && standing) {
      this.#versions.set(node.id, state.get(node.id)?.version ?? key)
      return { status: 'reused', message: 'unchanged' }
    }
    if (world.recorder.frozen && step.kind === 'resource') {
      this.#versions.set(node.id, key)
      return { status: 'reused', message: 'a replay asks nobody' }
    }
    const reason = known === key ? 'asks every time' : reasonOf(known, key, this.#options.graph)
    if (step.records?.some(({ bulk }) => bulk)) await this.#crew?.expect(Number.POSITIVE_INFINITY)
    const summary = await this.#runStep(node)
    this.#sources = undefined
    const versions: string[] = []
    for (const table of builds) {
      versions.push((await contentVersion(this.#connection, relationName(table))).version)
      state.relations.set(`${table.schema}.${table.name}`, 'table')
    }
    const version = builds.length > 0 ? versions.join(';') : key
    this.#versions.set(node.id, version)
    const failures = summary.failures ?? []
    if (failures.length === 0 && summary.unfinished !== true) {
      if (builds.length > 0) await state.save(node.id, { key, version, rows: summary.rows })
      else if (step.fingerprint !== null) await world.recorder.saveStepFingerprint(step.name, key)
    }
    const remote = failures.find(({ kind }) => kind === 'remote')
    const first = remote ?? failures[0]
    const status = first === undefined ? 'success' : 'error'
    const message =
      first === undefined
        ? summary.text
        : `${summary.text}: ${first.message}${failures.length > 1 ? ` (and ${failures.length - 1} more)` : ''}`
    return { status, message, reason, rows: summary.rows, summary, ...(remote === undefined ? {} : { remote: true }) }
  }

  /** What a step asks for decides its outcome as well, and may have changed. */
  #fingerprint(node: StepNode): string | null {
    const { fingerprint, asks } = node.step
    if (fingerprint === null || asks === undefined) return fingerprint
    return `${fingerprint} ${asksVersion(this.#options.graph, node)}`
  }

  async #runStep(node: StepNode): Promise<StepSummary> {
    const { graph, world } = this.#options
    const asking = new Asking(graph, world, node)
    try {
      return await node.step.run(await contextFor(node.step, world, { ask: (...names) => asking.ask(names) }))
    } finally {
      await asking.close()
    }
  }

  get #unitTests(): UnitTestRunner {
    const { graph, state, world, hashOf } = this.#options
    this.#unitTestRunner ??= new UnitTestRunner({
      graph,
      state,
      connection: this.#connection,
      as_of: world.session.as_of,
      root: world.paths.root,
      hashOf,
      mustRun: (node) => this.#refreshes(node),
    })
    return this.#unitTestRunner
  }

  /** Runs the data tests; made on first use, told with each `run` what is to come. */
  get #tests(): TestRunner {
    const { state, world } = this.#options
    this.#testRunner ??= new TestRunner({
      connection: this.#connection,
      state,
      keyOf: (node) => {
        const as_of = /\bas_of\s*\(/i.test(node.sql) ? world.session.as_of : null
        const config = [node.severity, node.test_config, node.fail_calc ?? null]
        return this.#key(node, { sql: treeOf(state, node.sql), config, as_of })
      },
      mustRun: async (node) => this.#refreshes(node) || (await this.#readsUnmanaged(node)),
      signal: world.signal,
    })
    return this.#testRunner
  }
}
