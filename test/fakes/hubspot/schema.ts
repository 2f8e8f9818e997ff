/** A property as an account has it. */
export interface Property {
  name: string
  label: string
  type: 'bool' | 'date' | 'datetime' | 'enumeration' | 'number' | 'phone_number' | 'string'
  fieldType: string
  groupName: string
  hasUniqueValue: boolean
  options: { label: string; value: string; displayOrder: number; hidden: boolean }[]
  readOnly: boolean
  hubspotDefined: boolean
}

export const TYPE_IDS: Record<string, string> = {
  contacts: '0-1',
  companies: '0-2',
  deals: '0-3',
  calls: '0-48',
  communications: '0-18',
  emails: '0-49',
  meetings: '0-47',
  notes: '0-46',
  tasks: '0-27',
}

const SINGULAR: Record<string, string> = { company: 'companies', CONTACT: 'contacts', COMPANY: 'companies' }

/** `contacts`, `contact`, `0-1`: the same thing. */
export function objectNamed(name: string): string | undefined {
  const lower = name.toLowerCase()
  if (lower in TYPE_IDS) return lower
  const byId = Object.entries(TYPE_IDS).find(([, id]) => id === name)?.[0]
  const singular = SINGULAR[lower] ?? `${lower}s`
  return byId ?? (singular in TYPE_IDS ? singular : undefined)
}

/** Whose scopes a call on an object needs: activities ride on contacts. */
export function scopeOf(object: string, act: 'read' | 'write'): string {
  const of = ['contacts', 'companies', 'deals'].includes(object) ? object : 'contacts'
  return `crm.objects.${of}.${act}`
}

/** When a record changed last: contacts have a name of their own for it. */
export function modifiedOf(object: string): string {
  return object === 'contacts' ? 'lastmodifieddate' : 'hs_lastmodifieddate'
}

/** What it is asked for without being asked. */
export const DEFAULT_PROPERTIES: Record<string, string[]> = {
  contacts: ['createdate', 'email', 'firstname', 'hs_object_id', 'lastmodifieddate', 'lastname'],
  companies: ['name', 'domain', 'createdate', 'hs_lastmodifieddate', 'hs_object_id'],
  deals: [
    'dealname',
    'amount',
    'closedate',
    'pipeline',
    'dealstage',
    'createdate',
    'hs_lastmodifieddate',
    'hs_object_id',
  ],
}

/** At least one of each list is wanted of a new record. */
export const REQUIRED: Record<string, string[][]> = {
  contacts: [['email', 'firstname', 'lastname']],
  companies: [['name', 'domain']],
  deals: [['dealname'], ['dealstage']],
  notes: [['hs_timestamp']],
  tasks: [['hs_timestamp']],
  communications: [['hs_communication_channel_type']],
  calls: [['hs_timestamp']],
  meetings: [['hs_timestamp']],
  emails: [['hs_timestamp']],
}

export const LIFECYCLE = [
  'subscriber',
  'lead',
  'marketingqualifiedlead',
  'salesqualifiedlead',
  'opportunity',
  'customer',
  'evangelist',
  'other',
]

export interface Stage {
  id: string
  label: string
  displayOrder: number
  metadata: { probability: string; isClosed: string }
}

const stage = (id: string, label: string, displayOrder: number, probability: string): Stage => {
  const isClosed = String(id.startsWith('closed'))
  return { id, label, displayOrder, metadata: { probability, isClosed } }
}

export const PIPELINES = [
  {
    id: 'default',
    label: 'Sales pipeline',
    displayOrder: 0,
    stages: [
      stage('appointmentscheduled', 'Appointment scheduled', 0, '0.2'),
      stage('qualifiedtobuy', 'Qualified to buy', 1, '0.4'),
      stage('presentationscheduled', 'Presentation scheduled', 2, '0.6'),
      stage('decisionmakerboughtin', 'Decision maker bought-in', 3, '0.8'),
      stage('contractsent', 'Contract sent', 4, '0.9'),
      stage('closedwon', 'Closed won', 5, '1.0'),
      stage('closedlost', 'Closed lost', 6, '0.0'),
    ],
  },
]

const of = (groupName: string) => {
  const property = (type: Property['type'], fieldType: string, readOnly: boolean) => (name: string) =>
    ({
      ...{ name, label: name, type, fieldType, groupName, hasUniqueValue: false, options: [], readOnly },
      hubspotDefined: true,
    }) satisfies Property
  return {
    text: property('string', 'text', false),
    area: property('string', 'textarea', false),
    number: property('number', 'number', false),
    phone: property('phone_number', 'phonenumber', false),
    datetime: property('datetime', 'date', false),
    fixed: property('string', 'text', true),
    fixedTime: property('datetime', 'date', true),
    fixedBool: property('bool', 'booleancheckbox', true),
    choice: (name: string, values: readonly string[]): Property => ({
      ...property('enumeration', 'select', false)(name),
      options: values.map((value, displayOrder) => ({ label: value, value, displayOrder, hidden: false })),
    }),
  }
}

function everywhere(object: string, group: string): Property[] {
  const { text, fixed, fixedTime } = of(group)
  return [
    fixed('hs_object_id'),
    fixedTime('createdate'),
    fixedTime(modifiedOf(object)),
    fixed('hs_merged_object_ids'),
    text('hubspot_owner_id'),
  ]
}

const INDUSTRIES = ['COMPUTER_SOFTWARE', 'INFORMATION_TECHNOLOGY_AND_SERVICES', 'FINANCIAL_SERVICES', 'RETAIL']

