import { messageOf, ProjectError } from '../errors.ts'
import type { Graph } from '../graph.ts'
import { buildSeed } from '../materialize.ts'
import type { GraphNode, SeedNode, SnapshotNode, SourceNode } from '../nodes.ts'
import { quoteIdentifier, relationName } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import { createLedger, currentLedgerRows, currentRows, ensureRawTables } from '../warehouse/ledger.ts'
import { openSession, type Session } from '../warehouse/session.ts'

/**
 * A database in memory that has the relations which unit tests need, of the types that the project's SQL and files give
 * them: what stands in the build file does not matter. Tables are empty; seeds have their rows.
 */
export class Shadow {
  readonly #session: Session
  readonly #graph: Graph
  /** The build, for tables whose columns the project does not say. */
  readonly #build: Connection
  /** A connection beside the transaction of a test: what fails on it does not end the transaction. */
  readonly values: Connection
  readonly #made = new Map<string, Promise<void>>()

  private constructor(session: Session, graph: Graph, build: Connection, values: Connection) {
    this.#session = session
    this.#graph = graph
    this.#build = build
    this.values = values
  }

  static async open(graph: Graph, as_of: string, build: Connection): Promise<Shadow> {
    const session = await openSession({ as_of, threads: 1 })
    const nodes = [...graph.nodes.values()]
    const schemas = nodes.flatMap((node) => {
      if (node.kind === 'step') return (node.step.builds ?? []).map(({ schema }) => schema)
      return 'relation' in node ? [node.relation.schema] : []
    })
    await session.useSchemas(new Set(schemas))
    return new Shadow(session, graph, build, await session.connect())
  }

  get connection(): Connection {
    return this.#session.connection
  }

  /** Makes a node's relations, and before them what they are made from. */
  make(id: string): Promise<void> {
    const made = this.#made.get(id) ?? this.#make(id)
    this.#made.set(id, made)
    return made
  }

  close(): void {
    this.values.close()
    this.#session.close()
  }

  async #make(id: string): Promise<void> {
    const node = this.#graph.nodes.get(id)!
    switch (node.kind) {
      case 'model':
      case 'snapshot':
        for (const dep of node.deps) await this.make(dep)
        await this.#bound(node, node.kind === 'model' ? node.sql : snapshotQuery(node))
        return
      case 'seed':
        return this.#seed(node)
      case 'source':
        return this.#source(node)
      case 'step':
        for (const { schema, name, columns } of node.step.builds ?? []) await this.#table({ schema, name }, columns)
        return
      default:
        return
    }
  }

  async #bound(node: GraphNode & { relation: { schema: string; name: string } }, sql: string): Promise<void> {
    const name = relationName(node.relation)
    try {
      await this.connection.run(`create table ${name} as ${sql}\nwith no data`)
    } catch (error) {
      const columns = await this.#build.describe(`select * from ${name}`).catch(() => undefined)
      if (columns === undefined)
        throw new ProjectError([{ file: node.file, message: `its columns cannot be found out: ${messageOf(error)}` }])
      await this.#table(node.relation, Object.fromEntries(columns.map((column) => [column.name, column.type])))
    }
  }

  async #table(relation: { schema: string; name: string }, columns: Record<string, string>): Promise<void> {
    const list = Object.entries(columns).map(([name, type]) => `${quoteIdentifier(name)} ${type}`)
    await this.connection.run(`create table ${relationName(relation)} (${list.join(', ')})`)
  }

  #seed(node: SeedNode): Promise<void> {
    return buildSeed(this.connection, node, undefined)
  }

  async #source(node: SourceNode): Promise<void> {
    const { as_of } = this.#session
    if (node.ledger !== undefined || node.source === 'ledger') {
      this.#made.set(
        'the ledger',
        this.#made.get('the ledger') ?? createLedger(this.connection, new Date(0)).then(() => {}),
      )
      await this.#made.get('the ledger')
      if (node.ledger !== undefined) await ensureRawTables(this.connection, [node.ledger])
      const rows = node.ledger === undefined ? currentLedgerRows(node.table, as_of) : currentRows(node.ledger, as_of)
      await this.connection.run(`create table ${relationName(node.relation)} as ${rows} with no data`)
      return
    }
    const columns = node.columns ?? []
    if (columns.length > 0 && columns.every(({ data_type }) => data_type !== undefined))
      return this.#table(node.relation, Object.fromEntries(columns.map(({ name, data_type }) => [name, data_type!])))
    const known = await this.#build.describe(`select * from ${relationName(node.relation)}`).catch(() => undefined)
    if (known === undefined)
      throw new ProjectError([
        {
          file: node.file,
          message: `the columns of source('${node.source}', '${node.table}') are not known`,
          hint: 'Give each a data_type.',
        },
      ])
    await this.#table(node.relation, Object.fromEntries(known.map(({ name, type }) => [name, type])))
  }
}

function snapshotQuery({ sql, settings }: SnapshotNode): string {
  const names: Partial<Record<string, string>> = settings.snapshot_meta_column_names ?? {}
  const types: Record<string, string> = {
    dbt_scd_id: 'varchar',
    dbt_updated_at: 'timestamp',
    dbt_valid_from: 'timestamp',
    dbt_valid_to: 'timestamp',
    ...(settings.hard_deletes === 'new_record' ? { dbt_is_deleted: 'varchar' } : {}),
  }
  const added = Object.entries(types).map(
    ([name, type]) => `cast(null as ${type}) as ${quoteIdentifier(names[name] ?? name)}`,
  )
  return `select *, ${added.join(', ')} from (${sql}\n)`
}
