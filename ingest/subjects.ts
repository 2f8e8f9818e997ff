import { quoteLiteral } from '../pipeline/table.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'
import type { Subject } from './fields.ts'

/** What subjects are made from. */
export const SUBJECT_READS = [
  'int_companies_merged',
  'icp_prospects',
  'int_companies_excluded',
  'int_records_identified',
  'int_suppressions_combined',
]

/** Companies worth enriching: all but those that their listings alone put outside the ICP, and those never to be touched. */
const PROSPECTS = `
    select companies.company_id, companies.name, companies.domain, companies.cnpj, companies.country
    from intermediate.int_companies_merged as companies
    anti join (
        select company_id
        from discovery.icp_prospects
        group by company_id
        having count(is_match) = count(*) and not bool_or(is_match)
    ) as refused on refused.company_id = companies.company_id
    anti join intermediate.int_companies_excluded as excluded on excluded.company_id = companies.company_id`

const SUPPRESSED = `exists (
        select 1
        from intermediate.int_suppressions_combined as suppressed
        where (suppressed_by, suppressed_value) in (
            ('contact_id', contacts.contact_id),
            ('email', lower(contacts.email)),
            ('domain', lower(split_part(contacts.email, '@', 2)))
        )
    )`

export async function companySubjects(connection: Connection): Promise<Subject[]> {
  return connection.rows<Subject>(`
    select
        company_id as subject_id,
        *,
        null::varchar as full_name,
        null::varchar as email,
        null::varchar as linkedin_url
    from (${PROSPECTS})
    order by company_id`)
}

/** The people of these companies. */
export async function contactSubjects(connection: Connection): Promise<Subject[]> {
  return connection.rows<Subject>(`
    select
        contacts.contact_id as subject_id,
        prospects.*,
        -- a name of which its source shows only a part is no name to ask others by
        case when contacts.full_name not like '%*%' then contacts.full_name end as full_name,
        contacts.email,
        contacts.linkedin_url
    from intermediate.int_contacts_merged as contacts
    join (${PROSPECTS}) as prospects on prospects.company_id = contacts.company_id
    where not ${SUPPRESSED}
    order by contacts.contact_id`)
}

/** Who is ruled out, with the reason: companies that are excluded, their people, and people who are suppressed. */
export async function ruledOut(
  connection: Connection,
): Promise<{ kind: 'company' | 'contact'; subject_id: string; company_id: string; reason: string }[]> {
  return connection.rows(`
    select 'company' as kind, companies.company_id as subject_id, companies.company_id, excluded.reason
    from intermediate.int_companies_merged as companies
    join intermediate.int_companies_excluded as excluded on excluded.company_id = companies.company_id
    union all
    select
        'contact' as kind,
        contacts.contact_id as subject_id,
        contacts.company_id,
        coalesce(excluded.reason, 'suppressed') as reason
    from intermediate.int_contacts_merged as contacts
    left join intermediate.int_companies_excluded as excluded on excluded.company_id = contacts.company_id
    where excluded.company_id is not null or ${SUPPRESSED}
    order by kind, subject_id`)
}

/** By our ids: the key under which a source lists them. The first of several. */
export async function ownKeys(connection: Connection, source: string): Promise<Map<string, string>> {
  const rows = await connection.rows<{ id: string; source_key: string }>(`
    select id, min(source_key) as source_key
    from intermediate.int_records_identified
    where source = ${quoteLiteral(source)}
    group by id`)
  return new Map(rows.map(({ id, source_key }) => [id, source_key]))
}
