import type { StepContext } from '../pipeline/step.ts'
import { type Change, changesOf, withDiff } from './changes.ts'
import { fateOf, isWaiting, newLinks, refusalOf } from './fate.ts'
import { linkRow } from './links.ts'
import type { Mapping } from './mapping.ts'
import { resolve } from './now.ts'
import type { Ready } from './ready.ts'
import type { CrmRow, Outcome } from './records.ts'
import { archivedRow, beforeOf, intentRow, outcomeRow } from './rows.ts'
import { decidingOf, type Syncing } from './sync.ts'
import { LINKS, OUTCOMES, WRITES } from './tables.ts'

/**
 * Live, one object: batch by batch, first how it stands right now, then the intent, then the act, then what came of it. While one
 * batch is with the CRM, the next is made ready; only one is with it at a time.
 */
export async function applyMapping(syncing: Syncing, crm: Ready, mapping: Mapping): Promise<void> {
  const { context, plan, exclusions, pauses, tally } = syncing
  const deciding = decidingOf(syncing, crm, mapping)
  const judgement = crm.judgements.get(mapping.object)
  const taken = new Set<string>()
  const batches = { write: [] as Change[], archive: [] as Change[] }
  let sending: Promise<void> = Promise.resolve()
  const flush = async (fate: 'write' | 'archive') => {
    const batch = batches[fate]
    batches[fate] = []
    if (batch.length === 0) return
    context.signal.throwIfAborted()
    exclusions.refresh()
    const isPaused = () => pauses.of('sync') !== undefined
    const acts = isPaused() || fate === 'archive' ? batch : await prepare(syncing, crm, mapping, { batch, taken })
    await sending
    if (isPaused()) tally.undone += acts.length
    else if (fate === 'archive') await archiveBatch(syncing, crm, mapping, batch)
    else {
      sending = send(syncing, crm, mapping, acts)
      sending.catch(() => {})
    }
  }
  try {
    for await (const changes of changesOf(context.connection, mapping, judgement)) {
      for (const one of changes) {
        const fate = fateOf(one, deciding)
        if (fate !== 'write' && fate !== 'archive') continue
        const change = fate === 'archive' ? withDiff(one, { ...one.diff, operation: 'archive' }) : one
        if (plan !== undefined && !plan.agrees(change)) continue
        if (fate === 'write' && isWaiting(change, mapping)) {
          tally.waiting += 1
          continue
        }
        batches[fate].push(change)
        if (batches[fate].length >= crm.definition.batch) await flush(fate)
      }
    }
    await flush('write')
    await flush('archive')
  } finally {
    // What was sent is told, whatever else went wrong.
    await sending
  }
}

interface Batch {
  batch: readonly Change[]
  /** Records of others that have become ours in this run. */
  taken: Set<string>
}

/** What of a batch is to be done, as things stand right now, with its intent in the ledger. */
async function prepare(syncing: Syncing, crm: Ready, mapping: Mapping, { batch, taken }: Batch): Promise<Change[]> {
  const { context, tally, questions, plan } = syncing
  const deciding = decidingOf(syncing, crm, mapping)
  const standing = await resolve(crm, mapping, { batch, taken })
  const acts: Change[] = []
  for (const [index, now] of standing.entries()) {
    const planned = batch[index]!
    const fate = fateOf(now, deciding)
    if (now !== planned) questions.ask(now, fate)
    if (fate !== 'write') {
      if (fate !== 'none' && fate !== 'void' && fate !== 'archive') tally[fate] += 1
    } else if (plan !== undefined && now.sync_id !== planned.sync_id) tally.undone += 1
    else acts.push(now)
  }
  if (acts.length > 0) await context.record(OUTCOMES, [acts.map(intentRow)])
  return acts
}

