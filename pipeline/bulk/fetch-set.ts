import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { RemoteError } from '../errors.ts'
import type { FileHost, FileHostOptions } from '../http/download.ts'
import { NotAsked } from '../http/refused.ts'
import type { StepContext, StepSummary } from '../step.ts'
import { type BulkSet, type DelimitedTable, ledgerTable } from './delimited.ts'
import { isZipOf } from './folder.ts'
import { landBulk } from './land.ts'
import type { RemoteFile } from './listing.ts'
import { type Listing, listMonths, listZips } from './share.ts'
import { duration, megabytes } from './tally.ts'
import { findWhole, landFromWhole } from './whole.ts'

/** Where the sets of a month are fetched from. */
export interface BulkShare extends FileHostOptions {
  listing: Listing
  /** Folder of the months on the host, below `base_url`; empty for itself. */
  root: string
  /** Zips without which a month is not complete. */
  expects: readonly string[]
  /** Zips stay on disk when they have landed. */
  keep_zips: boolean
  /** Seconds between two listings of a month that must be equal. */
  settle_s: number
}

interface Chosen {
  month: string
  files: RemoteFile[]
  /** Tables that the month lacks and an earlier one has. */
  earlier: { month: string; file: RemoteFile }[]
  notes: string[]
}

/** Left beside zips that could not be read whole: the month is fetched and landed again. */
const AGAIN = '.again'
/** Beside the folders of the months: the snapshot that each became. */
const MONTHS = '.months.json'

/**
 * Fetches the newest month that is complete and has stopped growing into a folder of its own below `path`, and lands it.
 * Does nothing when it has landed, by the same filter. A run in the past asks nobody and reads what is on disk, or nothing.
 * @throws RemoteError when the host does not answer or has no complete month.
 */
export async function landShare(context: StepContext, set: BulkSet, share: BulkShare): Promise<StepSummary> {
  const home = resolve(context.paths.root, set.path)
  let host: FileHost
  try {
    host = context.files(share)
  } catch (error) {
    if (!(error instanceof NotAsked)) throw error
    return { rows: 0, text: error.message }
  }
  const passed: string[] = []
  const skipped = new Set<string>()
  for (;;) {
    const chosen = await choose({ context, set, share, host }, skipped, passed)
    const folder = join(home, chosen.month)
    const notes = [...passed, ...chosen.notes]
    if (!existsSync(join(folder, AGAIN)) && (await hasLanded(context, set, home, chosen.month))) {
      return { rows: 0, text: [`${chosen.month} is the newest complete month, and has landed`, ...notes].join('; ') }
    }
    const whole = set.whole ? findWhole(context, set, ({ month }) => month === chosen.month) : undefined
    if (whole !== undefined) {
      const summary = await landFromWhole(context, set, whole)
      noteSnapshot(home, chosen.month, whole.snapshot)
      return { ...summary, text: [summary.text, ...notes].join('; ') }
    }
    const fetched = await fetchMonth({ context, set, share, host }, chosen, home)
    if (!fetched) {
      passed.push(`${chosen.month} is still growing`)
      skipped.add(chosen.month)
      continue
    }
    const summary = await landMonth(context, { ...set, month: chosen.month }, home, folder)
    if (summary.failures?.length === 0 && !share.keep_zips) {
      for (const month of [chosen.month, ...chosen.earlier.map((one) => one.month)]) {
        rmSync(join(home, month), { recursive: true, force: true })
      }
    }
    const { stalls, streams } = host.state()
    const slow = stalls === 0 ? [] : [`the host stalled ${stalls} times, ${streams} streams were left`]
    return { ...summary, text: [summary.text, ...notes, ...slow].join('; ') }
  }
}

interface Fetching {
  context: StepContext
  set: BulkSet
  share: BulkShare
  host: FileHost
}

const folderOf = ({ root }: BulkShare, month: string) => (root === '' ? month : `${root}/${month}`)

/** The newest month that has what it must, the same in two listings. */
async function choose({ context, set, share, host }: Fetching, skipped: Set<string>, notes: string[]): Promise<Chosen> {
  const months = (await listMonths(host, share.listing, share.root)).filter(
    (month) => !(set.month !== undefined && month > set.month),
  )
  const wanted = set.month === undefined ? months : months.filter((month) => month === set.month)
  for (const month of wanted.filter((one) => !skipped.has(one))) {
    const files = await listZips(host, share.listing, folderOf(share, month))
    const lacks = share.expects.filter((name) => !files.some((file) => same(file.name, name)))
    if (lacks.length > 0) {
      skipped.add(month)
      notes.push(`${month} is not complete: no ${shortened(lacks)}`)
      continue
    }
    const landed = await hasLanded(context, set, resolve(context.paths.root, set.path), month)
    if (!landed && share.settle_s > 0) {
      context.progress(`${month} is listed again in ${share.settle_s} s`)
      await host.wait(share.settle_s)
      if (!equal(files, await listZips(host, share.listing, folderOf(share, month)))) {
        skipped.add(month)
        notes.push(`${month} is still growing`)
        continue
      }
    }
    const chosen: Chosen = { month, files, earlier: [], notes: [] }
    if (!landed) await addEarlier({ context, set, share, host }, chosen, months.slice(months.indexOf(month) + 1))
    return chosen
  }
  const why = notes.length === 0 ? 'it has no folder of a month' : notes.join('; ')
  throw new RemoteError(
    `no complete month is at ${share.root === '' ? 'the root of the share' : share.root}: ${why}`,
    share.service,
  )
}

