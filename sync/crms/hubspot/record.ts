import type { CrmRecord, Facts, Link } from '../../define.ts'
import type { HubspotRecord } from './answers.ts'
import { KEY, MARKED, modifiedProperty } from './objects.ts'
import type { HubspotProperty } from './shape.ts'
import { fromWire, instantOf, readMark } from './values.ts'

export interface Knowledge {
  schema: ReadonlyMap<string, HubspotProperty>
  /** Id → e-mail. */
  owners: ReadonlyMap<string, string>
}

export function toRecord(
  object: string,
  { id, properties, updatedAt }: HubspotRecord,
  { schema, owners }: Knowledge,
  links?: readonly Link[],
): CrmRecord {
  const marked = MARKED[object]
  const key = marked === undefined ? properties[KEY] : readMark(properties[marked] ?? '').record_id
  const { [KEY]: _, ...fields } = fromWire(object, properties, schema)
  return {
    crm_id: id,
    record_id: key ?? null,
    fields,
    modified_at: instantOf(properties[modifiedProperty(object)] ?? updatedAt) ?? null,
    ...(links === undefined ? {} : { links }),
    facts: factsOf(object, properties, owners),
  }
}

/** The records that were merged into this one. */
export function mergedInto({ properties }: HubspotRecord): string[] {
  return (properties.hs_merged_object_ids ?? '').split(';').filter((id) => /^\d+$/.test(id))
}

/** Read whatever the mapping maps: what these properties mean is the same in every account. */
export const TELLING = [
  ...[
    'hs_merged_object_ids',
    'hubspot_owner_id',
    'lifecyclestage',
    'email',
    'firstname',
    'lastname',
    'hs_email_optout',
  ],
  ...['name', 'domain', 'cnpj', 'hs_num_open_deals', 'dealname', 'pipeline', 'dealstage', 'amount'],
  ...[
    'deal_currency_code',
    'hs_is_closed',
    'hs_is_closed_won',
    'createdate',
    'closedate',
    'hs_timestamp',
    'hs_task_status',
  ],
  ...['hs_meeting_start_time', 'hs_meeting_outcome', 'hs_call_direction', 'hs_call_disposition', 'hs_call_status'],
  ...['hs_email_direction', 'hs_email_status'],
] as const

function factsOf(
  object: string,
  held: Readonly<Record<string, string | null>>,
  owners: ReadonlyMap<string, string>,
): Facts {
  const text = (name: (typeof TELLING)[number]) => held[name] || undefined
  const flag = (name: (typeof TELLING)[number]) => (held[name] ? held[name] === 'true' : undefined)
  const owner = text('hubspot_owner_id')
  const told: Facts = { owner: owner === undefined ? undefined : (owners.get(owner) ?? owner) }
  const amount = text('amount')
  switch (object) {
    case 'companies':
      told.name = text('name')
      told.domain = text('domain')?.toLowerCase()
      told.cnpj = text('cnpj')?.replace(/[^0-9A-Za-z]/g, '')
      if (text('lifecyclestage') === 'customer') told.relationship = 'customer'
      break
    case 'contacts':
      told.email = text('email')?.toLowerCase()
      told.name = [text('firstname'), text('lastname')].filter(Boolean).join(' ') || undefined
      told.opted_out = flag('hs_email_optout')
      break
    case 'deals':
      told.name = text('dealname')
      told.pipeline = text('pipeline')
      told.stage = text('dealstage')
      told.amount = amount === undefined ? undefined : Number(amount)
      told.currency = text('deal_currency_code')
      told.is_closed = flag('hs_is_closed')
      told.is_won = flag('hs_is_closed_won')
      told.opened_at = instantOf(text('createdate'))
      told.closed_at = told.is_closed === true ? instantOf(text('closedate')) : undefined
      break
    case 'tasks':
      told.happened_at = instantOf(text('hs_timestamp'))
      told.is_done = text('hs_task_status') === undefined ? undefined : text('hs_task_status') === 'COMPLETED'
      told.outcome = text('hs_task_status')
      break
    case 'meetings':
      told.happened_at = instantOf(text('hs_meeting_start_time') ?? text('hs_timestamp'))
      told.outcome = text('hs_meeting_outcome')
      break
    case 'emails':
      told.happened_at = instantOf(text('hs_timestamp'))
      told.direction = text('hs_email_direction') === 'INCOMING_EMAIL' ? 'in' : 'out'
      told.outcome = text('hs_email_status')
      break
    case 'calls':
      told.happened_at = instantOf(text('hs_timestamp'))
      told.direction = ({ INBOUND: 'in', OUTBOUND: 'out' } as const)[text('hs_call_direction') ?? '']
      told.outcome = text('hs_call_disposition') ?? text('hs_call_status')
      break
    default:
      told.happened_at = instantOf(text('hs_timestamp'))
  }
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined)) as Facts
}
