import type { CrmObject, CrmProperty, Fields, Kind, Link } from '../../define.ts'

/** Our id, on every object we write: unique, external id. */
export const KEY = 'Lead_Engine_Id__c'

export interface Shape extends CrmObject {
  sobject: string
  /** SOQL: which records of the sObject are meant, where several objects of ours are one of theirs. */
  where?: string
  /** Written before our id where several objects share one sObject: `note:`. */
  mark: string
  /** Lookup field of each inline link. Where two share a field, the first one that is there is taken. */
  lookups: Readonly<Record<string, string>>
  /** Merged and deleted ones say into what. */
  merges: boolean
}

const KEY_PROPERTY: CrmProperty = { name: KEY, label: 'Lead Engine Id', type: 'text', length: 64, unique: true }
const score: CrmProperty = { name: 'Lead_Engine_Score__c', label: 'Lead Engine Score', type: 'number' }
const tier: CrmProperty = { name: 'Lead_Engine_Tier__c', label: 'Lead Engine Tier', type: 'text', length: 20 }
const cnpj: CrmProperty = { name: 'Lead_Engine_CNPJ__c', label: 'CNPJ', type: 'text', length: 20 }

/** Set by the org, or by us in another way than through a mapping. */
const SYSTEM = [
  'Id',
  KEY,
  'IsDeleted',
  'CreatedDate',
  'CreatedById',
  'LastModifiedDate',
  'LastModifiedById',
  'SystemModstamp',
]

function shape(
  kind: Kind,
  sobject: string,
  own: readonly CrmProperty[],
  more: Partial<Pick<Shape, 'finds' | 'where' | 'mark' | 'lookups' | 'merges' | 'links'>> = {},
): Shape {
  const { lookups = {}, finds = {}, mark = '', merges = false } = more
  const inline = Object.fromEntries(Object.keys(lookups).map((object) => [object, 'inline' as const]))
  return {
    ...{ kind, sobject, own, finds, mark, lookups, merges, where: more.where },
    keyed: own.length > 0,
    reserved: [...new Set([...SYSTEM, ...Object.values(lookups)])],
    links: { ...inline, ...more.links },
    pull: 'changes',
  }
}

const ACTIVITY = { contacts: 'WhoId', leads: 'WhoId', opportunities: 'WhatId', accounts: 'WhatId' }
const OURS = [KEY_PROPERTY]
const activity = (kind: Kind, mark: string) =>
  shape(kind, 'Task', OURS, { mark, where: `${KEY} LIKE '${mark}%'`, lookups: ACTIVITY })
const theirs = (kind: Kind, sobject: string, where?: string) => shape(kind, sobject, [], { where, lookups: ACTIVITY })

/**
 * Objects of ours and where they live. A note is a task that is done, since notes take no field of ours and one without a key
 * would be written twice. Calls, e-mails and events are only read.
 */
export const SHAPES: Readonly<Record<string, Shape>> = {
  accounts: shape('company', 'Account', [KEY_PROPERTY, cnpj, score, tier], {
    finds: { domain: 'Website', cnpj: cnpj.name },
    merges: true,
  }),
  contacts: shape('contact', 'Contact', OURS, {
    finds: { email: 'Email' },
    lookups: { accounts: 'AccountId' },
    merges: true,
  }),
  leads: shape('contact', 'Lead', [KEY_PROPERTY, score, tier], { finds: { email: 'Email' }, merges: true }),
  opportunities: shape('deal', 'Opportunity', [KEY_PROPERTY, score, tier], {
    lookups: { accounts: 'AccountId' },
    links: { contacts: 'apart' },
  }),
  notes: activity('note', 'note:'),
  tasks: activity('task', 'task:'),
  calls: theirs('call', 'Task', `TaskSubtype = 'Call'`),
  emails: theirs('email', 'Task', `TaskSubtype = 'Email'`),
  events: theirs('meeting', 'Event'),
}

export const keyOf = ({ mark }: Shape, record_id: string): string => mark + record_id

/** Null where it is not ours, or of another object of ours. */
export function recordIdOf({ mark }: Shape, key: unknown): string | null {
  return typeof key === 'string' && key !== '' && key.startsWith(mark) ? key.slice(mark.length) : null
}

const PREFIXES: Readonly<Record<string, string>> = {
  '001': 'accounts',
  '003': 'contacts',
  '00Q': 'leads',
  '006': 'opportunities',
}

/** What a record hangs on, by its lookup fields. */
export function linksOf({ lookups }: Shape, record: Readonly<Record<string, unknown>>): Link[] {
  const ids = [...new Set(Object.values(lookups))].map((field) => record[field])
  return ids.flatMap((id) => {
    const object = typeof id === 'string' ? PREFIXES[id.slice(0, 3)] : undefined
    return object === undefined ? [] : [{ object, crm_id: id as string }]
  })
}

/** Lookup fields for these links. */
export function lookupsOf({ lookups }: Shape, links: readonly Link[]): Fields {
  const fields: Fields = {}
  for (const [object, field] of Object.entries(lookups)) {
    const link = links.find((each) => each.object === object)
    if (link !== undefined) fields[field] ??= link.crm_id
  }
  return fields
}
