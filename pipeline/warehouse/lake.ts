import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { LedgerTable } from '../step.ts'
import { quoteLiteral } from '../table.ts'
import type { Connection } from './duckdb.ts'
import type { Recorder } from './recorder.ts'
import { LEDGER } from './session.ts'

/** Immutable Parquet of bulk sources: `data/lake/<source>/<snapshot>/<table>/`. The ledger says which files count. */
export class Lake {
  readonly #root: string
  readonly #recorder: Recorder

  constructor(root: string, recorder: Recorder) {
    this.#root = root
    this.#recorder = recorder
  }

  /** Where a snapshot is written before it is committed; emptied first, so that a killed landing leaves nothing behind. */
  folder(table: LedgerTable, snapshot: string): string {
    const folder = join(this.#root, '.landing', table.source, snapshot, table.table)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    return folder
  }

  async commit(
    table: LedgerTable,
    snapshot: string,
    { filter, rows }: { filter: string; rows: number },
  ): Promise<void> {
    const landing = join(this.#root, '.landing', table.source, snapshot, table.table)
    const suffix = createHash('sha256').update(filter).digest('hex').slice(0, 8)
    const home = join(this.#root, table.source, `${snapshot}-${suffix}`, table.table)
    const names = readdirSync(landing)
      .filter((name) => name.endsWith('.parquet'))
      .sort()
    const files: { path: string; sha256: string; bytes: number }[] = []
    for (const name of names) {
      const sha256 = await hashFile(join(landing, name))
      files.push({ path: relative(this.#root, join(home, name)), sha256, bytes: statSync(join(landing, name)).size })
    }
    if (existsSync(home)) rmSync(home, { recursive: true })
    mkdirSync(join(home, '..'), { recursive: true })
    renameSync(landing, home)
    if (!this.#recorder.frozen) await this.#recorder.registerLake(table, { snapshot, filter, rows, files })
  }
}

export interface LakeSnapshot {
  snapshot: string
  filter: string
  /** Absolute paths. */
  files: string[]
  run_id: string
  load_id: number
  /** ISO 8601 UTC. */
  fetched_at: string
}

/** Which files `source()` reads for a bulk table, as of a date. */
export async function lakeSnapshot(
  connection: Connection,
  root: string,
  table: { source: string; table: string },
  as_of: string,
): Promise<LakeSnapshot | undefined> {
  const rows = await connection.rows<Omit<LakeSnapshot, 'files'> & { files: string }>(`
    select snapshot, filter, files, run_id, load_id, fetched_at from ${LEDGER}.ledger.lake
    where source = ${quoteLiteral(table.source)} and table_name = ${quoteLiteral(table.table)}
      and fetched_at < cast(${quoteLiteral(as_of)} as timestamp) + interval 1 day
    order by load_id desc limit 1`)
  if (rows[0] === undefined) return undefined
  const paths = (JSON.parse(rows[0].files) as { path: string }[]).map(({ path }) => join(root, path))
  return { ...rows[0], files: paths }
}

function hashFile(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256')
    createReadStream(path)
      .on('data', (chunk) => hash.update(chunk))
      .on('error', reject)
      .on('end', () => resolve(hash.digest('hex')))
  })
}
