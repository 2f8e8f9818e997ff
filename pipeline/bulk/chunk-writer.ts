import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Connection } from '../warehouse/duckdb.ts'
import { chunkToPart, type DelimitedTable } from './delimited.ts'
import type { LoadQueue } from './load-queue.ts'

/** Text of one chunk file: with those that wait or are loaded, what is on its way to DuckDB at any time. */
const CHUNK_SIZE = 96 * 1024 * 1024
/** Of the queue: what is loaded, what waits, and the notes between them. */
const WAITING = 4

/** Clean rows → bounded text files → parts in Parquet, on disk to stay. While DuckDB loads one chunk the next is written. */
export class ChunkWriter {
  /** Rows of which text was handed over, or will be before the next part. */
  rows = 0
  readonly #connection: Connection
  readonly #queue: LoadQueue
  readonly #table: DelimitedTable
  readonly #folder: string
  readonly #name: string
  readonly #parts: string[] = []
  #chunk: { path: string; file: number; size: number } | undefined
  #rowsBefore = 0

  /** Parts are named `<name>-0000.parquet` and so on. */
  constructor(connection: Connection, queue: LoadQueue, table: DelimitedTable, folder: string, name: string) {
    this.#connection = connection
    this.#queue = queue
    this.#table = table
    this.#folder = folder
    this.#name = name
  }

  /** Takes text of whole rows, all of those counted so far. */
  write(text: Buffer): void {
    if (this.#chunk === undefined) {
      const path = join(this.#folder, `${this.#name}.${this.#parts.length}.csv`)
      this.#chunk = { path, file: openSync(path, 'w'), size: 0 }
    }
    let written = 0
    while (written < text.length) written += writeSync(this.#chunk.file, text, written)
    this.#chunk.size += text.length
    if (this.#chunk.size >= CHUNK_SIZE) this.#close()
  }

  /** To be awaited now and then: waits while DuckDB is more than a chunk or two behind. */
  settle(): Promise<void> {
    return this.#queue.atMost(WAITING)
  }

  /** Queues what is left; answers the names of the parts, which are there when the queue has come so far. */
  finish(): string[] {
    this.#close()
    return this.#parts
  }

  /** Leaves no file open, after a failure. */
  abandon(): void {
    if (this.#chunk !== undefined) closeSync(this.#chunk.file)
    this.#chunk = undefined
  }

  #close(): void {
    if (this.#chunk === undefined) return
    const { path, file } = this.#chunk
    closeSync(file)
    this.#chunk = undefined
    const rows = this.rows - this.#rowsBefore
    this.#rowsBefore = this.rows
    const part = `${this.#name}-${String(this.#parts.length).padStart(4, '0')}.parquet`
    this.#parts.push(part)
    this.#queue.add(() => this.#convert(path, join(this.#folder, part), rows))
  }

  async #convert(path: string, part: string, rows: number): Promise<void> {
    const loaded = await this.#connection.run(chunkToPart(this.#table, path, part))
    if (loaded !== rows) throw new Error(`${path}: ${rows} rows were written, ${loaded} were read`)
    await keptSoon(part)
    rmSync(path)
  }
}

/** Has a file, or the names in a folder, survive a loss of power. */
export function keep(path: string): void {
  const file = openSync(path, 'r')
  fsyncSync(file)
  closeSync(file)
}

/** The same, beside other work. */
export async function keptSoon(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
