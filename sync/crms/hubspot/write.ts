import { createHash } from 'node:crypto'
import { CrmError, type CrmRow, inCuts, isolating, type LinkPair, type Outcome, writeInCuts } from '../../define.ts'
import { failureOf, linkAnswer, readAs, rejection } from './answers.ts'
import { type Input, MOST, writeBatch } from './batches.ts'
import type { Client } from './client.ts'
import { associationTypes, KEY, objectOf } from './objects.ts'
import { paths } from './paths.ts'
import type { Reader } from './read.ts'
import { done, type Shapes } from './shape.ts'
import { toWire } from './values.ts'

const MOST_LINKS = 1_000

export interface Writer {
  upsert(object: string, rows: readonly CrmRow[]): Promise<readonly Outcome[]>
  link(from: string, to: string, pairs: readonly LinkPair[]): Promise<readonly Outcome[]>
  archive(object: string, crm_ids: readonly string[]): Promise<readonly Outcome[]>
  erase(object: string, crm_ids: readonly string[]): Promise<readonly Outcome[]>
}

/** What is to be done with a row, now that it is known whose the record is. */
type Way = { act: 'upsert' | 'update'; input: Input; crm_id: string | null } | { act: 'none'; outcome: Outcome }

/** Records that bear our key. Those that have none yet, and are somebody's, get it by an update of their own. */
export function createWriter(client: Client, shapes: Shapes, reader: Reader): Writer {
  const { seen } = reader
  let stages: Promise<readonly string[]> | undefined

  /** As the account orders them; custom ones included. */
  function lifecycle(object: string): Promise<readonly string[]> {
    stages ??= shapes
      .properties(object)
      .then((all) => all.find(({ name }) => name === 'lifecyclestage')?.options?.map(({ value }) => value) ?? [])
    return stages
  }

  /** HubSpot moves it forward only; what would go back is left out. */
  async function properties(object: string, row: CrmRow, crm_id: string | null): Promise<Record<string, string>> {
    const { lifecyclestage, ...rest } = toWire(object, row)
    if (lifecyclestage === undefined) return rest
    const held = crm_id === null ? null : (seen.get(`${object}:${crm_id}`)?.lifecycle ?? null)
    const order = await lifecycle(object)
    const isBack = held !== null && order.indexOf(lifecyclestage) <= order.indexOf(held)
    return isBack ? rest : { ...rest, lifecyclestage }
  }

  async function wayOf(object: string, row: CrmRow, now: ReadonlyMap<string, string | null>): Promise<Way> {
    const { record_id } = row
    const crm_id = row.crm_id === null ? null : (now.get(row.crm_id) ?? null)
    if (row.crm_id !== null && crm_id === null) {
      const message = `there is no record ${row.crm_id} any more`
      return { act: 'none', outcome: { status: 'gone', crm_id: null, message } }
    }
    const key = crm_id === null ? record_id : (seen.get(`${object}:${crm_id}`)?.key ?? null)
    if (key !== null && key !== record_id) {
      const merged = crm_id === row.crm_id ? '' : `${row.crm_id} was merged into it; `
      const message = `${merged}record ${crm_id} bears the ${KEY} '${key}'`
      return { act: 'none', outcome: { status: 'rejected', crm_id, code: 'TAKEN', property: KEY, message } }
    }
    const given = await properties(object, row, crm_id)
    const stamped = { ...given, [KEY]: record_id }
    const objectWriteTraceId = traceOf(row)
    if (key === null) {
      return { act: 'update', crm_id, input: { id: crm_id!, objectWriteTraceId, properties: stamped } }
    }
    if (crm_id !== null && Object.keys(given).length === 0) return { act: 'none', outcome: { status: 'done', crm_id } }
    return {
      act: 'upsert',
      crm_id,
      input: { id: record_id, idProperty: KEY, objectWriteTraceId, properties: stamped },
    }
  }

  async function upsert(object: string, rows: readonly CrmRow[]): Promise<readonly Outcome[]> {
    const unseen = rows.flatMap(({ crm_id }) => (crm_id === null || seen.has(`${object}:${crm_id}`) ? [] : [crm_id]))
    const read = await reader.read(object, unseen)
    const now = new Map<string, string | null>(
      rows.flatMap(({ crm_id }) => (crm_id === null ? [] : [[crm_id, crm_id]])),
    )
    for (const [index, crm_id] of unseen.entries()) now.set(crm_id, read[index]?.crm_id ?? null)
    const ways = await Promise.all(rows.map((row) => wayOf(object, row, now)))
    const outcomes = new Map<Way, Outcome>()
    for (const act of ['update', 'upsert'] as const) {
      const mine = ways.filter((way) => way.act !== 'none').filter((way) => way.act === act)
      const answers = await writeInCuts(mine, MOST, (cut) =>
        writeBatch(
          client,
          object,
          act,
          cut.map((way) => way.input),
        ),
      )
      for (const [index, way] of mine.entries()) outcomes.set(way, answers[index]!)
    }
    for (const [index, way] of ways.entries()) {
      const outcome = outcomes.get(way)
      if (outcome?.status !== 'done') continue
      const before = seen.get(`${object}:${outcome.crm_id}`)
      seen.set(`${object}:${outcome.crm_id}`, { lifecycle: null, ...before, key: rows[index]!.record_id })
    }
    return ways.map((way) => (way.act === 'none' ? way.outcome : outcomes.get(way)!))
  }

  async function linkSome(
    from: string,
    to: string,
    pairs: readonly LinkPair[],
  ): Promise<readonly Outcome[] | { refused: Outcome }> {
    const types = associationTypes(from, to)
    const inputs = pairs.map(({ from_id, to_id }) => ({ from: { id: from_id }, to: { id: to_id }, types }))
    const answer = await client.post(paths.associations(from, to, 'create'), { inputs })
    if (answer.status >= 400) return { refused: rejection(failureOf(answer.data)) }
    const { results, errors } = readAs(linkAnswer, answer.data, 'a batch of associations')
    // A link that is there already may be left out of the answer; only an error says that it is not.
    const told = new Set(results.map(({ fromObjectId, toObjectId }) => `${fromObjectId}>${toObjectId}`))
    const failure = errors?.[0]
    return pairs.map(({ from_id, to_id }) => {
      if (failure === undefined || told.has(`${from_id}>${to_id}`)) return { status: 'done', crm_id: from_id }
      return { ...rejection(failure), crm_id: from_id }
    })
  }

  async function archive(object: string, crm_ids: readonly string[]): Promise<readonly Outcome[]> {
    const path = paths.batch(object, 'archive')
    return writeInCuts(crm_ids, MOST, async (ids) => {
      done(await client.post(path, { inputs: ids.map((id) => ({ id })) }), path)
      return ids.map((crm_id): Outcome => ({ status: 'done', crm_id }))
    })
  }

  return {
    upsert,
    link: (from, to, pairs) =>
      writeInCuts(pairs, MOST_LINKS, (cut) => isolating(cut, (some) => linkSome(from, to, some))),
    archive,
    /** Only people can be erased for good; all else goes to the recycle bin, which HubSpot empties after 90 days. */
    async erase(object, crm_ids) {
      if (objectOf(object).kind !== 'contact') return archive(object, crm_ids)
      return inCuts(crm_ids, 1, async ([objectId]): Promise<Outcome[]> => {
        const answer = await client.post(paths.erase(object), { objectId })
        if (answer.status === 404) return [{ status: 'gone', crm_id: objectId! }]
        done(answer, 'erasing a contact')
        return [{ status: 'done', crm_id: objectId! }]
      })
    },
  }
}

/** Which write it is: the same row with the same values has the same. */
export function traceOf({ record_id, fields }: CrmRow): string {
  return `${record_id}#${createHash('sha256').update(JSON.stringify(fields)).digest('hex').slice(0, 8)}`
}

/** Where an empty batch is refused for its scope, so would a full one be: asked before the first record is written. */
export async function checkScopes(client: Client, objects: Iterable<string>): Promise<void> {
  const refused: string[] = []
  // Activities ride on the scopes of contacts.
  const asked = new Set([...objects].map((object) => (objectOf(object).keyed ? object : 'contacts')))
  for (const object of asked) {
    try {
      await client.post(paths.batch(object, 'update'), { inputs: [] })
    } catch (error) {
      if (!(error instanceof CrmError)) throw error
      refused.push(error.message)
    }
  }
  if (refused.length > 0) throw new CrmError(`nothing is written: ${refused.join('; ')}`)
}
