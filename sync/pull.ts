import { RemoteError } from '../pipeline/errors.ts'
import type { StepContext, StepSummary } from '../pipeline/step.ts'
import { followHooks } from './follow-hooks.ts'
import type { SwitchedOn } from './mapping.ts'
import { recordOptOuts } from './opt-outs.ts'
import { rowsOf } from './pulled-rows.ts'
import type { CrmObject, CrmSession } from './records.ts'
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
  const counts = { records: 0, changed: 0, gone: 0, told: 0 }
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
      counts.told += await followHooks(context, crm, session)
      await recordOptOuts(context, name)
    } catch (error) {
      const known = remote(error, name)
      if (!(known instanceof RemoteError) || crms.length === 1) throw known
      unread.add(name)
      failures.push({ kind: 'remote', message: known.message })
    }
  }
  const told = counts.told === 0 ? '' : `, ${counts.told} told by the CRM itself`
  const text = `${counts.records} records read from the CRM, ${counts.changed} changed since the last time${told}`
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
    yield await rowsOf(context, { crm, object, kind: kind.kind }, records)
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
