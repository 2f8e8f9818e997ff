import type { Http, HttpOptions } from '../pipeline/http.ts'

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
export type Fields = Record<string, Json>

/** `HttpOptions` without its `service`, which is the instance's name. */
export type InstanceHttp = (options: Omit<HttpOptions, 'service'>) => Http

/** What an object is to us, whatever it is called there. */
export type Kind = 'company' | 'contact' | 'deal' | 'note' | 'task' | 'message' | 'meeting' | 'call' | 'email'

export interface CrmObject {
  kind: Kind
  /** Properties it sets itself, and that which holds our id: no mapping may write them. */
  reserved: readonly string[]
  /**
   * Does a unique property hold our id, so that a row sent again never makes a second record? Where not (activities that
   * take none), the CRM marks the record with our id where people do not mind, and `find` reads it back from what the
   * row is linked to. A mark is no part of `fields`: it is put in on writing and taken out on reading.
   */
  keyed: boolean
  /**
   * What its records hang on, and how: `inline`, set by `upsert` from `row.links` (a lookup field; activities, which must be
   * born with what they hang on); `apart`, by `link`, once both ends are there.
   */
  links: Readonly<Record<string, 'inline' | 'apart'>>
  /** By what `find` finds a record that others made before us; the property it is in. Empty: never adopted. */
  finds: Readonly<Partial<Record<'email' | 'domain' | 'cnpj', string>>>
  /** `whole`: `pull` gives all there is, and what is not there is gone. `changes`: since a time. `never`: only written. */
  pull: 'whole' | 'changes' | 'never'
  /** The properties we bring along: `pipeline sync setup` makes those that are missing. One of them holds our id, if `keyed`. */
  own: readonly CrmProperty[]
}

/** The CRM in which a session is, as it says itself. */
export interface Identity {
  /** Its unchangeable id; compared with `account(settings)` before anything is written. */
  account: string | null
  name: string | null
  /** IANA; by which its days, and quotas, begin. */
  time_zone: string | null
}

/** One property, as the CRM has it, or as it is to be made. */
export interface CrmProperty {
  name: string
  /** As people see it. */
  label: string
  /**
   * Decides the form of a value in `fields`, both ways: `text` and `option` a string, `options` strings in order of code
   * points, `number` a number, `boolean` true or false, `date` `2026-01-31`, `datetime` `2026-01-31T09:30:00.000Z`, `owner`
   * (a person of the CRM) and `reference` an id as a string. Rows arrive in these forms.
   */
  type: 'text' | 'number' | 'boolean' | 'date' | 'datetime' | 'option' | 'options' | 'owner' | 'reference' | 'other'
  /** Values that an `option` takes, if the list is closed; for the stage of a deal those of all pipelines. */
  options?: readonly string[]
  /** Most characters. */
  length?: number
  unique?: boolean
  /** False: read-only. `create`: only when the record is made. Writable unless said. */
  writable?: boolean | 'create'
  /** A record cannot be made without it. */
  required?: boolean
}

export interface CrmShape {
  /** Null: it takes whatever it is given. */
  properties: readonly CrmProperty[] | null
  /** Of deals. */
  pipelines: readonly { id: string; label: string; stages: readonly Stage[] }[]
}

export interface Stage {
  id: string
  label: string
  closed: boolean
  won: boolean
}

export interface Owner {
  id: string
  email: string
  name: string | null
}

/** A record as the CRM holds it. */
export interface CrmRecord {
  crm_id: string
  /** Our id, as stamped on the record; null on what others made. */
  record_id: string | null
  /** All its properties that have a value, in the forms that a mapping writes: what was written reads back equal. */
  fields: Fields
  /** ISO 8601 UTC, by the CRM's clock; null where it does not tell. */
  modified_at: string | null
  /** Gone: deleted, archived, or merged into another. `fields` may be empty. */
  deleted?: boolean
  /** The record that it is part of since. */
  merged_into?: string | null
  /** What it hangs on, as far as this answer tells; left out: not told. */
  links?: readonly Link[]
  /** What its properties mean, where they have a meaning for us. */
  facts?: Facts
}

/** A record of another object of the same CRM. */
export interface Link {
  object: string
  crm_id: string
}

