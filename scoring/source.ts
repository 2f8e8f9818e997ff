import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Problem } from '../pipeline/errors.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import { parseYaml, type YamlFile } from '../pipeline/yaml.ts'
import { type Reading, readExpressions } from './expression.ts'
import { parseText, type Text } from './text.ts'

export interface Place {
  file: string
  line: number
}

export interface Expression {
  sql: string
  /** Columns it reads, sorted; filled by `readSources`. */
  columns: string[]
  place: Place
  /** How a message names it: `fit.right_size: when`. */
  what: string
}

/** A column that a file names outside its expressions. */
export interface Use {
  column: string
  place: Place
  what: string
  /** `date`: decays are counted from it. `count`, `dates`: it says how often. `shown`: it is quoted in a text. */
  as?: 'date' | 'dates' | 'count' | 'number' | 'shown'
}

/** A YAML file of this room while it is read: its problems, and all it reads of the facts. */
export interface Source {
  yaml: YamlFile
  /** The file as it is, with `\n` line ends. */
  content: string
  expressions: Expression[]
  uses: Use[]
  /** All that was found wrong so far, with this file and with those read beside it. */
  problems: readonly Problem[]
  problem(path: readonly PropertyKey[], message: string, hint?: string): void
  expression(path: readonly PropertyKey[], sql: string, what: string): Expression
  /** Parses a text and notes its slots. */
  text(path: readonly PropertyKey[], text: string, what: string): Text
  use(path: readonly PropertyKey[], column: string, what: string, as?: Use['as']): void
}

/** Opens a YAML file; undefined, with a problem, where it cannot be read. */
export function openSource(root: string, file: string, problems: Problem[], missing: Problem): Source | undefined {
  const path = join(root, file)
  if (!existsSync(path)) {
    problems.push(missing)
    return undefined
  }
  return parseSource(file, readFileSync(path, 'utf8'), problems)
}

export function parseSource(file: string, raw: string, problems: Problem[]): Source | undefined {
  const content = raw.replaceAll('\r\n', '\n')
  const yaml = parseYaml(file, content, problems)
  return yaml && sourceOf(file, content, yaml, problems)
}

export function sourceOf(file: string, content: string, yaml: YamlFile, problems: Problem[]): Source {
  // Finding a line costs a second parse: it is done when a message needs it.
  const place = (path: readonly PropertyKey[]): Place => ({
    file,
    get line() {
      return yaml.lineOf(path)
    },
  })
  const source: Source = {
    yaml,
    content,
    expressions: [],
    uses: [],
    problems,
    problem: (path, message, hint) => problems.push({ ...place(path), message, hint }),
    expression(path, sql, what) {
      const expression = { sql, columns: [], place: place(path), what }
      source.expressions.push(expression)
      return expression
    },
    text(path, text, what) {
      const parsed = parseText(text)
      if (parsed === undefined) source.problem(path, `${what}: a brace that is not a slot`, 'A slot is {column_name}.')
      for (const slot of parsed?.slots ?? []) source.use(path, slot, what, 'shown')
      return parsed ?? { parts: [], slots: [] }
    },
    use: (path, column, what, as) => source.uses.push({ column, place: place(path), what, as }),
  }
  return source
}

/** Has DuckDB parse every expression of the files: their columns are filled in, what is refused becomes a problem. */
export async function readSources(
  connection: Connection,
  sources: readonly Source[],
  problems: Problem[],
): Promise<void> {
  const expressions = sources.flatMap((source) => source.expressions).map(({ sql }) => sql)
  noteReadings(sources, await readExpressions(connection, expressions), problems)
}

/** Notes, for every expression of these sources in order, which columns it reads. */
export function noteReadings(sources: readonly Source[], readings: readonly Reading[], problems: Problem[]): void {
  for (const [index, expression] of sources.flatMap((source) => source.expressions).entries()) {
    const { columns, error } = readings[index]!
    expression.columns = columns
    if (error !== undefined) {
      const message = `${expression.what}: \`${expression.sql.trim()}\` ${error}`
      problems.push({ ...expression.place, message, hint: 'Write one SQL expression over columns of int_lead_facts.' })
    }
  }
}
