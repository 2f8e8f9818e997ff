import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { messageOf, ProjectError } from '../errors.ts'
import type { LedgerTable } from '../step.ts'
import type { Places } from './home.ts'
import { isLetGo } from './lake.ts'
import { createLedger, type LedgerInfo, ledgerInfo, rawName } from './ledger.ts'
import { MIGRATIONS } from './migrations.ts'
import { LEDGER, openSession, type Session } from './session.ts'

const ANY_DATE = '2000-01-01'

/** Creates the ledger, or answers the one that is there. */
export async function initLedger(places: Places, now: Date): Promise<{ info: LedgerInfo; created: boolean }> {
  mkdirSync(dirname(places.ledger), { recursive: true })
  return withLedger(places.ledger, false, async ({ connection }) => {
    const found = await ledgerInfo(connection)
    return found === undefined
      ? { info: await createLedger(connection, now), created: true }
      : { info: found, created: false }
  })
}

/** Copies the ledger into a new file, whole and without gaps, and reads the copy back. */
export async function backupLedger(places: Places, file: string): Promise<LedgerInfo> {
  if (existsSync(file))
    throw new ProjectError([{ file, message: 'exists already', hint: 'Backups never overwrite: name another file.' }])
  mkdirSync(dirname(file), { recursive: true })
  const temporary = `${file}.part`
  rmSync(temporary, { force: true })
  await withLedger(places.ledger, true, async ({ connection }) => {
    await connection.run(
      `attach '${temporary.replaceAll("'", "''")}' as _copy; copy from database ${LEDGER} to _copy; checkpoint _copy; detach _copy`,
    )
  })
  const info = await readLedger(temporary)
  renameSync(temporary, file)
  return info
}

/** Puts a backup in the ledger's place; the ledger that was there is kept beside it. */
export async function restoreLedger(
  places: Places,
  file: string,
  force: boolean,
): Promise<{ info: LedgerInfo; kept: string | undefined }> {
  const info = await readLedger(file)
  let kept: string | undefined
  if (existsSync(places.ledger)) {
    const present = await readLedger(places.ledger)
    const other = present.ledger_id !== info.ledger_id
    if (!force && (other || present.generation > info.generation)) {
      const what = other
        ? `is another ledger (${info.ledger_id})`
        : `is of generation ${info.generation}, older than the ${present.generation} that is there`
      throw new ProjectError([
        { file, message: what, hint: 'What was sent and spent since would be forgotten. If you mean it: --force.' },
      ])
    }
    kept = `${places.ledger}.before-restore-${present.generation}`
    renameSync(places.ledger, kept)
    if (existsSync(`${places.ledger}.wal`)) renameSync(`${places.ledger}.wal`, `${kept}.wal`)
  }
  mkdirSync(dirname(places.ledger), { recursive: true })
  copyFileSync(file, `${places.ledger}.part`)
  renameSync(`${places.ledger}.part`, places.ledger)
  return { info, kept }
}

/** What is wrong with a ledger: nothing, if the list is empty. */
export async function checkLedger(
  places: Places,
  tables: readonly LedgerTable[],
  ledger_id: string | undefined,
): Promise<{ info: LedgerInfo; findings: string[] }> {
  return withLedger(places.ledger, true, async ({ connection }) => {
    const info = (await ledgerInfo(connection)) ?? notALedger(places.ledger)
    const findings: string[] = []
    if (info.schema_version !== MIGRATIONS.length)
      findings.push(
        `schema version ${info.schema_version}; this program's is ${MIGRATIONS.length} (the next run migrates)`,
      )
    if (ledger_id !== undefined && ledger_id !== info.ledger_id)
      findings.push(`its id is ${info.ledger_id}, and pipeline.yaml names ${ledger_id}`)
    const stored = await connection.rows<{ name: string }>(
      `select table_name as name from duckdb_tables() where database_name = '${LEDGER}' and schema_name = 'raw'`,
    )
    const present = new Set(stored.map(({ name }) => name))
    for (const table of tables) {
      if (!present.has(rawName(table))) continue
      await connection
        .rows(`select count(*) from ${LEDGER}.raw."${rawName(table)}"`)
        .catch((error) => findings.push(`raw.${rawName(table)} cannot be read: ${messageOf(error)}`))
    }
    const lake = await connection.rows<{ files: string }>(`select files from ${LEDGER}.log.lake`)
    for (const { files } of lake) findings.push(...brokenFiles(places.lake, JSON.parse(files) as LakeFile[]))
    return { info, findings }
  })
}

interface LakeFile {
  path: string
  sha256: string
  bytes: number
}

function brokenFiles(lake: string, files: readonly LakeFile[]): string[] {
  return files.flatMap(({ path, sha256, bytes }) => {
    const file = join(lake, path)
    if (isLetGo(file)) return []
    if (!existsSync(file)) return [`the lake lacks ${path}`]
    if (statSync(file).size !== bytes) return [`${path} has another size than when it was landed`]
    return createHash('sha256').update(readFileSync(file)).digest('hex') === sha256
      ? []
      : [`${path} is not what was landed`]
  })
}

async function readLedger(file: string): Promise<LedgerInfo> {
  if (!existsSync(file)) throw new ProjectError([{ file, message: 'does not exist' }])
  return withLedger(file, true, async ({ connection }) => (await ledgerInfo(connection)) ?? notALedger(file))
}

function notALedger(file: string): never {
  throw new ProjectError([{ file, message: 'is not a ledger', hint: 'pipeline ledger init creates one.' }])
}

async function withLedger<T>(file: string, read_only: boolean, work: (session: Session) => Promise<T>): Promise<T> {
  if (read_only && !existsSync(file))
    throw new ProjectError([{ file, message: 'does not exist', hint: 'pipeline ledger init creates it.' }])
  const database = await openSession({ ledger: file, as_of: ANY_DATE, ledger_read_only: read_only }).catch(
    (error: unknown) => {
      throw new ProjectError([
        {
          file,
          message: `cannot be opened: ${messageOf(error)}`,
          hint: 'If a run holds it, wait; if it is damaged, restore a backup.',
        },
      ])
    },
  )
  return work(database).finally(() => database.close())
}
