import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Acts, noActs } from '../../pipeline/acts.ts'
import { contextFor, ensureStepTables, type World } from '../../pipeline/context.ts'
import type { FileHostFactory } from '../../pipeline/http/download.ts'
import type { HttpFactory } from '../../pipeline/http.ts'
import type { LedgerTable, Outward, Step, StepContext } from '../../pipeline/step.ts'
import type { Connection } from '../../pipeline/warehouse/duckdb.ts'
import { createLedger, ensureRawTables } from '../../pipeline/warehouse/ledger.ts'
import { Recorder } from '../../pipeline/warehouse/recorder.ts'
import { openSession } from '../../pipeline/warehouse/session.ts'
import { createSourceViews } from '../../pipeline/warehouse/sources.ts'

export interface TestWorld {
  connection: Connection
  world: World
  /** Declares the step's tables and answers the context it would get in a run. */
  context(step: Step, tables?: readonly LedgerTable[]): Promise<StepContext>
  progress: string[]
  close(): void
}

/** Warehouse and ledger in memory, at a fixed date, over a throw-away folder; HTTP answers only from in-process transports. */
export async function world(
  options: {
    as_of?: string
    live?: Outward[]
    acts?: Partial<Acts>
    http?: HttpFactory
    files?: FileHostFactory
    root?: string
    frozen?: boolean
  } = {},
): Promise<TestWorld> {
  const as_of = options.as_of ?? '2026-11-22'
  const folder = mkdtempSync(join(tmpdir(), 'lead-engine-'))
  const session = await openSession({ as_of })
  // As every run over so little works: docs/decisions/threads.md.
  await session.connection.run(`set threads = 1; set disabled_optimizers = 'in_clause'`)
  await createLedger(session.connection, new Date('2026-01-01T00:00:00Z'))
  const run = {
    run_id: 'run_000001',
    seq: 1,
    command: 'run',
    call: 'pipeline run',
    target: 'test',
    as_of,
    git_commit: null,
    started_at: `${as_of}T08:00:00Z`,
  }
  const recorder = await Recorder.open(session, run, options.frozen ?? false)
  const progress: string[] = []
  const made: World = {
    session,
    recorder,
    http: options.http ?? inProcessOnly(as_of),
    files: options.files ?? noFiles,
    now: () => new Date(`${as_of}T12:00:00Z`),
    run_id: run.run_id,
    live: new Set(options.live ?? []),
    acts: { ...noActs(), ...options.acts },
    paths: { root: options.root ?? folder, data: join(folder, 'data'), target: join(folder, 'target') },
    progress: (_step, text) => progress.push(text),
    signal: new AbortController().signal,
  }
  return {
    connection: session.connection,
    world: made,
    progress,
    async context(step, tables = []) {
      const all = [...new Set([...tables, ...(step.records ?? [])])]
      await ensureRawTables(session.connection, all)
      await createSourceViews(session, join(made.paths.data, 'lake'), all)
      await ensureStepTables(session, [step])
      return contextFor(step, made)
    },
    close() {
      recorder.close()
      session.close()
    },
  }
}

function noFiles(): never {
  throw new Error('no host of files was given')
}

function inProcessOnly(as_of: string): HttpFactory {
  let calls = 0
  return ({ service, transport }) => ({
    async send({ method = 'GET', path, query = {}, body }) {
      if (transport === undefined) throw new Error(`${service} would go to the network`)
      const given = Object.entries(query).filter(([, value]) => value !== undefined)
      const answer = await transport({
        method,
        path,
        query: Object.fromEntries(given.map(([k, v]) => [k, String(v)])),
        body,
        as_of,
      })
      const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
      return {
        status: answer.status,
        headers: answer.headers ?? {},
        text,
        json: () => JSON.parse(text) as unknown,
        fetched_at: `${as_of}T00:00:00Z`,
        cached: false,
        call_id: `call_${++calls}`,
      }
    },
  })
}