/** Those that somebody has suppressed since they were made ready stay behind. */
async function send(syncing: Syncing, crm: Ready, mapping: Mapping, ready: readonly Change[]): Promise<void> {
  const { context, tally, exclusions } = syncing
  const { session, definition, name } = crm
  const { object } = mapping
  exclusions.refresh()
  const acts = ready.filter((change) => exclusions.against(change) === undefined)
  tally.excluded += ready.length - acts.length
  if (acts.length === 0) return
  const rows = acts.map((change) => rowOf(change, mapping))
  const outcomes = await session.upsert(object, rows)
  if (outcomes.length !== acts.length) {
    throw new Error(`${name} answered ${outcomes.length} outcomes for ${acts.length} rows of ${object}`)
  }
  await recordOutcomes(syncing, crm, mapping, acts, outcomes)
  const counted = (status: Outcome['status']) => outcomes.filter((outcome) => outcome.status === status).length
  const rejected = counted('rejected')
  tally.rejected += rejected
  tally.unknown += counted('unknown')
  if (rejected > 0) {
    const first = outcomes.find(({ status }) => status === 'rejected')!
    const why = [first.code, first.property].filter(Boolean).join(' ')
    tally.failures.push({
      kind: 'row',
      message: `${name} rejected ${rejected} of ${acts.length} ${object}${why === '' ? '' : `, first: ${why}`}`,
    })
  }
  if (counted('unknown') > 0) {
    const message = `${name} gave no answer for ${counted('unknown')} of ${acts.length} ${object}; they are sent again by the next run`
    tally.failures.push({ kind: 'remote', message })
  }
  context.progress(`${definition.title} ${object}`, acts.length)
}

function rowOf(change: Change, mapping: Mapping): CrmRow {
  const { record_id, crm_id, diff } = change
  const links = newLinks(change, mapping).map(({ object, crm_id }) => ({ object, crm_id }))
  return { record_id, crm_id, fields: diff.fields, links }
}

export function timeOf({ definition }: Ready, context: StepContext): string {
  return definition.clock === 'as_of' ? `${context.as_of}T00:00:00.000Z` : context.now().toISOString()
}

async function recordOutcomes(
  { context }: Syncing,
  crm: Ready,
  mapping: Mapping,
  acts: readonly Change[],
  outcomes: readonly Outcome[],
): Promise<void> {
  const at = timeOf(crm, context)
  const shape = crm.shapes.get(mapping.object) ?? ''
  const told = acts.map((change, index) => ({ change, outcome: outcomes[index]! }))
  const done = told.filter(({ outcome }) => outcome.status === 'done')
  await context.record(WRITES, [
    done
      .filter(({ change }) => Object.keys(change.diff.fields).length > 0)
      .map(({ change, outcome }) => writeRow(context, change, outcome.crm_id, at)),
  ])
  const linked = done.flatMap(({ change, outcome }) =>
    newLinks(change, mapping).map((link) => linkRow(change, link, { from_id: outcome.crm_id, at })),
  )
  if (linked.length > 0) await context.record(LINKS, [linked])
  const rows = told.flatMap(({ change, outcome }) => {
    const row = outcomeRow(change, outcome, { synced_at: at, refusal: refusalOf(change, shape) })
    return row === undefined ? [] : [row]
  })
  await context.record(OUTCOMES, [rows])
}

export function writeRow(context: StepContext, change: Change, crm_id: string | null, written_at: string) {
  const { sync_id, crm, object, record_id, diff } = change
  const write_id = `${sync_id}_${context.run_id}`
  const before = change.theirs === undefined ? null : beforeOf(change)
  const { run_id } = context
  return {
    write_id,
    sync_id,
    run_id,
    crm,
    object,
    record_id,
    crm_id,
    operation: diff.operation,
    before,
    after: diff.fields,
    written_at,
  }
}

/** Only of what we made. */
async function archiveBatch(
  syncing: Syncing,
  crm: Ready,
  { object }: Mapping,
  batch: readonly Change[],
): Promise<void> {
  const { context, tally } = syncing
  const outcomes = await crm.session.archive(
    object,
    batch.map(({ crm_id }) => crm_id!),
  )
  const at = timeOf(crm, context)
  const over = batch.filter((_, index) => ['done', 'gone'].includes(outcomes[index]!.status))
  tally.unknown += batch.length - over.length
  await context.record(WRITES, [over.map((change) => writeRow(context, change, change.crm_id, at))])
  await context.record(OUTCOMES, [over.map((change) => archivedRow(change, at))])
}
