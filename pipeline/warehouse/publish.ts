import { createHash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { ProjectError } from '../errors.ts'
import { quoteIdentifier, quoteLiteral, relationName } from '../table.ts'
import { checkpoint } from './crew.ts'
import type { Connection } from './duckdb.ts'
import type { Session } from './session.ts'

/** A relation to publish: with the columns that order it, and those that hold personal data. */
export interface Published {
  schema: string
  name: string
  key: readonly string[]
  pii: readonly string[]
  description: string
  column_docs: Record<string, string>
  /** Marts are also written as Parquet. */
  parquet: boolean
  /** Its rows are looked up by their key, many at once, wherever they lie: there is an index on it. */
  indexed?: boolean
}

export interface PublishOptions {
  /** `data/warehouse.duckdb`: a link, once published. */
  warehouse: string
  /** `data/exports`: a link to the folder of Parquet files. */
  exports: string
  pii: 'omit' | 'hash' | 'keep'
  relations: readonly Published[]
  /** Changes when anything that is published changed. */
  fingerprint: string
  run_id: string
  ledger_id: string
  generation: number
  /** Keyed hashing of personal data must not be the same in two companies' files. */
  salt: string
  /** Files beside, by name: what the publication keeps of the project it is made from. */
  beside: Record<string, string>
}

export interface Publication {
  id: string
  fingerprint: string
  run_id: string
  ledger_id: string
  generation: number
}

const KEPT = 3

/** The folder of publications beside a warehouse's link. */
export function publicationsFolder(warehouse: string): string {
  const stem = basename(warehouse, '.duckdb')
  return join(dirname(warehouse), stem === 'warehouse' ? '.published' : `.published-${stem}`)
}

/** The folder of what is published now. */
export function currentFolder(warehouse: string): string {
  return join(publicationsFolder(warehouse), 'current')
}

/** What is published now; undefined when nothing whole is. */
export function currentPublication(warehouse: string): Publication | undefined {
  const current = currentFolder(warehouse)
  try {
    const publication = JSON.parse(readFileSync(join(current, 'publication.json'), 'utf8')) as Publication
    return existsSync(join(current, 'warehouse.duckdb')) ? publication : undefined
  } catch {
    return undefined
  }
}

/**
 * Writes file and Parquet to a new folder and makes them current in one rename. Readers see the old files or the new
 * ones, whole, and keep the ones they have open. Whatever a reader wrote to the old files stays there.
 */
export async function publish(session: Session, options: PublishOptions): Promise<Publication> {
  const folder = publicationsFolder(options.warehouse)
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(folder))
    if (name.startsWith('.new-')) rmSync(join(folder, name), { recursive: true, force: true })
  const staging = join(folder, `.new-${process.pid}`)
  mkdirSync(join(staging, 'exports'), { recursive: true })

  await writeWarehouse(session, join(staging, 'warehouse.duckdb'), options)
  await writeParquet(session.connection, join(staging, 'exports'), options)
  const previous = previousIds(folder)
  const id = nextId(previous)
  const { fingerprint, run_id, ledger_id, generation } = options
  const publication: Publication = { id, fingerprint, run_id, ledger_id, generation }
  const beside = { ...options.beside, 'publication.json': `${JSON.stringify(publication, null, 2)}\n` }
  for (const [name, text] of Object.entries(beside)) writeFileSync(join(staging, name), text)
  for (const name of [
    'warehouse.duckdb',
    ...Object.keys(beside),
    ...readdirSync(join(staging, 'exports')).map((file) => join('exports', file)),
  ]) {
    syncFile(join(staging, name))
    chmodSync(join(staging, name), 0o444)
  }
  renameSync(staging, join(folder, id))
  removeStrayWal(options.warehouse, join(folder, id, 'warehouse.duckdb'))
  swapLink(join(folder, 'current'), id)
  ensureLinks(options)
  for (const old of [...previous, id].slice(0, -KEPT)) rmSync(join(folder, old), { recursive: true, force: true })
  return publication
}

