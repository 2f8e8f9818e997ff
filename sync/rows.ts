import type { Change } from './changes.ts'
import type { Intent } from './diff.ts'
import type { Fields, Outcome } from './records.ts'

/** A change as `sync.outcomes` has it while it is a plan. */
export function plannedRow(change: Change, isAct: boolean) {
  const { sync_id, object, record_id, crm, crm_id, diff, intended, created, refused } = change
  return {
    sync_id,
    object,
    record_id,
    crm,
    crm_id,
    operation: isAct && diff.operation === 'unchanged' ? 'update' : isAct ? diff.operation : 'unchanged',
    status: 'planned',
    changed_fields: isAct ? Object.keys(diff.fields) : [],
    written: diff.written,
    intended: isAct ? intended : null,
    synced_at: null,
    error: null,
    code: null,
    property: null,
    refused,
    created,
  }
}

/** Before the call: what is being written, and what was there. */
export function intentRow(change: Change) {
  const { fields } = change.diff
  const before = change.theirs && beforeOf(change)
  const intended: Intent = { before: before ?? null, fields }
  return { ...plannedRow(change, true), intended }
}

export function beforeOf({ theirs, diff }: Change): Fields {
  return Object.fromEntries(Object.keys(diff.fields).map((to) => [to, theirs?.[to] ?? null]))
}

/** After it. Undefined while nobody knows: then the intent stands, and the next run does it again. */
export function outcomeRow(change: Change, outcome: Outcome, told: { synced_at: string; refusal: string }) {
  const { status, crm_id, message = null, code = null, property = null } = outcome
  if (status === 'unknown' || status === 'gone') return undefined
  const done = status === 'done'
  return {
    ...plannedRow(change, true),
    crm_id: crm_id ?? change.crm_id,
    status: done ? 'synced' : 'rejected',
    written: done ? { ...change.diff.written, ...change.diff.fields } : change.diff.written,
    intended: null,
    synced_at: done ? told.synced_at : null,
    error: done ? null : message,
    code: done ? null : code,
    property: done ? null : property,
    refused: done ? null : told.refusal,
    created: change.created || (done && change.diff.operation === 'create'),
  }
}

/** `synced_at` null: planned. */
export function archivedRow(change: Change, synced_at: string | null) {
  return {
    ...plannedRow(change, true),
    operation: 'archive',
    status: synced_at === null ? 'planned' : 'synced',
    synced_at,
  }
}
