import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { LedgerHeld } from '../errors.ts'
import type { Places } from '../warehouse/home.ts'

/** Where a database file says which checkpoint it is at: the main header and the two headers that take turns. */
const HEADERS = 3 * 4096
const TRIES = 40

/** Private copies of a target's files. Nobody else reads or writes them. */
export interface Scratch {
  folder: string
  /** As the target's places, with ledger and build file of its own. */
  places: Places
  remove(): void
}

/**
 * Copies ledger and build file beside the build file, without taking or waiting for any lock: a run that writes to them
 * is not disturbed, and not waited for. Where the file system can, the copies share their blocks.
 */
export async function makeScratch(
  places: Places,
  name: string,
  sleep: (ms: number) => Promise<void>,
): Promise<Scratch> {
  const parent = dirname(places.build)
  mkdirSync(parent, { recursive: true })
  removeDead(parent)
  const folder = join(parent, `diff-${process.pid}-${name}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const own: Places = {
    ...places,
    ledger: join(folder, 'ledger.duckdb'),
    build: join(folder, 'build.duckdb'),
    temporary: join(folder, 'tmp'),
  }
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    await copyWhole(places.ledger, own.ledger, sleep)
    if (existsSync(places.build)) await copyWhole(places.build, own.build, sleep)
  } catch (error) {
    remove()
    throw error
  }
  return { folder, places: own, remove }
}

/**
 * Copies a database file that another process may be writing to. DuckDB never writes over a block of its last checkpoint
 * and appends what is committed since to the `.wal`: so the copy is a state that was, whole, if no checkpoint came in
 * between, and that is what the headers tell.
 */
export async function copyWhole(from: string, to: string, sleep: (ms: number) => Promise<void>): Promise<void> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = headersOf(from)
    rmSync(`${to}.wal`, { force: true })
    copyFileSync(from, to, constants.COPYFILE_FICLONE)
    try {
      copyFileSync(`${from}.wal`, `${to}.wal`, constants.COPYFILE_FICLONE)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    if (headersOf(from).equals(before)) return
    await sleep(50)
  }
  throw new LedgerHeld(`${from} is written to without a pause: a run is at work on it; try again later`)
}

function headersOf(file: string): Buffer {
  const bytes = Buffer.alloc(HEADERS)
  const handle = openSync(file, 'r')
  try {
    readSync(handle, bytes, 0, HEADERS, 0)
  } finally {
    closeSync(handle)
  }
  return bytes
}

/** Folders that a killed call has left behind. */
function removeDead(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = /^diff-(\d+)-/.exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(parent, name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
