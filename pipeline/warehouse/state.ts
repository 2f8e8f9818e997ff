import { hash } from 'node:crypto'
import { quoteLiteral } from '../table.ts'
import type { Connection } from './duckdb.ts'
import { BUILD, type Session } from './session.ts'

/** What the build file knows of a node: the key it was built with, and the version of what came out. */
export interface NodeState {
  /** Hash of the node itself and of the versions of its parents. */
  key: string
  /** Changes when the content changes; a rebuild with equal content keeps it, so that nothing downstream is rebuilt. */
  version: string
  rows: number | null
}

/**
 * The build file's memory, kept in the same transaction as what it speaks of. Rows are appended and the last of an id
 * counts: an index would cost more than everything else that is done for a small model.
 */
export class BuildState {
  readonly #connection: Connection
  readonly #nodes: Map<string, NodeState>
  readonly #pending: { id: string; key: string; version: string; row_count: number | null }[] = []
  /** `schema.name` → kind, of everything in the build file. */
  readonly relations: Map<string, 'table' | 'view'>

  private constructor(connection: Connection, nodes: Map<string, NodeState>, relations: Map<string, 'table' | 'view'>) {
    this.#connection = connection
    this.#nodes = nodes
    this.relations = relations
  }

  static async open({ connection }: Session): Promise<BuildState> {
    await createState(connection)
    const rows = await connection.rows<{ id: string; key: string; version: string; rows: number | null }>(
      `select id, key, version, row_count as rows from ${BUILD}._state.nodes order by rowid`,
    )
    const nodes = new Map(rows.map(({ id, ...state }) => [id, state]))
    if (rows.length > 2 * nodes.size + 1_000) await compact(connection)
    const relations = await connection.rows<{ name: string; kind: 'table' | 'view' }>(`
      select schema_name || '.' || table_name as name, 'table' as kind from duckdb_tables() where database_name = '${BUILD}'
      union all
      select schema_name || '.' || view_name, 'view' from duckdb_views() where database_name = '${BUILD}' and not internal`)
    return new BuildState(connection, nodes, new Map(relations.map(({ name, kind }) => [name, kind])))
  }

  get(id: string): NodeState | undefined {
    return this.#nodes.get(id)
  }

  /** The statement that notes, in the transaction that builds it, what a relation was built from and what came out. */
  noting(id: string, key: string, relation: string, kind: 'table' | 'view'): string {
    const [name, built] = [quoteLiteral(id), quoteLiteral(key)]
    const content =
      kind === 'view'
        ? `select ${name}, ${built}, ${built}, null`
        : `select ${name}, ${built}, ${contentOf(relation)}, count(*) from ${relation} as _row`
    return `insert into ${BUILD}._state.nodes ${content} returning version, row_count as rows`
  }

  /** The same, where the version of what came out is known already. */
  noteAgain(id: string, key: string, { version, rows }: NodeState): string {
    const values = [quoteLiteral(id), quoteLiteral(key), quoteLiteral(version), String(rows ?? 'null')]
    return `insert into ${BUILD}._state.nodes values (${values.join(', ')}) returning version, row_count as rows`
  }

  noted(id: string, state: NodeState): void {
    this.#nodes.set(id, state)
  }

  async save(id: string, state: NodeState): Promise<void> {
    await this.#connection.run(`insert into ${BUILD}._state.nodes values ($1, $2, $3, $4)`, [
      id,
      state.key,
      state.version,
      state.rows,
    ])
    this.#nodes.set(id, state)
  }

  /** For what costs little to find out again: written with the next `flush`. */
  remember(id: string, state: NodeState): void {
    this.#nodes.set(id, state)
    this.#pending.push({ id, key: state.key, version: state.version, row_count: state.rows })
  }

  async flush(): Promise<void> {
    const pending = this.#pending.splice(0)
    if (pending.length === 0) return
    await this.#connection.run(
      `insert into ${BUILD}._state.nodes
       select r ->> 'id', r ->> 'key', r ->> 'version', cast(r ->> 'row_count' as bigint) from (select unnest($1::json[]) as r)`,
      [JSON.stringify(pending)],
    )
  }
}

async function createState(connection: Connection): Promise<void> {
  await connection.run(`
    create schema if not exists ${BUILD}._state;
    create table if not exists ${BUILD}._state.nodes (id varchar, key varchar, version varchar, row_count bigint)`)
}

/** Runs statements that leave the build file as they say, unless the last of this name were just these, over the same `given`. */
export async function once({ connection }: Session, name: string, statements: string, given: string): Promise<void> {
  await createState(connection)
  const key = hash('sha256', `${given}\n${statements}`)
  const [last] = await connection.rows<{ key: string }>(
    `select key from ${BUILD}._state.nodes where id = $1 order by rowid desc limit 1`,
    [name],
  )
  if (last?.key === key) return
  await connection.transaction(async () => {
    await connection.run(statements)
    await connection.run(`insert into ${BUILD}._state.nodes values ($1, $2, '', null)`, [name, key])
  })
}

/** What \`once\` has run under this name stands no longer. */
export async function forget({ connection }: Session, name: string): Promise<void> {
  await connection.run(`delete from ${BUILD}._state.nodes where id = $1`, [name])
}

async function compact(connection: Connection): Promise<void> {
  await connection.run(`
    create or replace table ${BUILD}._state.nodes as
    select id, key, version, row_count from ${BUILD}._state.nodes
    qualify row_number() over (partition by id order by rowid desc) = 1`)
}

/**
 * The content of a relation as one number, which does not depend on the order of its rows, and of two parts is the sum:
 * an expression over the relation under the name `_row`, which no column has. NULL where there are no rows. DuckDB hashes
 * NULL and an empty list alike, so the values that there are are counted, too.
 */
export function contentSum(relation: string): string {
  return `sum(hash(_row)) + (select list_sum([*columns(*)]) from (select count(columns(*)) from ${relation}))`
}

/** The version of a content: its rows, their sum and their type. */
function contentOf(relation: string): string {
  const sum = `coalesce(cast(${contentSum(relation)} as varchar), '')`
  return `count(*) || ':' || ${sum} || ':' || coalesce(any_value(typeof(_row)), '')`
}

export async function contentVersion(
  connection: Connection,
  relation: string,
): Promise<{ version: string; rows: number }> {
  const [content] = await connection.rows<{ version: string; rows: number }>(
    `select ${contentOf(relation)} as version, count(*) as rows from ${relation} as _row`,
  )
  return content!
}
