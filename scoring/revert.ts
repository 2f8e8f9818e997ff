import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { parse } from 'yaml'
import { type Problem, ProjectError } from '../pipeline/errors.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'

/** The cards as they were under one version. */
export interface KeptVersion {
  score_version: string
  first_used_at: string
  /** Path → content. */
  files: Record<string, string>
}

/** What a file would become: the values that change, as people read them. */
export interface Reverted {
  file: string
  /** `rules.icp_wishes.points: 15 → 10` */
  changes: string[]
}

/** Every version that ever scored a lead, the latest first. `versions` is the ledger's table. */
export async function keptVersions(connection: Connection, versions: string): Promise<KeptVersion[]> {
  const rows = await connection.rows<{ score_version: string; first_used_at: string; cards: string }>(
    `select score_version, first_used_at, cards from ${versions} order by first_used_at desc, _load desc`,
  )
  return rows.map(({ cards, ...row }) => ({ ...row, files: JSON.parse(cards) as Record<string, string> }))
}

/** The version that is meant, by its name or the beginning of it. */
export function findVersion(versions: readonly KeptVersion[], wanted: string): KeptVersion {
  const found = versions.filter(({ score_version }) => score_version.startsWith(wanted))
  if (found.length === 1) return found[0]!
  const names = versions.map(({ score_version }) => score_version)
  const problem: Problem =
    found.length > 1
      ? { file: 'score', message: `'${wanted}' begins ${found.length} versions`, hint: 'Write more of it.' }
      : {
          file: 'score',
          message: `the ledger keeps no version '${wanted}'`,
          hint: didYouMean(wanted, names) ?? 'pipeline score list names them.',
        }
  throw new ProjectError([problem])
}

/** What differs between the files as they are and as they were. Comments count as one change of the file. */
export function compareFiles(root: string, files: Record<string, string>): Reverted[] {
  return Object.entries(files).flatMap(([file, content]) => {
    const path = join(root, file)
    const now = existsSync(path) ? readFileSync(path, 'utf8').replaceAll('\r\n', '\n') : undefined
    if (now === content) return []
    if (now === undefined) return [{ file, changes: ['the file comes back'] }]
    const changes = changedValues(now, content)
    return [{ file, changes: changes.length > 0 ? changes : ['comments or layout'] }]
  })
}

/** All or nothing: every file is written beside its place before the first one is put there; a failure puts all back. */
export function writeFiles(root: string, files: Record<string, string>): void {
  const entries = Object.entries(files).map(([file, content]) => {
    const path = join(root, file)
    const beside = (kind: string) => join(dirname(path), `.${basename(path)}.${kind}`)
    return { path, content, fresh: beside('new'), old: beside('old') }
  })
  const moved: typeof entries = []
  try {
    for (const { path, fresh, content } of entries) {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(fresh, content)
    }
    for (const entry of entries) {
      if (existsSync(entry.path)) renameSync(entry.path, entry.old)
      moved.push(entry)
      renameSync(entry.fresh, entry.path)
    }
  } catch (error) {
    for (const { path, old } of moved) if (existsSync(old)) renameSync(old, path)
    throw error
  } finally {
    for (const { fresh, old } of entries) {
      rmSync(fresh, { force: true })
      rmSync(old, { force: true })
    }
  }
}

function changedValues(now: string, then: string): string[] {
  const [before, after] = [valuesOf(now), valuesOf(then)]
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort()
  return paths.flatMap((path) => {
    const [from, to] = [before.get(path), after.get(path)]
    return from === to ? [] : [`${path}: ${from ?? 'nothing'} → ${to ?? 'nothing'}`]
  })
}

/** Every value of a YAML file by its path; entries of a list by their name where they have one. */
function valuesOf(text: string): Map<string, string> {
  const values = new Map<string, string>()
  const visit = (value: unknown, path: string): void => {
    if (Array.isArray(value) && value.some((item) => typeof item === 'object'))
      for (const [index, item] of value.entries()) visit(item, `${path}.${nameOf(item) ?? index + 1}`)
    else if (value !== null && typeof value === 'object' && !Array.isArray(value))
      for (const [key, item] of Object.entries(value)) visit(item, path === '' ? key : `${path}.${key}`)
    else values.set(path, JSON.stringify(value))
  }
  try {
    visit(parse(text), '')
  } catch {
    values.set('(not valid YAML)', '')
  }
  return values
}

function nameOf(item: unknown): string | undefined {
  const { rule, band, tier } = item as { rule?: string; band?: string; tier?: string }
  return rule ?? band ?? tier
}
