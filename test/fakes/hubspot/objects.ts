import type { Answer, Asked } from '../server.ts'
import { badRequest, invalid, notFound, Refusal } from './answers.ts'
import { associationOf, DEFAULT_PROPERTIES } from './schema.ts'
import type { Rec, Store } from './store.ts'
import { checkedProperties, checkNew, checkUnique, effective } from './values.ts'

export interface Objects {
  store: Store
  now(): number
  /** Somebody tried to move a lifecycle backwards. */
  backwards(): void
  /** A contact's e-mail makes a company of its domain. */
  auto_companies: boolean
  /** Whether trace ids make a batch succeed in part. */
  partial: boolean
}

interface Input {
  id?: unknown
  idProperty?: string
  objectWriteTraceId?: string
  properties?: unknown
  associations?: { to?: { id?: string }; types?: { associationTypeId?: number }[] }[]
}

/** A record as HubSpot shows it: what was asked for and is not set comes as null. */
export function shown(rec: Rec, wanted: readonly string[]): Record<string, unknown> {
  const names = new Set([...wanted, 'hs_object_id', 'createdate'])
  const properties = Object.fromEntries([...names].sort().map((name) => [name, rec.properties[name] ?? null]))
  return {
    id: rec.id,
    properties,
    createdAt: new Date(rec.created).toISOString(),
    updatedAt: new Date(rec.updated).toISOString(),
    archived: rec.archived,
    ...(rec.archived ? { archivedAt: new Date(rec.updated).toISOString() } : {}),
  }
}

export function createOne(world: Objects, object: string, input: Input, trace?: string): Rec {
  const { store } = world
  const given = checkedProperties(store, object, input.properties ?? {})
  checkNew(object, given)
  checkUnique(store, object, given)
  const links = (input.associations ?? []).map((each) => targetOf(store, object, each))
  const rec = store.create(object, effective(object, undefined, given, world.backwards), { by: 'api', trace })
  for (const { to, types } of links) store.associate(rec, to, types)
  if (world.auto_companies && object === 'contacts' && given.email) autoCompany(store, rec, given.email)
  return rec
}

function targetOf(store: Store, object: string, { to, types = [] }: NonNullable<Input['associations']>[number]) {
  const wanted = types.map(({ associationTypeId }) => associationTypeId ?? 0)
  for (const other of ['contacts', 'companies', 'deals', 'notes', 'tasks', 'communications']) {
    const type = associationOf(object, other)
    if (type === undefined || !wanted.some((id) => id === type.plain || id === type.primary)) continue
    const rec = store.live(other, String(to?.id ?? ''))
    if (rec === undefined) throw notFound(other, [String(to?.id ?? '')])
    return { to: rec, types: wanted }
  }
  throw badRequest(`invalid association type ${wanted.join(', ')} for ${object}`)
}

function autoCompany(store: Store, rec: Rec, email: string): void {
  const domain = email.slice(email.indexOf('@') + 1)
  const known = store.list('companies').find((company) => company.properties.domain === domain)
  const company = known ?? store.create('companies', { domain, website: domain }, { by: 'person' })
  store.associate(rec, company, [associationOf('contacts', 'companies')!.plain])
}

function updateOne(world: Objects, object: string, rec: Rec, properties: unknown, trace?: string): Rec {
  const given = checkedProperties(world.store, object, properties ?? {})
  checkUnique(world.store, object, given, rec)
  return world.store.update(rec, effective(object, rec, given, world.backwards), { by: 'api', trace })
}

/** Which record an input means; undefined when there is none. */
function meant(store: Store, object: string, id: string, idProperty: string | undefined): Rec | undefined {
  if (idProperty === undefined || idProperty === 'hs_object_id') return store.live(object, id)
  checkIdProperty(store, object, idProperty)
  return store.byUnique(object, idProperty, id)
}

function checkIdProperty(store: Store, object: string, idProperty: string): void {
  if (store.isUnique(object, idProperty)) return
  throw badRequest(`idProperty ${idProperty} is not a unique property of ${object}`)
}

