/** A row as text, in the order of the columns; NULL is null. */
export type TextRow = readonly (string | null)[]

const SHOWN = 20

/**
 * Rows that were expected and are not there, and rows that are there and were not expected, as a table; rows that are
 * most alike stand together, and `^` marks the values in which such a pair differs.
 */
export function diffTable(
  columns: readonly string[],
  missing: readonly TextRow[],
  unexpected: readonly TextRow[],
): string[] {
  const lines: { mark: string; cells: string[] }[] = [{ mark: '', cells: [...columns] }]
  const left = [...unexpected]
  const told = missing.slice(0, SHOWN)
  for (const row of told) {
    lines.push({ mark: 'expected', cells: row.map(cell) })
    const best = mostAlike(row, left)
    if (best === undefined) continue
    const [actual] = left.splice(best, 1)
    lines.push({ mark: 'actual', cells: actual!.map(cell) })
    const marks = row.map((value, index) => (value === actual![index] ? '' : '^'.repeat(cell(actual![index]!).length)))
    lines.push({ mark: '', cells: marks })
  }
  for (const row of left.slice(0, SHOWN)) lines.push({ mark: 'unexpected', cells: row.map(cell) })
  const more = missing.length - told.length + Math.max(0, left.length - SHOWN)
  const widths = columns.map((_, index) => Math.max(...lines.map(({ cells }) => cells[index]!.length)))
  const text = lines.map(({ mark, cells }) =>
    [mark.padEnd(10), ...cells.map((value, index) => value.padEnd(widths[index]!))].join('  ').trimEnd(),
  )
  return more === 0 ? text : [...text, `... and ${more} more`]
}

function cell(value: string | null): string {
  if (value === null) return 'NULL'
  return value === '' || value.trim() !== value || value === 'NULL'
    ? JSON.stringify(value)
    : value.replaceAll('\n', '\\n')
}

/** The row with the most equal values, if any is equal. */
function mostAlike(row: TextRow, candidates: readonly TextRow[]): number | undefined {
  let best: number | undefined
  let most = 0
  for (const [index, candidate] of candidates.entries()) {
    const equal = row.filter((value, position) => value === candidate[position]).length
    if (equal > most) [best, most] = [index, equal]
  }
  return best ?? (row.length === 1 && candidates.length > 0 ? 0 : undefined)
}
