import type { Connection } from './warehouse/duckdb.ts'

/** One thing that happened, or stands: for people, in order. May hold personal data: it goes to whoever asked, and into no log. */
export interface StoryLine {
  /** UTC, where it is known. */
  at: string | null
  text: string
}

/** What one room has to tell of a company or person. */
export interface Chapter {
  /** snake_case: its key in JSON. */
  name: string
  title: string
  lines: StoryLine[]
}

/** Ledger and warehouse as they were last built, read only. */
export interface Library {
  connection: Connection
  /** Is there a relation of this name, `schema.name`? What has not been built tells nothing. */
  has(relation: string): boolean
  as_of: string
}

/** Of whom the story is. */
export interface Whom {
  company_ids: readonly string[]
  contact_ids: readonly string[]
  lead_ids: readonly string[]
}

/** The lines that a query answers, as columns `at` and `text`; none where a relation that it reads is not there. */
export async function linesOf(library: Library, reads: readonly string[], sql: string): Promise<StoryLine[]> {
  if (reads.some((relation) => !library.has(relation))) return []
  return library.connection.rows<StoryLine>(
    `select strftime("at"::timestamp, '%Y-%m-%d') as "at", "text" from (${sql}) where "text" is not null`,
  )
}

/** `in ('a', 'b')` over ids, which are hashes; of none, `in (NULL)`. */
export function among(ids: readonly string[]): string {
  const quoted = ids.map((id) => `'${id.replaceAll("'", "''")}'`)
  return `in (${quoted.length === 0 ? 'NULL' : quoted.join(', ')})`
}
