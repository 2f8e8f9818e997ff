import { RemoteError } from '../pipeline/errors.ts'
import type { StepContext, StepSummary } from '../pipeline/step.ts'
import { canonical } from './diff.ts'
import type { SwitchedOn } from './mapping.ts'
import type { CrmObject, CrmRecord, CrmSession, Fields } from './records.ts'
import { connect, remote, requireAccount } from './session.ts'
import { CURSORS, RECORDS } from './tables.ts'

/** What a CRM tells late, it has told by then. */
const OVERLAP_MS = 10 * 60_000

/**
 * Reads what every CRM holds now, so that nobody's edit is overlooked. What is gone from there is marked deleted. Those that
 * cannot be read are added to `unread`: nothing is written to them in this run.
 */
export async function pull(
  context: StepContext,
  crms: readonly SwitchedOn[],
  unread: Set<string>,
): Promise<StepSummary> {
  const failures: NonNullable<StepSummary['failures']> = []
  const counts = { records: 0, changed: 0, gone: 0 }
  for (const crm of crms) {
    const { name, definition, settings } = crm
    const session = connect(name, definition, settings, { ...context, root: context.paths.root })
    try {
      const { account } = await session.identity()
      requireAccount(definition, settings, { account, name: null, time_zone: null })
      for (const [object, kind] of Object.entries(definition.objects)) {
        if (kind.pull === 'never') continue
        counts.changed += await pullObject(context, { session, crm: name, object, kind, account }, counts)
        context.progress(`${name} ${object}`, counts.records)
      }
    } catch (error) {
      const known = remote(error, name)
      if (!(known instanceof RemoteError) || crms.length === 1) throw known
      unread.add(name)
      failures.push({ kind: 'remote', message: known.message })
    }
  }
  const text = `${counts.records} records read from the CRM, ${counts.changed} changed since the last time`
  return { rows: counts.records, text, counts, failures }
}

interface Pulled {
  session: CrmSession
  crm: string
  object: string
  kind: CrmObject
  account: string | null
}

type Counts = { records: number; gone: number }

async function pullObject(context: StepContext, pulled: Pulled, counts: Counts): Promise<number> {
  const { crm, object, kind, account } = pulled
  const [cursor] = await context.connection.rows<{ account: string | null; read_until: string | null }>(
    `select account, cast(read_until as varchar) as read_until from raw.crm__cursors where crm = $1 and object = $2`,
    [crm, object],
  )
  const until = kind.pull === 'changes' && cursor?.account === account ? (cursor?.read_until ?? null) : null
  const since = until === null ? null : new Date(Date.parse(`${until.replace(' ', 'T')}Z`) - OVERLAP_MS).toISOString()
  const seen = { until: until === null ? '' : `${until.replace(' ', 'T')}Z` }
  const { appended } = await context.record(RECORDS, recordsOf(context, pulled, since, { counts, seen }))
  if (kind.pull === 'changes' && seen.until !== '')
    await context.record(CURSORS, [[{ crm, object, account, read_until: seen.until }]])
  return appended
}

async function* recordsOf(
  context: StepContext,
  { session, crm, object, kind }: Pulled,
  since: string | null,
  { counts, seen }: { counts: Counts; seen: { until: string } },
): AsyncGenerator<object[]> {
  const gone = kind.pull === 'whole' ? await known(context, crm, object) : new Map<string, string | null>()
  for await (const records of session.pull(object, since)) {
    context.signal.throwIfAborted()
    for (const { crm_id, modified_at } of records) {
      gone.delete(crm_id)
      if (modified_at !== null && modified_at > seen.until) seen.until = modified_at
    }
    counts.records += records.length
    yield records.map((record) => rowOf({ crm, object, kind: kind.kind }, record))
  }
  counts.gone += gone.size
  yield [...gone].map(([crm_id, record_id]) => ({ crm, object, kind: kind.kind, crm_id, record_id, deleted: true }))
}

async function known(context: StepContext, crm: string, object: string): Promise<Map<string, string | null>> {
  const rows = await context.db
    .selectFrom('raw.crm__records')
    .select(['crm_id', 'record_id'])
    .where('crm', '=', crm)
    .where('object', '=', object)
    .where('deleted', '=', false)
    .orderBy('crm_id')
    .execute()
  return new Map(rows.map(({ crm_id, record_id }) => [crm_id!, record_id]))
}

/** Equal records in equal words, whatever order their properties came in. */
function rowOf(of: { crm: string; object: string; kind: string }, record: CrmRecord) {
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