function own(object: string, group: string): Property[] {
  const { text, area, number, phone, datetime, fixed, fixedBool, choice } = of(group)
  switch (object) {
    case 'contacts':
      return [
        ...['email', 'firstname', 'lastname', 'jobtitle', 'company', 'website', 'city', 'state', 'country'].map(text),
        ...['hs_linkedin_url', 'hs_additional_emails'].map(text),
        ...['phone', 'mobilephone'].map(phone),
        choice('lifecyclestage', LIFECYCLE),
        choice('hs_lead_status', ['NEW', 'OPEN', 'IN_PROGRESS', 'CONNECTED', 'UNQUALIFIED', 'BAD_TIMING']),
        fixed('hs_email_domain'),
        fixedBool('hs_email_optout'),
      ]
    case 'companies':
      return [
        ...['name', 'domain', 'website', 'city', 'state', 'country', 'zip', 'founded_year'].map(text),
        ...['linkedin_company_page', 'hs_additional_domains'].map(text),
        area('description'),
        ...['numberofemployees', 'annualrevenue'].map(number),
        phone('phone'),
        choice('industry', INDUSTRIES),
        choice('lifecyclestage', LIFECYCLE),
      ]
    case 'deals':
      return [
        text('dealname'),
        number('amount'),
        ...['pipeline', 'dealstage', 'closed_lost_reason', 'closed_won_reason'].map(text),
        area('description'),
        datetime('closedate'),
        ...['hs_is_closed', 'hs_is_closed_won'].map(fixedBool),
      ]
    case 'notes':
      return [area('hs_note_body'), text('hs_attachment_ids'), datetime('hs_timestamp')]
    case 'tasks':
      return [
        ...['hs_task_subject', 'hs_attachment_ids'].map(text),
        area('hs_task_body'),
        datetime('hs_timestamp'),
        choice('hs_task_status', ['NOT_STARTED', 'IN_PROGRESS', 'WAITING', 'DEFERRED', 'COMPLETED']),
        choice('hs_task_priority', ['NONE', 'LOW', 'MEDIUM', 'HIGH']),
        choice('hs_task_type', ['EMAIL', 'CALL', 'TODO', 'LINKED_IN_CONNECT', 'LINKED_IN_MESSAGE']),
      ]
    case 'communications':
      return [
        choice('hs_communication_channel_type', ['LINKEDIN_MESSAGE', 'WHATS_APP', 'SMS']),
        choice('hs_communication_logged_from', ['CRM']),
        area('hs_communication_body'),
        text('hs_attachment_ids'),
        datetime('hs_timestamp'),
      ]
    case 'meetings':
      return [
        ...['hs_meeting_title', 'hs_meeting_outcome'].map(text),
        area('hs_meeting_body'),
        ...['hs_timestamp', 'hs_meeting_start_time', 'hs_meeting_end_time'].map(datetime),
      ]
    case 'calls':
      return [
        ...['hs_call_title', 'hs_call_status', 'hs_call_disposition', 'hs_call_direction'].map(text),
        area('hs_call_body'),
        datetime('hs_timestamp'),
      ]
    default:
      return [
        ...['hs_email_subject', 'hs_email_status', 'hs_email_direction', 'hs_email_headers'].map(text),
        ...['hs_email_text', 'hs_email_html'].map(area),
        datetime('hs_timestamp'),
      ]
  }
}

/** What an account knows before anybody has set anything up. */
export function standardProperties(object: string): Property[] {
  const group = `${object}information`
  return [...everywhere(object, group), ...own(object, group)]
}

/** from → to → the type of a plain association, the one that is primary, and what they are called the other way round. */
const PAIRS: [string, string, number, number, number | null, number | null][] = [
  ['contacts', 'companies', 279, 280, 1, 2],
  ['contacts', 'deals', 4, 3, null, null],
  ['deals', 'companies', 341, 342, 5, 6],
  ['notes', 'contacts', 202, 201, null, null],
  ['notes', 'companies', 190, 189, null, null],
  ['notes', 'deals', 214, 213, null, null],
  ['tasks', 'contacts', 204, 203, null, null],
  ['tasks', 'companies', 192, 191, null, null],
  ['tasks', 'deals', 216, 215, null, null],
  ['emails', 'contacts', 198, 197, null, null],
  ['emails', 'companies', 186, 185, null, null],
  ['emails', 'deals', 210, 209, null, null],
  ['communications', 'contacts', 81, 82, null, null],
  ['communications', 'companies', 87, 88, null, null],
  ['communications', 'deals', 85, 86, null, null],
  ['calls', 'contacts', 194, 193, null, null],
  ['calls', 'companies', 182, 181, null, null],
  ['calls', 'deals', 206, 205, null, null],
  ['meetings', 'contacts', 200, 199, null, null],
  ['meetings', 'companies', 188, 187, null, null],
  ['meetings', 'deals', 212, 211, null, null],
]

export interface AssociationType {
  plain: number
  reverse: number
  primary: number | null
  primary_reverse: number | null
}

/** Undefined: the two cannot be associated. */
export function associationOf(from: string, to: string): AssociationType | undefined {
  for (const [a, b, plain, reverse, primary, primary_reverse] of PAIRS) {
    if (a === from && b === to) return { plain, reverse, primary, primary_reverse }
    if (a === to && b === from) {
      return { plain: reverse, reverse: plain, primary: primary_reverse, primary_reverse: primary }
    }
  }
  return undefined
}
