import { isUtf8 } from 'node:buffer'

const QUOTE = 34
const SEPARATOR = 59
const SPACE = 32
const LF = 10
const CR = 13
const NBSP = 0xa0
const INCOMPLETE = -1
const MALFORMED = -2
const NO_BYTES = Buffer.alloc(0)
/** Bytes that are written as they are, wherever they stand. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) => Number(byte > QUOTE && byte < 128 && byte !== SEPARATOR))

/** Stands between the fields of a clean row. In the text itself it is a space. */
export const DELIMITER = 31

/** Longest row that is read, in bytes: a quote that is never closed must not swallow a file. */
export const MAX_ROW = 1024 * 1024

/** Clean text that is gathered before it is handed on. */
const DRAIN_SIZE = 1024 * 1024

/** A row that could not be read. */
export interface BadRow {
  /** One-based physical line it begins on. */
  line: number
  reason: string
  content: string
  /** Columns it has, where that is what is wrong with it. */
  width?: number
}

export interface RowSink {
  /** The same object each time: good until the call returns. Whether the row is wanted; what changes it changes what is kept. */
  row(row: SplitRow): boolean
  bad(row: BadRow): void
  /** Clean text of wanted rows: whole lines, good until the call returns. */
  clean?(text: Buffer): void
}

/** A clean row, as UTF-8: fields without quotes, spaces tidied. Fields are cut out only when asked for. */
export class SplitRow {
  line = 0
  buffer: Buffer = NO_BYTES
  readonly starts: Int32Array
  readonly ends: Int32Array
  /** The row as it was in the file. */
  source: Buffer = NO_BYTES
  from = 0
  to = 0
  latin1 = false

  constructor(width: number) {
    this.starts = new Int32Array(width)
    this.ends = new Int32Array(width)
  }

  /** Text of the field at a zero-based position. */
  field(index: number): string {
    const start = this.starts[index]!
    const end = this.ends[index]!
    return start === end ? '' : this.buffer.toString('utf8', start, end)
  }

  /** The row as it was in the file. */
  text(): string {
    return this.source.toString(this.latin1 ? 'latin1' : 'utf8', this.from, this.to)
  }
}

/**
 * Splits text separated by `;` (RFC 4180: quotes doubled, separators and line breaks inside quotes, LF and CRLF mixed; a
 * backslash is only a backslash) that arrives in pieces cut anywhere. In one pass over the bytes it also decodes latin1,
 * takes the quotes off, and makes each run of white space one space, none at the ends of a field: what it hands on can be
 * read without quoting rules. Every row of `width` columns goes to `sink.row`; of anything else the first physical line
 * goes to `sink.bad` and reading goes on at the line after it, so that one lost quote costs one line.
 */
export class Splitter {
  /** One-based physical line that is read next. */
  line = 1
  #rest: Buffer = NO_BYTES
  #input: Buffer = NO_BYTES
  #skipping = false
  #reason = ''
  #fields = 0
  #lines = 0
  #end = 0
  #out = Buffer.allocUnsafe(4 * DRAIN_SIZE)
  /** Where the clean rows that wait end. */
  #kept = 0
  #rowEnd = 0
  readonly #width: number
  readonly #sink: RowSink
  readonly #latin1: () => boolean
  readonly #row: SplitRow

  /** `latin1`: whether the bytes are that, else they should be UTF-8; asked for each piece. */
  constructor(width: number, sink: RowSink, latin1: () => boolean = () => false) {
    this.#width = width
    this.#sink = sink
    this.#latin1 = latin1
    this.#row = new SplitRow(width)
  }

  push(piece: Buffer): void {
    const buffer = this.#rest.length === 0 ? piece : this.#joined(piece)
    this.#rest = buffer.subarray(this.#consume(buffer, false))
  }

