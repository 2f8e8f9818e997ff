import { among, type Chapter, type Library, linesOf, type Whom } from '../pipeline/story.ts'

/** What the CRM was told. */
export async function syncChapter(library: Library, whom: Whom): Promise<Chapter> {
  const ids = among([...whom.company_ids, ...whom.contact_ids, ...whom.lead_ids])
  const lines = await linesOf(
    library,
    ['marts.fct_crm_syncs'],
    `select synced_at as at, crm || ' ' || object || ': ' || operation || ' ' || status
        || coalesce(' as ' || crm_id, '') || coalesce(', ' || error, '') as text
      from marts.fct_crm_syncs where record_id ${ids} order by synced_at nulls last, crm, object, record_id`,
  )
  return { name: 'crm', title: 'CRM', lines }
}
