import type { LedgerTable, Recorded, RecordOptions, Reject, RowsToRecord } from '../step.ts'
import type { Connection } from './duckdb.ts'
import type { LakeEntry } from './lake.ts'
import { beginRun, type RunIdentity } from './ledger.ts'
import { LEDGER, type Session } from './session.ts'
import { newLoad, Staging } from './staging.ts'

/** Writes to the ledger, each call in one transaction together with the run's own row. */
export class Recorder {
  readonly #session: Session
  readonly #connection: Connection
  readonly #run: RunIdentity
  #begun = false
  #queue: Promise<unknown> = Promise.resolve()

  private constructor(
    session: Session,
    connection: Connection,
    run: RunIdentity,
    /** A replay of the past: what is computed is not recorded again. */
    readonly frozen: boolean,
  ) {
    this.#session = session
    this.#connection = connection
    this.#run = run
  }

  static async open(session: Session, run: RunIdentity, frozen: boolean): Promise<Recorder> {
    return new Recorder(session, await session.connect(), run, frozen)
  }

  close(): void {
    this.#connection.close()
  }

  /** Whether this run has written anything. */
  get begun(): boolean {
    return this.#begun
  }

  /** One transaction on the ledger, one at a time; the first one of a run also writes the run's row. */
  write<T>(work: (connection: Connection) => Promise<T>, connection = this.#connection): Promise<T> {
    if (this.frozen) throw new Error('a replay records nothing')
    const turn = this.#queue.then(async () => {
      const result = await connection.transaction(async () => {
        if (!this.#begun) await beginRun(connection, this.#run)
        return work(connection)
      })
      this.#begun = true
      return result
    })
    this.#queue = turn.catch(() => {})
    return turn
  }

  async record(table: LedgerTable, batches: RowsToRecord, options: RecordOptions = {}): Promise<Recorded> {
    const connection = await this.#session.connect()
    try {
      return await new Staging(connection, table, this.#run).record(batches, options, (append) =>
        this.frozen ? undefined : this.write(append, connection),
      )
    } finally {
      connection.close()
    }
  }

  async reject(rejects: readonly Reject[]): Promise<void> {
    if (rejects.length === 0 || this.frozen) return
    const columns = {
      run_id: 'VARCHAR',
      source: 'VARCHAR',
      file: 'VARCHAR',
      line: 'BIGINT',
      reason: 'VARCHAR',
      content: 'VARCHAR',
    }
    await this.write(async (connection) => {
      await connection.insert(
        `${LEDGER}.log.rejects`,
        columns,
        rejects.map((reject) => ({ run_id: this.#run.run_id, ...reject })),
      )
    })
  }

  /** Registers landed tables, all in one transaction. */
  async registerLake(entries: readonly LakeEntry[]): Promise<void> {
    const fetched_at = `${this.#run.as_of}T00:00:00Z`
    await this.write(async (connection) => {
      for (const { table, rows, snapshot, filter, files } of entries) {
        const load_id = await newLoad(connection, table, this.#run.run_id, fetched_at, String(rows))
        await connection.run(
          `insert into ${LEDGER}.log.lake values ($1, $2, $3, $4, $5, $6, $7, ${load_id}, cast($8 as timestamp))`,
          [table.source, table.table, snapshot, filter, rows, JSON.stringify(files), this.#run.run_id, fetched_at],
        )
      }
    })
  }

  /** What a step that only records was last run with; kept in the ledger, so that a rebuilt warehouse asks nobody again. */
  async stepFingerprint(step: string): Promise<string | undefined> {
    const rows = await this.#connection.rows<{ fingerprint: string }>(
      `select fingerprint from ${LEDGER}.log.steps where step = $1`,
      [step],
    )
    return rows[0]?.fingerprint
  }

  async saveStepFingerprint(step: string, fingerprint: string): Promise<void> {
    if (this.frozen || (await this.stepFingerprint(step)) === fingerprint) return
    await this.write(async (connection) => {
      await connection.run(`insert or replace into ${LEDGER}.log.steps values ($1, $2, $3)`, [
        step,
        fingerprint,
        this.#run.run_id,
      ])
    })
  }
}
