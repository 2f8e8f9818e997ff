import { quoteIdentifier as id, quoteLiteral } from '../pipeline/table.ts'
import type { Layer } from './arithmetic.ts'
import type { Brief, EvidenceRow, Template } from './brief.ts'
import type { Section, Sentence } from './brief-template.ts'
import { plain, verbatim, wordOf } from './brief-words.ts'
import { type Columns, shown, textSql } from './text.ts'

const LANGUAGE = 'brief language'
const WORDS = 'brief words'
const EXACT = 'brief exact words'
const SENTENCES = 'brief sentences'
export const WANTED = "qualification_status in ('qualified', 'nurture')"

/** What a page is made from, one step after the other: its language, the words of its slots, its sentences in order. */
export function briefLayers(brief: Brief, types: Columns): Layer[] {
  const slots = slotsOf(brief)
  const list = (columns: readonly string[], made: (word: string) => string) =>
    columns.length === 0
      ? '[]::VARCHAR[]'
      : `case when ${WANTED} then list_transform([${columns.map((column) => wordIn(brief, column, types)).join(', ')}], lambda t: ${made('t')}) end`
  const word = (sentence: Sentence) => (slot: string, index: number) =>
    isExact(sentence, index)
      ? `${id(EXACT)}[${slots.exact.indexOf(slot) + 1}]`
      : `${id(WORDS)}[${slots.plain.indexOf(slot) + 1}]`
  const sentences = byLanguage(brief, ({ sections }) => {
    const all = sections.flatMap((section) => section.sentences)
    return `[\n    ${all.map((sentence) => sentenceSql(sentence, brief, types, word(sentence))).join(',\n    ')}\n  ]`
  })
  return [
    [{ column: LANGUAGE, sql: languageSql(brief) }],
    [
      { column: WORDS, sql: list(slots.plain, plain) },
      { column: EXACT, sql: list(slots.exact, verbatim) },
    ],
    [{ column: SENTENCES, sql: `case when ${WANTED} then ${sentences} end` }],
  ]
}

/** The Markdown of the page; NULL for leads that have none. Reads the columns of `briefLayers`. */
export function briefSql(brief: Brief): string {
  const page = byLanguage(brief, (template) => pageSql(template, brief))
  return `case when ${WANTED} then ${page} end`
}

/** What the page states, sentence by sentence, and the rows behind it: `fct_buying_signals:sig_…`. */
export function evidenceListSql(brief: Brief): string {
  const list = byLanguage(brief, (template) => {
    const entries = said(template).flatMap(({ sentence, text }) => {
      if (sentence.states.length === 0) return []
      const ids = rowsBehind(sentence, brief).map((row) => `${quoteLiteral(`${row.table}:`)} || ${id(row.id)}`)
      return [`case when ${text} is not null then {'sentence': ${text}, 'row_ids': [${ids.join(', ')}]} end`]
    })
    return entries.length === 0 ? '[]' : `list_filter([\n    ${entries.join(',\n    ')}\n  ], lambda e: e is not null)`
  })
  return `case when ${WANTED} then ${list} end`
}

/** The first template whose `when` holds, else the last. */
export function languageSql({ templates }: Brief): string {
  const last = quoteLiteral(templates.at(-1)!.language)
  const cases = templates.flatMap(({ when, language }) =>
    when === undefined ? [] : [`when (${when.sql}\n) then ${quoteLiteral(language)}`],
  )
  return cases.length === 0 ? last : `case ${cases.join(' ')} else ${last} end`
}

/** Of a sentence: when it is called for, when all it states is known and has a row, and when those rows are young enough. */
export function conditionsOf(sentence: Sentence, brief: Brief, types: Columns) {
  const rows = rowsBehind(sentence, brief)
  const known = [
    ...sentence.states.map((column) => `${shown(column, types[column] ?? 'VARCHAR')} is not null`),
    ...rows.map((row) => `${id(row.id)} is not null`),
  ]
  const young = rows.flatMap(({ seen, within }) =>
    seen === undefined ? [] : [`coalesce(${id(seen)}::DATE >= as_of() - ${sentence.within ?? within}, false)`],
  )
  const all = (conditions: readonly string[]) => (conditions.length === 0 ? 'true' : conditions.join(' and '))
  const wanted = sentence.when === undefined ? 'true' : `coalesce((${sentence.when.sql}\n), false)`
  return { wanted, known: all(known), young: all(young) }
}

