import { CheckFailed } from '../errors.ts'
import type { ModelNode } from '../nodes.ts'
import { quoteIdentifier } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'

export interface Column {
  name: string
  type: string
}

/** How what a model gives now fits the table that stands. */
export interface Fit {
  /** Columns of the table, once `changes` are made. */
  table: readonly Column[]
  /** Columns of the new rows. */
  given: readonly Column[]
  /** What `alter table <table>` is to do first. */
  changes: readonly string[]
}

export async function columnsOf(connection: Connection, relation: string): Promise<Column[]> {
  return connection.describe(`select * from ${relation}`)
}

/** dbt's `on_schema_change`. Throws CheckFailed, naming the columns, where the change is not allowed or would lose values. */
export async function fitColumns(
  connection: Connection,
  node: ModelNode,
  table: readonly Column[],
  delta: string,
): Promise<Fit> {
  const mode = node.incremental!.on_schema_change
  const given = await columnsOf(connection, delta)
  const find = (columns: readonly Column[], { name }: Column) =>
    columns.find((column) => column.name.toLowerCase() === name.toLowerCase())
  const added = given.filter((column) => find(table, column) === undefined)
  const gone = table.filter((column) => find(given, column) === undefined)
  const retyped = given.flatMap((column) => {
    const old = find(table, column)
    return old === undefined || old.type === column.type ? [] : [{ old, now: column }]
  })
  const refuse = (what: string, hint: string) => {
    throw new CheckFailed(`${node.file}  ${what}\n  ${hint}`)
  }
  if (mode === 'fail' && added.length + gone.length + retyped.length > 0) {
    const parts = [
      ...added.map(({ name, type }) => `${name} ${type} is new`),
      ...gone.map(({ name }) => `${name} is gone`),
      ...retyped.map(({ old, now }) => `${now.name} was ${old.type} and is ${now.type}`),
    ]
    refuse(
      `its columns have changed, and on_schema_change is fail: ${parts.join('; ')}`,
      'Mend the model, choose append_new_columns or sync_all_columns, or build it anew with --full-refresh.',
    )
  }
  if (mode === 'ignore' && gone.length > 0) {
    refuse(
      `no longer gives ${gone.map(({ name }) => name).join(', ')}, and on_schema_change is ignore`,
      'Give it again, choose append_new_columns or sync_all_columns, or build the table anew with --full-refresh.',
    )
  }
  if (mode === 'sync_all_columns') {
    return {
      given,
      table: [...table.filter((column) => !gone.includes(column)).map((column) => find(given, column)!), ...added],
      changes: [
        ...added.map(({ name, type }) => `add column ${quoteIdentifier(name)} ${type}`),
        ...gone.map(({ name }) => `drop column ${quoteIdentifier(name)}`),
        ...retyped.map(({ old, now }) => `alter column ${quoteIdentifier(old.name)} type ${now.type}`),
      ],
    }
  }
  for (const { old, now } of retyped) {
    const column = quoteIdentifier(now.name)
    const [row] = await connection.rows<{ lost: number }>(
      `select count(*) as lost from ${delta}
       where ${column} is not null and try_cast(try_cast(${column} as ${old.type}) as ${now.type}) is distinct from ${column}`,
    )
    if (row!.lost > 0)
      refuse(
        `${now.name} is ${old.type} in the table and ${now.type} in the model now, and ${row!.lost} ${row!.lost === 1 ? 'value does' : 'values do'} not fit`,
        `Cast it in the model, choose on_schema_change: sync_all_columns, or build the table anew with --full-refresh.`,
      )
  }
  if (mode !== 'append_new_columns') return { given, table, changes: [] }
  const changes = added.map(({ name, type }) => `add column ${quoteIdentifier(name)} ${type}`)
  return { given, table: [...table, ...added], changes }
}
