import { ProjectError, RemoteError } from '../pipeline/errors.ts'
import { type Pauses, pauseText } from '../pipeline/pauses.ts'
import type { StepContext, StepSummary } from '../pipeline/step.ts'
import { timeOf } from './apply.ts'
import type { Tally } from './counts.ts'
import { same } from './diff.ts'
import type { Ready } from './ready.ts'
import type { CrmRow, Fields, Outcome } from './records.ts'
import { remote } from './session.ts'
import { OUTCOMES, WRITES } from './tables.ts'

interface Undoing {
  /** A write, or a run. */
  id: string
  live: boolean
  tally: Tally
  pauses: Pauses
}

/** What was done to one record, all writes of the id together. */
interface Done {
  write_id: string
  crm: string
  object: string
  record_id: string
  crm_id: string
  made: boolean
  before: Fields
  after: Fields
}

/**
 * Writes the inverse of what was written: fields go back to what they held, records that we made are archived. What
 * somebody changed since stays as it is, and so does a record that somebody changed. The next sync takes it for a person's
 * word, and writes none of it again unless its mapping says `always`.
 */
export async function undo(
  context: StepContext,
  crms: readonly Ready[],
  { id, live, tally, pauses }: Undoing,
): Promise<StepSummary> {
  const done = await doneBy(context, id)
  if (done.length === 0) {
    const hint = 'fct_crm_syncs.sync_id names the last write of each record; pipeline status lists runs.'
    throw new ProjectError([{ file: 'pipeline sync undo', message: `nothing was written under '${id}'`, hint }])
  }
  const told = { restored: 0, archived: 0, left: 0, fields_left: 0 }
  for (const crm of crms) {
    try {
      for (const object of Object.keys(crm.definition.objects).reverse()) {
        const own = done.filter((each) => each.crm === crm.name && each.object === object)
        const { batch } = crm.definition
        for (let at = 0; at < own.length; at += batch) {
          context.signal.throwIfAborted()
          const pause = live ? pauses.of('sync') : undefined
          if (pause !== undefined) return summary(told, live, tally, pauseText(pause))
          await undoBatch({ context, crm, object, live, told, tally }, own.slice(at, at + batch))
        }
      }
    } catch (error) {
      const known = remote(error, crm.name)
      if (!(known instanceof RemoteError)) throw error
      tally.failures.push({ kind: 'remote', message: known.message })
    }
  }
  return summary(told, live, tally)
}

type Told = { restored: number; archived: number; left: number; fields_left: number }

function summary(told: Told, live: boolean, tally: Tally, stopped?: string): StepSummary {
  const { restored, archived, left, fields_left } = told
  const left_text =
    left + fields_left === 0 ? '' : `, ${left} records and ${fields_left} fields left: somebody changed them since`
  const text = `${restored} records put back, ${archived} archived${left_text}${live ? '' : ': a plan, nothing written'}`
  const { failures } = tally
  return {
    rows: restored + archived,
    text: stopped === undefined ? text : `${text}: ${stopped}`,
    counts: told,
    failures,
  }
}

/** The newest first is folded away: what the fields held before the first write, and were given by the last. */
async function doneBy({ connection }: StepContext, id: string): Promise<Done[]> {
  const rows = await connection.rows<Record<string, string | null>>(
    `select write_id, crm, object, record_id, crm_id, operation, before, after from raw.sync__writes
     where (sync_id = $1 or run_id = $1) and crm_id is not null and not starts_with(write_id, 'undo_')
     order by _load, write_id`,
    [id],
  )
  const folded = new Map<string, Done>()
  for (const row of rows) {
    const key = [row.crm, row.object, row.record_id].join('\u001f')
    const before = JSON.parse(row.before ?? '{}') as Fields
    const after = JSON.parse(row.after ?? '{}') as Fields
    const known = folded.get(key)
    if (row.operation === 'archive') continue
    folded.set(key, {
      write_id: row.write_id!,
      crm: row.crm!,
      object: row.object!,
      record_id: row.record_id!,
      crm_id: row.crm_id!,
      made: known?.made ?? row.operation === 'create',
      before: { ...before, ...known?.before },
      after: { ...known?.after, ...after },
    })
  }
  return [...folded.values()]
}

