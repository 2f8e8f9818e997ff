import { foreignKeyChecks, tableDefinition } from './contract.ts'
import { messageOf, ProjectError } from './errors.ts'
import { didYouMean } from './nearest.ts'
import type { ModelNode, Relation, SeedNode } from './nodes.ts'
import { csvHeader } from './seed-file.ts'
import { quoteIdentifier, quoteLiteral, relationName } from './table.ts'
import type { Connection } from './warehouse/duckdb.ts'
import { BUILD } from './warehouse/session.ts'

/** The statement that replaces a model's relation. It starts on the first line, so that DuckDB's line numbers are the model's. */
export function modelStatement(node: ModelNode, existing: 'table' | 'view' | undefined): string {
  const { relation, sql } = node
  const materialized = node.materialized === 'view' ? 'view' : 'table'
  const drop = existing !== undefined && existing !== materialized ? `drop ${existing} ${buildName(relation)}; ` : ''
  if (node.contract === undefined || materialized === 'view')
    return `${drop}create or replace ${materialized} ${buildName(relation)} as ${sql}`
  const table = `create or replace table ${buildName(relation)} (${tableDefinition(node)})`
  return `${drop}${table}; insert into ${buildName(relation)} by name ${[`${sql}\n`, ...foreignKeyChecks(node)].join('; ')}`
}

/**
 * Types tried, narrowest first, for seed columns whose type the property file does not say, each with how its values are
 * written: a code with leading zeros is text, and a timestamp is no date.
 */
const INFERRED: Record<string, string> = {
  BIGINT: '-?(0|[1-9]\\d*)',
  DOUBLE: '-?(0|[1-9]\\d*)?(\\.\\d+)?([eE][+-]?\\d+)?',
  DATE: '\\d{4}-\\d{2}-\\d{2}',
  TIMESTAMP: '\\d{4}-\\d{2}-\\d{2}[ T].+',
  BOOLEAN: '(?i)true|false',
}

/**
 * Loads a CSV: typed where the property file says so, by its values elsewhere. Empty fields are NULL. A row with too few
 * or too many fields, or a value that is not of its type, is an error with its line; nothing is dropped silently.
 */
export async function buildSeed(
  connection: Connection,
  node: SeedNode,
  existing: 'table' | 'view' | undefined,
): Promise<void> {
  if (existing === 'view') await connection.run(`drop view ${buildName(node.relation)}`)
  const types = await seedTypes(connection, node)
  try {
    await connection.run(`create or replace table ${buildName(node.relation)} as select * from ${readCsv(node, types)}`)
  } catch (error) {
    throw loadError(node, error)
  }
}

/** The columns of a seed with their types; rows are read only where a type must be inferred. */
export async function seedTypes(connection: Connection, node: SeedNode): Promise<(readonly [string, string])[]> {
  const header = csvHeader(node.path, node.delimiter)
  if (header.includes(''))
    throw seedError(
      node,
      1,
      header.length === 1 ? 'is empty' : `column ${header.indexOf('') + 1} has no name`,
      'The first line names the columns.',
    )
  const declared = new Map(Object.entries(node.column_types).map(([name, type]) => [name.toLowerCase(), type]))
  const unknown = [...declared.keys()].find((name) => !header.some((column) => column.toLowerCase() === name))
  if (unknown !== undefined)
    throw seedError(node, 1, `has no column '${unknown}', which column_types names`, didYouMean(unknown, header))
  const types = header.map((name) => [name, declared.get(name.toLowerCase())] as const)
  const known = types.flatMap(([name, type]) => (type === undefined ? [] : [[name, type] as const]))
  if (known.length === types.length) return known
  try {
    return await inferTypes(connection, node, types)
  } catch (error) {
    throw loadError(node, error)
  }
}

function loadError(node: SeedNode, error: unknown): ProjectError {
  const message = messageOf(error)
  const line = /\bLine: (\d+)/.exec(message)?.[1]
  const counted = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message)
  if (counted !== null)
    return seedError(
      node,
      Number(line),
      `the first line names ${counted[1]} columns, and this one has ${counted[2]}`,
      'Mend the line.',
    )
  const unfit = /converting column "([^"]+)"\. Could not convert string "(.*)" to '([^']+)'/.exec(message)
  if (unfit !== null) return seedError(node, Number(line), `${unfit[1]}: '${unfit[2]}' is no ${unfit[3]}`)
  const type = /Type with name (\S+) does not exist/.exec(message)?.[1]
  if (type !== undefined)
    return seedError(
      node,
      undefined,
      `column_types: there is no type '${type}'`,
      'Use a type of DuckDB: varchar, bigint, double, date.',
    )
  return seedError(node, line === undefined ? undefined : Number(line), `cannot be loaded: ${firstLines(message, 3)}`)
}

function readCsv(node: SeedNode, types: readonly (readonly [string, string | undefined])[]): string {
  const columns = types.map(([name, type]) => `${quoteLiteral(name)}: ${quoteLiteral(type ?? 'VARCHAR')}`)
  const options = [
    'auto_detect = false',
    'header = true',
    'strict_mode = true',
    `delim = ${quoteLiteral(node.delimiter)}`,
    `quote = '"'`,
    `escape = '"'`,
  ]
  return `read_csv(${quoteLiteral(node.path)}, columns = {${columns.join(', ')}}, ${options.join(', ')})`
}

async function inferTypes(
  connection: Connection,
  node: SeedNode,
  types: readonly (readonly [string, string | undefined])[],
): Promise<(readonly [string, string])[]> {
  const open = types.flatMap(([name, type]) => (type === undefined ? [name] : []))
  const fits = open.map((name) => {
    const column = quoteIdentifier(name)
    const tried = Object.entries(INFERRED).map(([type, written]) => {
      const fits = `regexp_full_match(${column}, '${written}') and try_cast(${column} as ${type}) is not null`
      return `coalesce(bool_and(${column} is null or (${fits})), false)`
    })
    return `[${tried.join(', ')}] as ${column}`
  })
  const [row] = await connection.rows<Record<string, boolean[]>>(
    `select ${fits.join(', ')} from ${readCsv(
      node,
      types.map(([name]) => [name, undefined]),
    )}`,
  )
  return types.map(([name, type]) => [name, type ?? Object.keys(INFERRED)[row![name]!.indexOf(true)] ?? 'VARCHAR'])
}

function seedError(
  node: SeedNode,
  line: number | undefined,
  message: string,
  hint = 'Mend the line, or the column_types of its property file.',
): ProjectError {
  return new ProjectError([{ file: node.file, ...(line === undefined ? {} : { line }), message, hint }])
}

export function buildName(relation: Relation): string {
  return `${BUILD}.${relationName(relation)}`
}

function firstLines(text: string, count: number): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, count)
    .join(' ')
}
