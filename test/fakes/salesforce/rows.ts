import { numbers } from '../faults.ts'
import type { Field } from './schema.ts'
import { KEY, type Rec, type Store } from './store.ts'

export interface RowError {
  statusCode: string
  message: string
  fields: string[]
}

export type RowResult =
  | { id: string; success: true; errors: []; created: boolean }
  | { success: false; errors: RowError[] }

/** What an admin set up. */
export interface Rules {
  /** A record like another in one of these fields is refused on creation: `DUPLICATES_DETECTED`. */
  duplicates: { object: string; field: string }[]
  /** Validation rules. */
  validations: { object: string; field: string; refuses: RegExp; message: string }[]
  /** Objects that the user may read and not write; not even read. */
  read_only: string[]
  no_access: string[]
  /** Fields, `Object.Name`, that the user may read and not write; not even see. */
  locked_fields: string[]
  hidden_fields: string[]
}

export interface WriteCall {
  user: string
  /** `Sforce-Duplicate-Rule-Header: allowSave=true`. */
  allow_save: boolean
  trace: string | null
}

type Fields = Record<string, unknown>

/** Writes single rows, as an org would: each is checked whole, then applied whole, or refused with every reason. */
export class Rows {
  readonly rules: Rules = {
    duplicates: [],
    validations: [],
    read_only: [],
    no_access: [],
    locked_fields: [],
    hidden_fields: [],
  }
  /** Every write holds the record and its parents for so long. */
  lock_ms = 0
  readonly #store: Store
  readonly #locks = new Map<string, { until: number; trace: string | null }>()
  #unlucky: () => boolean = () => false

  constructor(store: Store) {
    this.#store = store
  }

  /** Rows that are refused as locked, whoever else is there. */
  lockSome(seed: number, share: number): void {
    const draw = numbers(seed)
    this.#unlucky = () => draw() < share
  }

