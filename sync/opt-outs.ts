import type { StepContext } from '../pipeline/step.ts'
import type { Row } from '../pipeline/warehouse/duckdb.ts'
import { OPT_OUTS } from './tables.ts'

/**
 * Keeps who opted out in a CRM. What was deleted there says nothing and takes nothing back; only the record that said it can,
 * in words: `opted_out: false`.
 */
export async function recordOptOuts(context: StepContext, crm: string): Promise<void> {
  const rows = await context.connection.rows<Row>(
    `with told as (
       select
         crm, object, crm_id, lower(coalesce(facts ->> '$.email', '')) as email, record_id,
         try_cast(facts ->> '$.opted_out' as boolean) as opted_out, modified_at as said_at
       from raw.crm__records
       where crm = $1 and kind = 'contact' and not deleted
     )
     select told.* replace (cast(told.said_at as varchar) as said_at)
     from told
     left join raw.crm__opt_outs as known using (crm, object, crm_id, email)
     where (told.opted_out and (known.opted_out is not true or known.record_id is distinct from told.record_id))
       or (not told.opted_out and known.opted_out)
     order by told.object, told.crm_id`,
    [crm],
  )
  if (rows.length > 0) await context.record(OPT_OUTS, [rows])
}
