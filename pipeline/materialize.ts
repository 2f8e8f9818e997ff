import { ProjectError } from './errors.ts'
import type { ModelNode, Relation, SeedNode } from './nodes.ts'
import { quoteIdentifier, quoteLiteral, relationName } from './table.ts'
import type { Connection } from './warehouse/duckdb.ts'
import { BUILD } from './warehouse/session.ts'

/** Replaces a model's relation. The SQL starts on the first line, so that DuckDB's line numbers are the model's. */
export async function buildModel(
  connection: Connection,
  node: ModelNode,
  existing: 'table' | 'view' | undefined,
): Promise<void> {
  await dropOtherKind(connection, node.relation, node.materialized, existing)
  await connection.run(`create or replace ${node.materialized} ${buildName(node.relation)} as ${node.sql}`)
}

/** Loads a CSV: typed where the property file says so, by DuckDB's own sniffing elsewhere. Empty fields are NULL. */
export async function buildSeed(
  connection: Connection,
  node: SeedNode,
  existing: 'table' | 'view' | undefined,
): Promise<void> {
  await dropOtherKind(connection, node.relation, 'table', existing)
  const types = Object.entries(node.column_types).map(
    ([column, type]) => `${quoteLiteral(column)}: ${quoteLiteral(type)}`,
  )
  const options = [`delim = ${quoteLiteral(node.delimiter)}`, 'header = true', `quote = '"'`, `escape = '"'`]
  if (types.length > 0) options.push(`types = {${types.join(', ')}}`)
  try {
    await connection.run(
      `create or replace table ${buildName(node.relation)} as select * from read_csv(${quoteLiteral(node.path)}, ${options.join(', ')})`,
    )
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const line = /Line: (\d+)/.exec(message)?.[1]
    throw new ProjectError([
      {
        file: node.file,
        ...(line === undefined ? {} : { line: Number(line) }),
        message: `cannot be loaded: ${firstLines(message, 3)}`,
        hint: 'Mend the line, or the column_types of its property file.',
      },
    ])
  }
}

async function dropOtherKind(
  connection: Connection,
  relation: Relation,
  kind: 'table' | 'view',
  existing: 'table' | 'view' | undefined,
): Promise<void> {
  if (existing !== undefined && existing !== kind) await connection.run(`drop ${existing} ${buildName(relation)}`)
}

export function buildName(relation: Relation): string {
  return `${BUILD}.${relationName(relation)}`
}

export function quotedColumns(columns: readonly string[]): string {
  return columns.map(quoteIdentifier).join(', ')
}

function firstLines(text: string, count: number): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, count)
    .join(' ')
}