async function writeWarehouse(session: Session, file: string, { relations }: PublishOptions): Promise<void> {
  const { connection } = session
  await connection.run(`attach ${quoteLiteral(file)} as _publication (storage_version 'v1.2.0')`)
  try {
    await connection.transaction(async () => {
      for (const schema of new Set(relations.map((relation) => relation.schema))) {
        await connection.run(`create schema _publication.${quoteIdentifier(schema)}`)
      }
      for (const relation of relations) {
        const place = `_publication.${relationName(relation)}`
        const columns = await connection.describe(`select * from ${relationName(relation)}`)
        const order =
          relation.key.length > 0 ? relation.key.map(quoteIdentifier) : columns.map(({ name }) => quoteIdentifier(name))
        const comments = columns
          .filter(({ name }) => relation.column_docs[name] !== undefined && relation.column_docs[name] !== '')
          .map(
            ({ name }) =>
              `comment on column ${place}.${quoteIdentifier(name)} is ${quoteLiteral(relation.column_docs[name]!)}`,
          )
        await connection.run(
          [
            `create table ${place} as select * from ${relationName(relation)} order by ${order.join(', ')}`,
            `comment on table ${place} is ${quoteLiteral(relation.description)}`,
            ...comments,
          ].join(';'),
        )
      }
    })
    for (const relation of relations.filter(({ indexed, key }) => indexed === true && key.length > 0)) {
      const name = quoteIdentifier(`${relation.name}_key`)
      const columns = relation.key.map(quoteIdentifier).join(', ')
      await connection.run(`create unique index ${name} on _publication.${relationName(relation)} (${columns})`)
    }
    await checkpoint(connection, '_publication')
  } finally {
    await connection.run('detach _publication').catch(() => {})
  }
}

async function writeParquet(
  connection: Connection,
  folder: string,
  { relations, pii, salt }: PublishOptions,
): Promise<void> {
  for (const relation of relations.filter(({ parquet }) => parquet)) {
    const columns = await connection.describe(`select * from ${relationName(relation)}`)
    const kept = columns.flatMap(({ name }) => {
      const column = quoteIdentifier(name)
      if (!relation.pii.includes(name) || pii === 'keep') return [column]
      return pii === 'hash' ? [`sha256(${quoteLiteral(salt)} || cast(${column} as varchar)) as ${column}`] : []
    })
    const order = (relation.key.length > 0 ? relation.key : columns.map(({ name }) => name)).map(quoteIdentifier)
    const file = quoteLiteral(join(folder, `${relation.name}.parquet`))
    await connection.run(
      `copy (select ${kept.join(', ')} from ${relationName(relation)} order by ${order.join(', ')}) to ${file} (format parquet, compression zstd)`,
    )
  }
}

function previousIds(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /^\d{6}$/.test(name))
    .sort()
}

function nextId(previous: readonly string[]): string {
  return String(Number(previous.at(-1) ?? '0') + 1).padStart(6, '0')
}

/** DuckDB replays a `.wal` that lies beside a file onto it: one that a reader left must not meet the new file. */
function removeStrayWal(...files: string[]): void {
  for (const file of files) rmSync(`${file}.wal`, { force: true })
}

/** Makes both paths lead to what is current, if they do not. */
export function ensureLinks({ warehouse, exports }: { warehouse: string; exports: string }): void {
  const current = join(publicationsFolder(warehouse), 'current')
  linkTo(warehouse, join(current, 'warehouse.duckdb'))
  linkTo(exports, join(current, 'exports'))
}

function swapLink(link: string, target: string): void {
  const temporary = `${link}.${process.pid}`
  rmSync(temporary, { force: true })
  symlinkSync(target, temporary)
  renameSync(temporary, link)
}

/** Makes `link` point at `target` for good; both then change when `current` does. */
function linkTo(link: string, target: string): void {
  const wanted = relative(dirname(link), target)
  const found = lstatSync(link, { throwIfNoEntry: false })
  if (found?.isSymbolicLink() && readlinkSync(link) === wanted) return
  if (found !== undefined && !found.isSymbolicLink()) {
    throw new ProjectError([
      {
        file: link,
        message: 'is in the way: publications are reached through a link of this name',
        hint: 'Move it away.',
      },
    ])
  }
  mkdirSync(dirname(link), { recursive: true })
  swapLink(link, wanted)
}

function syncFile(file: string): void {
  const handle = openSync(file, 'r')
  fsyncSync(handle)
  closeSync(handle)
}

export function fingerprintOf(versions: readonly (readonly [string, string])[]): string {
  return createHash('sha256').update(JSON.stringify(versions)).digest('hex')
}
