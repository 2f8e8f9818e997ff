import { join } from 'node:path'
import type { World } from '../context.ts'
import { CheckFailed } from '../errors.ts'
import { Executor } from '../execute.ts'
import { type Graph, reach } from '../graph.ts'
import { hashFile } from '../hash.ts'
import { NotAsked } from '../http.ts'
import type { Project } from '../load.ts'
import type { GraphNode } from '../nodes.ts'
import { isOutward } from '../plan.ts'
import { failed, type Listener, type NodeResult } from '../results.ts'
import { prepare } from '../run.ts'
import { checkSyntax } from '../syntax.ts'
import { openHome } from '../warehouse/home.ts'
import { type LedgerInfo, nextRunSeq } from '../warehouse/ledger.ts'
import { Recorder } from '../warehouse/recorder.ts'
import type { Session } from '../warehouse/session.ts'
import { BuildState } from '../warehouse/state.ts'
import { type Keeping, keepTables } from './kept-tables.ts'
import type { Scratch } from './scratch.ts'
import type { Spared } from './spared.ts'

export interface RealizeOptions {
  project: Project
  scratch: Scratch
  as_of: string
  now(): Date
  signal: AbortSignal
  threads: number | undefined
  listener: Listener
  /** Only what these need is built; leaves among them as views, if `leaves` says so: they are read once or twice. */
  wanted: ReadonlySet<string>
  leaves: 'table' | 'view'
  spared: Spared
  /** What is to be there as it was, too. */
  keeping?: Keeping
}

/** A project built in a scratch. */
export interface Realized {
  session: Session
  info: LedgerInfo
  results: readonly NodeResult[]
  /** Whether `keeping` could be done. */
  kept: boolean
  /** Changes with the content of what a node builds. */
  version(id: string): Promise<string>
}

/**
 * Builds what differs from what stands in the scratch: seeds, models and the steps that compute. A replay: nobody is
 * asked, nothing is recorded, nothing acts outward, no test is run. Throws CheckFailed when a node cannot be built.
 */
export async function realize(options: RealizeOptions): Promise<Realized> {
  const { project, scratch, as_of, threads, wanted } = options
  const { config, graph } = project
  const { session, info } = await openHome({
    target_name: config.target_name,
    target: { ...config.target, live: [] },
    places: scratch.places,
    as_of,
    now: options.now(),
    threads: threads ?? config.target.threads,
    memory_limit: config.target.memory_limit,
  })
  const interrupt = () => session.connection.interrupt()
  options.signal.addEventListener('abort', interrupt)
  try {
    const recorder = await frozenRecorder(session, as_of, config.target_name)
    await prepare({ project, session, places: scratch.places })
    const state = await BuildState.open(session)
    const { keeping } = options
    const kept = keeping !== undefined && (await keepTables(session, scratch, graph, state, keeping))
    const needed = reach(graph, wanted, 'up')
    const ids = graph.order.filter((id) => {
      const node = graph.nodes.get(id)!
      if (node.kind === 'step' && (node.step.builds ?? []).length === 0) return false
      return needed.has(id) && ['seed', 'model', 'step', 'snapshot'].includes(node.kind) && !isOutward(node)
    })
    await checkSyntax(session.connection, graph, ids, state)
    const world = worldOf(options, session, recorder)
    const executor = new Executor({
      graph,
      world,
      state,
      full_refresh: false,
      fail_fast: true,
      ignores_feedback: true,
      as_views: options.leaves === 'view' ? leavesOf(graph, wanted) : new Set(),
      listener: options.listener,
      hashOf: hashFile,
    })
    await executor.run(ids)
    recorder.close()
    const results = [...executor.results.values()]
    const broken = results.find(failed)
    if (broken !== undefined)
      throw new CheckFailed(`${broken.node.name} (${broken.node.file}) cannot be built: ${broken.message}`)
    return { session, info, results, kept, version: (id) => executor.version(id) }
  } catch (error) {
    session.close()
    throw error
  } finally {
    options.signal.removeEventListener('abort', interrupt)
  }
}

async function frozenRecorder(session: Session, as_of: string, target: string): Promise<Recorder> {
  const seq = await nextRunSeq(session.connection)
  const started_at = `${as_of}T00:00:00.000Z`
  const identity = { run_id: 'diff', seq, command: 'diff', call: 'pipeline diff', target, as_of, git_commit: null }
  return Recorder.open(session, { ...identity, started_at }, true)
}

/** Tables that no other model or step reads: a wide one need not be written to be compared. */
function leavesOf(graph: Graph, wanted: ReadonlySet<string>): Set<string> {
  const reads = (node: GraphNode) =>
    node.kind === 'model' || node.kind === 'snapshot' || (node.kind === 'step' && !isOutward(node))
  const isLeaf = (id: string) => {
    const node = graph.nodes.get(id)
    if (node?.kind !== 'model' || node.relation.schema !== 'marts') return false
    return (
      node.materialized === 'table' &&
      node.contract === undefined &&
      !graph.children(id).some((child) => reads(graph.nodes.get(child)!))
    )
  }
  return new Set([...wanted].filter(isLeaf))
}

function worldOf(
  { project, scratch, now, signal, listener, spared }: RealizeOptions,
  session: Session,
  recorder: Recorder,
): World {
  return {
    session,
    recorder,
    discards: true,
    spares: new Set([...spared.keys()].map((id) => project.graph.nodes.get(id)!.name)),
    http: ({ service }) => ({
      send: () => Promise.reject(new NotAsked(`${service} is not asked: this is a comparison`, service)),
    }),
    files: ({ service }) => {
      throw new NotAsked(`${service} is not asked: this is a comparison`, service)
    },
    now,
    run_id: 'diff',
    live: new Set(),
    paths: { root: project.root, data: scratch.places.data, target: join(scratch.folder, 'target') },
    progress: (step, text, done, total) => listener.progress?.(step, text, done, total),
    signal,
  }
}
