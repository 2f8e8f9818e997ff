import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { incomingFolder } from '../incoming.ts'
import type { Project } from '../load.ts'
import { type Connection, openDatabase } from '../warehouse/duckdb.ts'
import { openHome, type Places, placesOf, pullLedger, pushLedger } from '../warehouse/home.ts'
import { ensureRawTables, type LedgerInfo, nextGeneration } from '../warehouse/ledger.ts'
import { publicationsFolder } from '../warehouse/publish.ts'
import { BUILD, LEDGER, type Session } from '../warehouse/session.ts'
import { copyLess, copyViews, type Less } from './copy.ts'
import { finderOf } from './excise.ts'
import { filesNaming, incomingLosses, ledgersBeside, type TextLoss } from './files.ts'
import type { Names } from './names.ts'
import { exportLess, type LakeLoss, lakeLosses, renameLake, writeLake } from './parquet.ts'
import type { Loss } from './rewrite.ts'
import { declaredBy, surveyed } from './survey.ts'
import { beginSwap, commitSwap, finishSwap, type Swap } from './swap.ts'
import { keyOf, marksOf } from './tombstones.ts'
import { isKnown, trace } from './trace.ts'

export interface ForgetOptions {
  project: Project
  /** Who, by what was said; all else that names them is found. Several may be forgotten at once. */
  who: Names
  /** Why: for who asks later. Without personal data. */
  reason: string
  dry_run: boolean
  now: Date
  /** 32 random bytes: the key of the marks, if the ledger has none yet. */
  secret: Buffer
  /** Ids that rooms know by these names, from what was built last. */
  seed?(session: Session, names: Names): Promise<void>
  /** Called with all names and the ledger before anything is gone: for what is kept elsewhere. */
  elsewhere?(session: Session, names: Names): Promise<void>
}

/** What was forgotten, or would be. */
export interface Forgotten {
  known: boolean
  names: Names
  /** Place → what it loses. */
  losses: { place: string; losses: Loss[] }[]
  /** Files that go or lose a part, relative to the project. */
  files: string[]
}

/**
 * Removes all that is held of somebody from ledger, build file, publications, lake, waiting messages and artifacts, whole files
 * written anew so that no byte stays, and leaves keyed marks by which they are known should they come in again. All at once: a
 * process killed on the way leaves everything as it was, or the rest to whoever holds the ledger next. The caller holds the lock.
 */
export async function forget(options: ForgetOptions): Promise<Forgotten> {
  const { project, dry_run } = options
  const { root, config } = project
  const places = placesOf(root, config.target)
  if (!dry_run) pullLedger(root, config.target, places)
  const { info, less, known, lake } = await look(options, places)
  const work = await openDatabase({ threads: config.target.threads, temp_directory: places.temporary })
  const connection = await work.connect()
  try {
    const found = findFiles({ root, places, less })
    const losses = await rewrite(connection, { ...options, places, less, lake, found })
    if (!dry_run) pushLedger(root, config.target, places, info.generation, info.generation + 1)
    const files = [...found.texts.map(({ path }) => path), ...found.removes].map((path) => relative(root, path))
    return { known, names: less.names, losses, files }
  } finally {
    connection.close()
    work.close()
  }
}

/** Opens what the last run left, finds out who is meant, and closes it. */
async function look(
  options: ForgetOptions,
  places: Places,
): Promise<{ info: LedgerInfo; less: Less; known: boolean; lake: LakeLoss[] }> {
  const { project, who: names, now, seed, elsewhere } = options
  const { config } = project
  const as_of = now.toISOString().slice(0, 10)
  const target = { target_name: config.target_name, target: config.target }
  const { session, info } = await openHome({ ...target, places, now, as_of, threads: config.target.threads })
  try {
    await ensureRawTables(session.connection, project.tables)
    const declared = declaredBy(project.graph, project.tables)
    await seed?.(session, names)
    const tables = [
      ...(await surveyed(session.connection, LEDGER, declared)),
      ...(await surveyed(session.connection, BUILD, declared)),
    ]
    await trace(session.connection, tables, names)
    const known = await isKnown(session.connection, tables, names)
    const lake = await lakeLosses(session.connection, places.lake, project.tables, names)
    await elsewhere?.(session, names)
    await session.checkpoint()
    return { info, less: { names, finder: finderOf(names), declared }, known, lake }
  } finally {
    session.close()
  }
}

