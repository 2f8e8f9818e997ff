import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Problem } from '../pipeline/errors.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import { validate } from '../pipeline/yaml.ts'
import { briefSchema, type EvidenceFile, evidenceSchema } from './brief-files.ts'
import { openTemplate, readSections, type Section } from './brief-template.ts'
import { type Expression, openSource, parseSource, type Source } from './source.ts'

/** A row of a mart that sentences may rest on. */
export type EvidenceRow = EvidenceFile['rows'][string] & { name: string }

/** One page in one language. */
export interface Template {
  file: string
  language: string
  /** Whose briefs it writes; undefined: those that no other template does. */
  when: Expression | undefined
  dates: string
  thousands: ',' | '.' | ''
  words: Record<string, Record<string, string>>
  sections: Section[]
}

/** A deal brief: its templates, the one for all others last, and the rows that it may rest on. */
export interface Brief {
  templates: Template[]
  rows: EvidenceRow[]
  sources: Source[]
}

export const EVIDENCE = 'scoring/evidence.yml'
/** More would not fit a page. */
const MOST_SENTENCES = 60

/** Reads `scoring/evidence.yml` and `scoring/briefs/<name>.<language>.md`; every problem is added with its line. */
export function loadBrief(root: string, name: string, problems: Problem[], missing: Problem): Brief | undefined {
  const folder = join(root, 'scoring', 'briefs')
  const own = new RegExp(`^${name}\\.[a-z]{2}\\.md$`)
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => own.test(file)) : []
  if (files.length === 0) {
    problems.push(missing)
    return undefined
  }
  const evidence = openSource(root, EVIDENCE, problems, {
    file: EVIDENCE,
    message: 'is not there: deal briefs cite the rows it names',
    hint: 'Write it, or set scoring.brief: null.',
  })
  const texts = files
    .sort()
    .map((file) => [`scoring/briefs/${file}`, readFileSync(join(folder, file), 'utf8')] as const)
  return evidence && readBrief(name, texts, evidence, problems)
}

/** The same from text, for tests. */
export function parseBrief(name: string, texts: Record<string, string>, evidence: string, problems: Problem[]) {
  const source = parseSource(EVIDENCE, evidence, problems)
  return source && readBrief(name, Object.entries(texts), source, problems)
}

function readBrief(
  name: string,
  texts: readonly (readonly [string, string])[],
  evidence: Source,
  problems: Problem[],
): Brief | undefined {
  const file = validate(evidenceSchema, evidence.yaml, problems)
  if (file === undefined) return undefined
  const rows = Object.entries(file.rows).map(([row, value]) => ({ name: row, ...value }))
  checkRows(rows, evidence)
  const carried = new Set(rows.flatMap(({ columns }) => columns))
  const read = texts.flatMap(([path, raw]) => {
    const opened = openTemplate(path, raw, problems)
    if (opened === undefined) return []
    const head = validate(briefSchema, opened.source.yaml, problems)
    if (head === undefined) return []
    const { source } = opened
    const template: Template = {
      ...head,
      file: path,
      when: head.when === undefined ? undefined : source.expression(['when'], head.when, 'brief: when'),
      sections: readSections(opened),
    }
    checkTemplate(name, template, head.brief, source, carried)
    return [{ template, source }]
  })
  const general = read.filter(({ template }) => template.when === undefined)
  const [first, ...more] = general
  if (first === undefined && read.length > 0) {
    read[0]!.source.problem(['when'], `no template of '${name}' is for all other leads`, 'Take `when` out of one.')
  }
  for (const { source } of more) {
    source.problem(['language'], `${first!.template.file} is for all other leads already`, 'Give it a when.')
  }
  const ordered = [...read.filter(({ template }) => template.when !== undefined), ...general]
  return {
    templates: ordered.map(({ template }) => template),
    rows,
    sources: [evidence, ...ordered.map(({ source }) => source)],
  }
}

function checkRows(rows: readonly EvidenceRow[], source: Source): void {
  const owners = new Map<string, string>()
  for (const { name, id, seen, within, columns } of rows) {
    const path = ['rows', name]
    source.use([...path, 'id'], id, `the row ${name}: id`)
    if (seen !== undefined) source.use([...path, 'seen'], seen, `the row ${name}: seen`, 'date')
    if ((seen === undefined) !== (within === undefined)) {
      source.problem(path, `the row ${name} has ${seen === undefined ? 'within and no seen' : 'seen and no within'}`)
    }
    for (const [index, column] of columns.entries()) {
      const at = [...path, 'columns', index]
      source.use(at, column, `the row ${name}`, 'shown')
      const owner = owners.get(column)
      if (owner !== undefined) source.problem(at, `'${column}' is carried by the row ${owner} already`)
      owners.set(column, name)
    }
  }
}

function checkTemplate(
  name: string,
  { file, language, words, sections }: Template,
  brief: string,
  source: Source,
  carried: ReadonlySet<string>,
): void {
  if (file !== `scoring/briefs/${brief}.${language}.md`) {
    source.problem(['brief'], `is the brief '${brief}' in '${language}', and the file is named ${file}`)
  }
  if (brief !== name) source.problem(['brief'], `brief is '${brief}', not '${name}'`)
  for (const column of Object.keys(words)) source.use(['words', column], column, 'words')
  const sentences = sections.flatMap((section) => section.sentences)
  if (sentences.length > MOST_SENTENCES) {
    source.problem(['line', sentences[MOST_SENTENCES]!.line], `more than ${MOST_SENTENCES} sentences are no page`)
  }
  for (const { line, states, within } of sentences) {
    if (within !== undefined && states.length === 0) {
      source.problem(['line', line], 'has within, but states nothing that could be too old')
    }
    for (const column of states) {
      if (carried.has(column)) continue
      const hint = didYouMean(column, [...carried]) ?? `Add it to a row of ${EVIDENCE}, or leave it unsaid.`
      source.problem(['line', line], `no row carries '${column}': it cannot be told`, hint)
    }
  }
}
