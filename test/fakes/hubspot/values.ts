import { badRequest, invalid, Refusal } from './answers.ts'
import { LIFECYCLE, REQUIRED } from './schema.ts'
import type { Rec, Store } from './store.ts'

type Given = Record<string, unknown>

/** What a record may be given, checked against the account's properties. Throws the first Refusal, as HubSpot does. */
export function checkedProperties(store: Store, object: string, given: unknown): Record<string, string> {
  if (typeof given !== 'object' || given === null) throw badRequest('properties must be an object')
  const checked: Record<string, string> = {}
  for (const [name, value] of Object.entries(given as Given)) {
    if (typeof value !== 'string') {
      throw badRequest(
        `Invalid input JSON: Cannot deserialize value of type \`java.lang.String\` from ${typeof value} (${name})`,
      )
    }
    const property = store.properties.get(object)!.get(name)
    if (property === undefined) throw invalid(name, 'PROPERTY_DOESNT_EXIST', `Property "${name}" does not exist`)
    if (property.readOnly)
      throw invalid(name, 'READ_ONLY_VALUE', `"${name}" is a read only property; its value cannot be set.`)
    if (value !== '') checkValue(property.type, name, value, property)
    checked[name] = name === 'email' || name === 'domain' ? value.trim().toLowerCase() : value
  }
  if (checked.email && store.blocked_emails.has(checked.email)) {
    throw invalid('email', 'INVALID_EMAIL', 'Email address is blocked because the contact was permanently deleted')
  }
  return checked
}

function checkValue(type: string, name: string, value: string, property: { options: { value: string }[] }): void {
  const allowed = property.options.map((option) => option.value)
  const wrong = (code: string, what: string) => invalid(name, code, `${value} was not a valid ${what}.`)
  if (type === 'number' && !/^-?\d+(\.\d+)?$/.test(value)) throw wrong('INVALID_INTEGER', 'number')
  if (type === 'bool' && !['true', 'false'].includes(value)) throw wrong('INVALID_OPTION', 'boolean')
  if ((type === 'date' || type === 'datetime') && !/^\d{4}-\d\d-\d\d/.test(value) && !/^\d{10,13}$/.test(value)) {
    throw wrong(type === 'date' ? 'INVALID_DATE' : 'INVALID_LONG', type)
  }
  if (name === 'email' && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value)) {
    throw invalid(name, 'INVALID_EMAIL', `Email address ${value} is invalid`)
  }
  if (type === 'enumeration') {
    for (const each of value.replace(/^;/, '').split(';')) {
      if (allowed.includes(each)) continue
      throw invalid(name, 'INVALID_OPTION', `${each} was not one of the allowed options: [${allowed.join(', ')}]`)
    }
  }
  if (value.length > 65_536) throw invalid(name, 'INVALID_STRING', `${name} is longer than 65536 characters`)
}

/** What a new record must have; also the account's pipelines. */
export function checkNew(object: string, properties: Record<string, string>): void {
  for (const any of REQUIRED[object] ?? []) {
    if (any.some((name) => properties[name])) continue
    throw invalid(
      any[0]!,
      'REQUIRED_FIELD',
      `Error creating ${object}. Some required properties were not set: ${any.join(' or ')}`,
    )
  }
}

/** A value that is one record's alone, and held by another. */
export function checkUnique(store: Store, object: string, properties: Record<string, string>, self?: Rec): void {
  for (const [name, value] of Object.entries(properties)) {
    if (value === '' || !store.isUnique(object, name)) continue
    const other = store.byUnique(object, name, value)
    if (other === undefined || other.id === self?.id) continue
    if (name === 'email') throw new Refusal(409, 'CONFLICT', `Contact already exists. Existing ID: ${other.id}`)
    throw invalid(name, 'CONFLICTING_UNIQUE_VALUE', `${other.id} already has that value for ${name}`)
  }
}

/** Multi-checkboxes are added to with a leading `;`; the lifecycle moves forward, or not at all. */
export function effective(object: string, rec: Rec | undefined, given: Record<string, string>, backwards: () => void) {
  const result = { ...given }
  for (const [name, value] of Object.entries(given)) {
    if (!value.startsWith(';')) continue
    const held = rec?.properties[name]?.split(';') ?? []
    result[name] = [...new Set([...held, ...value.slice(1).split(';')])].filter(Boolean).join(';')
  }
  const [was, wanted] = [rec?.properties.lifecyclestage, given.lifecyclestage]
  if (was !== undefined && wanted && LIFECYCLE.indexOf(wanted) < LIFECYCLE.indexOf(was)) {
    delete result.lifecyclestage
    backwards()
  }
  if (object === 'companies' && given.domain && !rec?.properties.website && !given.website)
    result.website = given.domain
  return result
}
