import { RemoteError } from '../pipeline/errors.ts'
import type { StepContext, StepSummary } from '../pipeline/step.ts'
import { type Change, changesOf, countBadKeys } from './changes.ts'
import type { Intent } from './diff.ts'
import { checkMappings, type Mapping, type SwitchedOn } from './mapping.ts'
import { PlanFile } from './plan-file.ts'
import type { Outcome } from './records.ts'
import { connect, remote } from './session.ts'
import { OUTCOMES } from './tables.ts'

type Counts = {
  create: number
  update: number
  unchanged: number
  /** Fields that somebody changed since we wrote them. */
  conflicts: number
  /** Records that somebody deleted. */
  deleted: number
  rejected: number
}

type Failures = NonNullable<StepSummary['failures']>

/** Compares every mapped row with the CRM, writes the plan, and carries it out where the target is live for `sync`. */
export async function sync(context: StepContext, crms: readonly SwitchedOn[]): Promise<StepSummary> {
  await checkMappings(
    context.connection,
    crms.flatMap(({ mappings }) => mappings),
  )
  const live = context.live.has('sync')
  const counts: Counts = { create: 0, update: 0, unchanged: 0, conflicts: 0, deleted: 0, rejected: 0 }
  const failures: Failures = []
  const file = new PlanFile(context.paths.target)
  for (const mapping of crms.flatMap(({ mappings }) => mappings)) {
    await planObject(context, mapping, { live, counts, failures, file })
  }
  file.close()
  if (live) {
    for (const crm of crms) await applyCrm(context, crm, counts, failures)
  }
  const { create, update, unchanged } = counts
  return { rows: create + update + unchanged, text: textOf(counts, live), counts, failures }
}

function textOf({ create, update, unchanged, conflicts, deleted, rejected }: Counts, live: boolean): string {
  const parts = [`${create} to create, ${update} to update, ${unchanged} unchanged`]
  if (conflicts > 0) parts.push(`${conflicts} fields changed by people since`)
  if (deleted > 0) parts.push(`${deleted} deleted by people, left so`)
  if (rejected > 0) parts.push(`${rejected} rejected`)
  const written = create + update === 0 ? 'nothing to write' : live ? 'written' : 'a plan, nothing written'
  return `${parts.join(', ')}: ${written}`
}

interface Planning {
  live: boolean
  counts: Counts
  failures: Failures
  file: PlanFile
}

/** Says what there is to do. Unless live, it is also recorded, as planned. */
async function planObject(
  context: StepContext,
  mapping: Mapping,
  { live, counts, failures, file }: Planning,
): Promise<void> {
  const bad = await countBadKeys(context.connection, mapping)
  if (bad > 0) {
    const message = `${mapping.yaml.file}: ${bad} rows of ${mapping.from} have no ${mapping.key} or share it; they are not synced`
    failures.push({ kind: 'row', message })
  }
  async function* planned(): AsyncGenerator<object[]> {
    for await (const changes of changesOf(context.connection, mapping)) {
      context.signal.throwIfAborted()
      file.add(changes)
      for (const { diff, wanted, deleted } of changes) {
        if (wanted) counts[diff.operation] += 1
        counts.conflicts += diff.conflicts.length
        if (deleted) counts.deleted += 1
      }
      yield changes.filter((change) => (live ? isVoid(change) : isVoid(change) || isAct(change))).map(plannedRow)
    }
  }
  await context.record(OUTCOMES, planned())
}

function isAct({ diff }: Change): boolean {
  return diff.operation !== 'unchanged'
}

/** A plan that nothing is left of: the row went, or somebody did it by hand. */
function isVoid({ diff, last_status, last_operation }: Change): boolean {
  return diff.operation === 'unchanged' && last_status === 'planned' && last_operation !== 'unchanged'
}

/** Live, one CRM: batch by batch, first the intent, then the act, then what came of it. */
async function applyCrm(context: StepContext, crm: SwitchedOn, counts: Counts, failures: Failures): Promise<void> {
  try {
    for (const mapping of crm.mappings) {
      let batch: Change[] = []
      for await (const changes of changesOf(context.connection, mapping)) {
        for (const change of changes.filter(isAct)) {
          batch.push(change)
          if (batch.length < crm.definition.batch) continue
          await applyBatch(context, crm, batch, counts, failures)
          batch = []
        }
      }
      if (batch.length > 0) await applyBatch(context, crm, batch, counts, failures)
    }
  } catch (error) {
    const known = remote(error, crm.name)
    if (!(known instanceof RemoteError)) throw error
    failures.push({ kind: 'remote', message: known.message })
  }
}

async function applyBatch(
  context: StepContext,
  { name, definition, settings }: SwitchedOn,
  batch: readonly Change[],
  counts: Counts,
  failures: Failures,
): Promise<void> {
  context.signal.throwIfAborted()
  const { object } = batch[0]!
  await context.record(OUTCOMES, [batch.map(intentRow)])
  const rows = batch.map(({ record_id, crm_id, diff }) => ({ record_id, crm_id, fields: diff.fields, links: [] }))
  const session = connect(name, definition, settings, { ...context, root: context.paths.root })
  const outcomes = await session.upsert(object, rows)
  if (outcomes.length !== batch.length) {
    throw new Error(`${name} answered ${outcomes.length} outcomes for ${batch.length} rows of ${object}`)
  }
  const synced_at = definition.clock === 'as_of' ? `${context.as_of}T00:00:00.000Z` : context.now().toISOString()
  await context.record(OUTCOMES, [batch.map((change, index) => outcomeRow(change, outcomes[index]!, synced_at))])
  const rejected = outcomes.filter(({ status }) => status === 'rejected').length
  counts.rejected += rejected
  if (rejected > 0) failures.push({ kind: 'row', message: `${name} rejected ${rejected} of ${batch.length} ${object}` })
  context.progress(`${name} ${object}`, batch.length)
}

function plannedRow(change: Change) {
  const { sync_id, object, record_id, crm, crm_id, diff } = change
  return {
    sync_id,
    object,
    record_id,
    crm,
    crm_id,
    operation: diff.operation,
    status: 'planned',
    changed_fields: Object.keys(diff.fields),
    written: diff.written,
    intended: isAct(change) ? change.intended : null,
    synced_at: null,
    error: null,
  }
}

function intentRow(change: Change) {
  const { fields } = change.diff
  const before = change.theirs && Object.fromEntries(Object.keys(fields).map((to) => [to, change.theirs?.[to] ?? null]))
  const intended: Intent = { before: before ?? null, fields }
  return { ...plannedRow(change), intended }
}

function outcomeRow(change: Change, { crm_id, status, message = null }: Outcome, synced_at: string) {
  const { diff } = change
  const synced = status === 'done'
  return {
    ...plannedRow(change),
    crm_id: crm_id ?? change.crm_id,
    status: synced ? 'synced' : status,
    written: synced ? { ...diff.written, ...diff.fields } : diff.written,
    intended: null,
    synced_at: synced ? synced_at : null,
    error: message,
  }
}
