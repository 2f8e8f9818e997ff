import { isUtf8 } from 'node:buffer'

const QUOTE = 34
const SEPARATOR = 59
const LF = 10
const CR = 13
const INCOMPLETE = -1
const MALFORMED = -2
const NO_BYTES = Buffer.alloc(0)

/** Longest row that is read, in bytes: a quote that is never closed must not swallow a file. */
export const MAX_ROW = 1024 * 1024

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
  /** The same object each time: good until the call returns. */
  row(row: SplitRow): void
  bad(row: BadRow): void
}

/** A row of delimited text, as bytes: fields are cut out only when asked for. */
export class SplitRow {
  line = 0
  buffer: Buffer = NO_BYTES
  /** The row's bytes, without its line end. */
  start = 0
  end = 0
  readonly starts: Int32Array
  readonly ends: Int32Array

  constructor(width: number) {
    this.starts = new Int32Array(width)
    this.ends = new Int32Array(width)
  }

  /** Text of the field at a zero-based position, quotes taken off. */
  field(index: number): string {
    const start = this.starts[index]!
    const end = this.ends[index]!
    if (start === end) return ''
    const text = this.buffer.toString('utf8', start, end)
    return text.includes('"') ? text.replaceAll('""', '"') : text
  }

  text(): string {
    return this.buffer.toString('utf8', this.start, this.end)
  }
}

/**
 * Splits UTF-8 text separated by `;` (RFC 4180: quotes doubled, separators and line breaks inside quotes, LF and CRLF
 * mixed; a backslash is only a backslash) that arrives in pieces cut anywhere. Every row of `width` columns goes to
 * `sink.row`; of anything else the first physical line goes to `sink.bad` and reading goes on at the line after it, so
 * that one lost quote costs one line.
 */
export class Splitter {
  /** One-based physical line that is read next. */
  line = 1
  #rest: Buffer = NO_BYTES
  #skipping = false
  #reason = ''
  #fields = 0
  #lines = 0
  #end = 0
  readonly #width: number
  readonly #sink: RowSink
  readonly #verifyUtf8: () => boolean
  readonly #row: SplitRow

  /** `verifyUtf8`: whether the bytes may be something else than UTF-8; asked for each row. */
  constructor(width: number, sink: RowSink, verifyUtf8: () => boolean = () => true) {
    this.#width = width
    this.#sink = sink
    this.#verifyUtf8 = verifyUtf8
    this.#row = new SplitRow(width)
  }

  push(piece: Buffer): void {
    const buffer = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    this.#rest = buffer.subarray(this.#consume(buffer, false))
  }

  /** `complete`: the text ended where its author ended it; else the row it was cut in is bad, however it looks. */
  end(complete: boolean): void {
    const rest = this.#consume(this.#rest, complete)
    let from = rest
    while (from < this.#rest.length)
      from = this.#bad(this.#rest, from, this.#rest.length, 'the file ends inside this row')
    this.#rest = NO_BYTES
  }

  /** Answers where the first row begins that is not complete. */
  #consume(buffer: Buffer, final: boolean): number {
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
      const next = this.#scan(buffer, from, final)
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
      row.buffer = buffer
      row.start = from
      row.end = this.#end
      row.line = this.line
      if (this.#verifyUtf8() && !isUtf8(buffer.subarray(from, this.#end))) {
        return this.#bad(buffer, from, next, 'not valid UTF-8')
      }
      this.#sink.row(row)
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
    const content = buffer.toString('utf8', from, end > from && buffer[end - 1] === CR ? end - 1 : end)
    const cut = this.#skipping ? `; only its first ${MAX_ROW} bytes are kept` : ''
    this.#sink.bad({ line: this.line, reason: reason + cut, content, width })
    if (lf < 0) return buffer.length
    this.line++
    return lf + 1
  }

  /** Reads one row: where the next begins, or why not. Sets the fields' places, their number and the lines it spans. */
  #scan(buffer: Buffer, from: number, final: boolean): number {
    const { starts, ends } = this.#row
    const length = buffer.length
    const width = this.#width
    let at = from
    let field = 0
    let lines = 1
    for (;;) {
      let start = at
      let end: number
      if (at < length && buffer[at] === QUOTE) {
        start = ++at
        for (;;) {
          if (at >= length) return INCOMPLETE
          const byte = buffer[at]
          if (byte === QUOTE) {
            if (at + 1 >= length && !final) return INCOMPLETE
            if (buffer[at + 1] !== QUOTE) break
            at++
          } else if (byte === LF) lines++
          at++
        }
        end = at++
      } else {
        let byte = buffer[at]
        while (at < length && byte !== SEPARATOR && byte !== LF && byte !== CR && byte !== QUOTE) byte = buffer[++at]
        end = at
      }
      if (field < width) {
        starts[field] = start
        ends[field] = end
      }
      field++
      if (at >= length) {
        if (!final) return INCOMPLETE
        this.#end = at
        break
      }
      const byte = buffer[at]
      if (byte === SEPARATOR) {
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
          : start > from && buffer[start - 1] === QUOTE
            ? 'text after a closing quote'
            : 'a quote inside a field without quotes'
      return MALFORMED
    }
    this.#fields = field
    this.#lines = lines
    return at
  }
}
