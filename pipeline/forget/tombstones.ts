import { createHash } from 'node:crypto'
import type { LedgerTable } from '../step.ts'
import { quoteIdentifier, quoteLiteral } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import { LEDGER } from '../warehouse/session.ts'
import { ERASED, excise, type Finder } from './excise.ts'
import { NAME_KINDS, type NameKind, type Names, namesOfKind, SPELLINGS, spelledIn } from './names.ts'

/**
 * What stays of who was forgotten: of each name an HMAC-SHA-256 under a key of the ledger's own. Nobody can read a name from
 * it, or test a guess without the ledger; what comes in again is known by it.
 */
export interface Tombstones {
  size: number
  has(kind: NameKind, value: string): boolean
  /** Finds forgotten names in what `source` says. */
  finder(source: string): Finder
}

const NONE: Tombstones = {
  size: 0,
  has: () => false,
  finder: () => ({ is: () => false, within: () => false, cut: (text) => text }),
}

/** What the ledger remembers of the forgotten. Cheap where nobody is. */
export async function readTombstones(connection: Connection, log = `${LEDGER}.log`): Promise<Tombstones> {
  const rows = await connection.rows<{ mark: string }>(`select distinct mark from ${log}.forgotten`)
  if (rows.length === 0) return NONE
  const [key] = await connection.rows<Key>(`select "inner", "outer" from ${log}.forget_key`)
  const marks = new Set(rows.map(({ mark }) => mark))
  const has = (kind: NameKind, value: string) => marks.has(markOf(key!, kind, value))
  return { size: marks.size, has, finder: (source) => finderBy(has, source) }
}

interface Key {
  /** The key padded to a block and XORed with 0x36, or 0x5c (RFC 2104): hexadecimal. */
  inner: string
  outer: string
}

/** The marks of these names, for `insertTombstones`. */
export function marksOf(key: Key, names: Names): { kind: string; mark: string }[] {
  return NAME_KINDS.flatMap((kind) =>
    [...namesOfKind(names, kind)].sort().map((value) => ({ kind, mark: markOf(key, kind, value) })),
  )
}

/** Of 32 bytes that nobody can guess. */
export function keyOf(key: Buffer): Key {
  const padded = Buffer.concat([key, Buffer.alloc(64 - key.length)])
  const pad = (byte: number) => Buffer.from(padded.map((one) => one ^ byte)).toString('hex')
  return { inner: pad(0x36), outer: pad(0x5c) }
}

export function markOf({ inner, outer }: Key, kind: string, value: string): string {
  const first = createHash('sha256').update(Buffer.from(inner, 'hex')).update(`${kind}:${value}`).digest()
  return createHash('sha256').update(Buffer.from(outer, 'hex')).update(first).digest('hex')
}

/** The same in SQL; the key is read where it is used, and in no statement's text. */
export function markSql(kind: string, sql: string): string {
  const pad = (which: string) => `unhex((select "${which}" from ${LEDGER}.log.forget_key))`
  const message = `encode(${quoteLiteral(`${kind}:`)} || (${sql}))`
  return `sha256(${pad('outer')} || unhex(sha256(${pad('inner')} || ${message})))`
}

/** Of rows of a table, the condition that they bear a forgotten name. */
export function forgottenRows({ source, about }: Pick<LedgerTable, 'source' | 'about'>): string | undefined {
  const conditions = spelledIn({ source, about }).map(
    ([kind, sql]) => `coalesce(${markSql(kind, sql)} in (select mark from ${LEDGER}.log.forgotten), false)`,
  )
  return conditions.length === 0 ? undefined : conditions.join(' or ')
}

/** Takes out of rows that wait to be recorded whatever names the forgotten. Answers how many rows went. */
export async function dropForgotten(connection: Connection, table: LedgerTable, staged: string): Promise<number> {
  const tombstones = await readTombstones(connection)
  if (tombstones.size === 0) return 0
  const theirs = forgottenRows(table)
  const gone = theirs === undefined ? 0 : await connection.run(`delete from ${staged} where ${theirs}`)
  const finder = tombstones.finder(table.source)
  const columns = Object.entries({ ...table.columns, ...(table.payload ? { _payload: 'JSON' } : {}) })
  for (const [name, type] of columns) {
    if (!(name === '_payload' || table.pii?.includes(name)) || !/^(VARCHAR|JSON)$/.test(type)) continue
    const column = quoteIdentifier(name)
    const rows = await connection.rows<{ rid: number; text: string }>(
      `select rowid as rid, cast(${column} as varchar) as text from ${staged}
       where regexp_matches(lower(cast(${column} as varchar)), '@|linkedin')`,
    )
    for (const { rid, text } of rows) {
      const after = excise(text, finder)
      if (after !== text) await connection.run(`update ${staged} set ${column} = $1 where rowid = $2`, [after, rid])
    }
  }
  return gone
}

const EMAILS = /[^\s"'<>()[\],;:\\]+@[^\s"'<>()[\],;:\\]+\.[a-z]{2,}/gi
const PROFILES = /(?:https?:\/\/)?(?:[a-z]+\.)?linkedin\.com\/(?:in|pub)\/[^/?#\s"'<>\\]+\/?/gi

function finderBy(has: Tombstones['has'], source: string): Finder {
  const is = (text: string) => {
    if (text.length > 300 || /\S\s+\S/.test(text)) return false
    if (text.includes('@')) return has('email', SPELLINGS.email.js(text))
    const profile = SPELLINGS.profile.js(text)
    return profile === '' ? has('record', `${source}/${text}`) : has('profile', profile)
  }
  const cut = (text: string) =>
    text.replace(EMAILS, (one) => (is(one) ? ERASED : one)).replace(PROFILES, (one) => (is(one) ? ERASED : one))
  return { is, within: (text) => cut(text) !== text, cut }
}