export function one(world: Objects, object: string, id: string | undefined, asked: Asked): Answer {
  const { store } = world
  const { method, query } = asked
  const input = (asked.body ?? {}) as Input
  const wanted = [...(DEFAULT_PROPERTIES[object] ?? []), ...listOf(query.get('properties'))]
  if (id === undefined) {
    if (method === 'POST') {
      const rec = createOne(world, object, input)
      return { status: 201, body: shown(rec, [...wanted, ...Object.keys(rec.properties)]) }
    }
    return { status: 200, body: page(store, object, query, wanted) }
  }
  const idProperty = query.get('idProperty') ?? undefined
  const found =
    idProperty === undefined ? store.live(object, id, method === 'GET') : meant(store, object, id, idProperty)
  const archived = query.get('archived') === 'true' ? store.get(object, id) : undefined
  const rec = found ?? (archived?.archived ? archived : undefined)
  if (rec === undefined) {
    if (method === 'DELETE') return { status: 204 }
    throw new Refusal(404, 'OBJECT_NOT_FOUND', `Object not found.  objectId are usually numeric.`)
  }
  if (method === 'DELETE') {
    store.archive(rec)
    return { status: 204 }
  }
  if (method === 'PATCH') {
    const changed = updateOne(world, object, rec, input.properties)
    return { status: 200, body: shown(changed, [...wanted, ...Object.keys(input.properties ?? {})]) }
  }
  const to = listOf(query.get('associations'))
  const associations = Object.fromEntries(
    to.map((name) => [
      name,
      {
        results: store
          .linked(rec, name)
          .flatMap(([other, types]) =>
            [...types].map((type) => ({ id: other.id, type: `${object}_to_${name}_${type}` })),
          ),
      },
    ]),
  )
  return { status: 200, body: { ...shown(rec, wanted), ...(to.length > 0 ? { associations } : {}) } }
}

function page(store: Store, object: string, query: URLSearchParams, wanted: readonly string[]): unknown {
  const limit = Number(query.get('limit') ?? 10)
  if (limit > 100) throw badRequest('limit must be at most 100')
  const isArchived = query.get('archived') === 'true'
  const after = Number(query.get('after') ?? 0)
  const all = isArchived ? [...store.records.get(object)!.values()].filter((rec) => rec.archived) : store.list(object)
  const rest = all.filter((rec) => Number(rec.id) > after).sort((a, b) => Number(a.id) - Number(b.id))
  const results = rest.slice(0, limit)
  const last = results.at(-1)?.id
  const next = rest.length > limit ? { paging: { next: { after: last, link: `?after=${last}` } } } : {}
  return { results: results.map((rec) => shown(rec, wanted)), ...next }
}

function listOf(text: string | null): string[] {
  return text === null || text === '' ? [] : text.split(',')
}

const MOST = 100

/** `…/batch/{create,read,update,upsert,archive}`. */
export function batch(world: Objects, object: string, act: string, asked: Asked, legacy: boolean): Answer {
  const { store } = world
  const body = (asked.body ?? {}) as { inputs?: Input[]; properties?: string[]; idProperty?: string }
  const { inputs } = body
  if (!Array.isArray(inputs)) throw badRequest('inputs must be an array')
  if (inputs.length > MOST) throw badRequest(`Too many inputs: ${inputs.length} is more than ${MOST}`)
  const startedAt = new Date(world.now()).toISOString()
  if (act !== 'create') {
    const ids = inputs.map(({ id }) => id)
    if (ids.some((id) => typeof id !== 'string')) throw badRequest('each input needs an id, as text')
    const twice = ids.filter((id, index) => ids.indexOf(id) !== index)
    if (twice.length > 0)
      throw badRequest(`Duplicate IDs found in batch input: [${twice.join(', ')}]. IDs must be unique`)
  }
  if (act === 'archive') {
    for (const { id } of inputs) {
      const rec = store.live(object, String(id))
      if (rec !== undefined) store.archive(rec)
    }
    return { status: 204 }
  }
  if (act === 'read') return readBatch(world, object, body, startedAt, legacy)
  const results: unknown[] = []
  const failed: { refusal: Refusal; input: Input }[] = []
  const isPartial = world.partial && inputs.every(({ objectWriteTraceId }) => objectWriteTraceId !== undefined)
  // All or nothing without trace ids: looked at as a whole before any of it is written.
  if (!isPartial) for (const input of inputs) dryRun(world, object, act, input)
  for (const input of inputs) {
    try {
      results.push(writeOne(world, object, act, input))
    } catch (error) {
      if (!(error instanceof Refusal) || !isPartial) throw error
      failed.push({ refusal: error, input })
    }
  }
  const errors = failed.map(({ refusal, input }) => ({
    status: 'error',
    category: refusal.category,
    message: refusal.message,
    ...(refusal.errors.length > 0 ? { errors: refusal.errors } : {}),
    context: { ...refusal.context, objectWriteTraceId: [input.objectWriteTraceId] },
  }))
  return answered(results, errors, startedAt, world, act === 'create' ? 201 : 200, legacy)
}

