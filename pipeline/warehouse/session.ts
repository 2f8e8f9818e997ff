import { quoteIdentifier, quoteLiteral } from '../table.ts'
import { checkpoint } from './crew.ts'
import { type Connection, openDatabase } from './duckdb.ts'

/** Names under which the two files are attached. Compiled SQL never says them: `search_path` resolves two-part names. */
export const BUILD = '_build'
export const LEDGER = '_ledger'

export interface SessionOptions {
  /** The private file a run builds in; in memory when absent. */
  build?: string
  /** The ledger's file; in memory when absent. */
  ledger?: string
  threads?: number
  memory_limit?: string
  temp_directory?: string
  read_only?: boolean
  /** The ledger alone is only read. */
  ledger_read_only?: boolean
  as_of: string
}

/** Warehouse and ledger, attached to one in-memory instance; the only place that knows they are files. */
export interface Session {
  connection: Connection
  as_of: string
  /** Another connection to the same two files; the caller closes it. */
  connect(): Promise<Connection>
  /** Makes schemas visible to two-part names. */
  useSchemas(schemas: Iterable<string>): Promise<void>
  checkpoint(): Promise<void>
  close(): void
}

export async function openSession(options: SessionOptions): Promise<Session> {
  const { threads, memory_limit, temp_directory } = options
  const database = await openDatabase({ threads, memory_limit, temp_directory })
  try {
    const connection = await database.connect()
    const mode = options.read_only ? ' (read_only)' : ''
    const ledgerMode = options.ledger_read_only ? ' (read_only)' : mode
    if (options.ledger !== undefined || !options.read_only) {
      await connection.run(
        `attach ${quoteLiteral(options.ledger ?? ':memory:')} as ${LEDGER}${options.ledger === undefined ? '' : ledgerMode}`,
      )
    }
    await connection.run(`attach ${quoteLiteral(options.build ?? ':memory:')} as ${BUILD}${mode}; use ${BUILD}`)
    if (!options.read_only) await setDate(connection, options.as_of)
    const schemas = new Set<string>(['main', 'raw', 'log'])
    const searchPath = () => {
      const path = [...schemas].map((schema) => `${BUILD}.${schema}`)
      return `set search_path = ${quoteLiteral(path.join(','))}`
    }
    const session: Session = {
      connection,
      as_of: options.as_of,
      async useSchemas(added) {
        for (const schema of added) schemas.add(schema)
        if (!options.read_only) {
          const create = [...schemas].map((schema) => `create schema if not exists ${BUILD}.${quoteIdentifier(schema)}`)
          await connection.run(create.join(';'))
        }
        await connection.run(searchPath())
      },
      async connect() {
        const another = await database.connect()
        await another.run(searchPath())
        return another
      },
      checkpoint: async () => {
        await checkpoint(connection, BUILD)
        if (options.ledger !== undefined) await connection.run(`checkpoint ${LEDGER}`)
      },
      close() {
        connection.close()
        database.close()
      },
    }
    await session.useSchemas([])
    return session
  } catch (error) {
    database.close()
    throw error
  }
}

/** What is said already is not written again: a file that nothing was written to needs no checkpoint. */
async function setDate(connection: Connection, as_of: string): Promise<void> {
  const said = await connection
    .rows<{ date: string }>(`select cast(${BUILD}.main.as_of() as varchar) as date`)
    .catch(() => [])
  if (said[0]?.date === as_of) return
  await connection.run(`create or replace macro ${BUILD}.main.as_of() as cast(${quoteLiteral(as_of)} as date)`)
}
