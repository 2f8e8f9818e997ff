import { quoteIdentifier, quoteLiteral } from '../pipeline/table.ts'

/** Column → DuckDB type: what a card may read. */
export type Columns = Readonly<Record<string, string>>

export interface Text {
  parts: (string | { slot: string })[]
  slots: string[]
}

/** `"{employee_count} employees"` → its literal parts and slots; undefined where a brace is stray. */
export function parseText(text: string): Text | undefined {
  const parts = text
    .split(/(\{[a-z][a-z0-9_]*\})/)
    .filter((part) => part !== '')
    .map((part) => (/^\{[a-z]/.test(part) && part.endsWith('}') ? { slot: part.slice(1, -1) } : part))
  if (parts.some((part) => typeof part === 'string' && /[{}]/.test(part))) return undefined
  return { parts, slots: [...new Set(parts.flatMap((part) => (typeof part === 'string' ? [] : [part.slot])))] }
}

/** Whether a column of this type can be shown in a sentence. */
export function isShowable(type: string): boolean {
  return !/^(STRUCT|MAP|UNION|JSON|BLOB|VARIANT)/.test(type) && !/(\)|\]|MAP|STRUCT)\[\]$/.test(type)
}

/** A column as people read it; NULL stays NULL, an empty list or text is NULL. */
export function shown(column: string, type: string): string {
  const value = quoteIdentifier(column)
  if (type.endsWith('[]')) return `nullif(array_to_string(${value}::VARCHAR[], ', '), '')`
  if (/^(DOUBLE|FLOAT|DECIMAL)/.test(type)) return `format('{:.12g}', ${value}::DOUBLE)`
  if (type.startsWith('TIMESTAMP')) return `strftime(${value}, '%Y-%m-%d %H:%M')`
  return type === 'VARCHAR' ? `nullif(${value}, '')` : `${value}::VARCHAR`
}

/** The SQL of a text; `fill` gives a slot's. */
export function textSql(text: Text, fill: (slot: string) => string): string {
  if (text.parts.length === 0) return "''"
  return text.parts.map((part) => (typeof part === 'string' ? quoteLiteral(part) : fill(part.slot))).join(' || ')
}

/** `employee_count=120; industry=software`: the values behind a reason, unknown ones left out. */
export function evidenceSql(columns: readonly string[], types: Columns): string {
  if (columns.length === 0) return 'NULL::VARCHAR'
  const values = columns.map(
    (column) => `${quoteLiteral(`${column}=`)} || ${shown(column, types[column] ?? 'VARCHAR')}`,
  )
  return `nullif(concat_ws('; ', ${values.join(', ')}), '')`
}
