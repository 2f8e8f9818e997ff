import type { Advice } from '../pipeline/check/advice.ts'
import type { Problem } from '../pipeline/errors.ts'
import { quoteLiteral, relationName, type TableSpec } from '../pipeline/table.ts'
import type { Brief } from './brief.ts'
import { conditionsOf, languageSql, rowsBehind, WANTED } from './brief-sql.ts'
import { OUTPUTS } from './compile.ts'
import type { Columns } from './text.ts'

/** How often each sentence of the briefs was told, and why it was left out. */
export const BRIEF_SENTENCES: TableSpec = {
  schema: 'ops',
  name: 'brief_sentences',
  description:
    'One row per sentence of a template of the deal briefs: in how many briefs it stands, and why not in the others.',
  columns: {
    file: 'VARCHAR',
    line: 'INTEGER',
    sentence: 'VARCHAR',
    rows_behind: 'VARCHAR[]',
    briefs: 'BIGINT',
    told: 'BIGINT',
    without_row: 'BIGINT',
    too_old: 'BIGINT',
  },
  key: ['file', 'line'],
  docs: {
    sentence: 'As it is written in the template.',
    rows_behind: 'Kinds of rows of scoring/evidence.yml that it rests on.',
    briefs: 'Briefs in the language of the template.',
    without_row: 'Left out since a row, or a value of one, is not known.',
    too_old: 'Left out since a row is older than its limit.',
  },
}

/** Counted in one look at facts and scores. */
export function compileSentences(brief: Brief | undefined, facts: string, scores: string, types: Columns): string {
  const none = Object.entries(BRIEF_SENTENCES.columns).map(([name, type]) => `null::${type} as ${name}`)
  const stated = statedBy(brief)
  if (brief === undefined || stated.length === 0) return `select ${none.join(', ')} where false`
  const outputs = Object.keys(OUTPUTS).map((column) => `scores."${column}"`)
  const counts = stated.map(({ template, sentence }, index) => {
    const own = `"brief language" = ${quoteLiteral(template.language)}`
    const { wanted, known, young } = conditionsOf(sentence, brief, { ...types, ...OUTPUTS })
    return `count(*) filter (where ${own}) as b${index},
    count(*) filter (where ${own} and ${wanted} and ${known} and ${young}) as t${index},
    count(*) filter (where ${own} and ${wanted} and not (${known})) as w${index},
    count(*) filter (where ${own} and ${wanted} and ${known} and not (${young})) as o${index}`
  })
  const rows = stated.map(({ template, sentence }, index) => {
    const behind = rowsBehind(sentence, brief).map(({ name }) => quoteLiteral(name))
    return `{'file': ${quoteLiteral(template.file)}, 'line': ${sentence.line}, 'sentence': ${quoteLiteral(sentence.written)},
    'rows_behind': [${behind.join(', ')}], 'briefs': b${index}, 'told': t${index}, 'without_row': w${index}, 'too_old': o${index}}`
  })
  return `with leads as (
  select facts.*, ${outputs.join(', ')}, ${languageSql(brief)} as "brief language"
  from ${facts} as facts join ${scores} as scores on scores.lead_id = facts.lead_id
  where scores.${WANTED}
), counted as (
  select ${counts.join(',\n    ')} from leads
)
select unnest([${rows.join(',\n  ')}], max_depth := 2) from counted`
}

interface Counted {
  file: string
  line: number
  sentence: string
  briefs: number
  told: number
  without_row: number
  too_old: number
}

/** What the briefs that were published could not say: one hint a template, with the lines of its sentences. */
export function briefAdvice(brief: Brief | undefined): Advice {
  return {
    name: 'briefs',
    async tell({ published }) {
      if (published === undefined || brief === undefined) return []
      const rows = await published.rows<Counted>(`select * from ${relationName(BRIEF_SENTENCES)}`).catch(() => [])
      const now = new Set(statedBy(brief).map(({ template, sentence }) => keyOf(template.file, sentence.written)))
      const left = rows.filter((row) => now.has(keyOf(row.file, row.sentence)) && row.without_row + row.too_old > 0)
      return [...new Set(left.map(({ file }) => file))].sort().map((file) =>
        problemOf(
          file,
          left.filter((row) => row.file === file).sort((a, b) => a.line - b.line),
        ),
      )
    },
  }
}

function problemOf(file: string, left: readonly Counted[]): Problem {
  const sum = (count: (row: Counted) => number) => left.reduce((total, row) => total + count(row), 0)
  const [missing, old] = [sum(({ without_row }) => without_row), sum(({ too_old }) => too_old)]
  const why = [
    ...(missing > 0 ? [`${missing} times without a row or value`] : []),
    ...(old > 0 ? [`${old} times with a row that is too old`] : []),
  ]
  const lines = left.map(({ line, without_row, too_old }) => `${without_row + too_old} at line ${line}`).join(', ')
  const message = `sentences are left out of its ${left[0]!.briefs} briefs, ${why.join(', ')}: ${lines}`
  return { file, message, hint: 'ops.brief_sentences has each sentence with how often it is told, and why not.' }
}

function keyOf(file: string, sentence: string): string {
  return `${file}\n${sentence}`
}

function statedBy(brief: Brief | undefined) {
  return (brief?.templates ?? []).flatMap((template) =>
    template.sections
      .flatMap(({ sentences }) => sentences)
      .filter(({ states }) => states.length > 0)
      .map((sentence) => ({ template, sentence })),
  )
}