interface Found {
  texts: TextLoss[]
  removes: string[]
}

function findFiles({ root, places, less }: { root: string; places: Places; less: Less }): Found {
  const replays = join(places.data, 'replays')
  return {
    texts: incomingLosses(incomingFolder(places.data), less.finder),
    removes: [...(existsSync(replays) ? [replays] : []), ...filesNaming(join(root, 'target'), less.names)],
  }
}

type Rewriting = ForgetOptions & { places: Places; less: Less; lake: readonly LakeLoss[]; found: Found }

/** Writes everything anew beside, and lets it take its place at once; a dry run only counts. Answers what is lost where. */
async function rewrite(connection: Connection, options: Rewriting): Promise<Forgotten['losses']> {
  const { places, less, lake, found, dry_run, project } = options
  const beside = (path: string) => `${path}.forgetting`
  const folder = publicationsFolder(places.warehouse)
  const ids = publicationIds(folder)
  const renamed = ids.map((id, index) => ({ id, as: nextId(ids, index) }))
  const has_build = existsSync(places.build)
  const moves: Swap['moves'] = [
    { from: beside(places.ledger), to: places.ledger },
    ...ledgersBeside(places.ledger).map((path) => ({ from: beside(path), to: path })),
    ...(has_build ? [{ from: beside(places.build), to: places.build }] : []),
    ...renamed.map(({ as }) => ({ from: join(folder, `.forgetting-${as}`), to: join(folder, as) })),
    ...lake.map(({ path }) => ({ from: beside(join(places.lake, path)), to: join(places.lake, path) })),
    ...found.texts.flatMap(({ path, after }) => (after === null ? [] : [{ from: beside(path), to: path }])),
  ]
  const all: Forgotten['losses'] = []
  const say = (place: string, losses: Loss[]) => {
    if (losses.length > 0) all.push({ place, losses })
  }
  if (!dry_run) beginSwap(places.ledger, moves)
  if (!dry_run) for (const { from } of moves) rmSync(from, { recursive: true, force: true })
  if (!dry_run) for (const loss of lake) await writeLake(connection, loss, beside(join(places.lake, loss.path)))
  for (const { path, losses } of await ledgersLess(connection, options, beside))
    say(relative(project.root, path), losses)
  if (has_build) say(relative(project.root, places.build), await buildLess(connection, options, beside))
  for (const { id, as } of renamed) {
    const to = dry_run ? undefined : { folder: join(folder, `.forgetting-${as}`), id: as }
    say(`publication ${id}`, await publicationLess(connection, join(folder, id), to, less))
  }
  say(
    'lake',
    lake.map(({ table, rows, cells }) => ({ table, rows, cells })),
  )
  if (dry_run) return all
  for (const { path, after } of found.texts) if (after !== null) writeFileSync(beside(path), after)
  const removes = [
    ...found.removes,
    ...found.texts.flatMap(({ path, after }) => (after === null ? [path] : [])),
    ...renamed.map(({ id }) => join(folder, id)),
  ]
  const latest = renamed.at(-1)
  const link = latest === undefined ? undefined : { path: join(folder, 'current'), target: latest.as }
  commitSwap(places.ledger, { moves, removes, link })
  finishSwap(places.ledger)
  return all
}

