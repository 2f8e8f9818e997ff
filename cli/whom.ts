import { addKnown, type Meant, meantBy } from '../ingest/forget.ts'
import { whoIs } from '../ingest/why.ts'
import { ProjectError } from '../pipeline/errors.ts'
import { noNames } from '../pipeline/forget/names.ts'
import type { Library } from '../pipeline/story.ts'
import { BUILD, type Session } from '../pipeline/warehouse/session.ts'

/** Ledger and what was last built, to look things up in. */
export async function libraryOf({ connection, as_of, useSchemas }: Session): Promise<Library> {
  const there = await connection.rows<{ schema: string; name: string }>(`
    select schema_name as schema, table_name as name from duckdb_tables() where database_name = '${BUILD}'
    union all
    select schema_name, view_name from duckdb_views() where database_name = '${BUILD}' and not internal`)
  await useSchemas(new Set(there.map(({ schema }) => schema)))
  const names = new Set(there.map(({ schema, name }) => `${schema}.${name}`))
  return { connection, as_of, has: (relation) => names.has(relation) }
}

/** Whom a word means, with all that is known by what was last built. Throws ProjectError where it could be several. */
export async function whomBy(library: Library, word: string): Promise<Meant> {
  const meant = meantBy(word) ?? (await byName(library, word))
  await addKnown(library, meant, word)
  return meant
}

async function byName(library: Library, word: string): Promise<Meant> {
  const { company_ids, contact_ids } = await whoIs(library, word)
  const ids = contact_ids.length > 0 ? contact_ids : company_ids
  if (ids.length !== 1) {
    const several = `means ${ids.length} of them: ${ids.slice(0, 10).join(', ')}`
    const message = `'${word}' ${ids.length === 0 ? 'is nobody known' : several}`
    const hint = 'Give an e-mail address, a LinkedIn address, a domain, a CNPJ, or an id (con_…, cmp_…).'
    throw new ProjectError([{ file: 'pipeline', message, hint }])
  }
  const names = noNames()
  names.ids.add(ids[0]!)
  return { kind: contact_ids.length > 0 ? 'person' : 'company', names }
}
