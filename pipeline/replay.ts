import { copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Target } from './config.ts'
import { ProjectError } from './errors.ts'
import type { Project } from './load.ts'
import { quoteIdentifier } from './table.ts'
import type { Connection } from './warehouse/duckdb.ts'
import { placesOf } from './warehouse/home.ts'
import { acquireLock } from './warehouse/lock.ts'
import { openSession } from './warehouse/session.ts'

/** A past run, made ready to be run again. */
export interface Replay {
  run_id: string
  as_of: string
  git_commit: string | null
  /** The same project over a copy of the ledger as that run left it, in a folder of its own, live for nothing. */
  project: Project
  folder: string
}

/**
 * Copies the ledger, takes out of the copy whatever later runs wrote, and answers the project over that copy. The ledger
 * itself and its publication stay as they are; it is held while it is copied. Throws ProjectError for an unknown run.
 */
export async function prepareReplay(project: Project, run_id: string, call: string, now: Date): Promise<Replay> {
  const { root, config } = project
  const places = placesOf(root, config.target)
  const folder = join(places.data, 'replays', run_id)
  const copy = join(folder, 'ledger.duckdb')
  if (!existsSync(places.ledger)) throw unknown(run_id, [])
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const lock = acquireLock(places.ledger, call, now)
  try {
    copyFileSync(places.ledger, copy)
    if (existsSync(`${places.ledger}.wal`)) copyFileSync(`${places.ledger}.wal`, `${copy}.wal`)
  } finally {
    lock.release()
  }
  if (existsSync(places.lake)) symlinkSync(places.lake, join(folder, 'lake'))
  const session = await openSession({ ledger: copy, as_of: '2000-01-01' })
  try {
    const run = await takeOutLater(session.connection, run_id)
    const target = {
      ...config.target,
      ...{
        warehouse: join(folder, 'warehouse.duckdb'),
        ledger: copy,
        exports: exportsIn(config.target.exports, folder),
      },
      ...{ live: [], ledger_id: undefined },
    }
    return { run_id, ...run, project: { ...project, config: { ...config, target } }, folder }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  } finally {
    session.close()
  }
}

function exportsIn(exports: Target['exports'], folder: string): Target['exports'] {
  const path = join(folder, 'exports')
  return typeof exports === 'string' ? path : { ...exports, path }
}

async function takeOutLater(connection: Connection, run_id: string) {
  const [run] = await connection.rows<{ as_of: string; git_commit: string | null }>(
    'select cast(as_of as varchar) as as_of, git_commit from _ledger.log.runs where run_id = $1',
    [run_id],
  )
  if (run === undefined) {
    const last = await connection.rows<{ run_id: string }>(
      'select run_id from _ledger.log.runs order by seq desc limit 5',
    )
    throw unknown(
      run_id,
      last.map((each) => each.run_id),
    )
  }
  const tables = await connection.rows<{ name: string; column: string }>(`
    select
        '_ledger.' || schema_name || '.' || '"' || table_name || '"' as name,
        column_name as column
    from duckdb_columns()
    where database_name = '_ledger' and column_name in ('run_id', '_run_id')
    order by all`)
  for (const { name, column } of tables)
    await connection.run(`delete from ${name} where ${quoteIdentifier(column)} > $1`, [run_id])
  await connection.run('checkpoint _ledger')
  return run
}

function unknown(run_id: string, last: readonly string[]): ProjectError {
  const hint = last.length === 0 ? 'The ledger holds none.' : `The last ones are ${last.join(', ')}.`
  return new ProjectError([{ file: '--replay', message: `the ledger holds no run '${run_id}'`, hint }])
}
