import type { CrmProperty, Json } from '../../define.ts'

/** A field, as `describe` tells of it. */
export interface SalesforceField {
  name: string
  label: string
  type: string
  length: number
  createable: boolean
  updateable: boolean
  nillable: boolean
  defaultedOnCreate: boolean
  unique: boolean
  restrictedPicklist: boolean
  picklistValues: readonly { active: boolean; value: string }[]
  relationshipName: string | null
}

const TYPES: Readonly<Record<string, CrmProperty['type']>> = {
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  double: 'number',
  currency: 'number',
  percent: 'number',
  date: 'date',
  datetime: 'datetime',
  picklist: 'option',
  multipicklist: 'options',
  reference: 'reference',
}
const OTHER = new Set(['address', 'location', 'base64', 'anyType', 'complexvalue', 'json', 'time'])

export function propertyOf(field: SalesforceField, isStage = false): CrmProperty {
  const { name, label, type, length, createable, updateable } = field
  const isOwner = field.relationshipName === 'Owner'
  const kind = isOwner ? 'owner' : OTHER.has(type) ? 'other' : (TYPES[type] ?? 'text')
  const active = field.picklistValues.filter((each) => each.active).map(({ value }) => value)
  const required = createable && !field.nillable && !field.defaultedOnCreate && type !== 'boolean'
  return {
    name,
    label,
    type: kind,
    ...(field.restrictedPicklist || isStage ? { options: active } : {}),
    ...(kind === 'text' && length > 0 ? { length } : {}),
    ...(field.unique ? { unique: true } : {}),
    ...(updateable ? {} : { writable: createable ? ('create' as const) : false }),
    ...(required ? { required } : {}),
  }
}

/** As a mapping writes it; null where there is nothing. */
export function fromSalesforce(value: unknown, type: CrmProperty['type'] | undefined): Json {
  if (value === undefined || value === null || value === '') return null
  if (type === 'options') return String(value).split(';').sort()
  if (type === 'datetime') {
    const at = Date.parse(String(value).replace(/\+0000$/, 'Z'))
    return Number.isNaN(at) ? String(value) : new Date(at).toISOString()
  }
  if (type === 'number') return Number(value)
  return typeof value === 'string' ? value.replaceAll('\r\n', '\n') : (value as Json)
}

/** As JSON carries it. */
export function toSalesforce(value: Json): Json {
  return Array.isArray(value) ? value.map(String).join(';') : value
}

/** As a cell of a bulk job: an empty one would leave the field alone, this empties it. */
export function toCell(value: Json | undefined): string {
  if (value === undefined) return ''
  if (value === null || value === '') return '#N/A'
  return String(toSalesforce(value))
}

/** What creates it: the metadata of a custom field. */
export function metadataOf({ type, label, length = 255, unique, options = [] }: CrmProperty): Record<string, unknown> {
  const valueSet = {
    restricted: false,
    valueSetDefinition: {
      sorted: false,
      value: options.map((fullName) => ({ fullName, default: false, label: fullName })),
    },
  }
  switch (type) {
    case 'number':
      return { type: 'Number', label, precision: 18, scale: 4 }
    case 'boolean':
      return { type: 'Checkbox', label, defaultValue: 'false' }
    case 'date':
      return { type: 'Date', label }
    case 'datetime':
      return { type: 'DateTime', label }
    case 'option':
      return { type: 'Picklist', label, valueSet }
    case 'options':
      return { type: 'MultiselectPicklist', label, visibleLines: 4, valueSet }
    default:
      if (length > 255) return { type: 'LongTextArea', label, length, visibleLines: 5 }
      return {
        type: 'Text',
        label,
        length,
        ...(unique ? { unique: true, externalId: true, caseSensitive: false } : {}),
      }
  }
}