async function addEarlier({ set, share, host }: Fetching, chosen: Chosen, months: readonly string[]): Promise<void> {
  let lacking = set.tables.filter(
    (table) => table.carried_over && !chosen.files.some(({ name }) => isZipOf(table, name)),
  )
  for (const month of months) {
    if (lacking.length === 0) return
    const files = await listZips(host, share.listing, folderOf(share, month))
    const found = (table: DelimitedTable) => files.find(({ name }) => isZipOf(table, name))
    for (const table of lacking) {
      const file = found(table)
      if (file !== undefined) chosen.earlier.push({ month, file })
    }
    lacking = lacking.filter((table) => found(table) === undefined)
  }
}

/** False when the month has changed on the host while it was fetched. */
async function fetchMonth({ context, set, share, host }: Fetching, chosen: Chosen, home: string): Promise<boolean> {
  const { month, files, earlier } = chosen
  const wanted = (name: string) => {
    const table = set.tables.find((one) => isZipOf(one, name))
    return table !== undefined && !table.skip
  }
  const mine = files.filter(({ name }) => wanted(name)).map((file) => ({ month, file }))
  // Lookups are small and come first, so that a share that has moved, or is none, shows at once.
  const small = (name: string) => set.tables.some((table) => table.carried_over && isZipOf(table, name))
  const all = [...earlier, ...mine].sort((a, b) => Number(small(b.file.name)) - Number(small(a.file.name)))
  const report = reporter(
    context,
    all.map(({ file }) => file),
  )
  const results = await Promise.allSettled(
    all.map(({ month: of, file }) => {
      const to = join(home, of, file.name)
      return host.fetch(`${folderOf(share, of)}/${file.name}`, to, file, (bytes) => report(file.name, bytes))
    }),
  )
  const failed = results.find((result) => result.status === 'rejected')
  const now = await listZips(host, share.listing, folderOf(share, month)).catch((error: unknown) => {
    throw failed?.reason ?? error
  })
  if (!equal(files, now)) {
    for (const { month: of, file } of mine) {
      const after = now.find(({ name }) => name === file.name)
      if (after?.mark !== file.mark) rmSync(join(home, of, file.name), { force: true })
    }
    return false
  }
  if (failed !== undefined) throw failed.reason
  return true
}

async function landMonth(context: StepContext, set: BulkSet, home: string, folder: string): Promise<StepSummary> {
  const damaged: string[] = []
  const summary = await landBulk(context, { ...set, damaged: (path) => damaged.push(path) })
  const landed = await newestOf(context, set)
  if (landed !== undefined) noteSnapshot(home, set.month!, landed.snapshot)
  for (const path of damaged) rmSync(path, { force: true })
  const again = join(folder, AGAIN)
  if (damaged.length === 0) {
    rmSync(again, { force: true })
    return summary
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(again, '')
  return { ...summary, text: `${summary.text}; what is damaged is fetched again by the next run` }
}

/** Has a month landed by this filter? Its snapshot may bear another month's date. */
async function hasLanded(context: StepContext, set: BulkSet, home: string, month: string): Promise<boolean> {
  const known = snapshotsOf(home)[month]
  const landed = known === undefined ? undefined : await newestOf(context, set)
  return landed?.snapshot === known && landed?.filter.startsWith(`${set.filter} of files `) === true
}

async function newestOf(context: StepContext, set: BulkSet): Promise<{ snapshot: string; filter: string } | undefined> {
  const table = set.tables.find(({ required }) => required)
  return table && (await context.lakeSnapshots(ledgerTable(set.source, table), 1))[0]
}

function noteSnapshot(home: string, month: string, snapshot: string): void {
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, MONTHS), JSON.stringify({ ...snapshotsOf(home), [month]: snapshot }))
}

/** Which snapshot came of the folder of which month. */
function snapshotsOf(home: string): Record<string, string> {
  const file = join(home, MONTHS)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>) : {}
}

/** Bytes, rate and time left of all files together. */
function reporter({ progress, now }: StepContext, files: readonly RemoteFile[]): (name: string, bytes: number) => void {
  const total = files.every(({ size }) => size !== undefined)
    ? files.reduce((sum, { size }) => sum + size!, 0)
    : undefined
  const begun = now().getTime()
  let came = 0
  return (name, bytes) => {
    came = Math.max(0, came + bytes)
    const seconds = (now().getTime() - begun) / 1000
    const rate = seconds > 0 ? came / seconds : 0
    const left = rate > 0 && total !== undefined ? `, ${duration((total - came) / rate)} left` : ''
    const of = total === undefined ? '' : ` of ${megabytes(total)}`
    const speed = rate > 0 ? `, ${(rate / 1_000_000).toFixed(1)} MB/s` : ''
    progress(`fetching ${name}  ${megabytes(came)}${of} MB${speed}${left}`, came, total)
  }
}

function equal(before: readonly RemoteFile[], after: readonly RemoteFile[]): boolean {
  const text = (files: readonly RemoteFile[]) =>
    files.map(({ name, size, mark }) => [name, size, mark].join('\n')).join('\n')
  return text(before) === text(after)
}

function same(name: string, other: string): boolean {
  return name.toLowerCase() === other.toLowerCase()
}

function shortened(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`
}
