import type { Kysely } from 'kysely'
import type { Acts } from './acts.ts'
import type { Relations } from './generated/relations.ts'
import type { FileHostFactory } from './http/download.ts'
import type { HttpFactory } from './http.ts'
import type { TableSpec } from './table.ts'
import type { Connection } from './warehouse/duckdb.ts'

/** The three things a target can be live for. Absent from `live`, a step plans instead of acting. */
export type Outward = 'spend' | 'send' | 'sync'

/**
 * A table of the ledger that a step appends to. It lives at `raw.<source>__<table>` and SQL reads it with
 * `source('<source>', '<table>')`, always as of the run's date:
 * - `append`: every row ever recorded; a row whose key is there already is not recorded again
 * - `merge`: the latest version of each key; a version equal to the latest is not recorded again
 * - `replace`: the rows of the latest load
 */
export interface LedgerTable extends Omit<TableSpec, 'schema' | 'name'> {
  source: string
  table: string
  write: 'append' | 'merge' | 'replace'
  /** Rows live as Parquet under `data/lake/<source>/<snapshot>/`; the ledger holds only where and which. Implies `replace`. */
  bulk?: boolean
  /** The whole row as it was handed over is kept in `_payload` (JSON), so that a field nobody modelled yet is not lost. */
  payload?: boolean
  /** `next_run`: what this run records is read by the next one, so that readers do not wait for the step (feedback). */
  visible?: 'now' | 'next_run'
}

/** One TypeScript node of the graph. The engine orders it by what it reads and writes, nothing else. */
export interface Step {
  /** Unique among all nodes; snake_case. */
  name: string
  kind: 'resource' | 'step'
  /** Which of the stages it belongs to; what `--stage` and `stage:` select. */
  stage: string
  /** The file that defines it, relative to the repository. */
  file: string
  description: string
  /** `dim_companies` (a model, seed or step table, as `ref`) or `mock.companies` (a ledger table, as `source`). */
  reads: readonly string[]
  /** Tables that depend on what it records, which it asks for with `context.ask` as it runs: it goes before them all the same. */
  asks?: readonly string[]
  /** Tables it builds in the warehouse, each replaced whole; SQL reads them with `ref('<name>')`. */
  builds?: readonly TableSpec[]
  /** Ledger tables it appends to. */
  records?: readonly LedgerTable[]
  /** Set when it acts on the outside world: it then runs after publication, and plans unless the target is live for it. */
  outward?: Exclude<Outward, 'spend'>
  /** What besides its inputs decides the outcome (settings, cards, templates). Unchanged with unchanged inputs: skipped. `null`: never skipped. */
  fingerprint: string | null
  /** What of the fingerprint decides `told` columns alone (templates, wording): a comparison makes them where it differs. */
  told_by?: string
  /**
   * For `pipeline check`: binds the SQL that the step makes up as it runs, over everything it reads, which has the right
   * columns and no rows. Throws what `run` would; a ProjectError where a file is to be edited.
   */
  bind?(connection: Connection): Promise<void>
  run(context: StepContext): Promise<StepSummary>
}

/** What a step says it did. Shown by the report and kept in `ops.runs`. */
export interface StepSummary {
  rows: number
  /** One line for people, without personal data: `300 found, 12 rejected`. */
  text: string
  counts?: Record<string, number>
  /** Things that went wrong without stopping the step; a `remote` one makes the run exit 3. */
  failures?: { kind: 'row' | 'remote'; message: string }[]
  /** Something was left undone that the same run could do later (a budget, a pause): it is not skipped the next time. */
  unfinished?: boolean
}

/** The world, as a step gets it. A dry run and a replay are other arguments, not other code. */
export interface StepContext {
  /** Typed queries over every relation the step declared. Two-part names: `marts.dim_companies`. */
  db: Kysely<Relations>
  /** The same connection, for SQL that is compiled from YAML. */
  connection: Connection
  /** Replaces one of the step's `builds` by the result of a SELECT, in one transaction. Answers the row count. */
  build(table: TableSpec, select: string): Promise<number>
  /** The same from rows. */
  buildRows(table: TableSpec, rows: readonly object[]): Promise<number>
  /** Appends to one of the step's `records`, in one transaction of the ledger. Rows may arrive in batches, or from a query. */
  record(table: LedgerTable, rows: RowsToRecord, options?: RecordOptions): Promise<Recorded>
  /**
   * Some of the step's `asks`, as they would be now, with all that the step has recorded so far: what lies between is
   * evaluated on the side, and nothing of it is recorded or published. Answers the relations to select from, which stand
   * until the next time.
   */
  ask(...names: string[]): Promise<string[]>
  /** A private folder for the Parquet files of a bulk table's snapshot. */
  lakeFolder(table: LedgerTable, snapshot: string): string
  /** Hashes, moves and registers what was written to `lakeFolder`, all tables at once. From then on `source()` reads it. */
  commitLake(landed: readonly { table: LedgerTable; rows: number }[], snapshot: string, filter: string): Promise<void>
  /** Snapshot, filter and files of the latest committed load of a bulk table. */
  lakeSnapshot(table: LedgerTable): Promise<{ snapshot: string; filter: string; files: string[] } | undefined>
  /** The newest landing of each of the newest `count` snapshots that the lake still holds, newest first. */
  lakeSnapshots(
    table: LedgerTable,
    count: number,
  ): Promise<{ snapshot: string; filter: string; files: string[]; load_id: number }[]>
  /** Deletes the files of all but the newest `keep` snapshots of a source; answers the snapshots that went. */
  letGoOfSnapshots(source: string, keep: number): Promise<string[]>
  /** Rows that could not be read: kept with file, line, reason and content. */
  reject(rejects: readonly Reject[]): Promise<void>
  http: HttpFactory
  /** Hosts of files too large for `http`: to disk, resumed where they broke off. */
  files: FileHostFactory
  /** UTC date all models read: `2026-01-31`. */
  as_of: string
  /** The wall clock; only for `fetched_at` of HTTP answers, guards and outward acts. */
  now(): Date
  run_id: string
  /** What the command asks of a step beyond running, by the step's stage; the step checks it. Empty in `pipeline run`. */
  orders: Readonly<Record<string, unknown>>
  /** False where nobody reads what only tells (a comparison): `told` columns may be NULL then. */
  tells: boolean
  live: ReadonlySet<Outward>
  /** For what leaves: mail, pauses, what has just arrived, intents. */
  acts: Acts
  /** Absolute folders. `target` is for artifacts, `data` for everything that must not be in git. */
  paths: { root: string; data: string; target: string }
  /** Progress for the report: what, how far, of how much. */
  progress(text: string, done?: number, total?: number): void
  /** Aborted on Ctrl-C; long work checks it. */
  signal: AbortSignal
}

/** Batches of rows, or a query over the warehouse and the ledger whose columns are the table's. */
export type RowsToRecord = Iterable<readonly object[]> | AsyncIterable<readonly object[]> | { select: string }

export interface RecordOptions {
  /** When the answer was had; as-of's midnight unless given. ISO 8601 UTC. With a function, of each row; all of one UTC date. */
  fetched_at?: string | ((row: object) => string | undefined)
}

export interface Recorded {
  appended: number
  /** Rows that equalled what the ledger already held. */
  unchanged: number
}

export interface Reject {
  source: string
  file: string
  line: number
  reason: string
  content: string
}
