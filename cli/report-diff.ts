import type { RelationChange } from '../pipeline/diff/compare.ts'
import type { DiffResult } from '../pipeline/diff/diff.ts'
import { type Gate, judge, shareOf } from '../pipeline/diff/gate.ts'
import type { DiffTable, FigureSpec } from '../pipeline/diff/part.ts'
import type { Row, Value } from '../pipeline/warehouse/duckdb.ts'
import { textTable } from './table.ts'

export interface Judged {
  text: string
  fails: boolean
  found: string
}

export function judgeAll(gates: readonly Gate[], { figures }: DiffResult): Judged[] {
  return gates.map((gate) => ({ text: gate.text, ...judge(gate, figures) }))
}

/** The whole result as one object. */
export function diffJson(result: DiffResult, judged: readonly Judged[]): object {
  const { before, as_of, marts, left_out, parts, figures, notes, rebuilt, timing, cpu } = result
  return {
    before,
    as_of,
    figures: Object.fromEntries([...figures].map(([name, figure]) => [name, withShare(figure)])),
    marts,
    left_out,
    parts: parts.map(({ name, title, told }) => ({ name, title, notes: told.notes, tables: told.tables })),
    notes,
    rebuilt,
    timing,
    cpu,
    gates: judged,
  }
}

function withShare(figure: { value: number; of?: number }) {
  return figure.of === undefined ? figure : { ...figure, percent: Number(shareOf(figure).toFixed(2)) }
}

/** For people: what moves first, then the tables behind it. */
export function diffText(
  result: DiffResult,
  specs: readonly FigureSpec[],
  judged: readonly Judged[],
  format: 'text' | 'markdown',
): string {
  const { before, as_of, marts, left_out, parts, notes } = result
  const markdown = format === 'markdown'
  const title = (text: string) => (markdown ? `### ${text}` : text)
  const changed = marts.filter(({ state }) => state !== 'unchanged')
  const lines: string[] = [
    markdown ? '## What this change moves' : `compared with ${before}, as of ${as_of}`,
    ...(markdown ? [`Compared with ${before}, on the same data, as of ${as_of}.`] : []),
    '',
  ]
  for (const { text, fails, found } of judged) {
    const verdict = fails ? 'fails' : 'passes'
    lines.push(markdown ? `**${verdict}:** \`${text}\` (${found})\n` : `${verdict}  ${text}  (${found})`)
  }
  for (const note of notes) lines.push(markdown ? `> ${note}\n` : `note  ${note}`)
  if (judged.length + notes.length > 0 && !markdown) lines.push('')
  if (changed.length === 0 && parts.every(({ told }) => isSilent(told.figures))) {
    lines.push('Nothing changes.')
    return lines.join('\n')
  }
  for (const part of parts) {
    const rows = specs.flatMap(({ name, label, of }) => {
      const figure = part.told.figures[name]
      if (figure === undefined || figure.value === 0) return []
      const share = of === undefined || !figure.of ? '' : `${Number(shareOf(figure).toFixed(1))} % of ${figure.of}`
      return [{ figure: label, n: figure.value, share }]
    })
    if (rows.length === 0 && part.told.notes.length === 0) continue
    lines.push(title(part.title), '')
    if (rows.length > 0) lines.push(textTable(rows as Row[], ['figure', 'n', 'share'], format), '')
    for (const note of part.told.notes) lines.push(markdown ? `> ${note}\n` : `note  ${note}`)
    for (const table of part.told.tables) if (table.total > 0) lines.push(...tableLines(table, format), '')
  }
  lines.push(title('Marts'), '')
  lines.push(
    changed.length === 0
      ? 'No mart changes.'
      : textTable(changed.map(martRow), ['mart', 'before', 'after', 'added', 'removed', 'changed', 'columns'], format),
  )
  for (const { name, note } of changed) if (note !== undefined) lines.push(`${name}: ${note}`)
  for (const { name, not_compared } of changed)
    if (not_compared.length > 0)
      lines.push(`${name}: not compared, since not made for this: ${not_compared.join(', ')}`)
  const same = marts.length - changed.length
  lines.push('', `${same} ${same === 1 ? 'mart is' : 'marts are'} as before.${leftOut(left_out)}`)
  return lines.join('\n')
}

function leftOut(names: readonly string[]): string {
  return names.length === 0 ? '' : ` Not compared, since they tell of runs: ${names.join(', ')}.`
}

function isSilent(figures: Record<string, { value: number }>): boolean {
  return Object.values(figures).every(({ value }) => value === 0)
}

function martRow(mart: RelationChange): Row {
  const { name, state, rows_before, rows_after, added, removed, changed } = mart
  const parts = [
    ...(state === 'new' ? ['new mart'] : state === 'gone' ? ['mart is gone'] : []),
    ...mart.columns_added.map((column) => `+${column}`),
    ...mart.columns_removed.map((column) => `-${column}`),
    ...mart.columns_retyped.map((column) => `${column.name}: ${column.before} → ${column.after}`),
    ...mart.columns.map((column) => `${column.name} ${column.rows}`),
  ]
  const columns = [...parts.slice(0, 6), ...(parts.length > 6 ? [`${parts.length - 6} more`] : [])].join(', ')
  return { mart: name, before: rows_before, after: rows_after, added, removed, changed, columns }
}

function tableLines({ title, columns, rows, total }: DiffTable, format: 'text' | 'markdown'): string[] {
  const count = rows.length < total ? `, the first ${rows.length} of ${total}` : ''
  const shown = rows.map((row) =>
    Object.fromEntries(columns.map((column) => [column, cellOf(column, row[column])])),
  ) as Row[]
  const heading = format === 'markdown' ? `**${title}**${count}` : `${title}${count}`
  const lines = [heading, '', textTable(shown, columns, format)]
  return format === 'markdown' && rows.length > 10
    ? [`<details><summary>${title}${count}</summary>`, '', textTable(shown, columns, format), '', '</details>']
    : lines
}

/** Deltas are said in a line: `fit.backed +5, fit.weight -2`. */
function cellOf(column: string, value: Value | undefined): Value {
  if (column !== 'deltas' || !Array.isArray(value)) return value ?? null
  const entries = value as unknown as { rule: string; delta: number }[]
  const said = entries.slice(0, 3).map(({ rule, delta }) => `${rule} ${delta > 0 ? '+' : ''}${delta}`)
  return [...said, ...(entries.length > 3 ? [`${entries.length - 3} more`] : [])].join(', ')
}
