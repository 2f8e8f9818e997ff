import { among, type Chapter, type Library, linesOf, type Whom } from '../pipeline/story.ts'
import { quoteLiteral } from '../pipeline/table.ts'
import { isCnpj, normalizeCnpj } from './cnpj.ts'
import type { Icp } from './icp.ts'
import { compileIcp } from './icp-compile.ts'

const COMPANIES = 'marts.dim_companies'
const CONTACTS = 'marts.dim_contacts'
const LEADS = 'marts.fct_enriched_leads'

/** Whom an id, e-mail, domain, CNPJ or name means: the company with its people, or one of them alone. */
export async function whoIs({ connection, has }: Library, key: string): Promise<Whom> {
  if (![COMPANIES, CONTACTS, LEADS].every(has)) return { company_ids: [], contact_ids: [], lead_ids: [] }
  const text = quoteLiteral(key.trim())
  const bare = quoteLiteral(normalizeCnpj(key))
  // A branch is its legal entity.
  const root = isCnpj(normalizeCnpj(key)) ? `left(${bare}, 8)` : bare
  const ids = async (sql: string) => (await connection.rows<{ id: string }>(sql)).map(({ id }) => id)
  const contact_ids = await ids(`
    select contact_id as id from ${CONTACTS}
    where contact_id = ${text} or lower(email) = lower(${text}) or lower(full_name) = lower(${text})
      or contact_id in (select contact_id from ${LEADS} where lead_id = ${text} or lower(email) = lower(${text}))
    order by id`)
  const company_ids = await ids(`
    select company_id as id from ${COMPANIES}
    where company_id = ${text} or domain = lower(${text}) or cnpj = ${bare} or cnpj_root = ${root}
      or lower(strip_accents(name)) = lower(strip_accents(${text}))
      or company_id in (select company_id from ${LEADS} where lead_id = ${text})
      or company_id in (select company_id from ${CONTACTS} where contact_id ${among(contact_ids)})
    order by id`)
  const people = contact_ids.length > 0 ? `contact_id ${among(contact_ids)}` : `company_id ${among(company_ids)}`
  const lead_ids = await ids(`select lead_id as id from ${LEADS} where lead_id = ${text} or ${people} order by id`)
  return { company_ids, contact_ids, lead_ids }
}

/** Where it was found, what it was merged with, what the ICP says, what was asked and bought. */
export async function ingestChapters(library: Library, { company_ids, contact_ids }: Whom): Promise<Chapter[]> {
  const companies = among(company_ids)
  const found = await linesOf(
    library,
    ['intermediate.int_companies_identified', 'intermediate.int_company_records'],
    `select identified.since as at,
        'found by ' || identified.source || ' as ' || coalesce(records.name, 'a company without a name')
          || ' (' || identified.source_key || '), in ' || identified.company_id as text
      from intermediate.int_companies_identified as identified
      join intermediate.int_company_records as records
        on records.source = identified.source and records.source_key = identified.source_key
      where identified.company_id ${companies} order by identified.since, identified.source, identified.source_key`,
  )
  const merged = found.length < 2 ? [] : [{ at: null, text: `${found.length} records are one company` }]
  const icp = await linesOf(
    library,
    ['discovery.icp_matches'],
    `select null as at, 'profile ' || profile || ': ' || case
        when is_match then 'fits'
        when is_match = false then 'refused by ' || array_to_string(failed_rules, ', ')
        else 'cannot be judged: ' || array_to_string(unknown_rules, ', ') || ' not known' end as text
      from discovery.icp_matches where company_id ${companies} order by profile`,
  )
  const excluded = await linesOf(
    library,
    ['intermediate.int_companies_excluded'],
    `select null as "at", 'never asked about, bought or written to: ' || reason || ' (by ' || via || ')' as text
      from intermediate.int_companies_excluded where company_id ${companies} order by text`,
  )
  const subjects = among([...company_ids, ...contact_ids])
  const asked = await linesOf(
    library,
    ['raw.enrichment__asked', 'log.calls'],
    `select asked.asked_on as at, asked.provider || ' was asked for ' || asked.field || ': ' || case
        when not asked.hit then 'knew nothing'
        when not coalesce(asked.valid, asked.hit) then 'what it said cannot be believed'
        else 'knew' end || coalesce(' (request ' || asked.call_id || ', '
        || format('{:.4g}', calls.credits::double / greatest(coalesce(asked.subjects_of_call, 1), 1)) || ' credits)', '') as text
      from raw.enrichment__asked as asked left join log.calls as calls on calls.call_id = asked.call_id
      where asked.subject_id ${subjects} order by asked.asked_on, asked.field, asked.provider`,
  )
  const bought = await linesOf(
    library,
    ['raw.enrichment__decisions'],
    `select _fetched_at as at, field || ' ' || decision || coalesce(' (' || provider || ')', '') || ': ' || reason
        || coalesce(', expected at ' || format('{:.4g}', expected_usd) || ' USD', '') || ', in ' || _run_id as text
      from raw.enrichment__decisions where subject_id ${subjects} order by field, decision`,
  )
  return [
    { name: 'found', title: 'found', lines: [...found, ...merged] },
    { name: 'icp', title: 'ideal customer profile', lines: icp },
    { name: 'enrichment', title: 'asked and bought', lines: [...excluded, ...asked, ...bought] },
  ]
}

/** A company that is in no table: what the ICP makes of the little that its key tells, or a landed register knows of it. */
export async function judgeUnknown(library: Library, icp: Icp, key: string): Promise<Chapter> {
  const { connection, has } = library
  const title = 'ideal customer profile, by what is known of it'
  const MERGED = 'intermediate.int_companies_merged'
  if (!has(MERGED)) return { name: 'icp', title, lines: [] }
  const known: Record<string, string> = { company_id: quoteLiteral('unknown') }
  const lines: Chapter['lines'] = []
  if (isCnpj(normalizeCnpj(key))) {
    const cnpj = normalizeCnpj(key)
    Object.assign(known, { cnpj: quoteLiteral(cnpj), cnpj_root: quoteLiteral(cnpj.slice(0, 8)), country: "'BR'" })
  } else if (/^[^\s@]+\.[^\s@]+$/.test(key)) known.domain = quoteLiteral(key.toLowerCase())
  else known.name = quoteLiteral(key)
  const told = Object.keys(known).filter((name) => name !== 'company_id')
  lines.push({ at: null, text: `in no table; known of it: ${told.join(', ')}` })
  const columns = Object.entries(known).map(([name, value]) => `${value} as ${name}`)
  const company = `(
    select m.* replace (${columns.join(', ')}) from (select 1) as one
    left join (select * from ${MERGED} where false) as m on true)`
  const judged = await connection.rows<{
    profile: string
    failed: string[]
    unknown: string[]
    is_match: boolean | null
  }>(
    `select profile, failed_rules as failed, unknown_rules as unknown, is_match from (${compileIcp(icp, library.as_of, company)})`,
  )
  for (const { profile, failed, unknown, is_match } of judged) {
    const verdict =
      is_match === false
        ? `refused by ${failed.join(', ')}`
        : is_match
          ? 'fits'
          : `cannot be judged: ${unknown.join(', ')} not known`
    lines.push({ at: null, text: `profile ${profile}: ${verdict}` })
  }
  return { name: 'icp', title, lines }
}
