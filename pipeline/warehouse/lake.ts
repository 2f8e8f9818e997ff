import { createHash } from 'node:crypto'
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { ProjectError } from '../errors.ts'
import type { LedgerTable } from '../step.ts'
import { quoteLiteral } from '../table.ts'
import type { Connection } from './duckdb.ts'
import type { Recorder } from './recorder.ts'
import { LEDGER } from './session.ts'

/** Marks a folder whose files were deleted on purpose. */
const LET_GO = 'LET_GO'

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
  const files = pathsIn(root, rows[0].files)
  if (files.some(isLetGo)) {
    const message = `${table.source} ${rows[0].snapshot}, which a run as of ${as_of} reads, was deleted to make room`
    throw new ProjectError([
      { file: 'pipeline.yaml', message, hint: 'Keep more snapshots, or run as of a later date.' },
    ])
  }
  return { ...rows[0], files }
}

/**
 * The newest landing of each snapshot that the lake still holds, newest snapshot first, at most `count`: what two months are
 * compared by. `filter` says what was landed of each; only equal filters make equal sets.
 */
export async function lakeSnapshots(
  connection: Connection,
  root: string,
  table: { source: string; table: string },
  as_of: string,
  count: number,
): Promise<LakeSnapshot[]> {
  const rows = await connection.rows<Omit<LakeSnapshot, 'files'> & { files: string }>(`
    select snapshot, filter, files, run_id, load_id, fetched_at from ${LEDGER}.log.lake
    where source = ${quoteLiteral(table.source)} and table_name = ${quoteLiteral(table.table)}
      and fetched_at < cast(${quoteLiteral(as_of)} as timestamp) + interval 1 day
    qualify row_number() over (partition by snapshot order by load_id desc) = 1
    order by snapshot desc`)
  return rows
    .map((row) => ({ ...row, files: pathsIn(root, row.files) }))
    .filter(({ files }) => !files.some(isLetGo))
    .slice(0, count)
}

/**
 * Deletes the files of all but the newest `keep` snapshots of a source, and of what is read of each table today. A mark stays in their place, so that nobody takes
 * them for lost. Answers the snapshots that went.
 */
export async function letGoOfSnapshots(
  connection: Connection,
  root: string,
  source: string,
  keep: number,
): Promise<string[]> {
  const landed = await connection.rows<{ snapshot: string; files: string; latest: boolean }>(`
    select snapshot, files, load_id = max(load_id) over (partition by table_name) as latest from ${LEDGER}.log.lake
    where source = ${quoteLiteral(source)} order by snapshot desc`)
  const names = [...new Set(landed.map(({ snapshot }) => snapshot))]
  const kept = new Set(names.slice(0, Math.max(1, keep)))
  const stay = landed.filter(({ snapshot, latest }) => latest || kept.has(snapshot))
  const current = new Set(stay.flatMap(({ files }) => pathsIn(root, files)))
  const gone = new Set<string>()
  for (const { snapshot, files } of landed) {
    for (const file of pathsIn(root, files)) {
      if (current.has(file) || !existsSync(file)) continue
      writeFileSync(join(dirname(file), LET_GO), '')
      rmSync(file)
      gone.add(snapshot)
    }
  }
  return [...gone].sort()
}

/** Was this file, which the ledger names, deleted to make room? */
export function isLetGo(file: string): boolean {
  return !existsSync(file) && existsSync(join(dirname(file), LET_GO))
}

function pathsIn(root: string, files: string): string[] {
  return (JSON.parse(files) as { path: string }[]).map(({ path }) => join(root, path))
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
