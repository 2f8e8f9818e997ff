import type { Answer, Asked } from '../server.ts'
import { badRequest, notFound } from './answers.ts'
import { associationOf, TYPE_IDS } from './schema.ts'
import type { Rec, Store } from './store.ts'

interface Input {
  id?: string
  from?: { id?: unknown }
  to?: { id?: unknown }
  types?: { associationCategory?: string; associationTypeId?: number }[]
}

const MOST: Record<string, number> = { read: 1_000 }
const MOST_WRITTEN = 2_000

/** `POST …/{from}/{to}/batch/{create,associate/default,read,archive}`. */
export function associationBatch(
  store: Store,
  from: string,
  to: string,
  act: string,
  asked: Asked,
  legacy: boolean,
): Answer {
  const { inputs } = (asked.body ?? {}) as { inputs?: Input[] }
  if (!Array.isArray(inputs)) throw badRequest('inputs must be an array')
  if (inputs.length > (MOST[act] ?? MOST_WRITTEN)) throw badRequest(`Too many inputs: ${inputs.length}`)
  const type = associationOf(from, to)
  if (type === undefined) throw badRequest(`${from} and ${to} cannot be associated`)
  const startedAt = new Date().toISOString()
  const told = (results: unknown[], status: number): Answer => ({
    status,
    body: { status: 'COMPLETE', results, startedAt, completedAt: startedAt },
  })
  if (act === 'read') {
    const results = inputs.flatMap((input) => {
      const rec = store.live(from, String(input.id))
      const linked = rec === undefined ? [] : store.linked(rec, to)
      if (linked.length === 0) return []
      return [{ from: { id: rec!.id }, to: linked.map(([other, types]) => targetOf(other, types)) }]
    })
    return told(results, 200)
  }
  const pairs = inputs.map((input) => pairOf(store, from, to, input))
  if (act === 'archive') {
    for (const { a, b } of pairs) store.dissociate(a, b)
    return { status: 204 }
  }
  const wanted = pairs.map(({ a, b, types }) => ({
    a,
    b,
    types: act === 'create' ? checked(from, to, types) : [type.plain],
  }))
  const results = wanted.map(({ a, b, types }) => {
    store.associate(a, b, types)
    // As numbers, though the specification says text: whoever reads them must take both.
    const ends = { fromObjectId: Number(a.id), toObjectId: Number(b.id) }
    return { fromObjectTypeId: TYPE_IDS[from], toObjectTypeId: TYPE_IDS[to], ...ends, labels: [] }
  })
  return told(results, legacy ? 201 : 200)
}

function pairOf(store: Store, from: string, to: string, input: Input): { a: Rec; b: Rec; types: Input['types'] } {
  const a = store.live(from, String(input.from?.id ?? ''))
  const b = store.live(to, String(input.to?.id ?? ''))
  if (a === undefined) throw notFound(from, [String(input.from?.id ?? '')])
  if (b === undefined) throw notFound(to, [String(input.to?.id ?? '')])
  return { a, b, types: input.types }
}

/** Type ids have a direction: 3 is of deal → contact, and of nothing else. */
function checked(from: string, to: string, types: Input['types'] = []): number[] {
  const type = associationOf(from, to)!
  if (types.length === 0) throw badRequest('types must not be empty')
  return types.map(({ associationTypeId = 0, associationCategory }) => {
    const isKnown = associationTypeId === type.plain || associationTypeId === type.primary
    if (associationCategory === 'HUBSPOT_DEFINED' && isKnown) return associationTypeId
    throw badRequest(`invalid association type ${associationTypeId} (${associationCategory}) from ${from} to ${to}`)
  })
}

function targetOf(rec: Rec, types: ReadonlySet<number>): unknown {
  const associationTypes = [...types].map((typeId) => ({ category: 'HUBSPOT_DEFINED', typeId, label: null }))
  return { toObjectId: Number(rec.id), associationTypes }
}

/** `GET|PUT|DELETE /crm/objects/…/{id}/associations/…`. */
export function associationOfOne(
  store: Store,
  from: string,
  id: string,
  rest: readonly string[],
  asked: Asked,
): Answer {
  const rec = store.live(from, id)
  if (rec === undefined) throw notFound(from, [id])
  const isDefault = rest[0] === 'default'
  const [to = '', to_id] = isDefault ? rest.slice(1) : rest
  const type = associationOf(from, to)
  if (type === undefined) throw badRequest(`${from} and ${to} cannot be associated`)
  if (asked.method === 'GET') {
    const all = store.linked(rec, to)
    const after = Number(asked.query.get('after') ?? 0)
    const limit = Math.min(500, Number(asked.query.get('limit') ?? 500))
    const results = all.slice(after, after + limit).map(([other, types]) => targetOf(other, types))
    const more = after + limit < all.length ? { paging: { next: { after: String(after + limit) } } } : {}
    return { status: 200, body: { results, ...more } }
  }
  const other = store.live(to, to_id ?? '')
  if (other === undefined) throw notFound(to, [to_id ?? ''])
  if (asked.method === 'DELETE') {
    store.dissociate(rec, other)
    return { status: 204 }
  }
  store.associate(rec, other, isDefault ? [type.plain] : checked(from, to, asked.body as Input['types']))
  const ends = { fromObjectId: Number(id), toObjectId: Number(to_id) }
  return { status: 200, body: { fromObjectTypeId: TYPE_IDS[from], toObjectTypeId: TYPE_IDS[to], ...ends, labels: [] } }
}
