import { type Change, judged } from './changes.ts'
import type { Mapping } from './mapping.ts'
import type { Ready } from './ready.ts'
import type { CrmRecord } from './records.ts'

interface Asked {
  batch: readonly Change[]
  taken: Set<string>
}

/**
 * How the rows of a batch stand right now, in their order: records that we know are read once more, so that what somebody
 * changed since they were pulled is seen; for records to be made it is asked whether somebody made them before us. A record
 * that was merged is followed, one that is gone is `deleted`, one that is another of ours is `absorbed`.
 */
export async function resolve(
  { session, judgements }: Ready,
  mapping: Mapping,
  { batch, taken }: Asked,
): Promise<Change[]> {
  const judgement = judgements.get(mapping.object)!
  const { object } = mapping
  const isKnown = ({ crm_id, theirs }: Change) =>
    crm_id !== null && (theirs !== undefined || mapping.kind.pull !== 'whole')
  const known = batch.filter(isKnown)
  const records =
    known.length === 0
      ? []
      : await session.read(
          object,
          known.map(({ crm_id }) => crm_id!),
        )
  const unmade = batch.filter((change) => change.crm_id === null && isFindable(change, mapping))
  const wanted = unmade.map(({ record_id, about, links }) => ({
    record_id,
    email: about.email,
    domain: about.domain,
    cnpj: about.cnpj,
    links: links.flatMap(({ object, crm_id }) => (crm_id === null ? [] : [{ object, crm_id }])),
  }))
  const found = wanted.length === 0 ? [] : await session.find(object, wanted)
  const now = new Map<Change, Change>()
  for (const [index, change] of known.entries()) now.set(change, standing(change, records[index] ?? null))
  for (const [index, change] of unmade.entries()) now.set(change, adopting(change, found[index] ?? [], taken))
  return batch.map((change) => {
    const stands = now.get(change)
    return stands === undefined ? change : judged(mapping, judgement, stands)
  })
}

/** Keyed, the first time: did others make it? Not keyed, after a lost answer: did we? */
function isFindable({ intended, candidates, about }: Change, { kind, match }: Mapping): boolean {
  if (!kind.keyed) return intended !== null
  if (intended !== null || candidates.length > 0) return false
  return Object.keys(match).some((key) => about[key as keyof typeof about] !== null)
}

function standing(change: Change, record: CrmRecord | null): Change {
  if (record === null) return { ...change, deleted: true }
  const { crm_id, record_id, fields } = record
  if (record_id !== null && record_id !== change.record_id) return { ...change, crm_id, absorbed: true }
  return { ...change, crm_id, theirs: fields }
}

function adopting(change: Change, found: readonly CrmRecord[], taken: Set<string>): Change {
  const mine = found.find(({ record_id }) => record_id === change.record_id)
  const free = found.filter(({ crm_id, record_id }) => record_id === null && !taken.has(crm_id))
  const one = mine ?? (free.length === 1 && found.length === 1 ? free[0] : undefined)
  if (one !== undefined) {
    taken.add(one.crm_id)
    return { ...change, crm_id: one.crm_id, theirs: one.fields, adopts: mine === undefined }
  }
  return found.length === 0 ? change : { ...change, candidates: found.map(({ crm_id }) => crm_id) }
}
