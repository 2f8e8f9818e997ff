import type { Journal } from '../journal.ts'
import { type Field, isClosedStage, type SObject, standardObjects } from './schema.ts'

export type Rec = Record<string, unknown> & { Id: string }

export interface Write {
  object: string
  fields: Record<string, unknown>
  by: 'api' | 'person'
  /** Who, in the org. */
  user: string
  trace?: string | null
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
export const KEY = 'Lead_Engine_Id__c'

/** The records of an org. All that happens to them is in the journal, and they are made again from it. */
export class Store {
  readonly journal: Journal
  readonly now: () => number
  readonly objects: Map<string, SObject> = standardObjects()
  readonly #records = new Map<string, Map<string, Rec>>()
  /** `object.field` → value in lower case → ids of records that are not deleted. */
  readonly #index = new Map<string, Map<string, Set<string>>>()
  readonly #made = new Map<string, number>()

  constructor(journal: Journal, now: () => number) {
    this.journal = journal
    this.now = now
    for (const entry of journal.applies()) {
      this.#set(entry.object, entry.id, entry.fields)
      if (entry.act === 'create') this.#made.set(entry.object, (this.#made.get(entry.object) ?? 0) + 1)
    }
    for (const { Id, ...field } of this.all('#field')) this.#addField(Id, field as unknown as Field)
  }

  all(object: string): Rec[] {
    return [...(this.#records.get(object)?.values() ?? [])]
  }

  /** With what is in the recycle bin; a 15-character id is as good. */
  get(object: string, id: string): Rec | undefined {
    return this.#records.get(object)?.get(id.length === 15 ? longId(id) : id)
  }

  /** Records, not deleted, whose field holds this value, in any case. */
  by(object: string, field: string, value: unknown): Rec[] {
    const ids = this.#index.get(`${object}.${field}`)?.get(String(value).toLowerCase()) ?? []
    return [...ids].map((id) => this.get(object, id)!)
  }

  objectOf(id: string): string | undefined {
    return [...this.objects.values()].find(({ prefix }) => id.startsWith(prefix))?.name
  }

  create({ object, fields, by, user, trace = null }: Write, given?: string): Rec {
    const id = given ?? this.newId(object)
    const at = this.stamp()
    const defaults = [...(this.objects.get(object)?.fields.values() ?? [])]
      .filter((field) => field.default !== undefined)
      .map((field) => [field.name, field.default] as const)
    const system = {
      IsDeleted: false,
      CreatedDate: at,
      CreatedById: user,
      LastModifiedDate: at,
      LastModifiedById: user,
    }
    const owner = this.objects.get(object)?.fields.has('OwnerId') ? { OwnerId: user } : {}
    const all = { ...Object.fromEntries(defaults), ...system, ...owner, SystemModstamp: at, ...withoutNulls(fields) }
    return this.#apply('create', object, id, { ...all, ...derived(object, all) }, by, trace)
  }

  update(id: string, { object, fields, by, user, trace = null }: Write): Rec {
    const at = this.stamp()
    const all = { ...fields, SystemModstamp: at, LastModifiedDate: at, LastModifiedById: user }
    const whole = { ...this.get(object, id), ...all }
    return this.#apply('update', object, id, { ...all, ...derived(object, whole) }, by, trace)
  }

  delete(object: string, id: string, by: 'api' | 'person', master?: string): void {
    const fields = { IsDeleted: true, SystemModstamp: this.stamp(), ...(master ? { MasterRecordId: master } : {}) }
    this.#apply(master ? 'merge' : 'archive', object, id, fields, by, null)
  }

  /** Things that are no records: jobs, sessions, fields. No stamps. */
  put(kind: string, id: string, fields: Record<string, unknown>): void {
    const act = this.#records.get(kind)?.has(id) ? 'update' : 'create'
    this.#apply(act, kind, id, fields, 'api', null)
  }

  addField(object: string, field: Field): void {
    this.put('#field', `${object}.${field.name}`, { ...field })
    this.#addField(`${object}.${field.name}`, field)
  }

  newId(object: string): string {
    const made = (this.#made.get(object) ?? 0) + 1
    this.#made.set(object, made)
    const prefix = this.objects.get(object)?.prefix ?? '750'
    let rest = ''
    for (let left = made; left > 0; left = Math.floor(left / 62)) rest = DIGITS[left % 62]! + rest
    return longId(`${prefix}5f${rest.padStart(10, '0')}`)
  }

  stamp(): string {
    return new Date(this.now()).toISOString().replace('Z', '+0000')
  }

  #addField(id: string, field: Field): void {
    const [object = '', name = ''] = id.split('.')
    this.objects.get(object)?.fields.set(name, { ...field, name })
  }

  #apply(
    act: string,
    object: string,
    id: string,
    fields: Record<string, unknown>,
    by: 'api' | 'person',
    trace: string | null,
  ): Rec {
    const record = this.#set(object, id, fields)
    const key = (record[KEY] as string | undefined) ?? null
    this.journal.add({ kind: 'apply', act, object, id, key, trace, by, fields })
    return record
  }

  #set(object: string, id: string, fields: Record<string, unknown>): Rec {
    const table = this.#records.get(object) ?? new Map<string, Rec>()
    this.#records.set(object, table)
    const record = table.get(id) ?? { Id: id }
    table.set(id, record)
    this.#forget(object, record)
    Object.assign(record, fields)
    this.#remember(object, record)
    return record
  }

  #remember(object: string, record: Rec): void {
    if (record.IsDeleted === true || object.startsWith('#')) return
    for (const name of INDEXED) {
      const value = record[name]
      if (value === undefined || value === null) continue
      const index = this.#index.get(`${object}.${name}`) ?? new Map<string, Set<string>>()
      this.#index.set(`${object}.${name}`, index)
      const text = String(value).toLowerCase()
      index.set(text, (index.get(text) ?? new Set()).add(record.Id))
    }
  }

  #forget(object: string, record: Rec): void {
    for (const name of INDEXED) {
      if (record[name] === undefined || record[name] === null) continue
      this.#index.get(`${object}.${name}`)?.get(String(record[name]).toLowerCase())?.delete(record.Id)
    }
  }
}

/** What is looked up by value. */
const INDEXED = [KEY, 'Email', 'Name', 'Website', 'AccountId', 'OpportunityId', 'WhatId', 'WhoId']

function withoutNulls(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined))
}

/** What the org computes itself. */
function derived(object: string, record: Record<string, unknown>): Record<string, unknown> {
  if (object === 'Contact' || object === 'Lead')
    return { Name: [record.FirstName, record.LastName].filter(Boolean).join(' ') }
  if (object === 'Opportunity')
    return { IsClosed: isClosedStage(record.StageName), IsWon: record.StageName === 'Closed Won' }
  if (object !== 'Task') return {}
  const done = record.Status === 'Completed'
  return { IsClosed: done, CompletedDateTime: done ? (record.CompletedDateTime ?? record.SystemModstamp) : null }
}

/** 15 characters tell case; three more make an id that survives its loss. */
export function longId(id: string): string {
  const suffix = [0, 5, 10].map((from) => {
    const bits = [...id.slice(from, from + 5)].reduce((sum, c, i) => sum + (/[A-Z]/.test(c) ? 2 ** i : 0), 0)
    return ALPHABET[bits]!
  })
  return id + suffix.join('')
}
