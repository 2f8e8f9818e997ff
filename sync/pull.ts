import { RemoteError } from '../pipeline/errors.ts'
import type { StepContext, StepSummary } from '../pipeline/step.ts'
import { type CrmContext, CrmError, type CrmRecord, type Fields } from './define.ts'
import { canonical } from './diff.ts'
import type { SwitchedOn } from './mapping.ts'
import { RECORDS } from './tables.ts'

/** Reads what every CRM holds now, so that nobody's edit is overlooked. What is gone from there is marked deleted. */
export async function pull(context: StepContext, crms: readonly SwitchedOn[]): Promise<StepSummary> {
  const counts = { records: 0, changed: 0, gone: 0 }
  for (const crm of crms) {
    for (const object of crm.definition.objects) {
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
    for await (const records of definition.pull(crmContext(context, settings), object)) {
      for (const { crm_id } of records) gone.delete(crm_id)
      counts.records += records.length
      yield records.map((record) => ({ crm, object, ...stable(record), deleted: false }))
    }
  } catch (error) {
    throw remote(error, crm)
  }
  counts.gone += gone.size
  yield [...gone].map(([crm_id, record_id]) => ({ crm, object, crm_id, record_id, deleted: true }))
}

/** Equal records in equal words, whatever order their properties came in. */
function stable(record: CrmRecord): CrmRecord {
  return { ...record, fields: JSON.parse(canonical(record.fields)) as Fields }
}

export function crmContext(
  context: StepContext,
  settings: Record<string, unknown>,
): CrmContext<Record<string, unknown>> {
  const { paths, http, as_of, signal } = context
  return { settings, root: paths.root, http, as_of, signal }
}

/** What a CRM says no with, as the engine knows it; a bug stays a bug. */
export function remote(error: unknown, crm: string): unknown {
  return error instanceof CrmError ? new RemoteError(`${crm}: ${error.message}`, crm, { cause: error }) : error
}
