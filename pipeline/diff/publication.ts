import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { messageOf, ProjectError, RemoteError } from '../errors.ts'
import { download } from '../http/network.ts'
import { type Kept, NODES_FILE } from '../state/publication.ts'
import type { Places } from '../warehouse/home.ts'
import { openPublished } from '../warehouse/published-file.ts'

/** A published warehouse file to compare with. It never changes. */
export interface PublicationFile {
  /** For people: `publication 000012`, `published/warehouse.duckdb`. */
  name: string
  file: string
  /** The date it was made for. */
  as_of: string
  ledger_id: string
  generation: number
  /** What it keeps of the project it was made from; undefined for a file alone. */
  kept: Kept | undefined
  /** Takes away what was fetched. */
  remove(): void
}

/** The last publication, or the one that `--against` names: a warehouse file, a folder that holds one, or a URL of one. */
export async function findPublication(
  root: string,
  against: string | undefined,
  places: Places,
  signal: AbortSignal,
): Promise<PublicationFile> {
  if (against === undefined) {
    if (existsSync(places.warehouse)) return read(places.warehouse, undefined, () => {})
    const hint = 'pipeline run, or name a git ref: pipeline diff main'
    throw new ProjectError([
      { file: 'diff', message: 'there is nothing to compare with: nothing has been published yet', hint },
    ])
  }
  if (/^https?:\/\//i.test(against)) return fetched(against, places, signal)
  const place = resolve(root, against)
  const file = existsSync(place) && statSync(place).isDirectory() ? join(place, 'warehouse.duckdb') : place
  if (!existsSync(file)) {
    const hint = 'Name a published warehouse.duckdb, a folder that holds one, or a URL of one.'
    throw new ProjectError([{ file: '--against', message: `there is no ${against}`, hint }])
  }
  return read(file, against, () => {})
}

async function fetched(url: string, places: Places, signal: AbortSignal): Promise<PublicationFile> {
  const folder = join(dirname(places.build), `diff-${process.pid}-fetched`)
  const remove = () => rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'warehouse.duckdb')
  const shown = url.replace(/[?#].*$/, '').replace(/\/\/[^/@]*@/, '//')
  try {
    await download(url, file, signal)
  } catch (error) {
    remove()
    throw new RemoteError(`${shown} cannot be fetched: ${messageOf(error)}`, 'publication')
  }
  return read(file, shown, remove).catch((error: unknown) => {
    remove()
    throw error
  })
}

async function read(path: string, given: string | undefined, remove: () => void): Promise<PublicationFile> {
  const file = realpathSync(path)
  let info: { ledger_id: string; generation: number; as_of: string } | undefined
  try {
    const published = (await openPublished(file))!
    try {
      const rows = await published.connection.rows<NonNullable<typeof info>>(
        'select ledger_id, generation, cast(as_of as varchar) as as_of from ops.ledger',
      )
      info = rows[0]
    } finally {
      published.close()
    }
  } catch (error) {
    const hint = 'Name a warehouse.duckdb that pipeline run has published.'
    throw new ProjectError([
      { file: given ?? path, message: `is not a published warehouse: ${messageOf(error).split('\n')[0]}`, hint },
    ])
  }
  if (info === undefined)
    throw new ProjectError([{ file: given ?? path, message: 'does not say what it was made from' }])
  const beside = <T>(name: string): T | undefined => {
    try {
      return JSON.parse(readFileSync(join(dirname(file), name), 'utf8')) as T
    } catch {
      return undefined
    }
  }
  const id = beside<{ id: string }>('publication.json')?.id
  const name = given ?? (id === undefined ? 'the last publication' : `publication ${id}`)
  return { name, file, ...info, kept: beside<Kept>(NODES_FILE), remove }
}
