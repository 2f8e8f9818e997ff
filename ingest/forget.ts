import { type Names, noNames, SPELLINGS } from '../pipeline/forget/names.ts'
import { among, type Library } from '../pipeline/story.ts'
import { isCnpj, normalizeCnpj } from './cnpj.ts'
import { whoIs } from './why.ts'

/** Whom words mean: one person or one company, for who is to be forgotten or told. */
export interface Meant {
  kind: 'person' | 'company'
  names: Names
}

/** By its form alone; undefined where only what is known can tell (a name, an id of a lead). */
export function meantBy(word: string): Meant | undefined {
  const names = noNames()
  const text = word.trim()
  const profile = SPELLINGS.profile.js(text)
  const bare = normalizeCnpj(text)
  if (/^con_\w+$/.test(text)) names.ids.add(text)
  else if (/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text)) names.emails.add(SPELLINGS.email.js(text))
  else if (profile !== '') names.profiles.add(profile)
  else {
    if (/^cmp_\w+$/.test(text)) names.ids.add(text)
    else if (isCnpj(bare) || (/^[0-9A-Z]{8}$/.test(bare) && /\d/.test(bare))) names.cnpj_roots.add(bare.slice(0, 8))
    else if (/^([\p{L}\p{N}-]+\.)+\p{L}{2,}$/u.test(text)) names.domains.add(text.toLowerCase())
    else return undefined
    return { kind: 'company', names }
  }
  return { kind: 'person', names }
}

/** Adds what was last built of them: ids of the person, of the company and of all its people, and their leads. */
export async function addKnown(library: Library, { kind, names }: Meant, word: string): Promise<void> {
  const { connection, has } = library
  if (!['dim_companies', 'dim_contacts', 'fct_enriched_leads'].every((name) => has(`marts.${name}`))) return
  const key = names.profiles.size > 0 ? ((await byProfile(library, names)) ?? word) : ([...names.emails][0] ?? word)
  const { company_ids, contact_ids } = await whoIs(library, key)
  if (kind === 'company') for (const id of company_ids) names.ids.add(id)
  else for (const id of contact_ids) names.ids.add(id)
  const ids = [...names.ids]
  const people = kind === 'company' ? `company_id ${among(ids)}` : `contact_id ${among(ids)}`
  const rows = await connection.rows<{ id: string | null }>(`
    select lead_id as id from marts.fct_enriched_leads where ${people}
    union all select contact_id from marts.dim_contacts where ${people} order by id`)
  for (const { id } of rows) if (id !== null) names.ids.add(id)
  if (kind !== 'company') return
  const own = await connection.rows<{ domain: string | null; cnpj_root: string | null }>(
    `select domain, cnpj_root from marts.dim_companies where company_id ${among(ids)}`,
  )
  for (const { domain, cnpj_root } of own) {
    if (domain !== null) names.domains.add(domain)
    if (cnpj_root !== null) names.cnpj_roots.add(cnpj_root)
  }
}

async function byProfile({ connection }: Library, { profiles }: Names): Promise<string | undefined> {
  const rows = await connection.rows<{ id: string; url: string }>(
    'select contact_id as id, linkedin_url as url from marts.dim_contacts where linkedin_url is not null',
  )
  return rows.find(({ url }) => profiles.has(SPELLINGS.profile.js(url)))?.id
}
