import type { Kysely } from 'kysely'
import type { Relations } from '../pipeline/generated/relations.ts'
import type { Subject } from './define.ts'

/** Companies worth enriching: all but those known to be outside the ICP. */
export async function companySubjects(db: Kysely<Relations>): Promise<Subject[]> {
  const companies = await db
    .selectFrom('marts.dim_companies')
    .select(['company_id', 'name', 'domain', 'cnpj', 'country'])
    .where('is_icp_match', 'is distinct from', false)
    .orderBy('company_id')
    .execute()
  return companies.map((company) => {
    const person = { full_name: null, email: null, linkedin_url: null }
    return { subject_id: company.company_id, ...company, ...person }
  })
}

/** The people of these companies. */
export async function contactSubjects(db: Kysely<Relations>): Promise<Subject[]> {
  return db
    .selectFrom('intermediate.int_contacts_merged')
    .innerJoin('marts.dim_companies', 'marts.dim_companies.company_id', 'intermediate.int_contacts_merged.company_id')
    .select([
      'intermediate.int_contacts_merged.contact_id as subject_id',
      'marts.dim_companies.company_id',
      'marts.dim_companies.name',
      'marts.dim_companies.domain',
      'marts.dim_companies.cnpj',
      'marts.dim_companies.country',
      'intermediate.int_contacts_merged.full_name',
      'intermediate.int_contacts_merged.email',
      'intermediate.int_contacts_merged.linkedin_url',
    ])
    .where('marts.dim_companies.is_icp_match', 'is distinct from', false)
    .orderBy('intermediate.int_contacts_merged.contact_id')
    .execute()
}
