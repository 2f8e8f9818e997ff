import { closeSync, openSync, readSync } from 'node:fs'
import { quoteIdentifier, quoteLiteral } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import type { SplitRow } from './splitter.ts'

const EMPTY = -1
const LF = 10
const READ_SIZE = 1024 * 1024
const LONGEST_KEY = 1024

/**
 * Keys of rows that landed before, as 52-bit hashes in 16 to 32 bytes each. Among 30 million of them a row that is not there
 * is taken for one that is once in 150 million times: it lands though nobody asked, and is judged like any other.
 */
export class FollowedKeys {
  size = 0
  readonly #slots: Float64Array
  readonly #places: readonly number[]

  /** `places`: of the fields that together are the key. */
  constructor(keys: number, places: readonly number[]) {
    this.#slots = new Float64Array(2 ** Math.ceil(Math.log2(2 * keys + 2))).fill(EMPTY)
    this.#places = places
  }

  /** A key's text, all fields in a row. */
  add(bytes: Uint8Array, start: number, end: number): void {
    hashed.reset()
    hashed.take(bytes, start, end)
    const slot = this.#slotOf(hashed.number())
    if (this.#slots[slot] !== EMPTY) return
    this.#slots[slot] = hashed.number()
    this.size++
  }

  has({ buffer, starts, ends }: SplitRow): boolean {
    hashed.reset()
    for (const place of this.#places) hashed.take(buffer, starts[place]!, ends[place]!)
    return this.#slots[this.#slotOf(hashed.number())] !== EMPTY
  }

  #slotOf(hash: number): number {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = hash % slots.length
    while (slots[slot] !== EMPTY && slots[slot] !== hash) slot = (slot + 1) & mask
    return slot
  }
}

/** The keys of some Parquet files. They pass through a text file, so that memory holds nothing but the hashes. */
export async function followedKeys(
  connection: Connection,
  files: readonly string[],
  { columns, places, through }: { columns: readonly string[]; places: readonly number[]; through: string },
): Promise<FollowedKeys> {
  const from = `read_parquet([${files.map(quoteLiteral).join(', ')}])`
  const text = `concat(${columns.map(quoteIdentifier).join(', ')})`
  const written = await connection.run(
    `copy (select ${text} from ${from}) to ${quoteLiteral(through)} (format csv, header false, quote '', escape '', delimiter '\x1f')`,
  )
  const keys = new FollowedKeys(written, places)
  const file = openSync(through, 'r')
  try {
    const piece = Buffer.alloc(READ_SIZE + LONGEST_KEY)
    let rest = 0
    for (let read = readSync(file, piece, 0, READ_SIZE, null); read > 0; ) {
      const length = rest + read
      let from = 0
      for (let lf = piece.indexOf(LF); lf >= 0 && lf < length; lf = piece.indexOf(LF, from)) {
        keys.add(piece, from, lf)
        from = lf + 1
      }
      piece.copyWithin(0, from, length)
      rest = length - from
      read = readSync(file, piece, rest, READ_SIZE, null)
    }
  } finally {
    closeSync(file)
  }
  return keys
}

/** Two 32-bit sums over the same bytes, 52 bits of them as one number. Case does not count. */
const hashed = {
  one: 0,
  two: 0,
  reset() {
    this.one = 0x811c9dc5
    this.two = 0x9e3779b1
  },
  take(bytes: Uint8Array, start: number, end: number) {
    for (let at = start; at < end; at++) {
      const raw = bytes[at]!
      const byte = raw >= 97 && raw <= 122 ? raw - 32 : raw
      this.one = Math.imul(this.one ^ byte, 0x01000193)
      this.two = Math.imul(this.two ^ (byte + 1), 0x85ebca6b) ^ (this.two >>> 15)
    }
  },
  number(): number {
    const one = Math.imul(this.one ^ (this.one >>> 15), 0xc2b2ae35)
    const two = Math.imul(this.two ^ (this.two >>> 13), 0x27d4eb2f)
    return ((one ^ (one >>> 16)) >>> 0) * 2 ** 20 + ((two ^ (two >>> 16)) >>> 12)
  },
}
