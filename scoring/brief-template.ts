import type { Problem } from '../pipeline/errors.ts'
import { parseYaml, validate, type YamlFile } from '../pipeline/yaml.ts'
import { directiveSchema } from './brief-files.ts'
import type { Expression, Source } from './source.ts'
import { sourceOf } from './source.ts'
import { parseText, type Text } from './text.ts'

/** A sentence of a template: one line. */
export interface Sentence {
  /** Of the file. */
  line: number
  /** The line as it is written. */
  written: string
  /** `- `, `1. ` or nothing. */
  bullet: string
  text: Text
  when: Expression | undefined
  /** Columns that it states: its slots, and what it cites beside them. None: it states nothing. */
  states: string[]
  /** Days after which its rows are too old for it, in place of their own limits. */
  within: number | undefined
}

export interface Section {
  heading: string
  sentences: Sentence[]
}

/** A Markdown file in two: the YAML of its head, and its lines; every place in either is a line of the file. */
export interface TemplateFile {
  source: Source
  body: { line: number; text: string }[]
}

const FENCE = '---'

export function openTemplate(file: string, raw: string, problems: Problem[]): TemplateFile | undefined {
  const content = raw.replaceAll('\r\n', '\n')
  const lines = content.split('\n')
  const end = lines.indexOf(FENCE, 1)
  if (lines[0] !== FENCE || end < 0) {
    const hint = 'Begin the file with --- on a line, then brief, language and description, then --- again.'
    problems.push({ file, line: 1, message: 'has no head', hint })
    return undefined
  }
  // The head keeps its lines: what stands above it is empty.
  const yaml = parseYaml(file, `\n${lines.slice(1, end).join('\n')}\n`, problems)
  if (yaml === undefined) return undefined
  const source = sourceOf(file, content, byLine(yaml), problems)
  const body = lines.slice(end + 1).map((text, index) => ({ line: end + 2 + index, text }))
  return { source, body }
}

/** A path `['line', 12]` is line 12 itself. */
function byLine(yaml: YamlFile): YamlFile {
  const lineOf = (path: readonly PropertyKey[]) => (path[0] === 'line' ? Number(path[1]) : yaml.lineOf(path))
  return { file: yaml.file, data: yaml.data, lineOf }
}

const BULLET = /^(- \[ \] |- |\d+\. )?(.*)$/s

/** The sections of a template. What may not stand there, or states what it does not cite, becomes a problem. */
export function readSections({ source, body }: TemplateFile): Section[] {
  const sections: Section[] = [{ heading: '', sentences: [] }]
  const comments = { text: '', line: 0 }
  let directive: { text: string; line: number } | undefined
  for (const { line, text } of body) {
    const path = ['line', line]
    if (comments.text === '' && /^#{1,3} /.test(text)) {
      if (/[{}<\]]/.test(text)) source.problem(path, 'a heading is plain words: it states nothing', 'Write a sentence.')
      sections.push({ heading: text.trim(), sentences: [] })
    } else if (comments.text !== '' || text.startsWith('<!--')) {
      if (comments.text === '') comments.line = line
      comments.text += `${text}\n`
      if (!text.includes('-->')) continue
      directive = { text: comments.text, line: comments.line }
      comments.text = ''
    } else if (text.trim() !== '') {
      sections.at(-1)!.sentences.push(readSentence(source, line, text, directive))
      directive = undefined
    }
  }
  if (comments.text !== '') source.problem(['line', comments.line], 'a comment that does not end', 'End it with -->.')
  return sections.filter(({ sentences }) => sentences.length > 0)
}

function readSentence(
  source: Source,
  line: number,
  written: string,
  comment: { text: string; line: number } | undefined,
): Sentence {
  const path = ['line', line]
  const { when, cite = [], within } = comment === undefined ? {} : directiveOf(source, comment)
  const [, bullet = '', words = ''] = BULLET.exec(written.trimEnd()) ?? []
  const text = parseText(words)
  if (text === undefined) source.problem(path, 'a brace that is not a slot', 'A slot is {column_name}.')
  if (!/^(\*\*\{|(\*\*)?[\p{L}“"])/u.test(words))
    source.problem(
      path,
      'a sentence begins with a letter, or a slot in bold',
      'What a slot holds could pass for Markdown there.',
    )
  if (/<|\]\([^)]*\{|!\[|^\s/.test(words))
    source.problem(path, 'a sentence has no HTML, no picture and no slot in the address of a link')
  const states = [...new Set([...(text?.slots ?? []), ...cite])]
  const task = bullet === '- [ ] '
  if (states.length === 0 && !task && !words.endsWith('?')) {
    const hint =
      'Name the columns it rests on ({slots}, or <!-- cite: [column] -->), ask a question?, or write - [ ] a task.'
    source.problem(path, `states a fact that no column carries: ${words}`, hint)
  }
  for (const column of states) source.use(path, column, 'brief', 'shown')
  const at = ['line', comment?.line ?? line]
  return {
    line,
    written: written.trim(),
    bullet,
    text: text ?? { parts: [], slots: [] },
    when: when === undefined ? undefined : source.expression(at, when, 'brief: when'),
    states,
    within,
  }
}

function directiveOf(source: Source, { text, line }: { text: string; line: number }) {
  const inner = text.replace(/^<!--/, '').replace(/-->\s*$/, '')
  const problems: Problem[] = []
  const yaml = parseYaml(source.yaml.file, inner, problems, false)
  const directive =
    yaml === undefined ? undefined : validate(directiveSchema, { ...yaml, data: yaml.data ?? {} }, problems)
  for (const { message, hint } of problems) source.problem(['line', line], `the comment: ${message}`, hint)
  return directive ?? {}
}
