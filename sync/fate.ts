import { createHash } from 'node:crypto'
import type { Change, ParentLink } from './changes.ts'
import { canonical } from './diff.ts'
import type { Mapping } from './mapping.ts'
import type { Json } from './records.ts'

/**
 * What is to become of a row:
 * - `write`: created or updated
 * - `archive`: its row is gone, and we had made it
 * - `ambiguous`: several records may be it
 * - `excluded`: suppressed, or known to be somebody else's
 * - `refused`: the CRM said no to just this, and nothing has changed since
 * - `void`: a plan that nothing is left of
 * - `none`: it is as it should be
 */
export type Fate = 'write' | 'archive' | 'ambiguous' | 'excluded' | 'refused' | 'void' | 'none'

export interface Deciding {
  mapping: Mapping
  /** Of the object, as the CRM has it now. */
  shape: string
  /** Also what was refused and has not changed since. */
  retry: boolean
  against(change: Change): string | undefined
}

export function fateOf(change: Change, { mapping, shape, retry, against }: Deciding): Fate {
  const { diff, wanted, created, deleted, absorbed, adopts, crm_id, candidates, last_status, last_operation } = change
  if (!wanted) {
    const there = created && crm_id !== null && change.theirs !== undefined && last_operation !== 'archive'
    if (mapping.deletes === 'archive' && there && !absorbed) return 'archive'
    return isVoid(change) ? 'void' : 'none'
  }
  if (deleted || absorbed) return isVoid(change) ? 'void' : 'none'
  if (diff.operation === 'unchanged' && !adopts && newLinks(change, mapping).length === 0)
    return last_status === 'planned' && last_operation !== 'unchanged' ? 'void' : 'none'
  if (against(change) !== undefined) return 'excluded'
  if (candidates.length > 0) return 'ambiguous'
  return !retry && change.refused !== null && change.refused === refusalOf(change, shape) ? 'refused' : 'write'
}

function isVoid({ last_status, last_operation }: Change): boolean {
  return last_status === 'planned' && last_operation !== 'unchanged'
}

/** Inline links that are not there yet, though both ends are; of a record to be made, all. */
export function newLinks({ links, crm_id }: Change, { kind }: Mapping): (ParentLink & { crm_id: string })[] {
  return links.filter(
    (link): link is ParentLink & { crm_id: string } =>
      kind.links[link.object] === 'inline' && link.crm_id !== null && (crm_id === null || link.status === null),
  )
}

/** Parents that it must be born with, and that are not there yet. */
export function isWaiting({ links, crm_id }: Change, { kind }: Mapping): boolean {
  return crm_id === null && links.some((link) => kind.links[link.object] === 'inline' && link.crm_id === null)
}

/** Of everything that a refusal may depend on: what is written, what was there, what the CRM takes. */
export function refusalOf({ sync_id, theirs, links }: Change, shape: string): string {
  const text = [sync_id, shape, canonical(theirs ?? null), canonical(links as unknown as Json)].join('\u001f')
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
