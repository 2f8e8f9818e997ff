import { join } from 'node:path'
import { createBudget, readSpent } from './budget.ts'
import type { World } from './context.ts'
import { ensureStepTables } from './context.ts'
import { Interrupted, ProjectError } from './errors.ts'
import { createFileHosts } from './http/download.ts'
import { createJournal } from './http/journal.ts'
import { filePaces } from './http/pace-store.ts'
import { createHttp } from './http.ts'
import { readTaken, takeIn, watchIncoming } from './incoming.ts'
import type { Project } from './load.ts'
import { createMail } from './mail.ts'
import { createSnapshotViews } from './materializations/snapshot-view.ts'
import { pauseText, readPauses } from './pauses.ts'
import type { Plan } from './plan.ts'
import type { Listener, NodeResult } from './results.ts'
import { RunUnderWay } from './run-under-way.ts'
import type { Outward } from './step.ts'
import { type Connection, withTransactions } from './warehouse/duckdb.ts'
import { discardBuild, openHome, type Places, placesOf, pullLedger } from './warehouse/home.ts'
import { closeCrashedRuns, ensureRawTables, type LedgerInfo, nextRunSeq, settleIntents } from './warehouse/ledger.ts'
import { acquireLock } from './warehouse/lock.ts'
import type { Publication } from './warehouse/publish.ts'
import { Recorder } from './warehouse/recorder.ts'
import type { Session } from './warehouse/session.ts'
import { createSourceViews } from './warehouse/sources.ts'

export interface RunOptions {
  project: Project
  plan: Plan
  /** `run`, `run --stage sync`: what kind of call it is, the same on every machine. */
  command: string
  /** As it was typed, for the lock and the log: `pipeline run --threads 2`. */
  call: string
  as_of: string
  /** The run that this is a replay of: it bears its name, records nothing, asks nobody. */
  replay?: string
  full_refresh: boolean
  /** With `full_refresh`: only these; absent means all. */
  refresh_only?: ReadonlySet<string>
  fail_fast: boolean
  /** Narrows what the target is live for: a command that only plans gives none. */
  live_for?: readonly Outward[]
  /** See `StepContext.orders`. */
  orders?: Readonly<Record<string, unknown>>
  threads?: number
  git_commit: string | null
  listener: Listener
  effects: Effects
}

/** The world outside of the machine's own files. */
export interface Effects {
  now(): Date
  sleep(ms: number, signal: AbortSignal): Promise<void>
  random(): number
  signal: AbortSignal
}

export interface RunResult {
  run_id: string
  results: NodeResult[]
  exit_code: number
  /** What readers see now; undefined when nothing was ever published. */
  publication: Publication | undefined
  /** Whether this run made it. */
  published: boolean
  /** Whether the ledger holds anything that it did not hold before. */
  recorded: boolean
  taken_in: { taken: number; rejected: number }
  live: Outward[]
  started_at: string
  seconds: number
}

/** No model can know what has not happened yet. */
export function refuseFuture(as_of: string, now: Date): void {
  const today = now.toISOString().slice(0, 10)
  if (as_of <= today) return
  throw new ProjectError([{ file: '--as-of', message: `${as_of} is in the future`, hint: `Today is ${today} (UTC).` }])
}

/** Builds, tests and publishes what the plan says, then lets the outward steps act or plan. Holds the ledger meanwhile. */
export async function run(options: RunOptions): Promise<RunResult> {
  const { project, effects, as_of } = options
  const { config, root } = project
  refuseFuture(as_of, effects.now())
  const today = effects.now().toISOString().slice(0, 10)
  const places = placesOf(root, config.target)
  const lock = acquireLock(places.ledger, options.call, effects.now())
  try {
    pullLedger(root, config.target, places)
    const { session, info } = await openHome({
      target_name: config.target_name,
      target: config.target,
      places,
      as_of,
      now: effects.now(),
      threads: options.threads ?? config.target.threads,
      memory_limit: config.target.memory_limit,
    })
    const interrupt = () => session.connection.interrupt()
    effects.signal.addEventListener('abort', interrupt)
    let result: RunResult
    try {
      result = await runOpened({ ...options, places, session, info, today })
    } finally {
      effects.signal.removeEventListener('abort', interrupt)
      session.close()
    }
    if (result.results.some(({ message }) => DISK_FULL.test(message))) discardBuild(places)
    return result
  } finally {
    lock.release()
  }
}

const DISK_FULL = /no space left on device|out of disk space/i

/** What a run's phases share: the call, the opened files, and what day it is. */
export interface Opened extends RunOptions {
  places: Places
  session: Session
  info: LedgerInfo
  today: string
}

