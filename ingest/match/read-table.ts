import { isUtf8 } from 'node:buffer'
import { closeSync, createReadStream, openSync, readSync } from 'node:fs'

/** A quoted field longer than this was never closed: its quote is a character like any other. */
const LONGEST_FIELD = 1024 * 1024
const SAMPLE = 1024 * 1024

export interface TableRow {
  /** One-based line it begins on. */
  line: number
  fields: string[]
}

/**
 * Rows of a delimited text file, the header first, whatever its defects: UTF-8, UTF-16 or Windows-1252, with or without
 * mark; comma, semicolon, tab or bar; mixed line ends, line ends in quotes, stray and unclosed quotes, NUL bytes. No row is
 * dropped but blank ones; short rows are short.
 */
export async function* readTable(path: string): AsyncGenerator<TableRow> {
  const { encoding, delimiter } = sniffTable(path)
  const decoder = new TextDecoder(encoding)
  let rest = ''
  let line = 1
  const stream = createReadStream(path, { highWaterMark: 1024 * 1024 })
  for await (const piece of stream) {
    rest += decoder.decode(piece as Buffer, { stream: true })
    const taken = parseRows(rest, delimiter, line, false)
    yield* taken.rows
    rest = rest.slice(taken.end)
    line = taken.line
  }
  rest += decoder.decode()
  yield* parseRows(rest, delimiter, line, true).rows
}

/** By its mark, else UTF-8 if its beginning is valid, else Windows-1252; the delimiter that the first line has most of. */
function sniffTable(path: string): { encoding: string; delimiter: string } {
  const buffer = Buffer.alloc(SAMPLE)
  const handle = openSync(path, 'r')
  const head = buffer.subarray(0, readSync(handle, buffer, 0, SAMPLE, 0))
  closeSync(handle)
  const encoding = encodingOf(head)
  const first =
    new TextDecoder(encoding)
      .decode(head)
      .replaceAll(/"[^"]*"/g, '')
      .split(/\r?\n|\r/, 1)[0] ?? ''
  const counted = [',', ';', '\t', '|'].map((delimiter) => ({ delimiter, count: first.split(delimiter).length }))
  return { encoding, delimiter: counted.sort((a, b) => b.count - a.count)[0]!.delimiter }
}

function encodingOf(head: Buffer): string {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  // The sample may end within a character.
  for (let cut = 0; cut < 4; cut++) if (isUtf8(head.subarray(0, head.length - cut))) return 'utf-8'
  return 'windows-1252'
}

/** The whole rows of a text, and where the rest begins. */
function parseRows(
  text: string,
  delimiter: string,
  from: number,
  last: boolean,
): { rows: TableRow[]; end: number; line: number } {
  const rows: TableRow[] = []
  let at = 0
  let line = from
  for (let end = 0; at < text.length; at = end) {
    const row = parseRow(text, at, delimiter, last)
    if (row === undefined) break
    end = row.end
    if (row.fields.length > 1 || row.fields[0] !== '') rows.push({ line, fields: row.fields })
    line += row.lines
  }
  return { rows, end: at, line }
}

function parseRow(
  text: string,
  start: number,
  delimiter: string,
  last: boolean,
): { fields: string[]; end: number; lines: number } | undefined {
  const fields: string[] = []
  let at = start
  let lines = 1
  for (;;) {
    const quoted = text[at] === '"' ? quotedField(text, at, delimiter) : undefined
    if (quoted === 'open' && !last && text.length - at < LONGEST_FIELD) return undefined
    let value: string
    if (quoted !== undefined && quoted !== 'open') {
      value = quoted.value
      lines += value.split('\n').length - 1
      at = quoted.end
    } else {
      let stop = at
      while (stop < text.length && text[stop] !== delimiter && text[stop] !== '\n' && text[stop] !== '\r') stop++
      if (stop >= text.length - 1 && !last) return undefined
      value = text.slice(at, stop)
      at = stop
    }
    fields.push(value.replaceAll('\0', ''))
    if (at >= text.length) return last ? { fields, end: at, lines } : undefined
    if (text[at] === delimiter) {
      at++
      continue
    }
    return { fields, end: text[at] === '\r' && text[at + 1] === '\n' ? at + 2 : at + 1, lines }
  }
}

/** A field in quotes, closed before a delimiter or a line's end; `open` if it never is. A quote elsewhere in it is meant. */
function quotedField(text: string, start: number, delimiter: string): { value: string; end: number } | 'open' {
  for (let at = start + 1; ; at++) {
    at = text.indexOf('"', at)
    if (at < 0 || at - start > LONGEST_FIELD) return 'open'
    const next = text[at + 1]
    if (next === '"') at++
    else if (next === delimiter || next === '\n' || next === '\r' || next === undefined)
      return { value: text.slice(start + 1, at).replaceAll('""', '"'), end: at + 1 }
  }
}
