import { ensureStepTables } from '../context.ts'
import { messageOf, type Problem, ProjectError } from '../errors.ts'
import type { Project } from '../load.ts'
import { seedTypes } from '../materialize.ts'
import type { SeedNode, SourceNode } from '../nodes.ts'
import { quoteIdentifier, quoteLiteral, relationName } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import { createLedger, currentLedgerRows, currentRows, ensureRawTables } from '../warehouse/ledger.ts'
import { openSession } from '../warehouse/session.ts'
import { LEDGER_SOURCES } from '../warehouse/sources.ts'

/** Models read the same columns on any date. */
const SOME_DATE = '2000-01-01'

/** Every relation of the project without its rows: what SQL can be bound against with no data, ledger or lock. */
export interface Shadow {
  connection: Connection
  /** Ids of nodes whose columns are not known here, with the reason; what reads them cannot be bound. */
  unknown: Map<string, string>
  close(): void
}

/** Opens the shadow catalogue with everything that is not a model: ledger tables, step tables, seeds, `as_of()`. */
export async function openShadow({ graph, tables, files }: Project, problems: Problem[]): Promise<Shadow> {
  const session = await openSession({ as_of: SOME_DATE, threads: 2 })
  const { connection } = session
  const shadow: Shadow = { connection, unknown: new Map(), close: () => session.close() }
  try {
    const nodes = [...graph.nodes.values()]
    const steps = nodes.flatMap((node) => (node.kind === 'step' ? [node.step] : []))
    const builds = steps.flatMap((step) => step.builds ?? [])
    const related = nodes.flatMap((node) => ('relation' in node ? [node.relation.schema] : []))
    await session.useSchemas(new Set([...related, ...builds.map(({ schema }) => schema)]))
    await createLedger(connection, new Date(0))
    await ensureRawTables(connection, tables)
    // The very SELECTs behind source(): technical columns, their order and their types cannot differ from a run's.
    const raw = tables.map(
      (table) =>
        `create table raw.${quoteIdentifier(`${table.source}__${table.table}`)} as ${currentRows(table, SOME_DATE)} with no data`,
    )
    const log = LEDGER_SOURCES.map(
      (name) => `create table log.${quoteIdentifier(name)} as ${currentLedgerRows(name, SOME_DATE)} with no data`,
    )
    await connection.run([...raw, ...log].join(';'))
    await ensureStepTables(session, steps)
    for (const node of nodes) {
      if (node.kind === 'seed') await createSeed(connection, node, shadow, problems)
      if (node.kind === 'source') await createSource(connection, node, files, shadow, problems)
    }
    await tellForMachines(shadow)
    return shadow
  } catch (error) {
    session.close()
    throw error
  }
}

async function createSeed(connection: Connection, node: SeedNode, shadow: Shadow, problems: Problem[]): Promise<void> {
  try {
    const types = await seedTypes(connection, node)
    await connection.run(`create table ${relationName(node.relation)} (${columnList(types)})`)
  } catch (error) {
    if (error instanceof ProjectError) problems.push(...error.problems)
    else
      problems.push({ file: node.patch ?? node.file, message: `column_types of '${node.name}': ${firstLine(error)}` })
    shadow.unknown.set(node.id, 'the seed cannot be loaded')
  }
}

/** A table that somebody else fills is known by what its property file says: all its columns, each with its type. */
async function createSource(
  connection: Connection,
  node: SourceNode,
  files: Project['files'],
  shadow: Shadow,
  problems: Problem[],
): Promise<void> {
  if (node.ledger !== undefined || node.source === 'ledger') return
  const described = files.sources.find(({ value }) => value.name === node.source)
  const columns = described?.value.tables.find(({ name }) => name === node.table)?.columns ?? []
  if (columns.length === 0 || columns.some(({ data_type }) => data_type === undefined)) {
    shadow.unknown.set(node.id, `${node.file} does not give every column of ${node.source}.${node.table} a data_type`)
    return
  }
  try {
    const list = columnList(columns.map(({ name, data_type }) => [name, data_type!]))
    await connection.run(`create table ${relationName(node.relation)} (${list})`)
  } catch (error) {
    problems.push({ file: node.file, message: `columns of ${node.source}.${node.table}: ${firstLine(error)}` })
    shadow.unknown.set(node.id, 'its columns cannot be created')
  }
}

export function columnList(columns: Iterable<readonly [string, string]>): string {
  return [...columns].map(([name, type]) => `${quoteIdentifier(name)} ${type}`).join(', ')
}

/** Errors with the position and the name in fields of their own, for `readBindError`. */
export async function tellForMachines({ connection }: Shadow): Promise<void> {
  await connection.run('set errors_as_json = true')
}

/** Errors as text, for code that passes on what DuckDB says. */
export async function tellPlainly({ connection }: Shadow): Promise<void> {
  await connection.run('set errors_as_json = false')
}

/** A column of the shadow catalogue. */
export interface Column {
  name: string
  type: string
}

/** `schema.name` → its columns in order, of everything that could be bound. */
export async function catalogueOf(connection: Connection): Promise<Map<string, Column[]>> {
  const rows = await connection.rows<{ place: string; name: string; type: string }>(
    `select schema_name || '.' || table_name as place, column_name as name, data_type as type from duckdb_columns()
     where database_name = ${quoteLiteral('_build')} order by schema_name, table_name, column_index`,
  )
  const catalogue = new Map<string, Column[]>()
  for (const { place, name, type } of rows) {
    const columns = catalogue.get(place)
    if (columns === undefined) catalogue.set(place, [{ name, type }])
    else columns.push({ name, type })
  }
  return catalogue
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n')[0]!
}