/** In our words, whatever the properties are called. Left out: unknown, or not of this kind. */
export interface Facts {
  /** Lower case. */
  email?: string
  domain?: string
  cnpj?: string
  name?: string
  /** E-mail of the owner; his id where that is not known. */
  owner?: string
  /** Of a company. */
  relationship?: 'customer' | 'competitor' | 'open_deal'
  /** Of a person: wants no mail from anybody; false only where the CRM says that he does. */
  opted_out?: boolean
  /** Of a person who was a lead there: what it became. */
  converted_into?: readonly Link[]
  /** Of a deal: internal names. */
  pipeline?: string
  stage?: string
  amount?: number
  /** ISO 4217. */
  currency?: string
  is_closed?: boolean
  is_won?: boolean
  opened_at?: string
  closed_at?: string
  /** Of an activity: when it was, or is to be, ISO 8601 UTC. */
  happened_at?: string
  direction?: 'in' | 'out'
  /** The vendor's words: `COMPLETED`, `NO_SHOW`, … */
  outcome?: string
  is_done?: boolean
}

/** What is to be written on one record. */
export interface CrmRow {
  record_id: string
  /** Null as long as it is not known to exist. */
  crm_id: string | null
  /** Only these are written; null, which only `undo` sends, empties. Owners are ids here. */
  fields: Fields
  /** Its inline links: all of them when it is made, afterwards those that are new. */
  links: readonly Link[]
}

export interface Outcome {
  /**
   * - `done`: so it is now, whoever did it
   * - `rejected`: the CRM says no to this row; sent again only when row, mapping or CRM changed
   * - `unknown`: no answer, or not for this row; it may have been done. Sent again, by the next run at the latest
   * - `gone`: there is no such record any more, and none it was merged into
   */
  status: 'done' | 'rejected' | 'unknown' | 'gone'
  /** The record it is now, after merges too; null unless known. */
  crm_id: string | null
  /** Of a rejection: the CRM's code, the property that it is about, its words whole. */
  code?: string | null
  property?: string | null
  message?: string | null
}

/** By what a record may be found that was there before us; or, of what is not `keyed`, by our mark on what it hangs on. */
export interface Wanted {
  record_id: string
  /** Lower case. */
  email: string | null
  domain: string | null
  /** 14 characters, no punctuation. */
  cnpj: string | null
  links: readonly Link[]
}

export interface LinkPair {
  from_id: string
  to_id: string
}

/** One CRM, for as long as a step runs. Every list is answered in its order, one answer for each. */
export interface CrmSession {
  /** Which account the credentials open; the cheapest call there is. */
  identity(): Promise<Identity>
  /** What the CRM really has: for checks before the first write. Reads only. */
  describe(object: string): Promise<CrmShape>
  /** Makes these properties (`own` ones that are missing). Making one that is there is no error. CrmError where an admin must: with the list of what to do. */
  create(object: string, properties: readonly CrmProperty[]): Promise<void>
  /** Those who may own a record. */
  owners(): Promise<readonly Owner[]>
  /** For each: the records that may be it; several where only a person can tell. Asked before something is first made, and after its answer was lost. */
  find(object: string, wanted: readonly Wanted[]): Promise<readonly (readonly CrmRecord[])[]>
  /** As they are right now, merged ones under the id they have since; null: no such record any more. */
  read(object: string, crm_ids: readonly string[]): Promise<readonly (CrmRecord | null)[]>
  /** Records modified at or after `since` (null: all), deleted and merged ones included where they are told, in batches. */
  pull(object: string, since: string | null): AsyncIterable<readonly CrmRecord[]>
  /** Creates or changes. Only the fields given are written. Rows are distinct. A batch whose answer was lost may be sent again. */
  upsert(object: string, rows: readonly CrmRow[]): Promise<readonly Outcome[]>
  /** Hangs records on others. Doing it twice is the same as once. */
  link(from: string, to: string, pairs: readonly LinkPair[]): Promise<readonly Outcome[]>
  /** Deletes in a way that people there can take back. */
  archive(object: string, crm_ids: readonly string[]): Promise<readonly Outcome[]>
  /** Deletes for good, as the law wants it for a person. */
  erase(object: string, crm_ids: readonly string[]): Promise<readonly Outcome[]>
}

/** A call that came in, and may be the CRM's. */
export interface HookCall {
  method: string
  /** The whole public address, query included, as the CRM was told it. */
  url: string
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>
  /** The body's bytes, untouched. */
  raw: Uint8Array
  now: Date
}

/** Something happened to a record there; what it is now, the next pull reads. */
export interface HookEvent {
  /** The same when the CRM tells it again. */
  id: string
  object: string
  crm_id: string
  /** ISO 8601 UTC. */
  at: string | null
}

/** Pure: nothing is asked, nothing kept. */
export interface Hook<Settings> {
  /** Did the CRM send this, just now? False too where no secret is set. Takes equally long for right and wrong. */
  isGenuine(settings: Settings, call: HookCall): boolean
  /** Null: not in the form of its events. */
  events(body: unknown): readonly HookEvent[] | null
}
