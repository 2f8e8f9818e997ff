import type { StepContext } from '../pipeline/step.ts'
import { canonical } from './diff.ts'
import type { CrmRecord, Fields } from './records.ts'

interface Of {
  crm: string
  object: string
  kind: string
}

/** Records of one object of one CRM as `raw.crm__records` holds them: equal ones in equal words. */
export async function rowsOf(context: StepContext, of: Of, records: readonly CrmRecord[]): Promise<object[]> {
  const taken = of.kind === 'deal' ? await takenUp(context, of, records) : new Set<string>()
  return records.map((record) => ({ ...rowOf(of, record), is_taken_up: taken.has(record.crm_id) ? true : null }))
}

/** Whatever order their properties came in. */
function rowOf(of: Of, record: CrmRecord) {
  const { crm_id, record_id, fields, modified_at, deleted = false, merged_into = null, links, facts } = record
  const sorted = links?.toSorted((a, b) => (`${a.object} ${a.crm_id}` < `${b.object} ${b.crm_id}` ? -1 : 1))
  return {
    ...of,
    crm_id,
    record_id,
    fields: JSON.parse(canonical(fields)) as Fields,
    modified_at,
    deleted,
    facts: facts === undefined ? null : (JSON.parse(canonical(facts as Fields)) as Fields),
    links: sorted ?? null,
    merged_into,
  }
}

/** Of these deals the ones that we made and whose stage is another than we last wrote: people work on them. */
async function takenUp(
  { connection }: StepContext,
  { crm, object }: Of,
  records: readonly CrmRecord[],
): Promise<Set<string>> {
  const ours = records.filter(({ record_id, facts }) => record_id !== null && facts?.stage !== undefined)
  if (ours.length === 0) return new Set()
  const rows = await connection.rows<{ record_id: string; written: string }>(
    `select record_id, written from raw.sync__outcomes
     where crm = $1 and object = $2 and written is not null
       and record_id in (select unnest(from_json($3, '["VARCHAR"]')))`,
    [crm, object, JSON.stringify(ours.map(({ record_id }) => record_id))],
  )
  const written = new Map(rows.map((row) => [row.record_id, JSON.parse(row.written) as Fields]))
  return new Set(
    ours
      .filter(({ record_id, fields, facts }) => {
        const wrote = Object.entries(written.get(record_id!) ?? {})
        return wrote.some(([property, value]) => fields[property] === facts!.stage && value !== facts!.stage)
      })
      .map(({ crm_id }) => crm_id),
  )
}
