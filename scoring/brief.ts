import { z } from 'zod'
import type { Problem } from '../pipeline/errors.ts'
import { quoteIdentifier as id, quoteLiteral } from '../pipeline/table.ts'
import { validate } from '../pipeline/yaml.ts'
import type { Layer } from './arithmetic.ts'
import { type Expression, openSource, type Source } from './source.ts'
import { type Columns, shown, type Text, textSql } from './text.ts'

const texts = z.record(z.string(), z.string().min(1))

/** A deal brief: `scoring/briefs/<brief>.yml`, one Markdown page made of sentences that name what they rest on. */
export const briefSchema = z.strictObject({
  /** The file's name. */
  brief: z.string(),
  description: z.string().min(1),
  /** The first whose `when` holds is the lead's language; the last one needs none. */
  languages: z
    .array(z.strictObject({ language: z.string().regex(/^[a-z]{2}$/), when: z.string().min(1).optional() }))
    .min(1),
  /** A section none of whose sentences is left is left out. */
  sections: z.array(
    z.strictObject({
      /** By language. */
      title: texts,
      sentences: z.array(
        z.strictObject({
          /** Left out unless true. May read the facts and the score's own columns. */
          when: z.string().min(1).optional(),
          /** States facts, by language. Every slot is cited; left out where a cited column is NULL. */
          say: texts.optional(),
          /** What `say` rests on: `company.industry`, `contact.title`, `lead.score`. */
          cite: z
            .array(
              z
                .string()
                .regex(/^(lead|company|contact)\.[a-z][a-z0-9_]*$/, 'must be lead., company. or contact. and a column'),
            )
            .optional(),
          /** A question to ask, by language: states nothing, so it cites nothing and has no slots. */
          ask: texts.optional(),
        }),
      ),
    }),
  ),
})

interface Sentence {
  when: Expression | undefined
  texts: Record<string, Text>
  cite: { entity: string; column: string }[]
}

export interface Brief {
  source: Source
  languages: { language: string; when: Expression | undefined }[]
  sections: { title: Record<string, string>; sentences: Sentence[] }[]
}

type BriefFile = z.output<typeof briefSchema>
type Path = readonly PropertyKey[]

/** Reads `scoring/briefs/<name>.yml`; every problem is added with its line. */
export function loadBrief(root: string, name: string, problems: Problem[], missing: Problem): Brief | undefined {
  const source = openSource(root, `scoring/briefs/${name}.yml`, problems, missing)
  return source && readBrief(source, name, problems)
}

export function readBrief(source: Source, name: string, problems: Problem[]): Brief | undefined {
  const file = validate(briefSchema, source.yaml, problems)
  if (file === undefined) return undefined
  if (file.brief !== name) source.problem(['brief'], `brief is '${file.brief}' in a file named ${name}.yml`)
  const last = file.languages.length - 1
  return {
    source,
    languages: file.languages.map(({ language, when }, index) => {
      const path = ['languages', index]
      if ((when === undefined) !== (index === last)) {
        source.problem(path, `language '${language}': every language but the last has a when`)
      }
      return { language, when: when === undefined ? undefined : source.expression([...path, 'when'], when, language) }
    }),
    sections: file.sections.map(({ title, sentences }, index) => {
      const path = ['sections', index]
      checkLanguages(title, file, source, [...path, 'title'])
      return {
        title,
        sentences: sentences.map((one, at) => readSentence(one, file, source, [...path, 'sentences', at])),
      }
    }),
  }
}

type SentenceFile = BriefFile['sections'][number]['sentences'][number]

function readSentence({ when, say, ask, cite }: SentenceFile, file: BriefFile, source: Source, path: Path): Sentence {
  const words = say ?? ask ?? {}
  const at = [...path, say === undefined ? 'ask' : 'say']
  if ((say === undefined) === (ask === undefined)) source.problem(path, 'a sentence has either say or ask')
  if (say !== undefined && (cite ?? []).length === 0) {
    source.problem(
      path,
      'a sentence that states a fact cites nothing',
      'Add cite: [company.industry], or make it a question: ask.',
    )
  }
  if (ask !== undefined && cite !== undefined)
    source.problem([...path, 'cite'], 'a question states nothing, so it cites nothing')
  checkLanguages(words, file, source, at)
  const cited = (cite ?? []).map((reference, index) => {
    const [entity = '', column = ''] = reference.split('.')
    source.use([...path, 'cite', index], column, 'cite', 'shown')
    source.use([...path, 'cite', index], `${entity}_id`, 'cite', 'shown')
    return { entity, column }
  })
  const read = Object.entries(words).map(([language, text]) => {
    const parsed = source.text([...at, language], text, language)
    if (!/^\p{L}/u.test(text))
      source.problem([...at, language], 'a sentence begins with a letter', 'A slot could pass for markup there.')
    if (ask !== undefined && (parsed.slots.length > 0 || !text.trimEnd().endsWith('?'))) {
      source.problem(
        [...at, language],
        'ask is no plain question: it has slots or no question mark',
        'State facts with say and cite.',
      )
    }
    for (const slot of parsed.slots) {
      if (say === undefined || cited.some(({ column }) => column === slot)) continue
      source.problem(
        [...at, language],
        `{${slot}} is not cited`,
        `Add it to cite: company.${slot}, contact.${slot} or lead.${slot}.`,
      )
    }
    return [language, parsed] as const
  })
  return {
    when: when === undefined ? undefined : source.expression([...path, 'when'], when, 'sentence: when'),
    texts: Object.fromEntries(read),
    cite: cited,
  }
}

