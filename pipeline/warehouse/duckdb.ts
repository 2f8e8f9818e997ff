import type {
  DuckDBConnection,
  DuckDBPreparedStatement,
  DuckDBResult,
  DuckDBResultReader,
  DuckDBType,
  DuckDBTypeId,
  DuckDBValue,
  StatementType,
} from '@duckdb/node-api'
import { StatementError } from '../bug.ts'
import type { TableSpec } from '../table.ts'
import { quoteIdentifier } from '../table.ts'

/** A value of a row as it leaves the database: only what JSON can carry, so that rows can be printed, hashed and sent. */
export type Value = string | number | boolean | null | Value[] | { [field: string]: Value }
export type Row = Record<string, Value>
/** What may be bound to `$1`, `$name`. Dates are bound as ISO text. */
export type Parameter = string | number | bigint | boolean | null

/** One connection. Statements on one connection run one after another. */
export interface Connection {
  /** Runs one or more statements; answers the number of rows the last one changed. */
  run(sql: string, parameters?: readonly Parameter[]): Promise<number>
  /** Runs a query and reads all of it: for results that fit in memory. */
  rows<T = Row>(sql: string, parameters?: readonly Parameter[]): Promise<T[]>
  /** Runs a query and reads it batch by batch, with bounded memory. */
  stream<T = Row>(sql: string, parameters?: readonly Parameter[]): AsyncIterable<T[]>
  /**
   * Runs what somebody else wrote, if it is one SELECT, and reads its first rows. Throws a StatementError for anything
   * else. What it may touch is up to the settings of the database.
   */
  question(sql: string, at_most: number): Promise<Answer>
  /** Column names and types of a query, without running it. */
  describe(sql: string): Promise<{ name: string; type: string }[]>
  /** Appends plain rows to a table (absent fields are NULL), in batches. Answers the number appended. */
  insert(into: string, columns: TableSpec['columns'], rows: readonly object[]): Promise<number>
  /** Runs `work` in one transaction; rolled back when it throws. DuckDB lets one transaction write to one file only. */
  transaction<T>(work: () => Promise<T>): Promise<T>
  interrupt(): void
  close(): void
}

export interface Answer {
  columns: { name: string; type: string }[]
  rows: Row[]
  /** There are more rows than were read. */
  more: boolean
}

export interface Database {
  connect(): Promise<Connection>
  close(): void
}

export interface DatabaseOptions {
  path?: string
  read_only?: boolean
  threads?: number
  memory_limit?: string
  temp_directory?: string
}

/** Opens a database (in memory unless `path` says otherwise). Extensions are never fetched: what is used is built in. */
export async function openDatabase(options: DatabaseOptions = {}): Promise<Database> {
  const settings: Record<string, string> = { autoinstall_known_extensions: 'false', TimeZone: 'UTC' }
  if (options.read_only) settings.access_mode = 'READ_ONLY'
  if (options.threads !== undefined) settings.threads = String(options.threads)
  if (options.memory_limit !== undefined) settings.memory_limit = options.memory_limit
  if (options.temp_directory !== undefined) settings.temp_directory = options.temp_directory
  const { TimeZone: _zone, ...startup } = settings
  const { DuckDBInstance, DuckDBTypeId, StatementType } = (await import('@duckdb/node-api')).default
  typeIds = DuckDBTypeId
  selectType = StatementType.SELECT
  const instance = await DuckDBInstance.create(options.path ?? ':memory:', startup).catch(refused)
  return {
    async connect() {
      const connection = await instance.connect()
      await connection.run("set TimeZone = 'UTC'")
      return new DuckConnection(connection)
    },
    close: () => instance.closeSync(),
  }
}

/** Loaded with the first database: many commands need none, and it is slow to load. */
let typeIds: typeof DuckDBTypeId
let selectType: StatementType

const INSERT_BATCH = 5_000
const KEPT_PREPARED = 16

class DuckConnection implements Connection {
  readonly #connection: DuckDBConnection
  /** Statements with parameters that came before; undefined: once only. Planning a short one takes longer than running it. */
  readonly #prepared = new Map<string, DuckDBPreparedStatement | undefined>()
  #closed = false

  constructor(connection: DuckDBConnection) {
    this.#connection = connection
  }

