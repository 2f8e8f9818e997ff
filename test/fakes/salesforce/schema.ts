/** A field as the org has it; what `describe` tells comes from here. */
export interface Field {
  name: string
  type: string
  /** Most characters; 0 where that means nothing. */
  length: number
  createable: boolean
  updateable: boolean
  /** A record cannot be made without it. */
  required: boolean
  /** What it is when nobody says. */
  default?: unknown
  values?: readonly string[]
  /** Other values than those of the list are refused. */
  restricted?: boolean
  reference?: readonly string[]
  relationship?: string
  unique?: boolean
  external?: boolean
  custom?: boolean
  /** Seen and written only by who has a permission on the field. */
  hidden?: boolean
}

export interface SObject {
  name: string
  prefix: string
  fields: Map<string, Field>
}

const STAGES = [
  'Prospecting',
  'Qualification',
  'Needs Analysis',
  'Proposal/Price Quote',
  'Negotiation/Review',
  'Closed Won',
  'Closed Lost',
]

const LISTS: Record<string, readonly string[]> = {
  industry: ['Agriculture', 'Banking', 'Consulting', 'Manufacturing', 'Retail', 'Technology'],
  account: ['Prospect', 'Customer - Direct', 'Customer - Channel', 'Competitor', 'Other'],
  source: ['Web', 'Phone Inquiry', 'Partner Referral', 'Purchased List', 'Other'],
  lead: ['Open - Not Contacted', 'Working - Contacted', 'Closed - Converted', 'Closed - Not Converted'],
  stage: STAGES,
  role: ['Business User', 'Decision Maker', 'Economic Buyer', 'Evaluator', 'Influencer', 'Other'],
  task: ['Not Started', 'In Progress', 'Completed', 'Waiting on someone else', 'Deferred'],
  priority: ['High', 'Normal', 'Low'],
  subtype: ['Task', 'Email', 'ListEmail', 'Cadence', 'Call', 'LinkedIn'],
  call: ['Internal', 'Inbound', 'Outbound'],
}

/**
 * `Name type(length) flags`: `!` must be there, `-` read-only, `+` only on creation, `=value` its default, `@list` its values
 * (`@@list`: restricted to them), `>Object|Object:Relationship` what it refers to.
 */
const OBJECTS: Record<string, [prefix: string, fields: string]> = {
  Account: [
    '001',
    `MasterRecordId reference -; Name string(255) !; Type picklist @account; Website url(255); Industry picklist @industry;
     NumberOfEmployees int; AnnualRevenue currency; Phone phone(40); BillingCity string(40); BillingState string(80);
     BillingCountry string(80); AccountNumber string(40); AccountSource picklist @source; Description textarea(32000)`,
  ],
  Contact: [
    '003',
    `MasterRecordId reference -; AccountId reference >Account:Account; LastName string(80) !; FirstName string(40);
     Name string(121) -; Email email(80); Title string(128); Phone phone(40); MobilePhone phone(40); Department string(80);
     LeadSource picklist @source; HasOptedOutOfEmail boolean =false; Description textarea(32000)`,
  ],
  Lead: [
    '00Q',
    `MasterRecordId reference -; LastName string(80) !; FirstName string(40); Name string(121) -; Company string(255) !;
     Title string(128); Email email(80); Phone phone(40); Website url(255); Industry picklist @industry; City string(40);
     State string(80); Country string(80); NumberOfEmployees int; AnnualRevenue currency; LeadSource picklist @source;
     Status picklist @@lead =Open_-_Not_Contacted; HasOptedOutOfEmail boolean =false; IsConverted boolean - =false;
     ConvertedDate date -; ConvertedAccountId reference -; ConvertedContactId reference -;
     ConvertedOpportunityId reference -; Description textarea(32000)`,
  ],
  Opportunity: [
    '006',
    `AccountId reference >Account:Account; Name string(120) !; StageName picklist @@stage !; CloseDate date !;
     Amount currency; Probability percent; NextStep string(255); LeadSource picklist @source; IsClosed boolean - =false;
     IsWon boolean - =false; Description textarea(32000)`,
  ],
  OpportunityContactRole: [
    '00K',
    `OpportunityId reference + ! >Opportunity:Opportunity; ContactId reference + ! >Contact:Contact; Role picklist @role;
     IsPrimary boolean =false`,
  ],
  Task: [
    '00T',
    `WhoId reference >Contact|Lead:Who; WhatId reference >Account|Opportunity:What; Subject string(255);
     ActivityDate date; Status picklist @task =Not_Started; Priority picklist @priority =Normal; IsClosed boolean - =false;
     TaskSubtype picklist + @@subtype =Task; CallType picklist @call; CallDisposition string(255);
     CompletedDateTime datetime -; Description textarea(32000)`,
  ],
  Event: [
    '00U',
    `WhoId reference >Contact|Lead:Who; WhatId reference >Account|Opportunity:What; Subject string(255);
     StartDateTime datetime !; EndDateTime datetime !; Description textarea(32000)`,
  ],
  User: [
    '005',
    'Username string(80) !; Name string(121); Email email(128) !; IsActive boolean =true; UserType picklist',
  ],
  Organization: ['00D', 'Name string(80); TimeZoneSidKey picklist; IsSandbox boolean; DefaultCurrencyIsoCode picklist'],
  OpportunityStage: [
    '01J',
    'MasterLabel string(255); ApiName string(255); IsActive boolean =true; IsClosed boolean; IsWon boolean; SortOrder int',
  ],
  PermissionSet: ['0PS', 'Name string(80) !; Label string(80) !; Description string(255)'],
  FieldPermissions: [
    '01k',
    `ParentId reference !; SobjectType picklist !; Field picklist !; PermissionsRead boolean =false;
     PermissionsEdit boolean =false`,
  ],
  PermissionSetAssignment: ['0Pa', 'AssigneeId reference !; PermissionSetId reference !'],
}

