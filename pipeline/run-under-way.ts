import { join } from 'node:path'
import { noActs } from './acts.ts'
import type { World } from './context.ts'
import { EXIT } from './errors.ts'
import { Executor } from './execute.ts'
import { hashFile } from './hash.ts'
import { writeOperations } from './operations.ts'
import { type PublishedRelations, publishedRelations } from './published.ts'
import { failed, type NodeResult } from './results.ts'
import type { Opened, RunResult } from './run.ts'
import { DOCS_FILE, docsOf } from './state/docs-file.ts'
import { keepBeside, NODES_FILE, publishedNodes } from './state/publication.ts'
import { checkSyntax } from './syntax.ts'
import { pushLedger } from './warehouse/home.ts'
import { endRun, ledgerInfo, nextGeneration } from './warehouse/ledger.ts'
import { currentPublication, ensureLinks, type Publication, publish } from './warehouse/publish.ts'
import { BuildState } from './warehouse/state.ts'

/** What a run came to. */
type Ended = Pick<RunResult, 'results' | 'exit_code' | 'publication' | 'published'>

/**
 * A run once everything it needs is open: builds and tests, publishes, lets the outward steps act, publishes what they
 * did, and writes its end. Each of these once, in this order (docs/architecture.md).
 */
export class RunUnderWay {
  readonly #options: Opened
  readonly #world: World
  readonly #state: BuildState
  readonly #executor: Executor
  readonly #relations: PublishedRelations
  readonly #started_at: string
  #publication: Publication | undefined
  #published = false
  /** The generation of the ledger that its home holds. */
  #stored: number

  private constructor(options: Opened, world: World, state: BuildState, started_at: string) {
    const { project, full_refresh, refresh_only, fail_fast, listener } = options
    this.#options = options
    this.#world = world
    this.#state = state
    this.#started_at = started_at
    this.#executor = new Executor({
      graph: project.graph,
      world,
      state,
      full_refresh,
      refresh_only,
      fail_fast,
      listener,
      hashOf: hashFile,
    })
    this.#relations = publishedRelations(project.graph)
    this.#publication = currentPublication(options.places.warehouse)
    this.#stored = options.info.generation
  }

  /** Opens what the build file remembers; throws ProjectError for statements that no database would read. */
  static async begin(options: Opened, world: World, started_at: string): Promise<RunUnderWay> {
    const { project, plan, session } = options
    const state = await BuildState.open(session)
    await checkSyntax(session.connection, project.graph, [...plan.inner, ...plan.outward], state)
    const under_way = new RunUnderWay(options, world, state, started_at)
    under_way.#secureIntents()
    return under_way
  }

  /** Does what the plan says. What only remote services refused does not keep the rest from being published. */
  async act(): Promise<void> {
    const { plan } = this.#options
    await this.#executor.run(plan.inner)
    if (!this.#publishable) return
    if (plan.whole) await this.#publish()
    if (plan.outward.length === 0 || this.#world.recorder.frozen) return
    const shown = plan.whole || (plan.shown === true && (await this.#standsPublished()))
    if (this.#world.live.size > 0) await this.#push()
    await this.#executor.run(plan.outward)
    if (shown && this.#publishable) await this.#publish()
  }

  /** Writes the run's end into the ledger and sends the ledger home. */
  async end(): Promise<Ended> {
    const { effects } = this.#options
    const { recorder, run_id } = this.#world
    const results = [...this.#executor.results.values()]
    const exit_code = exitCodeFor(results)
    if (recorder.begun) {
      await recorder.write((writer) =>
        endRun(writer, run_id, {
          status: exit_code === 0 ? 'success' : 'failed',
          exit_code,
          ended_at: effects.now().toISOString(),
          summary: summaryOf(results),
        }),
      )
    }
    await this.#push()
    return { results, exit_code, publication: this.#publication, published: this.#published }
  }

  get #publishable(): boolean {
    return [...this.#executor.results.values()].filter(failed).every(({ remote }) => remote)
  }

  async #standsPublished(): Promise<boolean> {
    const fingerprint = await this.#relations.fingerprint((id) => this.#executor.version(id))
    return this.#publication?.fingerprint === fingerprint
  }

  /** Makes what stands in the build file the publication, unless readers see just that already. */
  async #publish(): Promise<void> {
    const { project, session, places, info, command, as_of } = this.#options
    const { run_id } = this.#world
    const fingerprint = await this.#relations.fingerprint((id) => this.#executor.version(id))
    const docs = docsOf(project.graph, project.config.data.name, this.#relations)
    const beside = {
      [NODES_FILE]: publishedNodes(project.graph, hashFile, this.#state, join(project.root, 'target')),
      [DOCS_FILE]: `${JSON.stringify(docs)}\n`,
    }
    if (this.#publication?.fingerprint === fingerprint && this.#publication.ledger_id === info.ledger_id) {
      for (const [name, text] of Object.entries(beside)) keepBeside(places.warehouse, name, text)
      return ensureLinks(places)
    }
    const { target_name, target } = project.config
    await writeOperations(session, {
      results: [...this.#executor.results.values()],
      run: { run_id, as_of, command, target: target_name, started_at: this.#started_at },
      info,
    })
    const { generation } = (await ledgerInfo(session.connection))!
    this.#publication = await publish(session, {
      warehouse: places.warehouse,
      exports: places.exports,
      pii: typeof target.exports === 'string' ? 'omit' : target.exports.pii,
      relations: this.#relations.list,
      fingerprint,
      run_id,
      ledger_id: info.ledger_id,
      generation,
      salt: info.ledger_id,
      beside,
    })
    this.#published = true
  }

  /** An intent that only this machine knows is none: with a home elsewhere it goes there first, under a generation of its own. */
  #secureIntents(): void {
    const { intents } = this.#world.acts ?? noActs()
    if (typeof this.#options.project.config.target.ledger === 'string') return
    intents.secure = async () => {
      await this.#world.recorder.write((writer) => nextGeneration(writer))
      await this.#push()
    }
  }

  /** Before anything acts outward, too: a home that another run has moved on is found out in time. */
  async #push(): Promise<void> {
    const { project, session, places } = this.#options
    await session.checkpoint()
    const { generation } = (await ledgerInfo(session.connection))!
    pushLedger(project.root, project.config.target, places, this.#stored, generation)
    this.#stored = generation
  }
}

/** 1 when a model, test or row failed; 3 when only remote services did. */
function exitCodeFor(results: readonly NodeResult[]): number {
  const failures = results.filter(failed)
  if (failures.length === 0) return EXIT.ok
  return failures.every(({ remote }) => remote) ? EXIT.remote : EXIT.failed
}

function summaryOf(results: readonly NodeResult[]): Record<string, unknown> {
  const counts: Record<string, number> = {}
  for (const { status } of results) counts[status] = (counts[status] ?? 0) + 1
  const steps = results.flatMap(({ node, summary }) =>
    summary === undefined ? [] : [{ step: node.name, rows: summary.rows, ...summary.counts }],
  )
  return { counts, steps }
}
