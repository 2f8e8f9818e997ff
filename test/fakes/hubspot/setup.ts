import type { Answer, Asked } from '../server.ts'
import { badRequest, Refusal } from './answers.ts'
import { PIPELINES, type Property } from './schema.ts'
import type { Store } from './store.ts'

const TYPES = ['bool', 'date', 'datetime', 'enumeration', 'number', 'phone_number', 'string']
const FIELD_TYPES =
  'booleancheckbox calculation_equation checkbox date file html number phonenumber radio select text textarea'.split(
    ' ',
  )
const MOST_UNIQUE = 10

export interface Owner {
  id: string
  email: string
  firstName?: string
  lastName?: string
  userId?: number
  archived?: boolean
}

/** `/crm/properties/{version}/{object}[/{name}]`, `/groups`, `/batch/…`. */
export function properties(store: Store, object: string, rest: readonly string[], asked: Asked): Answer {
  const known = store.properties.get(object)!
  const [name, of] = rest
  if (name === 'groups') return groups(store, object, of, asked)
  if (name === 'batch') {
    const inputs = ((asked.body as { inputs?: unknown[] } | undefined)?.inputs ?? []) as { name?: string }[]
    const done = inputs.map((input) => (of === 'create' ? create(store, object, input) : known.get(String(input.name))))
    return {
      status: of === 'create' ? 201 : 200,
      body: { status: 'COMPLETE', results: done.filter(Boolean).map(told) },
    }
  }
  if (name === undefined) {
    if (asked.method === 'POST') return { status: 201, body: told(create(store, object, asked.body)) }
    return { status: 200, body: { results: [...known.values()].map(told) } }
  }
  const property = known.get(name)
  if (property === undefined) throw new Refusal(404, 'OBJECT_NOT_FOUND', `Property ${name} does not exist`)
  return { status: 200, body: told(property) }
}

function create(store: Store, object: string, body: unknown): Property {
  const given = (body ?? {}) as Partial<Property>
  for (const field of ['groupName', 'name', 'label', 'type', 'fieldType'] as const) {
    if (!given[field]) throw badRequest(`Invalid input JSON: property ${field} is required`)
  }
  const { name = '', groupName = '', type = 'string', fieldType = '' } = given
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw badRequest(`${name} is not a valid name of a property`)
  if (!TYPES.includes(type) || !FIELD_TYPES.includes(fieldType)) throw badRequest(`invalid type ${type}/${fieldType}`)
  if (!store.groups.get(object)!.has(groupName)) throw badRequest(`property group ${groupName} does not exist`)
  if (type === 'enumeration' && (given.options ?? []).length === 0) throw badRequest('an enumeration needs options')
  const known = store.properties.get(object)!
  if (known.has(name)) {
    throw new Refusal(409, 'OBJECT_ALREADY_EXISTS', `A property named '${name}' already exists.`)
  }
  if (given.hasUniqueValue && [...known.values()].filter((each) => each.hasUniqueValue).length >= MOST_UNIQUE) {
    throw badRequest(`at most ${MOST_UNIQUE} unique properties`)
  }
  const property: Property = {
    ...{ name, label: given.label!, type, fieldType, groupName, options: given.options ?? [] },
    ...{ hasUniqueValue: given.hasUniqueValue ?? false, readOnly: false, hubspotDefined: false },
  }
  store.addProperty(object, property)
  return property
}

function told(property: Property | undefined): unknown {
  if (property === undefined) return undefined
  const { readOnly, ...rest } = property
  const times = { createdAt: '2020-01-01T00:00:00Z', updatedAt: '2020-01-01T00:00:00Z' }
  const flags = { description: '', hidden: false, formField: false, displayOrder: -1, calculated: false }
  const may = {
    archivable: !property.hubspotDefined,
    readOnlyDefinition: property.hubspotDefined,
    readOnlyValue: readOnly,
  }
  return { ...times, ...rest, ...flags, externalOptions: false, archived: false, modificationMetadata: may }
}

function groups(store: Store, object: string, name: string | undefined, asked: Asked): Answer {
  const known = store.groups.get(object)!
  const shown = (each: string) => ({ name: each, label: each, displayOrder: -1, archived: false })
  if (asked.method === 'POST') {
    const given = (asked.body ?? {}) as { name?: string; label?: string }
    if (!given.name || !given.label) throw badRequest('a group needs name and label')
    if (known.has(given.name)) throw new Refusal(409, 'OBJECT_ALREADY_EXISTS', `group ${given.name} already exists`)
    store.addGroup(object, given.name)
    return { status: 201, body: shown(given.name) }
  }
  if (name === undefined) return { status: 200, body: { results: [...known].map(shown) } }
  if (!known.has(name)) throw new Refusal(404, 'OBJECT_NOT_FOUND', `group ${name} does not exist`)
  return { status: 200, body: shown(name) }
}

/** `/crm/pipelines/{version}/deals[/{id}[/stages]]`. */
export function pipelines(object: string, rest: readonly string[]): Answer {
  const all = object === 'deals' ? PIPELINES : []
  const [id, stages] = rest
  if (id === undefined) return { status: 200, body: { results: all } }
  const pipeline = all.find((each) => each.id === id)
  if (pipeline === undefined) throw new Refusal(404, 'OBJECT_NOT_FOUND', `pipeline ${id} does not exist`)
  return { status: 200, body: stages === undefined ? pipeline : { results: pipeline.stages } }
}

/** `GET /crm/owners/{version}[/{id}]`. */
export function owners(all: readonly Owner[], rest: readonly string[], asked: Asked): Answer {
  const shown = (owner: Owner) => ({ type: 'PERSON', archived: false, userId: 1, ...owner })
  const [id] = rest
  if (id !== undefined) {
    const owner = all.find((each) => each.id === id)
    if (owner === undefined) throw new Refusal(404, 'OBJECT_NOT_FOUND', `owner ${id} does not exist`)
    return { status: 200, body: shown(owner) }
  }
  const email = asked.query.get('email')
  const isArchived = asked.query.get('archived') === 'true'
  const found = all.filter(
    (each) => (each.archived ?? false) === isArchived && (email === null || each.email === email),
  )
  return { status: 200, body: { results: found.map(shown) } }
}
