import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Target } from '../config.ts'
import { LedgerHeld, messageOf, ProjectError } from '../errors.ts'
import { createLedger, type LedgerInfo, ledgerInfo, migrateLedger } from './ledger.ts'
import { MIGRATIONS } from './migrations.ts'
import { currentPublication } from './publish.ts'
import { openSession, type Session, type SessionOptions } from './session.ts'

/** Where a target's ledger, build file and publications are. Absolute paths. */
export interface Places {
  ledger: string
  build: string
  warehouse: string
  exports: string
  /** The folder of everything that is not in git. */
  data: string
  lake: string
  temporary: string
}

export function placesOf(root: string, target: Target): Places {
  const warehouse = resolve(root, target.warehouse)
  const data = dirname(warehouse)
  return {
    ledger: resolve(root, typeof target.ledger === 'string' ? target.ledger : target.ledger.path),
    build: join(data, '.build', warehouse.slice(data.length + 1)),
    warehouse,
    exports: resolve(root, typeof target.exports === 'string' ? target.exports : target.exports.path),
    data,
    lake: join(data, 'lake'),
    temporary: join(data, '.build', 'tmp'),
  }
}

/** Fetches the ledger of a target whose home is elsewhere. Exit 3 of its command says that there is none yet. */
export function pullLedger(root: string, target: Target, places: Places): void {
  if (typeof target.ledger === 'string') return
  mkdirSync(dirname(places.ledger), { recursive: true })
  const temporary = `${places.ledger}.pulled`
  rmSync(temporary, { force: true })
  const done = shell(root, target.ledger.pull, { LEDGER_PATH: temporary })
  if (done.status === 3) return
  if (done.status !== 0 || !existsSync(temporary)) {
    throw homeError('pull', target.ledger.pull, done.status === 0 ? 'it wrote no file at $LEDGER_PATH' : done.message)
  }
  rmSync(`${places.ledger}.wal`, { force: true })
  renameSync(temporary, places.ledger)
}

/** Stores the ledger at its home, if its home still is where this run found it (compare and swap). */
export function pushLedger(root: string, target: Target, places: Places, from: number, to: number): void {
  if (typeof target.ledger === 'string' || from === to) return
  const done = shell(root, target.ledger.push, {
    LEDGER_PATH: places.ledger,
    LEDGER_EXPECTED: String(from),
    LEDGER_GENERATION: String(to),
  })
  if (done.status !== 0) throw homeError('push', target.ledger.push, done.message)
}

function homeError(verb: string, command: string, message: string): ProjectError {
  const hint = 'Run the command by hand with LEDGER_PATH set; the ledger on this machine is whole.'
  return new ProjectError([
    { file: 'pipeline.yaml', message: `the ledger's ${verb} command failed (${command}): ${message}`, hint },
  ])
}

function shell(root: string, command: string, variables: Record<string, string>): { status: number; message: string } {
  const done = spawnSync('sh', ['-c', command], { cwd: root, env: { ...process.env, ...variables }, encoding: 'utf8' })
  return { status: done.status ?? 1, message: done.stderr.trim() || done.error?.message || `exit ${done.status}` }
}

export interface OpenOptions extends Omit<SessionOptions, 'ledger' | 'build'> {
  target_name: string
  target: Target
  places: Places
  now: Date
  /** Build from nothing: the old build file is dropped. */
  fresh?: boolean
}

/** Opens build file and ledger for a run: creates what a safe target lacks, migrates what is old, refuses what is not the live target's own. */
export async function openHome(options: OpenOptions): Promise<{ session: Session; info: LedgerInfo }> {
  const { places, target } = options
  const missing = !existsSync(places.ledger)
  if (missing && target.live.length > 0) {
    throw refusal(
      options,
      `has no ledger at ${places.ledger}`,
      'Restore it (`pipeline ledger restore FILE`), or create one (`pipeline ledger init`) and write its id into pipeline.yaml.',
    )
  }
  for (const folder of [dirname(places.ledger), dirname(places.build), places.temporary])
    mkdirSync(folder, { recursive: true })
  const session = await attach(options)
  try {
    let info = await ledgerInfo(session.connection)
    if (info === undefined) info = await createLedger(session.connection, options.now)
    if (info.schema_version > MIGRATIONS.length) {
      throw refusal(
        options,
        `has a ledger of schema version ${info.schema_version}, and this program knows ${MIGRATIONS.length}`,
        'Use the newer program.',
      )
    }
    if (info.schema_version < MIGRATIONS.length) {
      await session.connection.run('checkpoint _ledger')
      copyFileSync(places.ledger, `${places.ledger}.v${info.schema_version}`)
      await migrateLedger(session.connection, info)
    }
    verifyLive(options, info)
    return { session, info }
  } catch (error) {
    session.close()
    throw error
  }
}

async function attach(options: OpenOptions): Promise<Session> {
  const { places, as_of, threads, memory_limit } = options
  const open = () =>
    openSession({
      ledger: places.ledger,
      build: places.build,
      as_of,
      threads,
      memory_limit,
      temp_directory: places.temporary,
    })
  try {
    return await open()
  } catch (error) {
    const message = messageOf(error)
    if (/Conflicting lock|could not set lock/i.test(message))
      throw new LedgerHeld(`the ledger or the build file is open in another program\n  ${message}`)
    if (!message.includes(places.build)) throw error
    discardBuild(places)
    return open()
  }
}

/** Gives the room of the build file back: it is made again from the ledger. */
export function discardBuild({ build, temporary }: Places): void {
  rmSync(build, { force: true })
  rmSync(`${build}.wal`, { force: true })
  rmSync(temporary, { recursive: true, force: true })
}

/** A live target acts only on its own ledger, and on none older than what it has published. */
function verifyLive(options: OpenOptions, info: LedgerInfo): void {
  const { target, places } = options
  if (target.live.length === 0) return
  if (target.ledger_id !== info.ledger_id) {
    throw refusal(
      options,
      `names the ledger ${target.ledger_id}, and ${places.ledger} is ${info.ledger_id}`,
      'Restore the right ledger, or write the id of this one into pipeline.yaml.',
    )
  }
  const published = currentPublication(places.warehouse)
  if (published !== undefined && published.ledger_id === info.ledger_id && published.generation > info.generation) {
    throw refusal(
      options,
      `has a ledger of generation ${info.generation}, older than the ${published.generation} that was published`,
      'Restore the latest copy of the ledger: what was sent and spent since is not in this one.',
    )
  }
}

function refusal({ target_name }: OpenOptions, message: string, hint: string): ProjectError {
  return new ProjectError([{ file: 'pipeline.yaml', message: `the live target '${target_name}' ${message}`, hint }])
}
