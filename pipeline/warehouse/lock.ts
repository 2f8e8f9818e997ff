import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { LedgerHeld } from '../errors.ts'
import { finishSwap } from '../forget/swap.ts'

interface Holder {
  pid: number
  /** Start time of the process as the kernel counts it, so that a reused pid is not taken for the holder. */
  started: string | null
  host: string
  command: string
  since: string
}

/** One holder of the ledger at a time. */
export interface Lock {
  release(): void
}

/**
 * Takes the lock beside the ledger, or refuses at once with LedgerHeld, naming the holder and since when. A dead
 * holder's lock is taken over, and what it left half forgotten is finished. DuckDB's own lock on the file stands behind this one.
 */
export function acquireLock(ledger: string, command: string, now: Date): Lock {
  const file = `${ledger}.lock`
  mkdirSync(dirname(file), { recursive: true })
  const mine: Holder = {
    pid: process.pid,
    started: startOf(process.pid),
    host: hostname(),
    command,
    since: now.toISOString(),
  }
  const draft = `${file}.${process.pid}`
  writeWhole(draft, JSON.stringify(mine))
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      if (tryLink(draft, file)) {
        finishSwap(ledger)
        return { release: () => releaseOwn(file, mine) }
      }
      const holder = readHolder(file)
      if (holder !== undefined && isAlive(holder)) throw held(holder)
      takeAway(file, holder, draft)
    }
    throw new LedgerHeld(`the ledger's lock ${file} cannot be taken: others are taking it over again and again`)
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Who holds the ledger, if anyone alive does. */
export function lockHolder(ledger: string): { command: string; pid: number; host: string; since: string } | undefined {
  const holder = readHolder(`${ledger}.lock`)
  return holder !== undefined && isAlive(holder) ? holder : undefined
}

function held({ command, pid, host, since }: Holder): LedgerHeld {
  return new LedgerHeld(
    `the ledger is held by '${command}' (pid ${pid} on ${host}) since ${since}\n  Wait for it (--wait 10m queues), or stop that process.`,
  )
}

/** A hard link fails if the name is taken, and shows the whole file or nothing. */
function tryLink(draft: string, file: string): boolean {
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Moves a dead holder's lock aside; puts it back if someone else had taken it over meanwhile. */
function takeAway(file: string, dead: Holder | undefined, draft: string): void {
  const aside = `${draft}.dead`
  try {
    renameSync(file, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const moved = readHolder(aside)
  if (moved !== undefined && (moved.pid !== dead?.pid || moved.started !== dead.started)) tryLink(aside, file)
  rmSync(aside, { force: true })
}

function releaseOwn(file: string, mine: Holder): void {
  const holder = readHolder(file)
  if (holder?.pid === mine.pid && holder.started === mine.started) rmSync(file, { force: true })
}

function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder
  } catch {
    return undefined
  }
}

/** A holder on another machine counts as alive: nothing here can tell. */
function isAlive({ pid, started, host }: Holder): boolean {
  if (host !== hostname()) return true
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return started === null || startOf(pid) === null || startOf(pid) === started
}

/** Field 22 of /proc/<pid>/stat; null where there is no /proc. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

function writeWhole(file: string, text: string): void {
  const handle = openSync(file, 'w')
  writeSync(handle, text)
  fsyncSync(handle)
  closeSync(handle)
}
