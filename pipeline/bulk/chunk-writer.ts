import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection } from '../warehouse/duckdb.ts'
import { chunkToPart, type DelimitedTable } from './delimited.ts'
import { MAX_ROW, type SplitRow } from './splitter.ts'

/** Text of one chunk file: what is on its way to DuckDB at any time, however large the table. */
const CHUNK_SIZE = 32 * 1024 * 1024
const BUFFER_SIZE = 4 * MAX_ROW
const NUMBER_SIZE = 20

/**
 * Good rows → bounded CSV files → parts in Parquet. Each row gets its number in front, so that "the last one wins" means
 * the order of the files. While DuckDB loads one chunk the next is being written.
 */
export class ChunkWriter {
  /** Rows written so far. */
  rows = 0
  readonly parts: string[] = []
  readonly #connection: Connection
  readonly #table: DelimitedTable
  readonly #as_of: string
  readonly #folder: string
  readonly #buffer = Buffer.allocUnsafe(BUFFER_SIZE)
  #used = 0
  #chunk: { path: string; file: number; size: number; rows: number } | undefined
  #loading: Promise<void> = Promise.resolve()
  #failed: { error: unknown } | undefined

  constructor(connection: Connection, table: DelimitedTable, as_of: string, folder: string) {
    this.#connection = connection
    this.#table = table
    this.#as_of = as_of
    this.#folder = folder
  }

  append(row: SplitRow): void {
    if (this.#used + (row.end - row.start) + NUMBER_SIZE > BUFFER_SIZE) this.#drain()
    const buffer = this.#buffer
    let at = this.#used
    at += buffer.write(`${this.rows++};`, at, 'latin1')
    at += row.buffer.copy(buffer, at, row.start, row.end)
    buffer[at++] = 10
    this.#used = at
    this.#open().rows++
  }

  /** To be awaited now and then: hands a chunk that is full to DuckDB, waiting for the one before. */
  async settle(): Promise<void> {
    if ((this.#chunk?.size ?? 0) + this.#used >= CHUNK_SIZE) await this.#load()
  }

  /** Loads what is left; answers the parts. */
  async finish(): Promise<string[]> {
    if (this.#chunk !== undefined) await this.#load()
    await this.#settled()
    return this.parts
  }

  /** Leaves no file open and no load running, after a failure. */
  async abandon(): Promise<void> {
    if (this.#chunk !== undefined) closeSync(this.#chunk.file)
    this.#chunk = undefined
    await this.#loading
  }

  #open() {
    if (this.#chunk === undefined) {
      const path = join(this.#folder, `${this.#table.table}-${this.parts.length}.csv`)
      this.#chunk = { path, file: openSync(path, 'w'), size: 0, rows: 0 }
    }
    return this.#chunk
  }

  #drain(): void {
    if (this.#used === 0) return
    const chunk = this.#open()
    let written = 0
    while (written < this.#used) written += writeSync(chunk.file, this.#buffer, written, this.#used - written)
    chunk.size += this.#used
    this.#used = 0
  }

  async #load(): Promise<void> {
    this.#drain()
    const { path, file, rows } = this.#open()
    closeSync(file)
    this.#chunk = undefined
    await this.#settled()
    const part = join(this.#folder, `${this.#table.table}-${String(this.parts.length).padStart(6, '0')}.parquet`)
    this.parts.push(part)
    this.#loading = this.#convert(path, part, rows).catch((error: unknown) => {
      this.#failed ??= { error }
    })
  }

  async #convert(path: string, part: string, rows: number): Promise<void> {
    const loaded = await this.#connection.run(chunkToPart(this.#table, this.#as_of, path, part))
    if (loaded !== rows) throw new Error(`${path}: ${rows} rows were written, ${loaded} were read`)
    rmSync(path)
  }

  async #settled(): Promise<void> {
    await this.#loading
    if (this.#failed !== undefined) throw this.#failed.error
  }
}
