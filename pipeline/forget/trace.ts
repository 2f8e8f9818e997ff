import { quoteIdentifier } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import { type Names, namesOfKind, plainWords, SPELLINGS, type Surveyed, spelledIn, theirRows } from './names.ts'

/**
 * Adds to `names` all that the tables know of whoever bears them: other records of theirs, ids of their leads, messages and
 * calls, and their addresses, pages and names. What somebody else bears, too, is no name of theirs, and is left out.
 */
export async function trace(connection: Connection, tables: readonly Surveyed[], names: Names): Promise<void> {
  for (let known = -1; known !== names.ids.size + names.records.size; ) {
    known = names.ids.size + names.records.size
    for (const table of tables) await follow(connection, table, names)
  }
  const said = { emails: new Set<string>(), profiles: new Set<string>(), words: new Set<string>() }
  const given = { emails: new Set(names.emails), profiles: new Set(names.profiles) }
  const people = names.domains.size + names.cnpj_roots.size === 0
  for (const table of tables) await listen(connection, table, names, said)
  const others = people ? await shared(connection, tables, names, said) : new Set<string>()
  for (const kind of ['emails', 'profiles', 'words'] as const)
    for (const value of said[kind])
      if (!others.has(value) || given[kind as 'emails']?.has(value)) names[kind].add(value)
}

/** Ids and records that their rows in one table bring. */
async function follow(connection: Connection, table: Surveyed, names: Names): Promise<void> {
  const { about, place } = table
  const where = theirRows(table, names)
  if (about === undefined || about.empties !== undefined || where === undefined || table.empty) return
  const record = spelledIn(table).find(([kind]) => kind === 'record')?.[1]
  for (const sql of about.brings ?? []) {
    const rows = await connection.rows<{ id: string }>(
      `select distinct cast(${sql} as varchar) as id from ${place} where ${where} and (${sql}) is not null`,
    )
    for (const { id } of rows) names.ids.add(id)
  }
  if (record === undefined) return
  const rows = await connection.rows<{ id: string }>(`select distinct ${record} as id from ${place} where ${where}`)
  for (const { id } of rows) if (id !== null) names.records.add(id)
}

type Said = Record<'emails' | 'profiles' | 'words', Set<string>>

/** Addresses, pages and names in columns of theirs that hold personal data. */
async function listen(connection: Connection, table: Surveyed, names: Names, said: Said): Promise<void> {
  const where = theirRows(table, names)
  if (where === undefined || table.about?.empties !== undefined || table.empty) return
  for (const { name, type } of table.columns) {
    if (type !== 'VARCHAR' || !table.pii.includes(name) || OURS.test(name)) continue
    const column = quoteIdentifier(name)
    const rows = await connection.rows<{ value: string }>(
      `select distinct ${column} as value from ${table.place} where ${where} and length(${column}) between 3 and 200`,
    )
    for (const { value } of rows) {
      const profile = SPELLINGS.profile.js(value)
      if (/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value.trim())) said.emails.add(SPELLINGS.email.js(value))
      else if (profile !== '') said.profiles.add(profile)
      else if (isName(name, value)) said.words.add(plainWords(value))
    }
  }
}

/** People of ours stand in these: who approved, from where it was sent, whose it is. */
const OURS = /^(mailbox|approved_by|decided_by|owner)$/

function isName(column: string, value: string): boolean {
  return (
    /^(full_|partner_)?name$|nome_socio|nome_do_representante/.test(column) && /^\S+(\s+\S+){1,7}$/.test(value.trim())
  )
}

/** Of what they say, what rows of somebody else say, too. */
async function shared(
  connection: Connection,
  tables: readonly Surveyed[],
  names: Names,
  said: Said,
): Promise<Set<string>> {
  const found = new Set<string>()
  for (const table of tables) {
    const own = theirRows(table, names)
    if (own === undefined || table.about?.empties !== undefined || table.empty) continue
    const columns = table.columns.filter(
      ({ name, type }) => type === 'VARCHAR' && table.pii.includes(name) && !OURS.test(name),
    )
    for (const { name } of columns) {
      const rows = await connection.rows<{ value: string }>(
        `select distinct ${quoteIdentifier(name)} as value from ${table.place}
         where not ${own} and length(${quoteIdentifier(name)}) between 3 and 200 and ${isOfPeople(table)}`,
      )
      for (const { value } of rows) {
        const [email, profile, words] = [SPELLINGS.email.js(value), SPELLINGS.profile.js(value), plainWords(value)]
        if (said.emails.has(email)) found.add(email)
        if (said.profiles.has(profile)) found.add(profile)
        if (said.words.has(words)) found.add(words)
      }
    }
  }
  return found
}

/** A row that names a person, not the company that uses the person's address. */
function isOfPeople({ columns, about }: Surveyed): string {
  const has = (name: string) => columns.some((column) => column.name === name)
  if (has('contact_id')) return 'contact_id is not null'
  if (has('subject_id')) return `subject_id like 'con%'`
  return String(about?.email !== undefined || about?.profile !== undefined)
}

/** Is anything known by these names at all? */
export async function isKnown(connection: Connection, tables: readonly Surveyed[], names: Names): Promise<boolean> {
  for (const table of tables) {
    const where = theirRows(table, names)
    if (where === undefined || table.about?.empties !== undefined || table.empty) continue
    const [one] = await connection.rows(`select 1 from ${table.place} where ${where} limit 1`)
    if (one !== undefined) return true
  }
  return false
}

export function isEmpty(names: Names): boolean {
  return (
    names.ids.size + names.records.size === 0 &&
    (['email', 'profile', 'domain', 'cnpj_root'] as const).every((kind) => namesOfKind(names, kind).size === 0)
  )
}
