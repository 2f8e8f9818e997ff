import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../pipeline/errors.ts'
import { quoteIdentifier, quoteLiteral, relationName } from '../../pipeline/table.ts'
import { type Connection, type Database, openDatabase } from '../../pipeline/warehouse/duckdb.ts'
import { refuseForeignReach } from './reach.ts'
import type { AskTable } from './tables.ts'

/** What the server tells the process that answers questions. */
export type ToWorker =
  | { kind: 'open'; warehouse: string; as_of: string; tables: AskTable[] }
  | { kind: 'ask'; sql: string; rows: number }

export type FromWorker =
  | { kind: 'ready' }
  | { kind: 'answer'; columns: { name: string; type: string }[]; rows: unknown[]; more: boolean; seconds: number }
  | { kind: 'refused'; message: string }

/** Largest answer, as JSON. */
const MAX_BYTES = 4_000_000

/** No door to files, network, settings or other databases; the last one locks the rest. */
export const LOCKED = [
  'set autoinstall_known_extensions = false',
  'set autoload_known_extensions = false',
  'set allow_community_extensions = false',
  'set allow_persistent_secrets = false',
  "set memory_limit = '512MB'",
  'set threads = 1',
  "set max_temp_directory_size = '0B'",
  "set temp_directory = ''",
  'set enable_external_access = false',
  "set disabled_filesystems = 'LocalFileSystem,HTTPFileSystem'",
  'set lock_configuration = true',
]

/** A process of its own: it holds a copy without personal data, no secret and no way out; whoever started it may kill it. */
export class AskWorker {
  #database: Database | undefined
  #connection: Connection | undefined

  async handle(message: ToWorker): Promise<FromWorker> {
    try {
      if (message.kind === 'open') {
        await this.open(message)
        return { kind: 'ready' }
      }
      return await this.#ask(message)
    } catch (error) {
      return { kind: 'refused', message: messageOf(error).slice(0, 2_000) }
    }
  }

  /** Copies what may be asked about, opens the copy for reading alone, and shuts every door. */
  async open({ warehouse, as_of, tables }: Extract<ToWorker, { kind: 'open' }>): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'lead-engine-ask-'))
    const file = join(folder, 'answers.duckdb')
    try {
      const writing = await openDatabase({ path: file, threads: 2 })
      const connection = await writing.connect()
      await connection.run(`attach ${quoteLiteral(warehouse)} as published (read_only)`)
      for (const schema of new Set(tables.map((table) => table.schema)))
        await connection.run(`create schema ${quoteIdentifier(schema)}`)
      for (const table of tables) {
        const columns = table.columns.map(({ name }) => quoteIdentifier(name))
        await connection.run(
          `create table ${relationName(table)} as select ${columns.join(', ')} from published.${relationName(table)}`,
        )
      }
      await connection.run('detach published; checkpoint')
      connection.close()
      writing.close()
      this.#database = await openDatabase({ path: file, read_only: true })
      this.#connection = await this.#database.connect()
      await this.#connection.run(`create or replace temp macro as_of() as date ${quoteLiteral(as_of)}`)
      await this.#connection.run(`set search_path = 'marts,ops'; ${LOCKED.join('; ')}`)
    } finally {
      // The file is open: its name is of no more use, to nobody.
      rmSync(folder, { recursive: true, force: true })
    }
  }

  close(): void {
    this.#connection?.close()
    this.#database?.close()
  }

  async #ask({ sql, rows }: Extract<ToWorker, { kind: 'ask' }>): Promise<FromWorker> {
    const connection = this.#connection
    if (connection === undefined) return { kind: 'refused', message: 'nothing is open' }
    await refuseForeignReach(connection, sql)
    const started = performance.now()
    const { columns, rows: found, more } = await connection.question(sql, rows)
    if (JSON.stringify(found).length > MAX_BYTES)
      return { kind: 'refused', message: 'The answer is larger than 4 MB: ask for fewer columns or rows.' }
    return { kind: 'answer', columns, rows: found, more, seconds: (performance.now() - started) / 1000 }
  }
}
