import { join } from 'node:path'
import { type Acts, noActs } from './acts.ts'
import type { Relations } from './generated/relations.ts'
import type { FileHostFactory } from './http/download.ts'
import type { HttpFactory } from './http.ts'
import type { LedgerTable, Outward, Step, StepContext } from './step.ts'
import { quoteIdentifier, relationName, type TableSpec } from './table.ts'
import { Lake, lakeSnapshot, lakeSnapshots, letGoOfSnapshots } from './warehouse/lake.ts'
import type { Recorder } from './warehouse/recorder.ts'
import { BUILD, type Session } from './warehouse/session.ts'
import { refreshSourceView } from './warehouse/sources.ts'

/** Everything a run hands to its steps. */
export interface World {
  session: Session
  recorder: Recorder
  /** What steps record is not even looked at: only what they build counts. */
  discards?: boolean
  /** Names of steps of which nobody reads what only tells. */
  spares?: ReadonlySet<string>
  http: HttpFactory
  files: FileHostFactory
  now(): Date
  run_id: string
  live: ReadonlySet<Outward>
  /** Absent where nothing is done to the outside world. */
  acts?: Acts
  /** See `StepContext.orders`. */
  orders?: Readonly<Record<string, unknown>>
  paths: { root: string; data: string; target: string }
  progress(step: string, text: string, done?: number, total?: number): void
  signal: AbortSignal
}

/** Where a step builds, and how it asks, if not as in a run. */
export interface Place {
  catalog?: string
  ask?(...names: string[]): Promise<string[]>
}

/** The world as one step may use it: it writes only what it declared. */
export async function contextFor(step: Step, world: World, { catalog = BUILD, ask }: Place = {}): Promise<StepContext> {
  const { kyselyOver } = await import('./warehouse/kysely-dialect.ts')
  const { session, recorder, paths } = world
  const { connection } = session
  const lakeRoot = join(paths.data, 'lake')
  const lake = new Lake(lakeRoot, recorder)
  const declared = (table: LedgerTable) => {
    const found = step.records?.some((record) => record.source === table.source && record.table === table.table)
    if (!found) throw new Error(`step ${step.name} does not declare that it records ${table.source}.${table.table}`)
  }
  return {
    db: kyselyOver<Relations>(connection),
    connection,
    async build(table, select) {
      await replaceTable(session, `${catalog}.${relationName(table)}`, table, select)
      const [count] = await connection.rows<{ n: number }>(`select count(*) as n from ${relationName(table)}`)
      return count!.n
    },
    async buildRows(table, rows) {
      await connection.transaction(async () => {
        const place = `${catalog}.${relationName(table)}`
        await connection.run(`create or replace table ${place} (${columnList(table)})`)
        await connection.insert(place, table.columns, rows)
      })
      return rows.length
    },
    async record(table, rows, options) {
      declared(table)
      if (world.discards) return { appended: 0, unchanged: 0 }
      return recorder.record(table, rows, options)
    },
    ask: ask ?? (() => Promise.reject(new Error(`step ${step.name} asks for nothing here`))),
    lakeFolder(table, snapshot) {
      declared(table)
      return lake.folder(table, snapshot)
    },
    async commitLake(landed, snapshot, filter) {
      for (const { table } of landed) declared(table)
      await lake.commit(landed, snapshot, filter)
      for (const { table } of landed) await refreshSourceView(session, lakeRoot, table)
    },
    lakeSnapshot: (table) => lakeSnapshot(connection, lakeRoot, table, session.as_of),
    lakeSnapshots: (table, count) => lakeSnapshots(connection, lakeRoot, table, session.as_of, count),
    letGoOfSnapshots: (source, keep) =>
      recorder.frozen ? Promise.resolve([]) : letGoOfSnapshots(connection, lakeRoot, source, keep),
    reject: (rejects) => recorder.reject(rejects),
    http: world.http,
    files: world.files,
    as_of: session.as_of,
    now: world.now,
    run_id: world.run_id,
    orders: world.orders ?? {},
    tells: world.spares?.has(step.name) !== true,
    live: world.live,
    acts: world.acts ?? noActs(),
    paths,
    progress: (text, done, total) => world.progress(step.name, text, done, total),
    signal: world.signal,
  }
}

/** An empty table for every declared build, so that models which read a step that has not run yet find it. */
export async function ensureStepTables(session: Session, steps: readonly Step[]): Promise<void> {
  const specs = steps.flatMap((step) => step.builds ?? [])
  await session.useSchemas(specs.map(({ schema }) => schema))
  const statements = specs.map((table) => `create table if not exists ${buildName(table)} (${columnList(table)})`)
  if (statements.length > 0) await session.connection.run(statements.join(';'))
}

function buildName(table: TableSpec): string {
  return `${BUILD}.${relationName(table)}`
}

function columnList(table: TableSpec): string {
  return Object.entries(table.columns)
    .map(([name, type]) => `${quoteIdentifier(name)} ${type}`)
    .join(', ')
}

/** In declared column order and with declared types, whatever order the SELECT has. */
async function replaceTable(session: Session, place: string, table: TableSpec, select: string): Promise<void> {
  const columns = Object.entries(table.columns).map(
    ([name, type]) => `cast(${quoteIdentifier(name)} as ${type}) as ${quoteIdentifier(name)}`,
  )
  await session.connection.run(`create or replace table ${place} as select ${columns.join(', ')} from (${select})`)
}
