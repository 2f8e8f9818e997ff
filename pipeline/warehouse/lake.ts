import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
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

  /** Moves the landed files to their homes and registers them in one transaction: all tables change, or none. */
  async commit(
    landed: readonly { table: LedgerTable; rows: number }[],
    snapshot: string,
    filter: string,
  ): Promise<void> {
    const suffix = createHash('sha256').update(filter).digest('hex').slice(0, 8)
    const entries: LakeEntry[] = []
    for (const { table, rows } of landed) {
      const landing = join(this.#root, '.landing', table.source, snapshot, table.table)
      const home = join(this.#root, table.source, `${snapshot}-${suffix}`, table.table)
      const files = await filesIn(landing)
      moveIn(landing, home, files, await filesIn(home))
      const relocated = files.map((file) => ({ ...file, path: relative(this.#root, join(home, file.path)) }))
      entries.push({ table, rows, snapshot, filter, files: relocated })
    }
    if (!this.#recorder.frozen) await this.#recorder.registerLake(entries)
  }
}

interface LakeFile {
  path: string
  sha256: string
  bytes: number
}

/** What the ledger keeps of one landed table. Paths are relative to the lake. */
export interface LakeEntry {
  table: LedgerTable
  rows: number
  snapshot: string
  filter: string
  files: readonly LakeFile[]
}

async function filesIn(folder: string): Promise<LakeFile[]> {
  if (!existsSync(folder)) return []
  const files: LakeFile[] = []
  for (const path of readdirSync(folder).sort()) {
    if (!path.endsWith('.parquet')) continue
    files.push({ path, sha256: await hashFile(join(folder, path)), bytes: statSync(join(folder, path)).size })
  }
  return files
}

/** Files that are at home already stay: the ledger may name them. */
function moveIn(landing: string, home: string, files: readonly LakeFile[], present: readonly LakeFile[]): void {
  if (existsSync(home) && JSON.stringify(files) === JSON.stringify(present)) {
    rmSync(landing, { recursive: true })
    return
  }
  const aside = `${home}.replaced`
  rmSync(aside, { recursive: true, force: true })
  mkdirSync(dirname(home), { recursive: true })
  if (existsSync(home)) renameSync(home, aside)
  renameSync(landing, home)
  rmSync(aside, { recursive: true, force: true })
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
    select snapshot, filter, files, run_id, load_id, fetched_at from ${LEDGER}.log.lake
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
