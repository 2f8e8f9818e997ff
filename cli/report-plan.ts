import type { PlanSection } from '../pipeline/plan-part.ts'
import { textTable } from './table.ts'

/** What one part says, or why it says nothing. */
export interface Told {
  name: string
  title: string
  section?: PlanSection
  /** Why there is no section. */
  silent?: string
}

export interface PlannedNode {
  name: string
  kind: string
  file: string
  /** `unchanged` where nothing would be done; null while that is not known. */
  reason: string | null
}

export interface PlanResult {
  as_of: string
  target: string
  live: readonly string[]
  inner: readonly PlannedNode[]
  outward: readonly PlannedNode[]
  parts: readonly Told[]
}

export function planJson({ parts, ...plan }: PlanResult): object {
  const sections = parts.map(({ name, title, section, silent }) => [name, { title, ...(section ?? { silent }) }])
  return { ...plan, sections: Object.fromEntries(sections) }
}

/** For people: what would be built and why, then what each room would do. Long tables are cut to `limit` rows. */
export function planText(plan: PlanResult, format: 'text' | 'markdown', limit: number): string {
  const heading = (text: string) =>
    format === 'markdown' ? `\n### ${text}\n` : `\n${text}\n${'-'.repeat(text.length)}`
  return [
    heading('steps and models to run'),
    ...nodes(plan, format, limit),
    ...plan.parts.flatMap(({ title, section, silent }) => [
      heading(title),
      ...(section === undefined ? [silent ?? 'nothing to say'] : lines(section, format, limit)),
    ]),
  ]
    .join('\n')
    .trimStart()
}

function nodes({ inner, outward }: PlanResult, format: 'text' | 'markdown', limit: number): string[] {
  const all = [
    ...inner.map((node) => ({ when: 'build', ...node })),
    ...outward.map((node) => ({ when: 'after publication', ...node })),
  ]
  const due = all.filter(({ reason }) => reason !== 'unchanged')
  const text = `${due.length} of ${all.length} nodes would run; the others are unchanged`
  if (due.length === 0) return [text]
  const tests = due.filter(({ kind }) => kind.endsWith('test')).length
  const shown = due.filter(({ kind }) => !kind.endsWith('test'))
  const rows = shown.map(({ when, kind, name, reason }) => ({ when, kind, name, reason }))
  return [
    `${text}${tests > 0 ? ` (${tests} of them tests)` : ''}`,
    cut(rows, ['when', 'kind', 'name', 'reason'], format, limit),
  ]
}

function lines(
  { text, tables = [], findings = [] }: PlanSection,
  format: 'text' | 'markdown',
  limit: number,
): string[] {
  return [
    text,
    ...findings.map(({ file, line, message, hint }) => {
      const place = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}`}  `
      return `${format === 'markdown' ? '- ' : ''}${place}${message}${hint === undefined ? '' : `. ${hint}`}`
    }),
    ...tables
      .filter(({ rows }) => rows.length > 0)
      .flatMap(({ name, columns, rows }) => [
        '',
        `${name}:`,
        ...(format === 'markdown' ? [''] : []),
        cut(rows, columns, format, limit),
      ]),
  ]
}

function cut(
  rows: readonly Parameters<typeof textTable>[0][number][],
  columns: readonly string[],
  format: 'text' | 'markdown',
  limit: number,
): string {
  const shown = limit < 0 ? rows : rows.slice(0, limit)
  const rest = rows.length - shown.length
  const more = format === 'markdown' ? `\n\n… and ${rest} more` : `\n… and ${rest} more (--limit -1 shows all)`
  return textTable(shown, columns, format) + (rest > 0 ? more : '')
}
