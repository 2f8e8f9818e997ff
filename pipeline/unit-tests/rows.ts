import { quoteLiteral } from '../table.ts'

/** Rows as they were written: values as YAML has them, or text from CSV; absent is NULL. */
export interface Rows {
  columns: string[]
  rows: Record<string, unknown>[]
}

/** All columns that any of the mappings names, in order of appearance. */
export function dictRows(rows: readonly Record<string, unknown>[]): Rows {
  return { columns: [...new Set(rows.flatMap((row) => Object.keys(row)))], rows: [...rows] }
}

/** CSV with a header. An empty field is NULL, a quoted empty field is empty text. Throws with the line that is wrong. */
export function csvRows(text: string): Rows {
  const [header = [], ...records] = recordsOf(text)
  const columns = header.map((field) => (field ?? '').trim())
  const rows = records.map((record, index) => {
    if (record.length !== columns.length)
      throw new Error(`row ${index + 1} has ${record.length} fields, the header has ${columns.length}`)
    return Object.fromEntries(columns.map((column, position) => [column, record[position]]))
  })
  return { columns, rows }
}

function recordsOf(text: string): (string | null)[][] {
  const records: (string | null)[][] = []
  let record: (string | null)[] = []
  let field = ''
  let quoted = false
  let wasQuoted = false
  const endField = () => {
    const plain = field.trim()
    record.push(wasQuoted ? field : plain === '' ? null : plain)
    field = ''
    wasQuoted = false
  }
  const endRecord = () => {
    endField()
    if (record.length > 1 || record[0] !== null) records.push(record)
    record = []
  }
  for (let index = 0; index < text.length; index++) {
    const character = text[index]!
    if (quoted) {
      if (character !== '"') field += character
      else if (text[index + 1] === '"') field += text[++index]
      else quoted = false
    } else if (character === '"' && field.trim() === '') {
      quoted = true
      wasQuoted = true
      field = ''
    } else if (character === ',') endField()
    else if (character === '\n') endRecord()
    else if (character !== '\r' && !(wasQuoted && /\s/.test(character))) field += character
  }
  if (quoted) throw new Error('a quoted field is not closed')
  endRecord()
  return records
}

/** A value as SQL of a type: what does not fit is an error of DuckDB's, never NULL. */
export function valueText(value: unknown, type: string): string {
  if (value === null || value === undefined) return `cast(null as ${type})`
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return `cast(${String(value)} as ${type})`
  if (typeof value === 'string') return `cast(${quoteLiteral(value)} as ${type})`
  return `cast(cast(${quoteLiteral(JSON.stringify(value))} as json) as ${type})`
}
