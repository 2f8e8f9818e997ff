import { type Budget, NO_BUDGET } from '../../pipeline/budget.ts'
import { createHttp, type HttpDeps, type HttpFactory } from '../../pipeline/http.ts'
import { type Connection, type Database, openDatabase } from '../../pipeline/warehouse/duckdb.ts'

/** Pays for everything. */
export const RICH: Budget = { priceOf: () => undefined, reserve: () => ({ settle() {} }) }

export interface HttpWorld {
  http: HttpFactory
  connection: Connection
  /** Milliseconds of every wait the layer asked for; time passes at once. */
  waits: number[]
  /** The same ledger, seen by another run. */
  again(deps?: Partial<HttpDeps>): HttpFactory
  calls(): Promise<Record<string, unknown>[]>
  answers(): Promise<Record<string, unknown>[]>
  database: Database
}

export const START = Date.parse('2026-03-10T08:00:00.000Z')

/** The HTTP layer over a ledger in memory, with a clock that stands still except when the layer waits. */
export async function httpWorld(overrides: Partial<HttpDeps> = {}): Promise<HttpWorld> {
  const database = await openDatabase({ threads: 1 })
  const connection = await database.connect()
  await connection.run(`
    create schema log;
    create table log.forgotten (kind varchar, mark varchar, forgotten_at timestamp, reason varchar);
    create table log.forget_key ("inner" varchar, "outer" varchar);
    create table log.calls (call_id varchar primary key, run_id varchar, service varchar, endpoint varchar,
      request_hash varchar, field varchar, company_id varchar, lead_id varchar, status integer,
      credits decimal(18, 4), usd decimal(18, 6), hit boolean, cached boolean, requested_at timestamp);
    create table log.intents (call_id varchar primary key, run_id varchar, service varchar, endpoint varchar,
      request_hash varchar, field varchar, company_id varchar, lead_id varchar, credits decimal(18, 4),
      usd decimal(18, 6), requested_at timestamp);
    create table log.answers (request_hash varchar, call_id varchar, status integer, headers json, body varchar,
      fetched_at timestamp);
  `)
  const waits: number[] = []
  let clock = START
  const again = (deps: Partial<HttpDeps> = {}) =>
    createHttp({
      connection,
      run_id: 'run_1',
      as_of: '2026-03-10',
      now: () => new Date(clock),
      sleep: async (ms) => {
        waits.push(ms)
        clock += ms
      },
      random: () => 0.5,
      live: new Set(),
      budget: NO_BUDGET,
      signal: new AbortController().signal,
      ...overrides,
      ...deps,
    })
  return {
    http: again(),
    connection,
    waits,
    again,
    database,
    calls: () => connection.rows('select * from log.calls order by requested_at, call_id'),
    answers: () => connection.rows('select * from log.answers order by fetched_at, call_id'),
  }
}
