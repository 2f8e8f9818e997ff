import type { Row } from '../pipeline/warehouse/duckdb.ts'

/** Rows as CSV (RFC 4180), with a header. */
export function csvTable(rows: readonly Row[], columns: readonly string[]): string {
  const field = (value: unknown) => {
    const text = value === null || value === undefined ? '' : String(value)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return [columns, ...rows.map((row) => columns.map((column) => row[column]))]
    .map((line) => line.map(field).join(','))
    .join('\n')
}

/** Rows as a plain text table; wide values are cut. */
export function textTable(rows: readonly Row[], columns: readonly string[], format: 'text' | 'markdown'): string {
  const cells = rows.map((row) => columns.map((column) => cell(row[column])))
  if (format === 'markdown') {
    const lines = [
      columns,
      columns.map(() => '---'),
      ...cells.map((line) => line.map((text) => text.replaceAll('|', '\\|'))),
    ]
    return lines.map((line) => `| ${line.join(' | ')} |`).join('\n')
  }
  const widths = columns.map((column, index) => Math.max(column.length, ...cells.map((line) => line[index]!.length)))
  const lines = [columns, widths.map((width) => '-'.repeat(width)), ...cells]
  return lines
    .map((line) =>
      line
        .map((text, index) => text.padEnd(widths[index]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length > 60 ? `${line.slice(0, 57)}...` : line
}