  async run(sql: string, parameters: readonly Parameter[] = []): Promise<number> {
    const result = await this.#execute<DuckDBResult>(
      sql,
      parameters,
      () => this.#connection.run(sql, bind(parameters)),
      (prepared) => prepared.run(),
    )
    return result.rowsChanged
  }

  async rows<T>(sql: string, parameters: readonly Parameter[] = []): Promise<T[]> {
    const reader = await this.#execute<DuckDBResultReader>(
      sql,
      parameters,
      () => this.#connection.runAndReadAll(sql, bind(parameters)),
      (prepared) => prepared.runAndReadAll(),
    )
    const [names, types] = [reader.deduplicatedColumnNames(), reader.columnTypes()]
    return rowsOf<T>(names, types, reader.getColumns(), reader.currentRowCount)
  }

  /** As it is, or as it was prepared: from the second time on, where it has parameters and nobody else is running it. */
  async #execute<R>(
    sql: string,
    parameters: readonly Parameter[],
    plainly: () => Promise<R>,
    run: (prepared: DuckDBPreparedStatement) => Promise<R>,
  ): Promise<R> {
    if (parameters.length === 0) return plainly().catch(refused)
    const before = this.#prepared.has(sql)
    const kept = this.#prepared.get(sql)
    this.#note(sql, undefined)
    const prepared = kept ?? (before ? await this.#connection.prepare(sql).catch(() => undefined) : undefined)
    if (prepared === undefined) return plainly().catch(refused)
    try {
      prepared.bind([...parameters])
      return await run(prepared).catch(refused)
    } finally {
      this.#keep(sql, prepared)
    }
  }

  #keep(sql: string, prepared: DuckDBPreparedStatement): void {
    if (this.#closed || this.#prepared.get(sql) !== undefined) prepared.destroySync()
    else this.#note(sql, prepared)
  }

  #note(sql: string, prepared: DuckDBPreparedStatement | undefined): void {
    this.#prepared.delete(sql)
    this.#prepared.set(sql, prepared)
    if (this.#prepared.size <= KEPT_PREPARED) return
    const [oldest] = this.#prepared.keys()
    this.#prepared.get(oldest!)?.destroySync()
    this.#prepared.delete(oldest!)
  }

  async *stream<T>(sql: string, parameters: readonly Parameter[] = []): AsyncIterable<T[]> {
    const result = await this.#connection.stream(sql, bind(parameters)).catch(refused)
    const [names, types] = [result.deduplicatedColumnNames(), result.columnTypes()]
    try {
      for await (const chunk of result) {
        if (names.length > 0) yield rowsOf<T>(names, types, chunk.getColumns(), chunk.rowCount)
      }
    } catch (error) {
      refused(error)
    }
  }

  async question(sql: string, at_most: number): Promise<Answer> {
    const statements = await this.#connection.extractStatements(sql).catch(refused)
    if (statements.count !== 1) throw new StatementError(`one SELECT, please: these are ${statements.count} statements`)
    const prepared = await statements.prepare(0).catch(refused)
    try {
      if (prepared.statementType !== selectType) throw new StatementError('only a SELECT is answered')
      const result = await prepared.stream().catch(refused)
      const [names, types] = [result.deduplicatedColumnNames(), result.columnTypes()]
      const rows: Row[] = []
      for await (const chunk of result) {
        rows.push(...rowsOf<Row>(names, types, chunk.getColumns(), chunk.rowCount))
        if (rows.length > at_most) break
      }
      const columns = names.map((name, index) => ({ name, type: String(types[index]) }))
      return { columns, rows: rows.slice(0, at_most), more: rows.length > at_most }
    } catch (error) {
      return refused(error)
    } finally {
      prepared.destroySync()
    }
  }

  async describe(sql: string): Promise<{ name: string; type: string }[]> {
    const rows = await this.rows<{ column_name: string; column_type: string }>(`describe ${sql}`)
    return rows.map(({ column_name, column_type }) => ({ name: column_name, type: column_type }))
  }

  async insert(into: string, columns: TableSpec['columns'], rows: readonly object[]): Promise<number> {
    const select = Object.entries(columns)
      .map(([name, type]) => {
        const structure = JSON.stringify(type).replaceAll("'", "''")
        const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`.replaceAll("'", "''")
        // The strict form refuses a wrong value, but also an object that lacks a field.
        const read = type.includes('STRUCT') ? 'from_json' : 'from_json_strict'
        return `${read}(r -> '${pointer}', '${structure}') as ${quoteIdentifier(name)}`
      })
      .join(', ')
    const sql = `insert into ${into} by name select ${select} from (select unnest($1::json[]) as r)`
    for (let start = 0; start < rows.length; start += INSERT_BATCH) {
      await this.run(sql, [JSON.stringify(rows.slice(start, start + INSERT_BATCH))])
    }
    return rows.length
  }

  async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.run('begin')
    try {
      const result = await work()
      await this.run('commit')
      return result
    } catch (error) {
      await this.#connection.run('rollback').catch(() => {})
      throw error
    }
  }

  interrupt(): void {
    this.#connection.interrupt()
  }

  close(): void {
    this.#closed = true
    for (const statement of this.#prepared.values()) statement?.destroySync()
    this.#prepared.clear()
    this.#connection.closeSync()
  }
}

/** Column by column: as row objects the driver needs six times as long. */
function rowsOf<T>(
  names: readonly string[],
  types: readonly DuckDBType[],
  columns: readonly (readonly DuckDBValue[])[],
  count: number,
): T[] {
  return Array.from({ length: count }, (_, row) => {
    const object: Row = {}
    for (const [index, name] of names.entries()) object[name] = toValue(columns[index]![row]!, types[index]!)
    return object as T
  })
}

/** What DuckDB answers in place of rows. What the driver itself finds wrong with a call is a bug and stays one. */
function refused(error: unknown): never {
  if (error instanceof TypeError || error instanceof RangeError || !(error instanceof Error)) throw error
  throw new StatementError(error.message)
}

function bind(parameters: readonly Parameter[]): DuckDBValue[] | undefined {
  return parameters.length === 0 ? undefined : [...parameters]
}

/** The same connection, whose transactions are somebody else's to begin and end. */
export function withTransactions(connection: Connection, transaction: Connection['transaction']): Connection {
  return {
    run: (sql, parameters) => connection.run(sql, parameters),
    rows: (sql, parameters) => connection.rows(sql, parameters),
    stream: (sql, parameters) => connection.stream(sql, parameters),
    question: (sql, at_most) => connection.question(sql, at_most),
    describe: (sql) => connection.describe(sql),
    insert: (into, columns, rows) => connection.insert(into, columns, rows),
    interrupt: () => connection.interrupt(),
    close: () => connection.close(),
    transaction,
  }
}

/**
 * DuckDB value → JSON value. BIGINT and wider: a number while exact, else text. DECIMAL: a number up to 15 digits, else
 * text. DATE `2026-01-31`; TIMESTAMP `2026-01-31T12:00:00.000Z` (UTC, microseconds kept). JSON stays text, as stored.
 */
function toValue(value: DuckDBValue, type: DuckDBType): Value {
  if (value === null || value === undefined) return null
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : null
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
  }
  if (Array.isArray(value)) return value.map((item) => toValue(item, type))
  switch (type.typeId) {
    case typeIds.LIST:
    case typeIds.ARRAY: {
      const element = (type as unknown as { valueType: DuckDBType }).valueType
      return (value as unknown as { items: DuckDBValue[] }).items.map((item) => toValue(item, element))
    }
    case typeIds.STRUCT: {
      const { entryNames, entryTypes } = type as unknown as { entryNames: string[]; entryTypes: DuckDBType[] }
      const entries = (value as unknown as { entries: Record<string, DuckDBValue> }).entries
      return Object.fromEntries(
        entryNames.map((name, index) => [name, toValue(entries[name] ?? null, entryTypes[index]!)]),
      )
    }
    case typeIds.MAP: {
      const { keyType, valueType } = type as unknown as { keyType: DuckDBType; valueType: DuckDBType }
      const entries = (value as unknown as { entries: { key: DuckDBValue; value: DuckDBValue }[] }).entries
      return Object.fromEntries(
        entries.map((entry) => [String(toValue(entry.key, keyType)), toValue(entry.value, valueType)]),
      )
    }
    case typeIds.DECIMAL: {
      const text = String(value)
      return (type as unknown as { width: number }).width <= 15 ? Number(text) : text
    }
    case typeIds.TIMESTAMP:
    case typeIds.TIMESTAMP_S:
    case typeIds.TIMESTAMP_MS:
    case typeIds.TIMESTAMP_NS:
      return isoTimestamp(String(value))
    case typeIds.TIMESTAMP_TZ:
      return isoTimestamp(String(value).replace(/[+-]\d{2}(:\d{2})?$/, ''))
    default:
      return String(value)
  }
}

function isoTimestamp(text: string): string {
  const [date, time = '00:00:00'] = text.split(' ')
  return `${date}T${time.includes('.') ? time : `${time}.000`}Z`
}