/** The rows that carry what a sentence states, in the order of the file. */
export function rowsBehind({ states }: Sentence, { rows }: Brief): EvidenceRow[] {
  return rows.filter(({ columns }) => columns.some((column) => states.includes(column)))
}

function slotsOf({ templates }: Brief): { plain: string[]; exact: string[] } {
  const found = { plain: new Set<string>(), exact: new Set<string>() }
  for (const sentence of templates.flatMap(({ sections }) => sections.flatMap((section) => section.sentences))) {
    for (const [index, part] of sentence.text.parts.entries())
      if (typeof part !== 'string') found[isExact(sentence, index) ? 'exact' : 'plain'].add(part.slot)
  }
  return { plain: [...found.plain], exact: [...found.exact] }
}

/** Whether the slot stands between backticks. */
function isExact({ text: { parts } }: Sentence, index: number): boolean {
  const [before, after] = [parts[index - 1], parts[index + 1]]
  return typeof before === 'string' && before.endsWith('`') && typeof after === 'string' && after.startsWith('`')
}

function wordIn(brief: Brief, column: string, types: Columns): string {
  return byLanguage(brief, (template) => wordOf(column, types[column] ?? 'VARCHAR', template))
}

function sentenceSql(
  sentence: Sentence,
  brief: Brief,
  types: Columns,
  word: (slot: string, index: number) => string,
): string {
  const { parts } = sentence.text
  const words = parts.map((part, index) => (typeof part === 'string' ? quoteLiteral(part) : word(part.slot, index)))
  const { wanted, known, young } = conditionsOf(sentence, brief, types)
  const conditions = [wanted, known, young].filter((condition) => condition !== 'true')
  const text = parts.length === 0 ? textSql(sentence.text, () => '') : words.join(' || ')
  return conditions.length === 0 ? text : `case when ${conditions.join(' and ')} then ${text} end`
}

/** The sentences of a page, in the order of the list in SENTENCES. */
function said({ sections }: Template): { section: Section; sentence: Sentence; text: string }[] {
  let position = 0
  return sections.flatMap((section) =>
    section.sentences.map((sentence) => {
      position += 1
      return { section, sentence, text: `${id(SENTENCES)}[${position}]` }
    }),
  )
}

/** Headings stand where a sentence is left below them; the rows, as footnotes, at the end. */
function pageSql(template: Template, brief: Brief): string {
  const sentences = said(template)
  const anyOf = (texts: readonly string[]) => `coalesce(${texts.join(', ')})`
  const sections = template.sections.map((section) => {
    const own = sentences.filter((one) => one.section === section)
    const heading = section.heading === '' ? '' : `${quoteLiteral(`${section.heading}\n`)} || `
    const lines = own.map(({ sentence, text }) => {
      const notes = rowsBehind(sentence, brief).map(({ name }) => `[^${name}]`)
      const after = notes.length === 0 ? '' : ` || ${quoteLiteral(` ${notes.join(' ')}`)}`
      return `${sentence.bullet === '' ? '' : `${quoteLiteral(sentence.bullet)} || `}${text}${after}`
    })
    const there = anyOf(own.map(({ text }) => text))
    return `case when ${there} is not null then ${heading}concat_ws(chr(10),\n      ${lines.join(',\n      ')}) end`
  })
  const notes = brief.rows.flatMap((row) => {
    const texts = sentences.filter(({ sentence }) => rowsBehind(sentence, brief).includes(row)).map(({ text }) => text)
    if (texts.length === 0) return []
    return [
      `case when ${anyOf(texts)} is not null then ${quoteLiteral(`[^${row.name}]: ${row.table} `)} || ${id(row.id)} end`,
    ]
  })
  const last = notes.length === 0 ? [] : [`nullif(concat_ws(chr(10), ${notes.join(', ')}), '')`]
  return `nullif(concat_ws(chr(10) || chr(10),\n    ${[...sections, ...last].join(',\n    ')}), '')`
}

function byLanguage({ templates }: Brief, sql: (template: Template) => string): string {
  const texts = templates.map((template) => ({ language: template.language, text: sql(template) }))
  if (texts.every(({ text }) => text === texts[0]!.text)) return `(${texts[0]!.text})`
  const last = texts.at(-1)!
  const cases = texts
    .slice(0, -1)
    .map(({ language, text }) => `when ${id(LANGUAGE)} = ${quoteLiteral(language)} then ${text}`)
  return `(case ${cases.join(' ')} else ${last.text} end)`
}
