import { among, type Chapter, type Library, type StoryLine, type Whom } from '../pipeline/story.ts'
import { quoteLiteral } from '../pipeline/table.ts'
import { catalogue } from './catalogue.ts'
import { FIELDS, type FieldSpec } from './fields.ts'

interface Value {
  position: number
  value: string
  source: string
  source_key: string
  precedence: number | null
  confidence: number | null
  status: string | null
  seen: string | null
  is_found: boolean
  field_asked: string | null
  call_id: string | null
  usd: number | null
}

/** Values of a person, with the question that finds them. A company has a phone and a page, too. */
const OF_PEOPLE: Record<string, string> = {
  email: 'email',
  phone: 'phone',
  full_name: 'email',
  linkedin_url: 'email',
  title: 'email',
}
const ALSO_OF_COMPANIES = ['phone', 'linkedin_url']

/**
 * One value of a company or person: who said it, when, for how much and on what ground, and the values that it beat. Of the
 * people when the key names some or the field is theirs alone, else of the company.
 */
export async function fieldChapter(library: Library, whom: Whom, field: string): Promise<Chapter> {
  const name = field === 'email_status' ? 'email' : field
  const people = name in OF_PEOPLE ? await ofPeople(library, whom, name) : []
  const own = !(name in OF_PEOPLE) || (ALSO_OF_COMPANIES.includes(name) && whom.contact_ids.length === 0)
  const rows = [...(own ? await ofCompanies(library, whom, name) : []), ...people]
  const grounds = await groundsOf(rows)
  const lines = rows.map((row): StoryLine => {
    const ground = grounds.get(row.field_asked === null ? row.source : `${row.source} ${row.field_asked}`)
    const parts = [
      `${row.position === 1 ? 'believed' : 'beaten'}: ${row.value}`,
      ...(row.status === null ? [] : [row.status]),
      `from ${row.source} (${row.source_key})`,
      ...(row.precedence === null ? [] : [`precedence ${row.precedence}`]),
      ...(row.call_id === null ? [] : [`request ${row.call_id}`]),
      ...(row.usd === null ? [] : [`${row.usd} USD`]),
      ...(row.confidence === null ? [] : [`confidence ${row.confidence}`]),
      ...(ground === undefined ? [] : [ground]),
    ]
    return { at: row.seen, text: parts.join(', ') }
  })
  return { name: 'field', title: field, lines }
}

/** By provider and field: the ground of the very resource that fills it. By provider alone: of what it lists. */
async function groundsOf(rows: readonly Value[]): Promise<Map<string, string>> {
  const known = await catalogue()
  const grounds = new Map<string, string>()
  for (const source of new Set(rows.map((row) => row.source))) {
    for (const { fills, legal_basis } of Object.values(known.get(source)?.provider.resources ?? {})) {
      if (fills === undefined && legal_basis !== undefined) grounds.set(source, `held as ${legal_basis}`)
      for (const field of Object.keys(fills ?? {}))
        grounds.set(`${source} ${field}`, legal_basis === undefined ? 'no personal data' : `held as ${legal_basis}`)
    }
  }
  return grounds
}

/** The last request to each provider about each subject, if one was made, and the subject's share of its price. */
function pricedBy(fields: readonly string[]): string {
  const latest = `(asked.field in (${fields.map(quoteLiteral).join(', ')}), asked.asked_on, asked.field)`
  return `
        priced as (
            select asked.provider, asked.subject_id,
              arg_max(asked.field, ${latest}) as field,
              arg_max(asked.call_id, ${latest}) as call_id,
              arg_max(calls.usd::double / greatest(coalesce(asked.subjects_of_call, 1), 1), ${latest}) as usd
            from raw.enrichment__asked as asked left join log.calls as calls on calls.call_id = asked.call_id
            where asked.hit
            group by all
        )`
}

/** The questions that a column is an answer to. */
function asksFor(column: string): string[] {
  return Object.entries<FieldSpec>(FIELDS).flatMap(([name, { facts }]) => (facts.includes(column) ? [name] : []))
}

const ASKS = ['raw.enrichment__asked', 'log.calls']

async function ofCompanies(library: Library, { company_ids }: Whom, field: string): Promise<Value[]> {
  const reads = ['intermediate.int_company_values_ranked', 'intermediate.int_company_values_contested', ...ASKS]
  if (reads.some((relation) => !library.has(relation))) return []
  const columns = 'company_id, position, value, source, source_key, precedence'
  const where = `company_id ${among(company_ids)} and field = ${quoteLiteral(field)}`
  return library.connection.rows<Value>(`
        with found as (
            select ${columns}, confidence, coalesce(fetched_at, observed_at::timestamp) as seen, is_found
            from intermediate.int_company_values_contested where ${where}
        ),
        listed as (
            select ${columns}, null::double as confidence, observed_at::timestamp as seen, false as is_found
            from intermediate.int_company_values_ranked where ${where} and company_id not in (select company_id from found)
        ),
        ${pricedBy(asksFor(field))}
        select told.* exclude (seen), null as status, strftime(told.seen, '%Y-%m-%d') as seen,
          case when told.is_found then priced.field end as field_asked, priced.call_id, priced.usd
        from (from found union all by name from listed) as told
        left join priced on told.is_found and priced.provider = told.source and priced.subject_id = told.source_key
        order by told.company_id, told.position`)
}

/** Given by a list, or found by a provider; first the one that the person is written to by. */
async function ofPeople(library: Library, { contact_ids, company_ids }: Whom, field: string): Promise<Value[]> {
  const reads = [
    'marts.dim_contacts',
    'intermediate.int_contacts_identified',
    'intermediate.int_contact_records',
    'intermediate.int_contact_values_found',
    'intermediate.int_emails_told',
    ...ASKS,
  ]
  if (reads.some((relation) => !library.has(relation))) return []
  const people =
    contact_ids.length > 0 ? `contacts.contact_id ${among(contact_ids)}` : `contacts.company_id ${among(company_ids)}`
  const found =
    field === 'email'
      ? `select contact_id, source, subject_id as source_key, email as value, status, confidence, fetched_at
         from intermediate.int_emails_told`
      : `select contact_id, source, source_key, value, null as status, confidence, fetched_at
         from intermediate.int_contact_values_found where field = ${quoteLiteral(field)}`
  return library.connection.rows<Value>(`
        with contacts as (select contact_id, ${field} as believed from marts.dim_contacts as contacts where ${people}),
        told as (
            select identified.contact_id, records.source, records.source_key, records.${field} as value,
              null as status, null::double as confidence, records.discovered_at as seen, false as is_found
            from intermediate.int_contacts_identified as identified
            join intermediate.int_contact_records as records
              on records.source = identified.source and records.source_key = identified.source_key
            union all by name
            select contact_id, source, source_key, value, status, confidence, fetched_at as seen, true as is_found
            from (${found})
        ),
        ${pricedBy([OF_PEOPLE[field]!])}
        select
          row_number() over (
              partition by told.contact_id
              order by told.value is not distinct from contacts.believed desc, told.is_found desc, told.seen desc, told.source
          ) as position,
          told.value, told.source, told.source_key, null as precedence, told.confidence, told.status,
          strftime(told.seen, '%Y-%m-%d') as seen, told.is_found,
          case when told.is_found then priced.field end as field_asked, priced.call_id, priced.usd
        from told
        join contacts on contacts.contact_id = told.contact_id
        left join priced on told.is_found and priced.provider = told.source and priced.subject_id = told.source_key
        where told.value is not null
        order by told.contact_id, position`)
}
