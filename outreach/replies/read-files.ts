import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Problem, ProjectError, unreadable } from '../../pipeline/errors.ts'
import { didYouMean } from '../../pipeline/nearest.ts'
import { type Classified, classify, classifyText } from './classify.ts'
import { readMail } from './read-mail.ts'
import type { Rules } from './rules.ts'

/** What `pipeline replies classify` says of one message. Nothing of what anybody wrote, and no address. */
export interface ClassifiedMessage {
  file: string
  /** Of a CSV: its data row, from 1. Of an mbox: its message, from 1. */
  row: number | null
  class: Classified['class']
  sentiment: Classified['sentiment']
  /** Of bounces; of several recipients, the first that was not reached. */
  hard: boolean | null
  kind: 'hard' | 'soft' | 'block' | null
  status: string | null
  reason: string | null
  again_on: string | null
  language: string | null
}

/** Every message of files and folders, in order. Throws ProjectError, before anything is read, for paths that are none. */
export async function* classifyPaths(
  paths: readonly string[],
  rules: Rules,
  today: string,
): AsyncIterable<ClassifiedMessage> {
  const problems: Problem[] = []
  const files = paths.flatMap((path) => filesOf(path, problems))
  if (problems.length > 0) throw new ProjectError(problems)
  for (const file of files) {
    if (/\.(csv|tsv)$/i.test(file)) {
      for (const [index, text] of textsOf(file).entries()) yield line(file, index + 1, classifyText(text, rules, today))
    } else if (/\.mbox$/i.test(file)) {
      for (const [index, source] of messagesOf(readFileSync(file)).entries())
        yield line(file, index + 1, classify(await readMail(source), rules, today))
    } else yield line(file, null, classify(await readMail(readFileSync(file)), rules, today))
  }
}

function line(file: string, row: number | null, found: Classified): ClassifiedMessage {
  const [bounce] = found.bounces
  return {
    file,
    row,
    class: found.class,
    sentiment: found.sentiment,
    hard: bounce?.hard ?? null,
    kind: bounce?.kind ?? null,
    status: bounce?.status ?? null,
    reason: bounce?.reason ?? found.complaint,
    again_on: found.again_on,
    language: found.language,
  }
}

/** A file as it is; of a folder all that look like mail, below it too. */
function filesOf(path: string, problems: Problem[]): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(eml|mbox|msg\.txt)$/i.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
  } catch (error) {
    problems.push({
      file: path,
      message: unreadable(error),
      hint: 'Give .eml or .mbox files, folders of them, or a CSV.',
    })
    return []
  }
}

/** The messages of an mbox: each begins with a line `From …` after an empty one. */
export function messagesOf(source: Buffer): Buffer[] {
  const text = source.toString('latin1')
  return text
    .split(/(?:^|\r?\n\r?\n)(?=From \S+.* \d{4}\r?\n)/)
    .filter((part) => part.trim() !== '')
    .map((part) => Buffer.from(part, 'latin1'))
}

function textsOf(file: string): string[] {
  const content = readFileSync(file, 'utf8').replace(/^\uFEFF/, '')
  const head = content.split(/\r?\n/, 1)[0]!
  const delimiter = [',', ';', '\t'].find((mark) => head.includes(mark)) ?? ','
  const [header = [], ...rows] = csvRecords(content, delimiter)
  const names = header.map((name) => name.trim().toLowerCase())
  const column = names.indexOf('text')
  // Of a file with nothing but texts, a line is a text, commas and all.
  if (column >= 0) return rows.map((row) => (header.length === 1 ? row.join(delimiter) : (row[column] ?? '')))
  const hint = didYouMean('text', names) ?? `It has ${names.slice(0, 20).join(', ')}.`
  throw new ProjectError([{ file, line: 1, message: "has no column 'text'", hint }])
}

/** Records of a CSV (RFC 4180); a quote inside an unquoted field is a quote. Empty lines are none. */
export function csvRecords(content: string, delimiter: string): string[][] {
  const records: string[][] = []
  let record: string[] = []
  let field = ''
  let quoted = false
  const end = () => {
    record.push(field)
    field = ''
  }
  for (let at = 0; at <= content.length; at++) {
    const mark = content[at]
    if (quoted && mark !== undefined) {
      if (mark !== '"') field += mark
      else if (content[at + 1] === '"') field += content[++at]
      else quoted = false
    } else if (mark === '"' && field === '') quoted = true
    else if (mark === delimiter) end()
    else if (mark === '\n' || mark === undefined) {
      field = field.replace(/\r$/, '')
      end()
      if (record.length > 1 || record[0] !== '') records.push(record)
      record = []
    } else field += mark
  }
  return records
}
