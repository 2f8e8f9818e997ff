import { createHash } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { messageOf, ProjectError } from '../errors.ts'
import type { BulkSet, DelimitedTable } from './delimited.ts'
import { listZip, type ZipMember } from './zip.ts'

const HINT = 'Put the zips as published there, or in a folder YYYY-MM below it.'
const MONTH = /^\d{4}-\d{2}$/

/** The files of one set: what holds which table, and what could not be opened. */
export interface BulkFiles {
  members: Map<string, ZipMember[]>
  /** Zips that by their name hold a table of the set but cannot be opened at all. */
  unreadable: { zip: string; path: string; table: string; reason: string }[]
  /** `2026-08-08`, or `2026-08` where only the folder says it. */
  snapshot: string
  /** Of the content, by the archives' own checksums: the same on every machine. */
  fingerprint: string
  /** What differs from a complete set, for people. */
  notes: string[]
}

/**
 * A fingerprint of the zips below a folder: changes when one is added, removed or written again. Opens none.
 * @throws ProjectError when there is no folder or no zip.
 */
export async function folderVersion(root: string, path: string): Promise<string> {
  const hash = createHash('sha256')
  for (const folder of foldersOf(root, path)) {
    for (const zip of folder.zips) {
      const { size, mtimeMs } = statSync(join(folder.path, zip))
      hash.update(`${folder.name}/${zip} ${size} ${mtimeMs}\n`)
    }
  }
  return hash.digest('hex').slice(0, 16)
}

/**
 * Finds the files of the newest set that is complete enough to be read.
 * @throws ProjectError when there is none.
 */
export async function findFiles(root: string, set: BulkSet): Promise<BulkFiles> {
  const folders = foldersOf(root, set.path).filter(({ name }) => set.month === undefined || name <= set.month)
  const listed = new Map<string, Promise<Listing>>()
  const listing = (folder: Folder) => {
    const known = listed.get(folder.path) ?? list(folder, set)
    listed.set(folder.path, known)
    return known
  }
  const notes: string[] = []
  for (const [index, folder] of folders.entries()) {
    const found = await listing(folder)
    const lacks = set.tables.filter(({ table }) => !holds(found, table))
    const needed = lacks.filter(({ required }) => required)
    if (needed.length > 0) {
      notes.push(`${folder.name || set.path} has no ${needed.map(zipsOf).join(', ')}`)
      continue
    }
    for (const table of lacks) {
      const earlier = table.carried_over ? await earlierOf(folders.slice(index + 1), table, listing) : undefined
      if (earlier !== undefined) found.members.set(table.table, earlier.members)
      const instead = earlier === undefined ? 'what was read before is kept' : `the one of ${earlier.name} is taken`
      notes.push(`no ${zipsOf(table)}: ${instead}`)
    }
    return { ...found, snapshot: snapshotOf(found, folder, set), fingerprint: fingerprintOf(found), notes }
  }
  throw new ProjectError([{ file: set.path, message: notes.join('; ') || `holds nothing of ${set.month}`, hint: HINT }])
}

interface Folder {
  /** `2026-08`, empty for the folder itself. */
  name: string
  path: string
  zips: string[]
}

type Listing = Pick<BulkFiles, 'members' | 'unreadable'>

/** Those that hold zips, newest first. */
function foldersOf(root: string, path: string): Folder[] {
  const home = resolve(root, path)
  if (!existsSync(home)) {
    throw new ProjectError([{ file: path, message: 'is not there', hint: HINT }])
  }
  try {
    const months = readdirSync(home).filter((name) => MONTH.test(name) && statSync(join(home, name)).isDirectory())
    const folders = [...months.sort().reverse(), ''].map((name) => ({
      name,
      path: join(home, name),
      zips: readdirSync(join(home, name))
        .filter((zip) => /\.zip$/i.test(zip))
        .sort(),
    }))
    const filled = folders.filter(({ zips }) => zips.length > 0)
    if (filled.length > 0) return filled
  } catch (error) {
    throw new ProjectError([{ file: path, message: `cannot be read: ${messageOf(error)}` }])
  }
  throw new ProjectError([{ file: path, message: 'holds no zip', hint: HINT }])
}

async function list(folder: Folder, set: BulkSet): Promise<Listing> {
  const members = new Map<string, ZipMember[]>()
  const unreadable: BulkFiles['unreadable'] = []
  for (const zip of folder.zips) {
    try {
      for (const member of await listZip(join(folder.path, zip))) {
        const table = tableOf(set, member.name, zip)
        if (table !== undefined) members.set(table.table, [...(members.get(table.table) ?? []), member])
      }
    } catch (error) {
      const table = tableOf(set, '', zip)
      if (table !== undefined)
        unreadable.push({ zip, path: join(folder.path, zip), table: table.table, reason: messageOf(error) })
    }
  }
  return { members, unreadable }
}

function tableOf(set: BulkSet, member: string, zip: string): DelimitedTable | undefined {
  const name = member.toUpperCase()
  return (
    set.tables.find(({ files: [marker] }) => name.includes(marker!)) ?? set.tables.find((table) => isZipOf(table, zip))
  )
}

/** Is this the zip of a table, by its name? */
export function isZipOf({ files: [, stem] }: DelimitedTable, zip: string): boolean {
  return new RegExp(`^${stem}\\d*\\.zip$`, 'i').test(zip)
}

function zipsOf({ files: [, stem] }: DelimitedTable): string {
  return `${stem}*.zip`
}

function holds({ members, unreadable }: Listing, table: string): boolean {
  return members.has(table) || unreadable.some((zip) => zip.table === table)
}

async function earlierOf(
  folders: readonly Folder[],
  { table }: DelimitedTable,
  listing: (folder: Folder) => Promise<Listing>,
): Promise<{ name: string; members: ZipMember[] } | undefined> {
  for (const folder of folders) {
    const members = (await listing(folder)).members.get(table)
    if (members !== undefined) return { name: folder.name || 'the folder above', members }
  }
  return undefined
}

/** The latest date the members' names say; else the month of the folder; else the date of the newest member. */
function snapshotOf({ members }: Listing, folder: Folder, set: BulkSet): string {
  const all = [...members.values()].flat()
  const latest = (dates: (string | undefined)[]) =>
    dates
      .filter((date) => date !== undefined)
      .sort()
      .at(-1)
  return (
    latest(all.map(({ name }) => set.dateOf?.(name))) ?? (folder.name || latest(all.map(({ modified }) => modified))!)
  )
}

function fingerprintOf({ members, unreadable }: Listing): string {
  const hash = createHash('sha256')
  for (const { zip, name, expected, compressed_size } of [...members.values()].flat()) {
    hash.update(`${zip} ${name} ${expected?.crc32} ${compressed_size}\n`)
  }
  for (const { zip, reason } of unreadable) hash.update(`${zip} ${reason}\n`)
  return hash.digest('hex').slice(0, 16)
}
