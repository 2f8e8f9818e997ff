import { quoteLiteral } from '../pipeline/table.ts'
import type { Change } from './changes.ts'
import type { Mapping } from './mapping.ts'
import { columnsOf } from './mapping-check.ts'
import type { Ready } from './ready.ts'
import type { LinkPair } from './records.ts'
import { linkedSql } from './sides.ts'
import type { Syncing } from './sync.ts'
import { LINKS } from './tables.ts'

interface Missing {
  record_id: string
  to_object: string
  to_record_id: string
  from_id: string
  to_id: string
}

/** Hangs records on what their rows name, once both ends are there and it was not done before. */
export async function applyLinks(syncing: Syncing, crm: Ready, mapping: Mapping): Promise<void> {
  const { context, tally } = syncing
  const apart = Object.values(mapping.links).filter((object) => mapping.kind.links[object] === 'apart')
  for (const to_object of [...new Set(apart)]) {
    const missing = await missingLinks(syncing, mapping, to_object)
    const { batch } = crm.definition
    for (let at = 0; at < missing.length; at += batch) {
      context.signal.throwIfAborted()
      const part = missing.slice(at, at + batch)
      if (syncing.pauses.of('sync') !== undefined) tally.undone += part.length
      else await linkBatch(syncing, crm, mapping, to_object, part)
    }
  }
}

async function missingLinks({ context, orders }: Syncing, mapping: Mapping, to_object: string): Promise<Missing[]> {
  const columns = (await columnsOf(context.connection, mapping.from)) ?? []
  const here = `crm = ${quoteLiteral(mapping.crm)} and object = ${quoteLiteral(mapping.object)}`
  return context.connection.rows<Missing>(`
    with alive as (
      select record_id, crm_id from raw.sync__outcomes where ${here} and crm_id is not null and operation <> 'archive'
    )
    select wanted.record_id, wanted.to_object, wanted.to_record_id, alive.crm_id as from_id, wanted.to_id
    from (${linkedSql(mapping, columns)}) as wanted
    join alive on alive.record_id = wanted.record_id
    where wanted.to_object = ${quoteLiteral(to_object)} and wanted.to_id is not null
      and (wanted.status is null ${orders.retry ? "or wanted.status = 'rejected'" : ''})
    order by wanted.record_id, wanted.to_record_id`)
}

async function linkBatch(
  { context, tally }: Syncing,
  crm: Ready,
  mapping: Mapping,
  to: string,
  part: Missing[],
): Promise<void> {
  const pairs = part.map(({ from_id, to_id }): LinkPair => ({ from_id, to_id }))
  const outcomes = await crm.session.link(mapping.object, to, pairs)
  const at = crm.definition.clock === 'as_of' ? `${context.as_of}T00:00:00.000Z` : context.now().toISOString()
  const rows: object[] = part.flatMap(({ record_id, to_object, to_record_id, from_id, to_id }, index) => {
    const { status, message = null, code = null } = outcomes[index]!
    if (status !== 'done' && status !== 'rejected') return []
    const common = { crm: mapping.crm, object: mapping.object, record_id, to_object, to_record_id, from_id, to_id }
    const done = status === 'done'
    const said = { error: done ? null : message, code: done ? null : code, linked_at: done ? at : null }
    return [{ ...common, status: done ? 'synced' : 'rejected', ...said }]
  })
  await context.record(LINKS, [rows])
  const count = (wanted: string) => outcomes.filter(({ status }) => status === wanted).length
  tally.linked += count('done')
  tally.unknown += count('unknown')
  if (count('rejected') > 0) {
    tally.rejected += count('rejected')
    const message = `${crm.name} refused to hang ${count('rejected')} of ${part.length} ${mapping.object} on ${to}`
    tally.failures.push({ kind: 'row', message })
  }
}

/** A link that was set together with its record. */
export function linkRow(
  { crm, object, record_id }: Pick<Change, 'crm' | 'object' | 'record_id'>,
  link: { object: string; record_id: string; crm_id: string },
  { from_id, at }: { from_id: string | null; at: string },
) {
  const to = { to_object: link.object, to_record_id: link.record_id, to_id: link.crm_id }
  return { crm, object, record_id, ...to, from_id, status: 'synced', error: null, code: null, linked_at: at }
}
