import type { StepContext } from '../pipeline/step.ts'
import type { SwitchedOn } from './mapping.ts'
import { rowsOf } from './pulled-rows.ts'
import type { CrmRecord, CrmSession, HookEvent, Json, Link } from './records.ts'
import { HOOKS, RECORDS } from './tables.ts'

/** Messages looked at in one go. */
const AT_ONCE = 200

/**
 * Reads each record that a message of the CRM names (`crm_hook`, taken in from `data/incoming/`), as it is now, into the same
 * table as the pull. A message counts as followed once all that it names was recorded; until then the next run does it
 * again, which changes nothing twice. Answers how many records were read.
 */
export async function followHooks(context: StepContext, crm: SwitchedOn, session: CrmSession): Promise<number> {
  const { hook } = crm.definition
  if (hook === undefined) return 0
  let read = 0
  for (;;) {
    const messages = await context.connection.rows<{ id: string; raw: string | null }>(
      `select incoming.id, incoming.body ->> '$.raw' as raw
       from log.incoming as incoming
       anti join raw.crm__hooks as followed on followed.message_id = incoming.id
       where incoming.kind = 'crm_hook' and (incoming.body ->> '$.instance') = $1
       order by incoming."at", incoming.id limit ${AT_ONCE}`,
      [crm.name],
    )
    if (messages.length === 0) return read
    const told = messages.map(({ id, raw }) => ({ id, events: eventsOf(hook, raw) }))
    const named = new Map<string, Set<string>>()
    for (const { object, crm_id } of told.flatMap(({ events }) => events ?? []))
      named.set(object, (named.get(object) ?? new Set()).add(crm_id))
    for (const [object, ids] of [...named].sort(([a], [b]) => (a < b ? -1 : 1)))
      read += await readNamed(context, { crm, session, object }, [...ids].sort())
    const row = ({ id, events }: (typeof told)[number]) => {
      const records = new Set((events ?? []).map(({ object, crm_id }) => `${object} ${crm_id}`)).size
      return { message_id: id, crm: crm.name, events: events?.length ?? null, records }
    }
    await context.record(HOOKS, [told.map(row)])
  }
}

/** Of the body as it came: what a later version of the plug-in understands of it counts. */
function eventsOf(
  hook: NonNullable<SwitchedOn['definition']['hook']>,
  raw: string | null,
): readonly HookEvent[] | null {
  try {
    return hook.events(JSON.parse(raw ?? '') as Json)
  } catch {
    return null
  }
}

interface Reading {
  crm: SwitchedOn
  session: CrmSession
  object: string
}

async function readNamed(context: StepContext, { crm, session, object }: Reading, ids: string[]): Promise<number> {
  const kind = crm.definition.objects[object]
  if (kind === undefined || kind.pull === 'never') return 0
  const of = { crm: crm.name, object, kind: kind.kind }
  for (let from = 0; from < ids.length; from += crm.definition.batch) {
    context.signal.throwIfAborted()
    const asked = ids.slice(from, from + crm.definition.batch)
    const known = await knownOf(context, of, asked)
    const found = await session.read(object, asked)
    const records = new Map<string, CrmRecord>()
    for (const [index, record] of found.entries()) {
      const id = asked[index]!
      const before = known.get(id)
      if (record?.crm_id === id) records.set(id, { ...record, links: record.links ?? before?.links ?? undefined })
      else if (!records.has(id) && before !== undefined)
        records.set(id, {
          ...before,
          fields: {},
          modified_at: null,
          deleted: true,
          merged_into: record?.crm_id ?? null,
        })
    }
    await context.record(RECORDS, [await rowsOf(context, of, [...records.values()])])
  }
  return ids.length
}

/** What the ledger has of them: a reading by id does not tell what a record hangs on. */
async function knownOf(
  { connection }: StepContext,
  { crm, object }: { crm: string; object: string },
  ids: readonly string[],
): Promise<Map<string, Pick<CrmRecord, 'crm_id' | 'record_id' | 'links'>>> {
  const rows = await connection.rows<{ crm_id: string; record_id: string | null; links: string | null }>(
    `select crm_id, record_id, links from raw.crm__records
     where crm = $1 and object = $2 and crm_id in (select unnest(from_json($3, '["VARCHAR"]')))`,
    [crm, object, JSON.stringify(ids)],
  )
  return new Map(
    rows.map(({ crm_id, record_id, links }) => [
      crm_id,
      { crm_id, record_id, ...(links === null ? {} : { links: JSON.parse(links) as Link[] }) },
    ]),
  )
}