async function ledgersLess(
  connection: Connection,
  { places, less, lake, now, reason, dry_run, secret }: Rewriting,
  beside: (path: string) => string,
): Promise<{ path: string; losses: Loss[] }[]> {
  const written = new Map(lake.map(({ path, rows }) => [path, { file: beside(join(places.lake, path)), rows }]))
  const fresh = (path: string) => (dry_run ? undefined : { file: beside(path), kind: 'ledger' as const })
  const losses = await copyLess(connection, places.ledger, fresh(places.ledger), less, async (writer, catalog) => {
    const [key] = await writer.rows<{ inner: string; outer: string }>(
      `select "inner", "outer" from ${catalog}.log.forget_key`,
    )
    const made = key ?? keyOf(secret)
    if (key === undefined)
      await writer.run(`insert into ${catalog}.log.forget_key values ($1, $2)`, [made.inner, made.outer])
    const marks = marksOf(made, less.names).map((mark) => ({ ...mark, forgotten_at: now.toISOString(), reason }))
    const columns = { kind: 'VARCHAR', mark: 'VARCHAR', forgotten_at: 'TIMESTAMP', reason: 'VARCHAR' }
    await writer.insert(`${catalog}.log.forgotten`, columns, marks)
    await renameLake(writer, catalog, written)
    await nextGeneration(writer, catalog)
  })
  const all = [{ path: places.ledger, losses }]
  for (const path of ledgersBeside(places.ledger))
    all.push({ path, losses: await copyLess(connection, path, fresh(path), less) })
  return all
}

async function buildLess(
  connection: Connection,
  { places, less, now, dry_run }: Rewriting,
  beside: (path: string) => string,
): Promise<Loss[]> {
  const [file, as_of] = [beside(places.build), now.toISOString().slice(0, 10)]
  if (dry_run) return copyLess(connection, places.build, undefined, less)
  const losses = await copyLess(connection, places.build, { file, kind: 'build' }, less)
  // Views are made again where they find what they speak of.
  const views = await openDatabase({})
  const own = await views.connect()
  try {
    await own.run(`attach '${beside(places.ledger).replaceAll("'", "''")}' as ${LEDGER} (read_only)`)
    await own.run(`attach '${file.replaceAll("'", "''")}' as ${BUILD}; use ${BUILD}`)
    await copyViews(own, places.build, as_of)
    await own.run(`checkpoint ${BUILD}`)
  } finally {
    own.close()
    views.close()
  }
  return losses
}

async function publicationLess(
  connection: Connection,
  from: string,
  to: { folder: string; id: string } | undefined,
  less: Less,
): Promise<Loss[]> {
  const file = 'warehouse.duckdb'
  if (to !== undefined) mkdirSync(join(to.folder, 'exports'), { recursive: true })
  const fresh = to === undefined ? undefined : { file: join(to.folder, file), kind: 'publication' as const }
  const losses = await copyLess(connection, join(from, file), fresh, less)
  for (const path of exportsOf(from)) {
    const loss = await exportLess(connection, path, to === undefined ? undefined : path.replace(from, to.folder), less)
    if (loss !== undefined) losses.push(loss)
  }
  if (to === undefined) return losses
  for (const name of readdirSync(from)) {
    if (name === file || name === 'exports' || name.endsWith('.wal')) continue
    const text = readFileSync(join(from, name), 'utf8')
    const own = name === 'publication.json' ? { ...(JSON.parse(text) as object), id: to.id } : undefined
    writeFileSync(join(to.folder, name), own === undefined ? text : `${JSON.stringify(own, null, 2)}\n`)
  }
  for (const path of [...readdirSync(to.folder), ...exportsOf(to.folder).map((one) => relative(to.folder, one))])
    if (path !== 'exports') chmodSync(join(to.folder, path), 0o444)
  return losses
}

function exportsOf(publication: string): string[] {
  const folder = join(publication, 'exports')
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.endsWith('.parquet'))
    .sort()
    .map((name) => join(folder, name))
}

function publicationIds(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => /^\d{6}$/.test(name))
    .sort()
}

function nextId(ids: readonly string[], index: number): string {
  return String(Number(ids.at(-1) ?? '0') + 1 + index).padStart(6, '0')
}
