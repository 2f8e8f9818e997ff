import { expect, test } from 'vitest'
import { Crew } from '../../../../pipeline/warehouse/crew.ts'
import { type Connection, openDatabase } from '../../../../pipeline/warehouse/duckdb.ts'

async function withLedger(rows: number, work: (connection: Connection) => Promise<void>): Promise<void> {
  const database = await openDatabase({ threads: 3 })
  const connection = await database.connect()
  try {
    await connection.run(`attach ':memory:' as _ledger; create schema _ledger.log; create schema _ledger.raw;
      create table _ledger.log.loads (row_count bigint);
      create table _ledger.raw.mock__companies as select range as id from range(${rows})`)
    await work(connection)
  } finally {
    connection.close()
    database.close()
  }
}

const settings = async (connection: Connection) =>
  (
    await connection.rows(
      `select current_setting('threads') as threads, current_setting('disabled_optimizers') as disabled`,
    )
  )[0]

test('few rows: one thread and short plans, until there is work over many', () =>
  withLedger(1_000, async (connection) => {
    const crew = await Crew.over(connection)
    expect(await settings(connection)).toEqual({ threads: 1, disabled: 'in_clause' })
    await crew.expect(122_880)
    expect(await settings(connection)).toEqual({ threads: 1, disabled: 'in_clause' })
    await crew.expect(122_881)
    expect(await settings(connection)).toEqual({ threads: 3, disabled: '' })
    await crew.expect(1)
    expect(await settings(connection)).toEqual({ threads: 3, disabled: '' })
  }))

test('many rows in the ledger: all threads from the start', () =>
  withLedger(200_000, async (connection) => {
    await Crew.over(connection)
    expect(await settings(connection)).toEqual({ threads: 3, disabled: '' })
  }))

test('many rows in the lake count, which the ledger only knows of', () =>
  withLedger(1, async (connection) => {
    await connection.run('insert into _ledger.log.loads values (72800000)')
    await Crew.over(connection)
    expect(await settings(connection)).toEqual({ threads: 3, disabled: '' })
  }))