  /** The rest and a piece, in memory that is used again: a megabyte made for each piece keeps the garbage collector busy. */
  #joined(piece: Buffer): Buffer {
    const rest = this.#rest
    const length = rest.length + piece.length
    if (this.#input.length < length) {
      const more = Buffer.allocUnsafeSlow(2 * length)
      rest.copy(more)
      this.#input = more
    } else if (rest.buffer === this.#input.buffer) {
      const from = rest.byteOffset - this.#input.byteOffset
      this.#input.copyWithin(0, from, from + rest.length)
    } else rest.copy(this.#input)
    piece.copy(this.#input, rest.length)
    return this.#input.subarray(0, length)
  }

  /** `complete`: the text ended where its author ended it; else the row it was cut in is bad, however it looks. */
  end(complete: boolean): void {
    let from = this.#consume(this.#rest, complete)
    while (from < this.#rest.length)
      from = this.#bad(this.#rest, from, this.#rest.length, 'the file ends inside this row')
    this.#rest = NO_BYTES
    this.#drain()
  }

  #drain(): void {
    if (this.#kept > 0) this.#sink.clean?.(this.#out.subarray(0, this.#kept))
    this.#kept = 0
  }

  /** Answers where the first row begins that is not complete. */
  #consume(buffer: Buffer, final: boolean): number {
    const room = DRAIN_SIZE + 2 * buffer.length + this.#width + 1
    if (this.#out.length < room) {
      this.#drain()
      this.#out = Buffer.allocUnsafe(room)
    }
    this.#row.buffer = this.#out
    this.#row.latin1 = this.#latin1()
    let from = 0
    while (from < buffer.length) {
      if (this.#skipping) {
        const lf = buffer.indexOf(LF, from)
        if (lf < 0) return buffer.length
        from = lf + 1
        this.line++
        this.#skipping = false
        continue
      }
      const next = this.#scan(buffer, from, final, this.#row.latin1)
      if (next >= 0) {
        from = this.#take(buffer, from, next)
      } else if (next === MALFORMED) {
        const after = this.#bad(buffer, from, final ? buffer.length : -1, this.#reason)
        if (after < 0) return from
        from = after
      } else if (final) {
        from = this.#bad(buffer, from, buffer.length, 'the quote opened here is never closed')
      } else if (buffer.length - from > MAX_ROW) {
        from = this.#bad(buffer, from, -1, `longer than ${MAX_ROW} bytes: a quote opened here may never be closed`)
      } else {
        return from
      }
    }
    return from
  }

  #take(buffer: Buffer, from: number, next: number): number {
    const fields = this.#fields
    if (fields === this.#width) {
      const row = this.#row
      row.source = buffer
      row.from = from
      row.to = this.#end
      row.line = this.line
      if (!row.latin1 && !isUtf8(buffer.subarray(from, this.#end))) {
        return this.#bad(buffer, from, next, 'not valid UTF-8')
      }
      if (this.#sink.row(row)) {
        this.#out[this.#rowEnd] = LF
        this.#kept = this.#rowEnd + 1
        if (this.#kept >= DRAIN_SIZE) this.#drain()
      }
      this.line += this.#lines
      return next
    }
    if (this.#end === from) {
      this.line++
      return next
    }
    return this.#bad(buffer, from, next, `${fields} columns where ${this.#width} are expected`, fields)
  }

  /** Gives the first physical line to the sink; answers where the next one begins, -1 if it is not there yet. */
  #bad(buffer: Buffer, from: number, last: number, reason: string, width?: number): number {
    const lf = buffer.indexOf(LF, from)
    if (lf < 0 && last < 0) {
      if (buffer.length - from <= MAX_ROW) return -1
      this.#skipping = true
    }
    const end = lf < 0 ? Math.min(buffer.length, from + MAX_ROW) : lf
    const encoding = this.#row.latin1 ? 'latin1' : 'utf8'
    const content = buffer.toString(encoding, from, end > from && buffer[end - 1] === CR ? end - 1 : end)
    const cut = this.#skipping ? `; only its first ${MAX_ROW} bytes are kept` : ''
    this.#sink.bad({ line: this.line, reason: reason + cut, content, width })
    if (lf < 0) return buffer.length
    this.line++
    return lf + 1
  }

  /**
   * Reads one row: where the next begins, or why not. Sets the fields' places, their number and the lines it spans, and
   * writes the clean row behind those that wait. Every row there is goes through this loop, byte by byte.
   */
  #scan(buffer: Buffer, from: number, final: boolean, latin1: boolean): number {
    const { starts, ends } = this.#row
    const out = this.#out
    const length = buffer.length
    const width = this.#width
    let at = from
    let to = this.#kept
    let field = 0
    let lines = 1
    for (;;) {
      const start = to
      // A space is written only in front of what comes after it.
      let space = false
      const quoted = at < length && buffer[at] === QUOTE
      if (quoted) at++
      for (;;) {
        if (at >= length) {
          if (quoted || !final) return INCOMPLETE
          break
        }
        const byte = buffer[at]!
        if (byte > SPACE && byte < 128) {
          if (byte === QUOTE) {
            if (!quoted) break
            if (at + 1 >= length && !final) return INCOMPLETE
            if (buffer[at + 1] !== QUOTE) break
            at++
          } else if (byte === SEPARATOR && !quoted) break
          if (space) {
            if (to > start) out[to++] = SPACE
            space = false
          }
          out[to++] = byte
          // Most bytes go this way.
          for (at++; at < length; at++) {
            const more = buffer[at]!
            if (PLAIN[more] === 0) break
            out[to++] = more
          }
          continue
        } else if (byte === SPACE) space = true
        else if (byte < SPACE) {
          if (byte === LF || byte === CR) {
            if (!quoted) break
            if (byte === LF) lines++
            space = true
          } else if (byte === DELIMITER || (byte >= 9 && byte <= 12)) space = true
          else {
            if (space && to > start) out[to++] = SPACE
            space = false
            out[to++] = byte
          }
        } else if (latin1 && byte === NBSP) space = true
        else if (!latin1 && byte === 0xc2 && at + 1 >= length && !final) return INCOMPLETE
        else if (!latin1 && byte === 0xc2 && buffer[at + 1] === NBSP) {
          at++
          space = true
        } else {
          if (space && to > start) out[to++] = SPACE
          space = false
          if (latin1) {
            out[to++] = 0xc0 | (byte >> 6)
            out[to++] = 0x80 | (byte & 0x3f)
          } else out[to++] = byte
        }
        at++
      }
      if (quoted) at++
      if (field < width) {
        starts[field] = start
        ends[field] = to
      }
      field++
      if (at >= length) {
        if (!final) return INCOMPLETE
        this.#end = at
        break
      }
      const byte = buffer[at]
      if (byte === SEPARATOR) {
        if (field < width) out[to++] = DELIMITER
        at++
        continue
      }
      if (byte === LF) {
        this.#end = at++
        break
      }
      if (byte === CR && at + 1 >= length && !final) return INCOMPLETE
      if (byte === CR && (at + 1 >= length || buffer[at + 1] === LF)) {
        this.#end = at
        at = Math.min(at + 2, length)
        break
      }
      this.#reason =
        byte === CR
          ? 'a carriage return without a line feed'
          : quoted
            ? 'text after a closing quote'
            : 'a quote inside a field without quotes'
      return MALFORMED
    }
    this.#fields = field
    this.#lines = lines
    this.#rowEnd = to
    return at
  }
}
