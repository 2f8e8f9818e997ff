import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import type { Reject } from '../step.ts'
import { keep, keptSoon } from './chunk-writer.ts'
import type { KeySet } from './key-set.ts'
import type { ReadResult } from './read-member.ts'

/** Written when all that came of one file of a set is on disk: what a killed landing need not read again. */
export interface Finished extends ReadResult {
  parts: string[]
}

const REJECT_BATCH = 1_000
const REJECT_BATCH_SIZE = 4 * 1024 * 1024

/**
 * The folder in which a set lands, and what is finished of it. It is told by what is read and how, so that a run that was
 * killed goes on where it was, and what another set, filter or layout left behind is cleared away.
 */
export class PartJournal {
  readonly folder: string

  constructor(home: string, identity: readonly unknown[]) {
    const name = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 16)
    this.folder = join(home, name)
    if (existsSync(home)) {
      for (const other of readdirSync(home))
        if (other !== name) rmSync(join(home, other), { recursive: true, force: true })
    }
    mkdirSync(this.folder, { recursive: true })
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  /** What came of a file in an earlier run; the keys it added are added. */
  finished(name: string, keys: KeySet | undefined): Finished | undefined {
    const file = this.path(`${name}.json`)
    if (!existsSync(file)) return undefined
    if (keys !== undefined) {
      const bytes = readFileSync(this.path(`${name}.keys`))
      keys.restore(new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)))
      keys.forgetFresh()
    }
    return JSON.parse(readFileSync(file, 'utf8')) as Finished
  }

  /** To be called when the parts are on disk to stay. `keys`: those that the file added. */
  async finish(name: string, finished: Finished, keys: Float64Array | undefined): Promise<void> {
    if (keys !== undefined) {
      const { buffer, byteOffset, byteLength } = keys
      writeFileSync(this.path(`${name}.keys`), Buffer.from(buffer, byteOffset, byteLength))
      await keptSoon(this.path(`${name}.keys`))
    }
    const file = this.path(`${name}.json`)
    writeFileSync(`${file}.new`, JSON.stringify(finished))
    await keptSoon(`${file}.new`)
    renameSync(`${file}.new`, file)
    await keptSoon(this.folder)
  }

  /** A place for what is rejected of a file, written as it comes and begun anew with each reading. */
  rejects(name: string): RejectsFile {
    return new RejectsFile(this.path(`${name}.rejects`))
  }

  /** All that was rejected, in batches: of every file that was read, in their order. */
  *rejected(source: string, names: readonly { name: string; file: string }[]): Generator<Reject[]> {
    let batch: Reject[] = []
    let size = 0
    for (const { name, file } of names) {
      const path = this.path(`${name}.rejects`)
      if (!existsSync(path)) continue
      for (const line of linesOf(path)) {
        batch.push({ source, file, ...(JSON.parse(line) as Omit<Reject, 'source' | 'file'>) })
        size += line.length
        if (batch.length < REJECT_BATCH && size < REJECT_BATCH_SIZE) continue
        yield batch
        batch = []
        size = 0
      }
    }
    if (batch.length > 0) yield batch
  }

  clear(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Opened when there is something to write. */
export class RejectsFile {
  #file: number | undefined
  readonly #path: string

  constructor(path: string) {
    this.#path = path
    rmSync(path, { force: true })
  }

  write({ line, reason, content }: { line: number; reason: string; content: string }): void {
    this.#file ??= openSync(this.#path, 'w')
    writeSync(this.#file, `${JSON.stringify({ line, reason, content })}\n`)
  }

  close(): void {
    if (this.#file === undefined) return
    closeSync(this.#file)
    this.#file = undefined
    keep(this.#path)
  }
}

function* linesOf(path: string): Generator<string> {
  const file = openSync(path, 'r')
  try {
    const piece = Buffer.alloc(1024 * 1024)
    const decoder = new StringDecoder('utf8')
    let rest = ''
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) {
      const lines = (rest + decoder.write(piece.subarray(0, read))).split('\n')
      rest = lines.pop()!
      yield* lines
    }
  } finally {
    closeSync(file)
  }
}