function checkLanguages(words: Record<string, string>, { languages }: BriefFile, source: Source, path: Path): void {
  for (const { language } of languages) {
    if (words[language] === undefined) source.problem(path, `has no text in '${language}'`)
  }
  for (const language of Object.keys(words)) {
    if (!languages.some((one) => one.language === language))
      source.problem([...path, language], `'${language}' is no language of this brief`)
  }
}

const LANGUAGE = 'brief language'
const TEXTS = 'brief texts'
const WANTED = "qualification_status in ('qualified', 'nurture')"

/** What the page is made from, once a lead: its language, and every cited column as plain words. */
export function briefLayer(brief: Brief, types: Columns): Layer {
  const languages = brief.languages.map(({ language, when }) =>
    when === undefined ? `else ${quoteLiteral(language)}` : `when (${when.sql}\n) then ${quoteLiteral(language)}`,
  )
  const shownTexts = citedBy(brief).map((column) => shown(column, types[column] ?? 'VARCHAR'))
  const texts =
    shownTexts.length === 0 ? '[]::VARCHAR[]' : `list_transform([${shownTexts.join(', ')}], lambda t: ${plain('t')})`
  return [
    {
      column: LANGUAGE,
      sql: languages.length === 1 ? languages[0]!.replace(/^else /, '') : `case ${languages.join(' ')} end`,
    },
    { column: TEXTS, sql: `case when ${WANTED} then ${texts} end` },
  ]
}

/** The page, for qualified and nurture leads; NULL for the others. Reads the columns of `briefLayer`. */
export function briefSql(brief: Brief): string {
  const columns = citedBy(brief)
  const word = (column: string) => `${id(TEXTS)}[${columns.indexOf(column) + 1}]`
  const sections = brief.sections.map(({ title, sentences }) => {
    const lines = sentences.map((sentence) => `'- ' || ${sentenceSql(sentence, brief, word)}`)
    const heading = inLanguage(brief, (language) => quoteLiteral(`## ${title[language]}`))
    return `${heading} || chr(10) || chr(10) || nullif(concat_ws(chr(10),\n      ${lines.join(',\n      ')}), '')`
  })
  const page = `nullif(concat_ws(chr(10) || chr(10),\n    ${sections.join(',\n    ')}), '')`
  return `case when ${WANTED} then ${page} end`
}

function citedBy({ sections }: Brief): string[] {
  const cited = sections.flatMap(({ sentences }) => sentences.flatMap(({ cite }) => cite.map(({ column }) => column)))
  return [...new Set(cited)]
}

function sentenceSql({ when, texts, cite }: Sentence, brief: Brief, word: (column: string) => string): string {
  const text = inLanguage(brief, (language) => textSql(texts[language] ?? { parts: [], slots: [] }, word))
  const conditions = [
    ...(when === undefined ? [] : [`(${when.sql}\n)`]),
    ...cite.map(({ column }) => `${word(column)} is not null`),
  ]
  const sentence = cite.length === 0 ? text : `${text} || ${citation(cite)}`
  return conditions.length === 0 ? sentence : `case when ${conditions.join(' and ')} then ${sentence} end`
}

/** ` [company:cmp_1#industry,employee_count]`: the ids of the rows behind a sentence, and which of their columns. */
function citation(cite: Sentence['cite']): string {
  const entities = [...new Set(cite.map(({ entity }) => entity))]
  return entities
    .map((entity) => {
      const columns = cite.filter((one) => one.entity === entity).map(({ column }) => column)
      return `${quoteLiteral(` [${entity}:`)} || ${id(`${entity}_id`)} || ${quoteLiteral(`#${columns.join(',')}]`)}`
    })
    .join(' || ')
}

function inLanguage({ languages }: Brief, sql: (language: string) => string): string {
  const texts = languages.map(({ language }) => ({ language, text: sql(language) }))
  if (texts.every(({ text }) => text === texts[0]!.text)) return `(${texts[0]!.text})`
  const cases = texts.map(({ language, text }) => `when ${quoteLiteral(language)} then ${text}`)
  return `(case ${id(LANGUAGE)} ${cases.join(' ')} end)`
}

/**
 * Text from outside as plain words on one line: no line breaks or invisible characters, no HTML, no brackets (which
 * would pass for a link or a citation), Markdown's own characters escaped, 200 characters at most.
 */
function plain(value: string): string {
  const line = `trim(regexp_replace(${value}, '[\\pZ\\pC]+', ' ', 'g'))`
  const short = `regexp_replace(${line}, '^(.{199}).{2,}$', '\\1…')`
  const unbracketed = `translate(${short}, '<>[]', '‹›()')`
  const escaped = `regexp_replace(${unbracketed}, '([\\\\\`*_~])', '\\\\\\1', 'g')`
  return `nullif(regexp_replace(${escaped}, '&(#?[0-9A-Za-z]+;)', '\\\\&\\1', 'g'), '')`
}