/** Those that people own and edit. */
const OWNED = new Set(['Account', 'Contact', 'Lead', 'Opportunity', 'Task', 'Event'])

const SYSTEM = `CreatedDate datetime -; CreatedById reference - >User:CreatedBy; LastModifiedDate datetime -;
  LastModifiedById reference - >User:LastModifiedBy; SystemModstamp datetime -`

/** The standard objects of an org, without any custom field. */
export function standardObjects(): Map<string, SObject> {
  return new Map(
    Object.entries(OBJECTS).map(([name, [prefix, own]]) => {
      const owner = OWNED.has(name) ? 'OwnerId reference >User:Owner;' : ''
      const text = `Id id -; IsDeleted boolean - =false; ${owner} ${own}; ${SYSTEM}`
      const fields = text.split(';').map((field) => readField(field.trim()))
      return [name, { name, prefix, fields: new Map(fields.map((field) => [field.name, field])) }]
    }),
  )
}

function readField(text: string): Field {
  const [name = '', kind = '', ...flags] = text.split(/\s+/)
  const [, type = '', length = '0'] = /^(\w+)(?:\((\d+)\))?$/.exec(kind) ?? []
  const flag = (start: string) => flags.find((each) => each.startsWith(start))?.slice(start.length)
  const [targets, relationship] = flag('>')?.split(':') ?? []
  const list = flag('@@') ?? flag('@')
  const said = flag('=')?.replaceAll('_', ' ')
  return {
    name,
    type,
    length: type === 'reference' || type === 'id' ? 18 : type === 'picklist' ? 255 : Number(length),
    createable: !flags.includes('-'),
    updateable: !flags.includes('-') && !flags.includes('+'),
    required: flags.includes('!'),
    default: said === undefined ? undefined : type === 'boolean' ? said === 'true' : said,
    ...(list === undefined ? {} : { values: LISTS[list.replace('@', '')], restricted: flag('@@') !== undefined }),
    ...(targets === undefined ? {} : { reference: targets.split('|'), relationship }),
  }
}

/** What `POST /tooling/sobjects/CustomField` is given, as a field; nobody has a permission on it at first. */
export function customField(name: string, metadata: Record<string, unknown>): Field {
  const kinds: Record<string, string> = {
    Text: 'string',
    LongTextArea: 'textarea',
    Number: 'double',
    Checkbox: 'boolean',
    Date: 'date',
    DateTime: 'datetime',
    Url: 'url',
    Email: 'email',
    MultiselectPicklist: 'multipicklist',
    Picklist: 'picklist',
  }
  const set = metadata.valueSet as
    | { restricted?: boolean; valueSetDefinition?: { value?: { fullName: string }[] } }
    | undefined
  const values = set?.valueSetDefinition?.value?.map(({ fullName }) => fullName)
  return {
    name,
    type: kinds[String(metadata.type)] ?? 'string',
    length: Number(metadata.length ?? 0),
    createable: true,
    updateable: true,
    required: metadata.required === true,
    ...(values === undefined ? {} : { values, restricted: set?.restricted ?? false }),
    unique: metadata.unique === true,
    external: metadata.externalId === true,
    custom: true,
    hidden: true,
  }
}

/** One field, in the words of `GET /sobjects/{name}/describe`. */
export function describeField(field: Field): object {
  const { name, type, length, createable, updateable, required, values = [] } = field
  return {
    name,
    label: name.replace(/__c$/, '').replaceAll('_', ' '),
    type,
    length,
    createable,
    updateable,
    nillable: !required && type !== 'boolean' && type !== 'id',
    defaultedOnCreate: field.default !== undefined || name === 'OwnerId',
    defaultValue: null,
    externalId: field.external ?? false,
    unique: field.unique ?? false,
    idLookup: name === 'Id' || (field.external ?? false),
    caseSensitive: false,
    custom: field.custom ?? false,
    calculated: false,
    compoundFieldName: null,
    restrictedPicklist: field.restricted ?? false,
    picklistValues: values.map((value) => ({ active: true, defaultValue: false, label: value, validFor: null, value })),
    referenceTo: field.reference ?? [],
    relationshipName: field.relationship ?? null,
    polymorphicForeignKey: (field.reference?.length ?? 0) > 1,
  }
}

export const isClosedStage = (stage: unknown) => String(stage).startsWith('Closed')
export { STAGES }
