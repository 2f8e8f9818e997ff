import type { StepContext, StepSummary } from '../pipeline/step.ts'
import { canonical } from './diff.ts'
import type { SwitchedOn } from './mapping.ts'
import type { CrmRecord, Fields } from './records.ts'
import { connect, remote } from './session.ts'
import { RECORDS } from './tables.ts'

/** Reads what every CRM holds now, so that nobody's edit is overlooked. What is gone from there is marked deleted. */
export async function pull(context: StepContext, crms: readonly SwitchedOn[]): Promise<StepSummary> {
  const counts = { records: 0, changed: 0, gone: 0 }
  for (const crm of crms) {
    for (const [object, { pull }] of Object.entries(crm.definition.objects)) {
      if (pull === 'never') continue
      const { appended } = await context.record(RECORDS, recordsOf(context, crm, object, counts))
      counts.changed += appended
      context.progress(`${crm.name} ${object}`, counts.records)
    }
  }
  const text = `${counts.records} records read from the CRM, ${counts.changed} changed since the last time`
  return { rows: counts.records, text, counts }
}

async function* recordsOf(
  context: StepContext,
  { name: crm, definition, settings }: SwitchedOn,
  object: string,
  counts: { records: number; gone: number },
): AsyncGenerator<object[]> {
  const known = await context.db
    .selectFrom('raw.crm__records')
    .select(['crm_id', 'record_id'])
    .where('crm', '=', crm)
    .where('object', '=', object)
    .where('deleted', '=', false)
    .orderBy('crm_id')
    .execute()
  const gone = new Map(known.map(({ crm_id, record_id }) => [crm_id, record_id]))
  try {
    for await (const records of connect(crm, definition, settings, { ...context, root: context.paths.root }).pull(
      object,
      null,
    )) {
      for (const { crm_id } of records) gone.delete(crm_id)
      counts.records += records.length
      yield records.map(({ crm_id, record_id, fields, modified_at, deleted = false }) => {
        return { crm, object, crm_id, record_id, fields: stable(fields), modified_at, deleted }
      })
    }
  } catch (error) {
    throw remote(error, crm)
  }
  counts.gone += gone.size
  yield [...gone].map(([crm_id, record_id]) => ({ crm, object, crm_id, record_id, deleted: true }))
}

/** Equal records in equal words, whatever order their properties came in. */
function stable(fields: CrmRecord['fields']): Fields {
  return JSON.parse(canonical(fields)) as Fields
}
