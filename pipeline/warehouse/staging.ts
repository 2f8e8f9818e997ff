import { dropForgotten } from '../forget/tombstones.ts'
import type { LedgerTable, Recorded, RecordOptions, RowsToRecord } from '../step.ts'
import { quoteIdentifier, quoteLiteral } from '../table.ts'
import type { Connection } from './duckdb.ts'
import { currentRows, type RunIdentity, storedName } from './ledger.ts'
import { LEDGER } from './session.ts'

const STAGED = 'temp.main.staged'
const FRESH = 'temp.main.fresh'

/** One call of `record`: rows wait in a temporary table until it is known which of them the ledger does not hold yet. */
export class Staging {
  readonly #connection: Connection
  readonly #table: LedgerTable
  readonly #run: RunIdentity
  readonly #columns: Record<string, string>
  readonly #names: string
  readonly #hash: string

  constructor(connection: Connection, table: LedgerTable, run: RunIdentity) {
    this.#connection = connection
    this.#table = table
    this.#run = run
    this.#columns = { ...table.columns, ...(table.payload ? { _payload: 'JSON' } : {}) }
    this.#names = Object.keys(this.#columns).map(quoteIdentifier).join(', ')
    this.#hash = `md5(cast(to_json(row(${this.#names})) as varchar)) as _hash`
  }

  async record(
    batches: RowsToRecord,
    options: RecordOptions,
    commit: (append: () => Promise<void>) => Promise<void> | undefined,
  ): Promise<Recorded> {
    const midnight = `${this.#run.as_of}T00:00:00Z`
    const { fetched_at = midnight } = options
    const at = typeof fetched_at === 'string' ? undefined : (row: object) => fetched_at(row) ?? midnight
    const received = await this.#stage(batches, at)
    if (received === 0 && this.#table.write !== 'replace') return { appended: 0, unchanged: 0 }
    await dropForgotten(this.#connection, this.#table, STAGED)
    const { fresh, changed } = await this.#compare()
    if (!changed) return { appended: 0, unchanged: received }
    const committed = commit(() => this.#append(typeof fetched_at === 'string' ? fetched_at : undefined))
    if (committed === undefined) return { appended: 0, unchanged: received }
    await committed
    return { appended: fresh, unchanged: received - fresh }
  }

  async #stage(batches: RowsToRecord, at?: (row: object) => string): Promise<number> {
    const definition = Object.entries(this.#columns).map(([name, type]) => `${quoteIdentifier(name)} ${type}`)
    await this.#connection.run(`
      create temp sequence staged_order;
      create temp table staged (${definition.join(', ')}, _at timestamp, _order bigint default nextval('staged_order'))`)
    if ('select' in batches) return this.#stageSelect(batches.select)
    let received = 0
    for await (const batch of batches) {
      const columns = at === undefined ? this.#columns : { ...this.#columns, _at: 'TIMESTAMP' }
      const rows = batch.map((row) => ({
        ...row,
        ...(this.#table.payload ? { _payload: row } : {}),
        ...(at === undefined ? {} : { _at: at(row) }),
      }))
      received += await this.#connection.insert(STAGED, columns, rows)
    }
    return received
  }

  /** Rows that are in the warehouse already do not pass through JavaScript. */
  async #stageSelect(select: string): Promise<number> {
    const names = Object.keys(this.#table.columns).map(quoteIdentifier)
    const payload = this.#table.payload ? [`to_json(row(${names.join(', ')})) as _payload`] : []
    const columns = Object.entries(this.#table.columns).map(
      ([name, type]) => `cast(${quoteIdentifier(name)} as ${type}) as ${quoteIdentifier(name)}`,
    )
    const rows = [...columns, ...payload].join(', ')
    return this.#connection.run(`insert into ${STAGED} by name select ${rows} from (${select})`)
  }

  /** Leaves in FRESH what is to be appended, the last of several rows of one key. */
  async #compare(): Promise<{ fresh: number; changed: boolean }> {
    const { write, key } = this.#table
    const keys = key.map(quoteIdentifier)
    const last =
      keys.length === 0 ? '' : `qualify row_number() over (partition by ${keys.join(', ')} order by _order desc) = 1`
    const current = currentRows(this.#table, this.#run.as_of, undefined, write === 'replace' ? undefined : STAGED)
    const held = `(select ${[...keys, this.#hash].join(', ')} from (${current}))`
    const sameKey = keys.map((name) => `held.${name} is not distinct from staged.${name}`)
    const known: Record<LedgerTable['write'], string> = {
      append: keys.length === 0 ? '' : `anti join ${held} as held on ${sameKey.join(' and ')}`,
      merge: `anti join ${held} as held on ${[...sameKey, 'held._hash = staged._hash'].join(' and ')}`,
      replace: '',
    }
    await this.#connection.run(`
      create temp table fresh as
      select * from (select ${this.#names}, ${this.#hash}, _at, _order from ${STAGED} ${last}) as staged ${known[write]}
      order by _order`)
    const fresh = await this.#count(`select count(*) as n from ${FRESH}`)
    if (write !== 'replace') return { fresh, changed: fresh > 0 }
    const ours = `select _hash, count(*) as c from ${FRESH} group by all`
    const theirs = `select _hash, count(*) as c from ${held} group by all`
    const difference = await this.#count(
      `select count(*) as n from ((${ours} except ${theirs}) union all (${theirs} except ${ours}))`,
    )
    return { fresh, changed: difference > 0 }
  }

  async #count(sql: string): Promise<number> {
    return (await this.#connection.rows<{ n: number }>(sql))[0]!.n
  }

  /** Without `fetched_at`: each row has its own, and the load the latest of them. */
  async #append(fetched_at?: string): Promise<void> {
    const rowCount = `(select count(*) from ${FRESH})`
    const [latest] = fetched_at === undefined ? await this.#latest() : [{ at: fetched_at }]
    const load = await newLoad(this.#connection, this.#table, this.#run.run_id, latest!.at, rowCount)
    await this.#connection.run(`
      insert into ${storedName(this.#table)} by name
      select ${this.#names}, _hash, coalesce(_at, cast(${quoteLiteral(latest!.at)} as timestamp)) as _fetched_at,
        ${quoteLiteral(this.#run.run_id)} as _run_id, ${load} as _load
      from ${FRESH} order by _order`)
  }

  #latest(): Promise<{ at: string }[]> {
    const midnight = quoteLiteral(`${this.#run.as_of}T00:00:00Z`)
    return this.#connection.rows<{ at: string }>(
      `select coalesce(max(_at), cast(${midnight} as timestamp)) as at from ${FRESH}`,
    )
  }
}

/** Registers a load and answers its number; numbers grow, so that the later of two versions is known. */
export async function newLoad(
  connection: Connection,
  table: { source: string; table: string },
  run_id: string,
  fetched_at: string,
  rowCount: string,
): Promise<number> {
  const [next] = await connection.rows<{ id: number }>(
    `select coalesce(max(load_id), 0) + 1 as id from ${LEDGER}.log.loads`,
  )
  await connection.run(
    `insert into ${LEDGER}.log.loads select ${next!.id}, $1, $2, $3, ${rowCount}, cast($4 as timestamp)`,
    [table.source, table.table, run_id, fetched_at],
  )
  return next!.id
}