interface Act {
  context: StepContext
  crm: Ready
  object: string
  live: boolean
  told: Told
  tally: Tally
}

async function undoBatch({ context, crm, object, live, told, tally }: Act, batch: readonly Done[]): Promise<void> {
  const { session } = crm
  const records = await session.read(
    object,
    batch.map(({ crm_id }) => crm_id),
  )
  const restoring: { row: CrmRow; done: Done; held: Fields }[] = []
  const archiving: Done[] = []
  for (const [index, done] of batch.entries()) {
    const record = records[index]
    const touched = Object.entries(done.after).filter(([to, value]) => !same(record?.fields[to] ?? null, value))
    if (record === null || record === undefined || (done.made && touched.length > 0)) told.left += 1
    else if (done.made) archiving.push({ ...done, crm_id: record.crm_id })
    else {
      told.fields_left += touched.length
      const kept = new Set(touched.map(([to]) => to))
      const back = Object.keys(done.after).filter(
        (to) => !kept.has(to) && !same(done.before[to] ?? null, done.after[to]!),
      )
      const fields = Object.fromEntries(back.map((to) => [to, done.before[to] ?? null]))
      if (back.length === 0) continue
      const held = Object.fromEntries(back.map((to) => [to, done.after[to]!]))
      restoring.push({ row: { record_id: done.record_id, crm_id: record.crm_id, fields, links: [] }, done, held })
    }
  }
  if (!live) {
    told.restored += restoring.length
    told.archived += archiving.length
    return
  }
  const written_at = timeOf(crm, context)
  const { run_id } = context
  const common = { run_id, crm: crm.name, object, written_at }
  const settled = (outcomes: readonly Outcome[], index: number) => {
    const { status } = outcomes[index]!
    if (status === 'rejected')
      tally.failures.push({ kind: 'row', message: `${crm.name} refused to take back one of ${object}` })
    if (status === 'unknown')
      tally.failures.push({ kind: 'remote', message: `${crm.name} gave no answer for one of ${object}; undo it again` })
    return status === 'done'
  }
  if (restoring.length > 0) {
    const outcomes = await session.upsert(
      object,
      restoring.map(({ row }) => row),
    )
    const over = restoring.filter((_, index) => settled(outcomes, index))
    const rows = over.map(({ row, done, held }) => {
      const { record_id, crm_id } = row
      const write_id = `undo_${done.write_id}_${run_id}`
      return {
        ...common,
        write_id,
        sync_id: write_id,
        record_id,
        crm_id,
        operation: 'update',
        before: held,
        after: row.fields,
      }
    })
    await context.record(WRITES, [rows])
    told.restored += over.length
  }
  if (archiving.length > 0) {
    const outcomes = await session.archive(
      object,
      archiving.map(({ crm_id }) => crm_id),
    )
    const over = archiving.filter((_, index) => settled(outcomes, index))
    const rows = over.map(({ write_id, record_id, crm_id, after }) => {
      const id = `undo_${write_id}_${run_id}`
      return {
        ...common,
        write_id: id,
        sync_id: id,
        record_id,
        crm_id,
        operation: 'archive',
        before: after,
        after: null,
      }
    })
    await context.record(WRITES, [rows])
    await context.record(OUTCOMES, [over.map((done) => archivedOutcome(crm.name, object, done, written_at))])
    told.archived += over.length
  }
}

function archivedOutcome(crm: string, object: string, { write_id, record_id, crm_id, after }: Done, synced_at: string) {
  return {
    sync_id: `undo_${write_id}`,
    crm,
    object,
    record_id,
    crm_id,
    operation: 'archive',
    status: 'synced',
    changed_fields: [],
    written: after,
    intended: null,
    synced_at,
    created: true,
  }
}