function dryRun({ store }: Objects, object: string, act: string, input: Input): void {
  const given = checkedProperties(store, object, input.properties ?? {})
  const rec = act === 'create' ? undefined : meant(store, object, String(input.id), input.idProperty)
  if (act === 'update' && rec === undefined) throw notFound(object, [String(input.id)])
  if (rec === undefined) checkNew(object, given)
  checkUnique(store, object, given, rec)
}

function writeOne(world: Objects, object: string, act: string, input: Input): unknown {
  const { store } = world
  const trace = input.objectWriteTraceId
  const echo = trace === undefined ? {} : { objectWriteTraceId: trace }
  if (act === 'create') {
    const rec = createOne(world, object, input, trace)
    return { ...shown(rec, Object.keys(rec.properties)), ...echo }
  }
  const { idProperty } = input
  const id = String(input.id)
  if (act === 'upsert') {
    if (idProperty === undefined) throw badRequest('upsert needs an idProperty in each input')
    checkIdProperty(store, object, idProperty)
  }
  const rec = meant(store, object, id, idProperty)
  if (act === 'update') {
    if (rec === undefined) throw notFound(object, [id])
    const changed = updateOne(world, object, rec, input.properties, trace)
    return { ...shown(changed, Object.keys(changed.properties)), ...echo }
  }
  const given = { [idProperty!]: id, ...((input.properties ?? {}) as Record<string, unknown>) }
  if (given[idProperty!] !== id && object !== 'contacts') {
    throw invalid(idProperty!, 'CONFLICTING_UNIQUE_VALUE', `${idProperty} differs from the id of the input`)
  }
  if (idProperty === 'email' && rec === undefined && Object.keys(given).length === 1) {
    throw badRequest('partial upserts are not supported when using email')
  }
  const written =
    rec === undefined
      ? createOne(world, object, { properties: given }, trace)
      : updateOne(world, object, rec, given, trace)
  return { ...shown(written, Object.keys(written.properties)), ...echo, new: rec === undefined }
}

function readBatch(
  world: Objects,
  object: string,
  body: { inputs?: Input[]; properties?: string[]; idProperty?: string },
  startedAt: string,
  legacy: boolean,
): Answer {
  const { store } = world
  const { inputs = [], properties = [], idProperty } = body
  if (idProperty !== undefined) checkIdProperty(store, object, idProperty)
  const found = inputs.map(({ id }) => ({ id: String(id), rec: meant(store, object, String(id), idProperty) }))
  const wanted = [...(DEFAULT_PROPERTIES[object] ?? []), ...properties]
  const results = found.flatMap(({ rec }) => (rec === undefined ? [] : [shown(rec, wanted)]))
  const missing = found.flatMap(({ id, rec }) => (rec === undefined ? [id] : []))
  const { category, message } = notFound(object, missing)
  const errors = missing.length === 0 ? [] : [{ status: 'error', category, message, context: { ids: missing } }]
  return answered(results, errors, startedAt, world, 200, legacy)
}

/** Up to 2026-03 partial failure is a status of its own; since 2026-09 it is told in the body alone. */
function answered(
  results: unknown[],
  errors: unknown[],
  startedAt: string,
  { now }: Objects,
  status: number,
  legacy: boolean,
): Answer {
  const said = { status: 'COMPLETE', results, startedAt, completedAt: new Date(now()).toISOString() }
  if (errors.length === 0) return { status, body: said }
  return { status: legacy ? 207 : status, body: { ...said, numErrors: errors.length, errors } }
}
