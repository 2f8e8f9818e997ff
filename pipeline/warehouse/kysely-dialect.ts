import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely'
import type { Connection, Parameter } from './duckdb.ts'

/**
 * Kysely over one DuckDB connection. DuckDB takes Postgres' placeholders (`$1`) and identifier quotes, so only the
 * driver is ours. Table names have at most two parts: Kysely cuts a third silently.
 */
export function kyselyOver<DB>(connection: Connection): Kysely<DB> {
  const dialect: Dialect = {
    createAdapter: () => new DuckDbAdapter(),
    createDriver: () => new DuckDbDriver(connection),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  }
  return new Kysely<DB>({ dialect })
}

class DuckDbAdapter extends PostgresAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
  /** One connection per Kysely: there is nobody to lock out. */
  override async acquireMigrationLock(): Promise<void> {}
  override async releaseMigrationLock(): Promise<void> {}
}

class DuckDbDriver implements Driver {
  readonly #connection: KyselyConnection

  constructor(connection: Connection) {
    this.#connection = new KyselyConnection(connection)
  }
  async init(): Promise<void> {}
  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection
  }
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin'))
  }
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'))
  }
  async releaseConnection(): Promise<void> {}
  /** The connection belongs to the engine, which closes it. */
  async destroy(): Promise<void> {}
}

class KyselyConnection implements DatabaseConnection {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const parameters = query.parameters as readonly Parameter[]
    if (query.query.kind === 'SelectQueryNode' || query.query.kind === 'RawNode' || hasReturning(query)) {
      return { rows: await this.#connection.rows<R>(query.sql, parameters) }
    }
    return { rows: [], numAffectedRows: BigInt(await this.#connection.run(query.sql, parameters)) }
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    for await (const rows of this.#connection.stream<R>(query.sql, query.parameters as readonly Parameter[]))
      yield { rows }
  }
}

function hasReturning(query: CompiledQuery): boolean {
  return 'returning' in query.query && query.query.returning !== undefined
}
