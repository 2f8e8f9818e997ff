import type { Names } from '../pipeline/forget/names.ts'
import { listOf } from '../pipeline/forget/names.ts'
import type { Project } from '../pipeline/load.ts'
import type { Connection } from '../pipeline/warehouse/duckdb.ts'

/** A record of somebody in a CRM. */
interface Known {
  crm: string
  object: string
  crm_id: string
}

/** Their records in every CRM, by what was written there and what was last read from it. */
export async function knownInCrms(connection: Connection, { ids, emails }: Names): Promise<Known[]> {
  return connection.rows<Known>(`
    select crm, object, crm_id from _ledger.raw.sync__outcomes where crm_id is not null and record_id in (${listOf(ids) || 'null'})
    union
    select crm, object, crm_id from _ledger.raw.crm__records
    where record_id in (${listOf(ids) || 'null'})
      or (kind = 'contact' and lower(facts ->> '$.email') in (${listOf(emails) || 'null'}))
    order by all`)
}

export async function forgetInCrms(given: {
  project: Project
  connection: Connection
  names: Names
  effects: unknown
  dry_run: boolean
}): Promise<string[]> {
  const known = await knownInCrms(given.connection, given.names)
  return known.map(({ crm, object, crm_id }) => `${crm}: ${object} ${crm_id}, to be erased there`)
}
