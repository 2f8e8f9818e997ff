/**
 * RFC 4180, for spreadsheets: what begins as a formula does (= + - @, tab, CR, NUL, full-width forms) gets an apostrophe, telephone
 * numbers with + too. Numbers stay numbers.
 */
export function toCsv(columns: readonly string[], rows: readonly Record<string, unknown>[]): string {
  const lines = [columns, ...rows.map((row) => columns.map((name) => row[name]))]
  return lines.map((line) => `${line.map(cell).join(',')}\r\n`).join('')
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return String(value)
  const plain = Array.isArray(value)
    ? value.join('; ')
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value)
  const safe = '=+-@\t\r\0＝＋－＠'.includes(plain.charAt(0)) && plain !== '' ? `'${plain}` : plain
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
