import { readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Kysely } from 'kysely'
import type { Relations } from '../pipeline/generated/relations.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import { openDatabase } from '../pipeline/warehouse/duckdb.ts'
import { kyselyOver } from '../pipeline/warehouse/kysely-dialect.ts'
import type { Publication } from '../pipeline/warehouse/publish.ts'
import { Refusal } from './problem.ts'

/** One published file, open; every request reads one of them from its beginning to its end. */
export interface Snapshot {
  publication: Publication
  /** The date its scores are of. */
  as_of: string
  /** When it was written. */
  published_at: string
  /** Where it lies, with what is kept beside it. */
  folder: string
  /** The file itself, whatever is published since. */
  path: string
  /** One of a few connections; work on one runs one after another. */
  use<T>(work: (db: Kysely<Relations>, connection: Connection) => Promise<T>): Promise<T>
  /** Kept as long as the file is open: what was prepared for it. */
  memo<T>(key: string, make: (connection: Connection) => Promise<T>): Promise<T>
}

interface Held extends Snapshot {
  readers: number
  superseded: boolean
  close(): void
}

const CONNECTIONS = 4
/** Nobody's file but this one can be read, and no setting changed any more. */
const LOCKED_DOWN =
  'set enable_external_access = false; set allow_community_extensions = false; set lock_configuration = true'

/** Follows what is published: a new file serves the next request, the old one is closed after its last. */
export class Publications {
  readonly #warehouse: string
  readonly #threads: number
  #key = ''
  #current: Promise<Held> | undefined

  constructor(warehouse: string, threads: number) {
    this.#warehouse = warehouse
    this.#threads = threads
  }

  /** Runs `work` on what is published now. Throws a Refusal while nothing is. */
  async read<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    const held = await this.#hold()
    try {
      return await work(held)
    } finally {
      release(held)
    }
  }

  async close(): Promise<void> {
    const held = await this.#current?.catch(() => undefined)
    this.#current = undefined
    if (held !== undefined) supersede(held)
  }

  async #hold(): Promise<Held> {
    const file = this.#file()
    if (file !== undefined && file.key !== this.#key) {
      const before = this.#current
      this.#key = file.key
      this.#current = openSnapshot(file.path, this.#threads).then(
        (opened) => {
          before?.then(supersede, () => {})
          return opened
        },
        (error) => {
          // It may have been replaced while it was opened; what was there before still stands, and the next request tries again.
          this.#key = ''
          if (before !== undefined) return before
          this.#current = undefined
          throw error
        },
      )
    }
    if (this.#current === undefined) {
      throw new Refusal(503, 'nothing_published', 'Nothing has been published yet: pipeline run')
    }
    const held = await this.#current
    if (held.superseded) return this.#hold()
    held.readers++
    return held
  }

  #file(): { path: string; key: string } | undefined {
    try {
      const path = realpathSync(this.#warehouse)
      const { ino, mtimeMs } = statSync(path)
      return { path, key: `${path} ${ino} ${mtimeMs}` }
    } catch {
      return undefined
    }
  }
}

function release(held: Held): void {
  held.readers--
  if (held.superseded && held.readers === 0) held.close()
}

function supersede(held: Held): void {
  held.superseded = true
  if (held.readers === 0) held.close()
}

async function openSnapshot(path: string, threads: number): Promise<Held> {
  const publication = JSON.parse(readFileSync(join(dirname(path), 'publication.json'), 'utf8')) as Publication
  const database = await openDatabase({ path, read_only: true, threads })
  const connections: Connection[] = []
  for (let index = 0; index < CONNECTIONS; index++) connections.push(await database.connect())
  const as_of = await dateOf(connections[0]!)
  for (const connection of connections)
    await connection.run(`create or replace temp macro as_of() as date '${as_of}'; set search_path = 'marts,ops'`)
  await connections[0]!.run(LOCKED_DOWN)
  const lanes = connections.map((connection) => ({ connection, db: kyselyOver<Relations>(connection), queue: 0 }))
  const memos = new Map<string, Promise<unknown>>()
  const use: Snapshot['use'] = async (work) => {
    const lane = lanes.reduce((least, each) => (each.queue < least.queue ? each : least))
    lane.queue++
    try {
      return await work(lane.db, lane.connection)
    } finally {
      lane.queue--
    }
  }
  return {
    ...{ publication, as_of, published_at: statSync(path).mtime.toISOString(), readers: 0, superseded: false, use },
    ...{ folder: dirname(path), path },
    memo<T>(key: string, make: (connection: Connection) => Promise<T>) {
      const found = (memos.get(key) as Promise<T> | undefined) ?? use((_, connection) => make(connection))
      memos.set(key, found)
      found.catch(() => memos.delete(key))
      return found
    },
    close() {
      for (const { connection } of lanes) connection.close()
      database.close()
    },
  }
}

async function dateOf(connection: Connection): Promise<string> {
  const [cut] = await connection.rows<{ as_of: string }>('select max(as_of) as as_of from ops.score_cutoffs')
  const [run] = await connection.rows<{ as_of: string }>('select as_of from ops.ledger')
  const found = cut?.as_of ?? run?.as_of ?? ''
  if (!/^\d{4}-\d\d-\d\d$/.test(found)) throw new Error('the publication does not say of which date it is')
  return found
}
