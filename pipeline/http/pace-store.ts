import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** What is remembered of one group of requests that share a limit. Times in milliseconds since 1970. */
export interface Pace {
  /** When requests started, oldest first, as far back as the limits look. */
  starts: number[]
  /** From when the next start is spaced: the planned time of the last one. */
  spaced_from: number
  /** Nothing starts before: the service asked for a pause. */
  paused_until: number
  /** By the header that tells what is left of a window. */
  windows: Record<string, { left: number; told: number; reset_at: number }>
}

/** The pace of one service, which all who ask it share: within a run, across runs, across processes. */
export interface PaceStore {
  /** Changes the state as one; nobody else does meanwhile. */
  update<T>(change: (paces: Record<string, Pace>) => T): Promise<T>
}

/** The pace of a group, begun anew if there is none. */
export function paceOf(paces: Record<string, Pace>, group: string): Pace {
  paces[group] = { starts: [], spaced_from: 0, paused_until: 0, windows: {}, ...paces[group] }
  return paces[group]
}

/** For one run in one process. */
export function memoryPaces(): PaceStore {
  const paces: Record<string, Pace> = {}
  return { update: async (change) => change(paces) }
}

const RETRY_MS = 3
/** A holder changes one small file; one that takes longer is dead. */
const STALE_MS = 2_000

/** In a small file that a lock file guards. One that cannot be read is begun anew: at worst the service says 429 once. */
export function filePaces(file: string, clock: { now(): Date; sleep(ms: number): Promise<void> }): PaceStore {
  const lock = `${file}.lock`
  async function acquire(): Promise<void> {
    for (;;) {
      try {
        closeSync(openSync(lock, 'wx'))
        return
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ENOENT') mkdirSync(dirname(file), { recursive: true })
        else if (code !== 'EEXIST') throw error
        else if (isStale()) rmSync(lock, { force: true })
        else await clock.sleep(RETRY_MS)
      }
    }
  }
  function isStale(): boolean {
    try {
      return clock.now().getTime() - statSync(lock).mtimeMs > STALE_MS
    } catch {
      return false
    }
  }
  return {
    async update(change) {
      await acquire()
      try {
        const paces = read(file)
        const before = JSON.stringify(paces)
        const result = change(paces)
        const after = JSON.stringify(paces)
        // In place: whoever holds the lock is alone with it, and what a killed one leaves half written is begun anew.
        if (after !== before) writeFileSync(file, after)
        return result
      } finally {
        rmSync(lock, { force: true })
      }
    },
  }
}

function read(file: string): Record<string, Pace> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, Pace>
  } catch {
    return {}
  }
}
