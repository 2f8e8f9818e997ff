import { messageOf, type Problem, ProjectError } from '../pipeline/errors.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import { quoteIdentifier } from '../pipeline/table.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import type { Mapping } from './mapping.ts'

/** The columns of a mart; undefined when there is none. */
export async function columnsOf(connection: Connection, mart: string): Promise<string[] | undefined> {
  try {
    return (await connection.describe(`select * from marts.${quoteIdentifier(mart)}`)).map(({ name }) => name)
  } catch {
    return undefined
  }
}

/** Throws ProjectError, naming file and line, when a mapping names a column its mart lacks or its `where` does not work. */
export async function checkMappings(connection: Connection, mappings: readonly Mapping[]): Promise<void> {
  const problems: Problem[] = []
  for (const { yaml, from, key, where, fields, match, links } of mappings) {
    const problem = (path: readonly string[], message: string, hint?: string) =>
      problems.push({ file: yaml.file, line: yaml.lineOf(path), message, ...(hint === undefined ? {} : { hint }) })
    const columns = await columnsOf(connection, from)
    if (columns === undefined) {
      problem(['from'], `there is no mart '${from}'`, 'Name a model of models/marts/.')
      continue
    }
    const check = (path: readonly string[], name: string) => {
      if (!columns.includes(name)) problem(path, `${from} has no column '${name}'`, didYouMean(name, columns))
    }
    check(['key'], key)
    for (const { name, column } of fields) if (column !== null) check(['fields', name], column)
    for (const [by, name] of Object.entries(match)) check(['match', by], name)
    for (const name of Object.keys(links)) check(['links', name], name)
    if (where === undefined) continue
    try {
      const [condition] = await connection.describe(
        `select (\n${where}\n) as condition from marts.${quoteIdentifier(from)}`,
      )
      if (condition?.type !== 'BOOLEAN') problem(['where'], `where is ${condition?.type ?? 'nothing'}, not BOOLEAN`)
    } catch (error) {
      problem(['where'], `where does not work: ${messageOf(error)}`, `It is SQL over the columns of ${from}.`)
    }
  }
  if (problems.length > 0) throw new ProjectError(problems)
}