async function runOpened(options: Opened): Promise<RunResult> {
  const { project, session, places, effects, as_of } = options
  const { connection } = session
  const clock = performance.now()
  const started_at = effects.now().toISOString()
  await closeCrashedRuns(connection)
  await settleIntents(connection)
  const seq = await nextRunSeq(connection)
  const run_id = options.replay ?? `run_${String(seq).padStart(6, '0')}`
  const frozen = options.replay !== undefined || (await isReplay(connection, as_of))
  const { command, call, git_commit } = options
  const target = project.config.target_name
  const identity = { run_id, seq, command, call, target, as_of, git_commit, started_at }
  const recorder = await Recorder.open(session, identity, frozen)
  const log = await session.connect()
  try {
    await prepare(options)
    const taken_in = await takeIn(places.data, connection, recorder, run_id)
    const live =
      as_of < options.today || frozen
        ? []
        : project.config.target.live.filter((each) => options.live_for?.includes(each) ?? true)
    const world = await makeWorld(options, recorder, log, run_id, new Set(live))
    const under_way = await RunUnderWay.begin(options, world, started_at)
    await under_way.act()
    const ended = await under_way.end()
    return {
      ...ended,
      run_id,
      recorded: recorder.begun,
      taken_in,
      live: [...live],
      started_at,
      seconds: (performance.now() - clock) / 1000,
    }
  } catch (error) {
    if (effects.signal.aborted)
      throw new Interrupted('interrupted; what was committed stands, and the next run goes on from there')
    throw error
  } finally {
    log.close()
    recorder.close()
  }
}

/** A date before that of the last run: the ledger has moved on, so what is computed is shown and not recorded again. */
async function isReplay(connection: Connection, as_of: string): Promise<boolean> {
  const [last] = await connection.rows<{ as_of: string | null }>(
    `select cast(max(as_of) as varchar) as as_of from _ledger.log.runs where status in ('success', 'failed')`,
  )
  return last?.as_of !== undefined && last.as_of !== null && as_of < last.as_of
}

/** Makes everything a project's nodes read exist: schemas, raw tables, views of the ledger, empty step tables. */
export async function prepare({
  project,
  session,
  places,
}: Pick<Opened, 'project' | 'session' | 'places'>): Promise<void> {
  const nodes = [...project.graph.nodes.values()]
  const schemas = nodes.flatMap((node) => ('relation' in node && node.kind !== 'source' ? [node.relation.schema] : []))
  await session.useSchemas(new Set([...schemas, 'ops']))
  await ensureRawTables(session.connection, project.tables)
  await createSourceViews(session, places.lake, project.tables)
  await createSnapshotViews(session, project.graph)
  await ensureStepTables(
    session,
    nodes.flatMap((node) => (node.kind === 'step' ? [node.step] : [])),
  )
}

/** Longer than any mail server is waited for (RFC 5321: 10 minutes for the last answer), with what comes before. */
const LEASE_MS = 30 * 60_000

async function makeWorld(
  options: Opened,
  recorder: Recorder,
  log: Connection,
  run_id: string,
  live: ReadonlySet<Outward>,
): Promise<World> {
  const { project, session, places, effects, listener, as_of } = options
  await log.run(`set search_path = '_ledger.log'`)
  const journal = withTransactions(log, (work) => recorder.write(work, log))
  const { now, sleep, random, signal } = effects
  const waiting = watchIncoming(places.data)
  const pauses = await readPauses(session.connection, waiting)
  const budget = createBudget({
    limits: project.config.data.budget,
    spent: await readSpent(session.connection),
    now,
    paused() {
      const pause = pauses.of('spend')
      return pause === undefined ? undefined : pauseText(pause)
    },
  })
  const clock = { now, sleep: (ms: number) => sleep(ms, signal) }
  const secrets = project.config.secrets
  const http = createHttp({
    connection: journal,
    run_id,
    as_of,
    now,
    sleep,
    random,
    live,
    budget,
    pace: (service) => filePaces(join(places.data, '.pace', `${service}.json`), clock),
    signal,
    secrets,
    replay: recorder.frozen,
  })
  const remote = typeof project.config.target.ledger !== 'string'
  return {
    session,
    recorder,
    http,
    acts: {
      mail: createMail({ http, now, signal }),
      pauses,
      waiting,
      taken: (...kinds) => readTaken(session.connection, kinds),
      ledger_id: options.info.ledger_id,
      intents: remote
        ? { secure: () => Promise.reject(new Error('not yet under way')), together: 20, lease_ms: LEASE_MS }
        : { secure: async () => {}, together: 1, lease_ms: 0 },
    },
    files: createFileHosts({
      journal: createJournal(journal, run_id, as_of),
      now,
      sleep,
      random,
      signal,
      as_of,
      secrets,
      replay: recorder.frozen,
    }),
    now,
    run_id,
    live,
    orders: options.orders,
    paths: { root: project.root, data: places.data, target: join(project.root, 'target') },
    progress: (step, text, done, total) => listener.progress?.(step, text, done, total),
    signal,
  }
}
