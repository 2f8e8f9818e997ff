import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BadRow, DELIMITER, MAX_ROW, type RowSink, Splitter } from '../../../../pipeline/bulk/splitter.ts'

interface Split {
  rows: string[][]
  /** The clean text, cut into rows and fields again. */
  clean: string[][]
  lines: number[]
  bad: BadRow[]
  /** Line the splitter stands on at the end. */
  line: number
}

function split(
  text: string | Buffer,
  width: number,
  options: { pieces?: number[]; complete?: boolean; latin1?: boolean } = {},
): Split {
  const found: Split = { rows: [], clean: [], lines: [], bad: [], line: 0 }
  let clean = ''
  const sink: RowSink = {
    row(row) {
      found.rows.push(Array.from({ length: width }, (_, index) => row.field(index)))
      found.lines.push(row.line)
      return true
    },
    bad: (row) => found.bad.push(row),
    clean: (piece) => {
      clean += piece.toString('utf8')
    },
  }
  const splitter = new Splitter(width, sink, () => options.latin1 ?? false)
  const bytes = typeof text === 'string' ? Buffer.from(text, options.latin1 ? 'latin1' : 'utf8') : text
  let from = 0
  for (const size of options.pieces ?? []) {
    splitter.push(bytes.subarray(from, from + size))
    from += size
  }
  splitter.push(bytes.subarray(from))
  splitter.end(options.complete ?? true)
  found.line = splitter.line
  const rows = clean.split('\n').slice(0, -1)
  found.clean = rows.map((row) => row.split(String.fromCharCode(DELIMITER)))
  return found
}

const field = fc.string({
  unit: fc.constantFrom('a', 'ç', '"', ';', '\n', '\r\n', '\\', ' ', '€', '0', '\t', '\u00a0', '\u001f'),
  maxLength: 6,
})
/** As it is kept: runs of white space are one space, none at the ends. */
const tidy = (text: string) =>
  text.replaceAll(String.fromCharCode(DELIMITER), ' ').replace(/\s+/g, ' ').replace(/^ | $/g, '')
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
const table = fc
  .integer({ min: 1, max: 4 })
  .chain((width) => fc.array(fc.array(field, { minLength: width, maxLength: width }), { maxLength: 8 }))