  /** The fields of an object that the user may see. */
  visible(object: string): Field[] {
    const fields = [...(this.#store.objects.get(object)?.fields.values() ?? [])]
    return fields
      .filter(({ name, hidden }) => !(hidden && !this.#permitted(object, name)))
      .filter(({ name }) => !this.rules.hidden_fields.includes(`${object}.${name}`))
      .map((field) => {
        const locked =
          this.rules.locked_fields.includes(`${object}.${field.name}`) || this.rules.read_only.includes(object)
        return locked ? { ...field, createable: false, updateable: false } : field
      })
  }

  #permitted(object: string, name: string): boolean {
    const assigned = new Set(this.#store.all('PermissionSetAssignment').map(({ PermissionSetId }) => PermissionSetId))
    return this.#store
      .all('FieldPermissions')
      .some(
        (each) => each.Field === `${object}.${name}` && each.PermissionsEdit === true && assigned.has(each.ParentId),
      )
  }

  /** By the value of an external id; several records with it cannot be told apart. */
  upsert(object: string, field: string, value: string, fields: Fields, call: WriteCall): RowResult | 'several' {
    const found = this.#store.by(object, field, value)
    if (found.length > 1) return 'several'
    if (found.length === 1) return this.update(object, found[0]!.Id, fields, call)
    return this.create(object, { ...fields, [field]: value }, call)
  }

  create(object: string, given: Fields, call: WriteCall): RowResult {
    const { fields, errors } = this.#resolve(object, given, 'createable')
    const needed = this.visible(object).filter(({ required, createable }) => required && createable)
    const missing = needed.map(({ name }) => name).filter((name) => isNothing(fields[name]))
    if (missing.length > 0)
      errors.push(no('REQUIRED_FIELD_MISSING', `Required fields are missing: [${missing}]`, missing))
    errors.push(...this.#refusals(object, undefined, fields, call))
    if (errors.length > 0) return { success: false, errors }
    const { Id } = this.#store.create({ object, fields, by: 'api', user: call.user, trace: call.trace })
    this.#lock(object, fields, Id, call)
    return { id: Id, success: true, errors: [], created: true }
  }

  update(object: string, id: string, given: Fields, call: WriteCall): RowResult {
    const record = this.#store.get(object, id)
    if (record === undefined) return refuse('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id')
    if (record.IsDeleted === true) return refuse('ENTITY_IS_DELETED', 'entity is deleted')
    if (record.IsConverted === true) return refuse('CANNOT_UPDATE_CONVERTED_LEAD', 'cannot reference converted lead')
    const { fields, errors } = this.#resolve(object, given, 'updateable')
    for (const { name, required } of this.visible(object)) {
      if (!required || !(name in fields) || !isNothing(fields[name])) continue
      errors.push(no('REQUIRED_FIELD_MISSING', `Required fields are missing: [${name}]`, [name]))
    }
    errors.push(...this.#refusals(object, record, { ...fields }, call))
    if (errors.length > 0) return { success: false, errors }
    this.#store.update(record.Id, { object, fields, by: 'api', user: call.user, trace: call.trace })
    this.#lock(object, { ...record, ...fields }, record.Id, call)
    return { id: record.Id, success: true, errors: [], created: false }
  }

  delete(id: string): RowResult {
    const object = this.#store.objectOf(id)
    const record = object && this.#store.get(object, id)
    if (!record) return refuse('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id')
    if (record.IsDeleted === true) return refuse('ENTITY_IS_DELETED', 'entity is deleted')
    this.#store.delete(object!, record.Id, 'api')
    return { id: record.Id, success: true, errors: [], created: false }
  }

  /** Relations by external id become ids; values become what the org stores; each that it does not take is told. */
  #resolve(object: string, given: Fields, need: 'createable' | 'updateable'): { fields: Fields; errors: RowError[] } {
    const visible = new Map(this.visible(object).map((field) => [field.name, field]))
    const byRelation = new Map([...visible.values()].map((field) => [field.relationship, field]))
    const fields: Fields = {}
    const errors: RowError[] = []
    for (const [name, value] of Object.entries(given)) {
      if (name === 'attributes' || (name === 'Id' && (value === '' || value === null))) continue
      const relation = byRelation.get(name)
      const field = visible.get(name) ?? relation
      if (field === undefined) {
        errors.push(no('INVALID_FIELD', `No such column '${name}' on sobject of type ${object}`, [name]))
        continue
      }
      if (!field[need]) {
        const message = `Unable to create/update fields: ${name}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`
        errors.push(no('INVALID_FIELD_FOR_INSERT_UPDATE', message, [name]))
        continue
      }
      if (relation !== undefined && name === relation.relationship) {
        const parent = this.#parent(relation, value)
        if (typeof parent === 'string') fields[relation.name] = parent
        else errors.push(parent)
        continue
      }
      const stored = storedValue(field, value)
      if (stored instanceof Refused) errors.push(no(stored.code, stored.message, [name]))
      else fields[name] = stored.value
      const target = field.reference && typeof stored === 'object' && 'value' in stored ? stored.value : undefined
      if (typeof target === 'string') {
        const referred = field.reference!.map((each) => this.#store.get(each, target)).find(Boolean)
        if (referred === undefined) errors.push(no('INVALID_CROSS_REFERENCE_KEY', `invalid cross reference id`, [name]))
        else if (referred.IsDeleted === true) errors.push(no('ENTITY_IS_DELETED', 'entity is deleted', [name]))
        else fields[name] = referred.Id
      }
    }
    return { fields, errors }
  }

  #parent(field: Field, value: unknown): string | RowError {
    if (value === null || typeof value !== 'object')
      return no('MISSING_ARGUMENT', `${field.relationship} not specified`, [])
    const { attributes, ...by } = value as { attributes?: { type?: string } } & Fields
    const target = field.reference!.length === 1 ? field.reference![0]! : (attributes?.type ?? '')
    const [name = '', key] = Object.entries(by)[0] ?? []
    const [found] = this.#store.by(target, name, key)
    if (found !== undefined) return found.Id
    const message = `Foreign key external ID: ${String(key).toLowerCase()} not found for field ${name} in entity ${target}`
    return no('INVALID_FIELD', message, [])
  }

  /** What the org as a whole has against it. */
  #refusals(object: string, record: Rec | undefined, fields: Fields, call: WriteCall): RowError[] {
    const { rules } = this
    if (rules.read_only.includes(object))
      return [no('INSUFFICIENT_ACCESS_OR_READONLY', 'insufficient access rights on object id', [])]
    const held = this.#heldBy(object, { ...record, ...fields }, record?.Id, call)
    if (held !== undefined || this.#unlucky()) {
      const id = held ?? record?.Id ?? 'unknown'
      return [no('UNABLE_TO_LOCK_ROW', `unable to obtain exclusive access to this record or 1 records: ${id}`, [])]
    }
    const errors: RowError[] = []
    for (const { name, unique } of this.#store.objects.get(object)?.fields.values() ?? []) {
      if (!unique || isNothing(fields[name])) continue
      const other = this.#store.by(object, name, fields[name]).find(({ Id }) => Id !== record?.Id)
      if (other === undefined) continue
      const message = `duplicate value found: ${name} duplicates value on record with id: ${other.Id.slice(0, 15)}`
      errors.push(no('DUPLICATE_VALUE', message, [name]))
    }
    for (const { field, refuses, message } of rules.validations.filter((rule) => rule.object === object)) {
      if (refuses.test(String(fields[field] ?? '')))
        errors.push(no('FIELD_CUSTOM_VALIDATION_EXCEPTION', message, [field]))
    }
    const twin = rules.duplicates
      .filter((rule) => rule.object === object && record === undefined && !call.allow_save)
      .some(({ field }) => !isNothing(fields[field]) && this.#store.by(object, field, fields[field]).length > 0)
    if (twin) errors.push(no('DUPLICATES_DETECTED', 'Use one of these records?', []))
    return errors
  }

  #lock(object: string, fields: Fields, id: string, { trace }: WriteCall): void {
    if (this.lock_ms === 0) return
    const until = this.#store.now() + this.lock_ms
    for (const each of parentsOf(object, fields, id)) this.#locks.set(each, { until, trace })
  }

  #heldBy(object: string, fields: Fields, id: string | undefined, { trace }: WriteCall): string | undefined {
    if (this.lock_ms === 0) return undefined
    return parentsOf(object, fields, id).find((each) => {
      const lock = this.#locks.get(each)
      return lock !== undefined && lock.trace !== trace && lock.until > this.#store.now()
    })
  }
}

function parentsOf(object: string, fields: Fields, id: string | undefined): string[] {
  const names = object === 'Account' ? [] : ['AccountId', 'OpportunityId', 'WhatId', 'WhoId']
  return [id, ...names.map((name) => fields[name])].filter((each): each is string => typeof each === 'string')
}

class Refused {
  constructor(
    readonly code: string,
    readonly message: string,
  ) {}
}

/** As it is stored: text trimmed, '' as nothing. */
function storedValue(field: Field, value: unknown): { value: unknown } | Refused {
  const { name, type, length, values, restricted } = field
  if (value === null) return { value: type === 'boolean' ? false : null }
  const wrong = (what: string) =>
    new Refused('INVALID_TYPE_ON_FIELD_IN_RECORD', `${name}: value not of required type: ${what}`)
  if (type === 'boolean') return typeof value === 'boolean' ? { value } : wrong(String(value))
  if (['int', 'double', 'currency', 'percent'].includes(type)) {
    if (typeof value !== 'number' || (type === 'int' && !Number.isInteger(value))) return wrong(String(value))
    return { value }
  }
  if (typeof value !== 'string') return wrong(JSON.stringify(value))
  const text = value.trim()
  if (text === '') return { value: null }
  if (type === 'date') return /^\d{4}-\d\d-\d\d$/.test(text) ? { value: text } : wrong(text)
  if (type === 'datetime') {
    const at = Date.parse(text)
    return Number.isNaN(at) ? wrong(text) : { value: new Date(at).toISOString().replace('Z', '+0000') }
  }
  if (length > 0 && [...text].length > length) {
    const message = `${name}: data value too large: ${text.slice(0, 40)} (max length=${length})`
    return new Refused('STRING_TOO_LONG', message)
  }
  if (type === 'email' && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text))
    return new Refused('INVALID_EMAIL_ADDRESS', `${name}: invalid email address: ${text}`)
  const chosen = type === 'multipicklist' ? text.split(';') : [text]
  const strange = restricted ? chosen.find((each) => !values?.includes(each)) : undefined
  if (strange !== undefined) {
    const message = `${name}: bad value for restricted picklist field: ${strange}`
    return new Refused('INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', message)
  }
  return { value: text }
}

const isNothing = (value: unknown) => value === undefined || value === null || value === ''

export function no(statusCode: string, message: string, fields: string[]): RowError {
  return { statusCode, message, fields }
}

export function refuse(code: string, message: string, fields: string[] = []): RowResult {
  return { success: false, errors: [no(code, message, fields)] }
}

export { KEY }
