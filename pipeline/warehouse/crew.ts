import type { Connection } from './duckdb.ts'

/** DuckDB hands out work by row groups of this size: over fewer rows a second thread has nothing to do. */
const ROW_GROUP = 122_880

/** Turns each list of an IN into a join of its own: half the time of scoring a few hundred leads. */
const PLANNED_FOR_MANY = 'in_clause'

/**
 * How DuckDB works: with one thread and short plans until some relation has more rows than one thread is given at a time.
 * Waking the others for each of thousands of small statements costs more than the statements (docs/decisions/threads.md).
 */
export class Crew {
  readonly #connection: Connection
  readonly #most: number
  #all = true

  private constructor(connection: Connection, most: number) {
    this.#connection = connection
    this.#most = most
  }

  /** For a connection whose `threads` are the most there may be; goes by what the ledger and the build file hold now. */
  static async over(connection: Connection): Promise<Crew> {
    const [now] = await connection.rows<{ threads: number; rows: number }>(
      `select cast(current_setting('threads') as integer) as threads, cast(greatest(
         (select coalesce(max(estimated_size), 0) from duckdb_tables()),
         (select coalesce(max(row_count), 0) from _ledger.log.loads)) as double) as rows`,
    )
    const crew = new Crew(connection, now!.threads)
    if (now!.rows <= ROW_GROUP) await crew.#set(1)
    return crew
  }

  /** There is work over this many rows; Infinity when nobody knows. From then on all work. */
  async expect(rows: number): Promise<void> {
    if (!this.#all && rows > ROW_GROUP) await this.#set(this.#most)
  }

  async #set(threads: number): Promise<void> {
    this.#all = threads === this.#most
    const disabled = this.#all ? '' : PLANNED_FOR_MANY
    await this.#connection.run(`set threads = ${threads}; set disabled_optimizers = '${disabled}'`)
  }
}

/** Of an attached database. Trying every way to compress a few hundred rows of each column takes most of a checkpoint. */
export async function checkpoint(connection: Connection, database: string): Promise<void> {
  const [most] = await connection.rows<{ rows: number }>(
    'select cast(coalesce(max(estimated_size), 0) as double) as rows from duckdb_tables() where database_name = $1',
    [database],
  )
  const compression = most!.rows <= ROW_GROUP ? 'uncompressed' : 'auto'
  await connection.run(`set force_compression = '${compression}'`)
  try {
    await connection.run(`checkpoint ${database}`)
  } finally {
    await connection.run(`set force_compression = 'auto'`)
  }
}