describe('Splitter', () => {
  it('reads back any table, however it is cut into pieces, with LF or CRLF', () => {
    fc.assert(
      fc.property(
        table,
        fc.constantFrom('\n', '\r\n'),
        fc.array(fc.integer({ min: 0, max: 9 })),
        (rows, end, pieces) => {
          const text = rows.map((row) => row.map(quoted).join(';') + end).join('')
          const found = split(text, rows[0]?.length ?? 1, { pieces })
          expect(found.rows).toEqual(rows.map((row) => row.map(tidy)))
          expect(found.clean).toEqual(found.rows)
          expect(found.bad).toEqual([])
          expect(found.line).toBe(text.split('\n').length)
        },
      ),
    )
  })

  it('decodes latin1 on the way, all of it', () => {
    const text = fc.string({
      unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
      maxLength: 40,
    })
    fc.assert(
      fc.property(fc.array(text), fc.array(fc.integer({ min: 0, max: 9 })), (texts, pieces) => {
        const found = split(texts.map((one) => `${quoted(one)};"x"\n`).join(''), 2, { pieces, latin1: true })
        expect(found.rows).toEqual(texts.map((one) => [tidy(one), 'x']))
        expect(found.clean).toEqual(found.rows)
      }),
    )
  })

  it('hands on no row that is not wanted', () => {
    let clean = ''
    const splitter = new Splitter(2, {
      row: (row) => row.field(0) !== 'no',
      bad: () => {},
      clean: (text) => {
        clean += text.toString()
      },
    })
    splitter.push(Buffer.from('"yes";"1"\n"no";"2"\n"yes";"3"\n'))
    splitter.end(true)
    expect(clean).toBe('yes\u001f1\nyes\u001f3\n')
  })

  it('says the same of any text, however it is cut into pieces', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', ';', '\n', '\r', '\\'), maxLength: 60 })
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 0, max: 5 })), fc.boolean(), (whole, pieces, complete) => {
        expect(split(whole, 2, { pieces, complete })).toEqual(split(whole, 2, { complete }))
      }),
    )
  })

  it('loses no line of any text: each is in a row, rejected, or empty', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', ';', '\n', '\\'), maxLength: 60 })
    fc.assert(
      fc.property(text, (whole) => {
        const covered = new Set<number>()
        let splitter: Splitter
        const sink: RowSink = {
          row(row) {
            const breaks = row.text().split('\n').length - 1
            for (let line = 0; line <= breaks; line++) covered.add(splitter.line + line)
            return false
          },
          bad: ({ line }) => covered.add(line),
        }
        splitter = new Splitter(2, sink)
        splitter.push(Buffer.from(whole))
        splitter.end(true)
        const lost = whole.split('\n').flatMap((line, index) => (line === '' || covered.has(index + 1) ? [] : [line]))
        expect(lost).toEqual([])
      }),
    )
  })

  it('takes fields without quotes, empty ones, and a last row without line end', () => {
    expect(split('a;b\n;""\n"c";d', 2).rows).toEqual([
      ['a', 'b'],
      ['', ''],
      ['c', 'd'],
    ])
  })

  it('takes a backslash for what it is', () => {
    expect(split('"a\\";"b"\n', 2).rows).toEqual([['a\\', 'b']])
  })

  it('says the physical line a row begins on', () => {
    expect(split('"a\nb";"c"\n"d";"e\r\nf"\r\n"g";"h"\n', 2).lines).toEqual([1, 3, 5])
  })

  it.each([
    ['too few columns', '"b"\n', '1 columns where 2 are expected'],
    ['too many columns', '"b";"c";"d"\n', '3 columns where 2 are expected'],
    ['a quote inside a field without quotes', 'b"c;d\n', 'a quote inside a field without quotes'],
    ['text after a closing quote', '"b"c;"d"\n', 'text after a closing quote'],
    ['a lone carriage return', 'b\rc;d\n', 'a carriage return without a line feed'],
    ['bytes that are not UTF-8', Buffer.from('"\xe7";"b"\n', 'latin1'), 'not valid UTF-8'],
  ])('rejects a row with %s, and goes on', (_what, text, reason) => {
    const found = split(Buffer.concat([Buffer.from('"1";"2"\n'), Buffer.from(text), Buffer.from('"3";"4"\n')]), 2)
    expect(found.rows).toEqual([
      ['1', '2'],
      ['3', '4'],
    ])
    expect(found.bad).toMatchObject([{ line: 2, reason }])
  })

  it('loses one line to a quote that is never closed', () => {
    const found = split('"a";"b\n"c";"d"\n"e";"f"\n', 2)
    expect(found.rows).toEqual([
      ['c', 'd'],
      ['e', 'f'],
    ])
    expect(found.bad).toMatchObject([{ line: 1, content: '"a";"b' }])
  })

  it('rejects the row a cut file ends in, even one that looks whole', () => {
    expect(split('"a";"b"\n"c";"d"', 2, { complete: false })).toMatchObject({
      rows: [['a', 'b']],
      bad: [{ line: 2, reason: 'the file ends inside this row', content: '"c";"d"' }],
    })
  })

  it('rejects an open quote at the end of a whole file', () => {
    expect(split('"a";"b\n', 2).bad).toMatchObject([{ line: 1, reason: 'the quote opened here is never closed' }])
  })

  it('rejects a row beyond the cap with its beginning, and goes on after it', () => {
    const found = split(`"1";"${'x'.repeat(3 * MAX_ROW)}\n"2";"3"\n`, 2, {
      pieces: Array.from({ length: 50 }, () => 65_536),
    })
    expect(found.rows).toEqual([['2', '3']])
    expect(found.bad).toHaveLength(1)
    expect(found.bad[0]).toMatchObject({ line: 1, reason: expect.stringContaining('longer than') })
    expect(found.bad[0]!.content).toHaveLength(MAX_ROW)
  })
})
