import type { CrmObject, CrmProperty } from '../../define.ts'

/** The unique property that holds our id. */
export const KEY = 'lead_engine_id'
/** Where what we bring along is kept in HubSpot's own settings. */
export const GROUP = 'lead_engine'

const key: CrmProperty = { name: KEY, label: 'Lead Engine id', type: 'text', unique: true }
const text = (name: string, label: string): CrmProperty => ({ name, label, type: 'text' })

/** HubSpot's own, on every object. */
const SET_BY_HUBSPOT = ['hs_object_id', 'createdate', 'hs_createdate', 'lastmodifieddate', 'hs_lastmodifieddate']
const reserved = [...SET_BY_HUBSPOT, 'hs_merged_object_ids', KEY]

const ACTIVITY = {
  reserved,
  keyed: false,
  finds: {},
  pull: 'changes',
  own: [],
  links: { companies: 'inline', contacts: 'inline', deals: 'inline' },
} as const satisfies Omit<CrmObject, 'kind'>
/** Only read. */
const TOUCH = { ...ACTIVITY, links: { companies: 'apart', contacts: 'apart', deals: 'apart' } } as const satisfies Omit<
  CrmObject,
  'kind'
>

export const objects = {
  companies: {
    kind: 'company',
    reserved,
    keyed: true,
    links: {},
    pull: 'changes',
    finds: { domain: 'domain', cnpj: 'cnpj' },
    own: [
      key,
      text('cnpj', 'CNPJ'),
      text('lead_engine_industry', 'Industry (Lead Engine)'),
      text('lead_engine_tech_stack', 'Technologies (Lead Engine)'),
      text('lead_engine_profiles', 'Fits the profiles (Lead Engine)'),
    ],
  },
  contacts: {
    kind: 'contact',
    reserved,
    keyed: true,
    links: { companies: 'apart' },
    pull: 'changes',
    finds: { email: 'email' },
    own: [
      key,
      text('lead_engine_seniority', 'Seniority (Lead Engine)'),
      text('lead_engine_department', 'Department (Lead Engine)'),
    ],
  },
  deals: {
    kind: 'deal',
    reserved,
    keyed: true,
    links: { companies: 'apart', contacts: 'apart' },
    pull: 'changes',
    finds: {},
    own: [
      key,
      { name: 'lead_engine_score', label: 'Score (Lead Engine)', type: 'number' },
      { name: 'lead_engine_tier', label: 'Tier (Lead Engine)', type: 'option', options: ['A', 'B', 'C'] },
    ],
  },
  notes: { ...ACTIVITY, kind: 'note' },
  tasks: { ...ACTIVITY, kind: 'task' },
  communications: { ...ACTIVITY, kind: 'message' },
  meetings: { ...TOUCH, kind: 'meeting' },
  calls: { ...TOUCH, kind: 'call' },
  emails: { ...TOUCH, kind: 'email' },
} as const satisfies Record<string, CrmObject>

export function objectOf(object: string): CrmObject {
  return (objects as Record<string, CrmObject>)[object]!
}

/** HubSpot's ids of the plain, unlabelled associations: only these are the same in every account, and only in this direction. */
const TYPES: Record<string, Record<string, number>> = {
  contacts: { companies: 279, deals: 4 },
  companies: { contacts: 280, deals: 342 },
  deals: { companies: 341, contacts: 3 },
  notes: { contacts: 202, companies: 190, deals: 214 },
  tasks: { contacts: 204, companies: 192, deals: 216 },
  communications: { contacts: 81, companies: 87, deals: 85 },
}

export function associationTypes(
  from: string,
  to: string,
): { associationCategory: string; associationTypeId: number }[] {
  const id = TYPES[from]?.[to]
  if (id === undefined) throw new Error(`HubSpot: no association of ${from} with ${to}`)
  return [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: id }]
}

/** When a record was changed last: contacts have a name of their own for it. */
export function modifiedProperty(object: string): string {
  return object === 'contacts' ? 'lastmodifieddate' : 'hs_lastmodifieddate'
}

/** Property that bears our mark where there is no unique one, as a last line of the text. */
export const MARKED: Record<string, string> = {
  notes: 'hs_note_body',
  tasks: 'hs_task_body',
  communications: 'hs_communication_body',
}

/** What HubSpot wants of a new one, unless the mapping says. */
export function defaultsOf(object: string, now: Date): Record<string, string> {
  const hs_timestamp = now.toISOString()
  switch (object) {
    case 'notes':
      return { hs_timestamp }
    case 'tasks':
      return { hs_timestamp, hs_task_status: 'NOT_STARTED' }
    case 'communications':
      return { hs_timestamp, hs_communication_channel_type: 'LINKEDIN_MESSAGE', hs_communication_logged_from: 'CRM' }
    default:
      return {}
  }
}

/** HubSpot's numbers of its objects, as its events name them. */
export const TYPE_NAMES: Readonly<Record<string, string>> = {
  ...{ '0-1': 'contacts', '0-2': 'companies', '0-3': 'deals', '0-46': 'notes', '0-27': 'tasks' },
  ...{ '0-18': 'communications', '0-47': 'meetings', '0-48': 'calls', '0-49': 'emails' },
}
