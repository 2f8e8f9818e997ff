import type { Facts, Fields, Json, Link } from '../../define.ts'
import type { Shape } from './objects.ts'

const text = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** `https://www.Acme.com/br` → `acme.com`. */
export function hostOf(website: Json | undefined): string | undefined {
  const given = text(website)?.trim()
  if (given === undefined) return undefined
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `https://${given}`
  return URL.canParse(url) ? new URL(url).hostname.toLowerCase().replace(/^www\./, '') : undefined
}

/** What the fields of a record mean. `owners`: id → e-mail address. */
export function factsOf(
  { kind }: Shape,
  fields: Fields,
  owners: ReadonlyMap<string, string>,
  cnpj_field: string,
): Facts {
  const owner = text(fields.OwnerId)
  const common: Facts = {
    name: text(fields.Name) ?? text(fields.Subject),
    ...(owner === undefined ? {} : { owner: owners.get(owner) ?? owner }),
  }
  return known({ ...common, ...ofKind(kind, fields, cnpj_field) })
}

function ofKind(kind: Shape['kind'], fields: Fields, cnpj_field: string): Facts {
  switch (kind) {
    case 'company': {
      const type = text(fields.Type) ?? ''
      const relationship = /customer/i.test(type) ? 'customer' : /competitor/i.test(type) ? 'competitor' : undefined
      const cnpj = text(fields[cnpj_field])
        ?.toUpperCase()
        .replace(/[^0-9A-Z]/g, '')
      return { domain: hostOf(fields.Website), cnpj, relationship }
    }
    case 'contact':
      return {
        email: text(fields.Email)?.toLowerCase(),
        opted_out: flag(fields.HasOptedOutOfEmail),
        converted_into: converted(fields),
      }
    case 'deal': {
      const is_closed = fields.IsClosed === true
      return {
        stage: text(fields.StageName),
        amount: typeof fields.Amount === 'number' ? fields.Amount : undefined,
        currency: text(fields.CurrencyIsoCode),
        is_closed,
        is_won: fields.IsWon === true,
        opened_at: text(fields.CreatedDate),
        closed_at: is_closed ? text(fields.CloseDate) : undefined,
      }
    }
    default: {
      const called = text(fields.CallType)
      return {
        happened_at:
          text(fields.StartDateTime) ??
          text(fields.CompletedDateTime) ??
          midnight(text(fields.ActivityDate)) ??
          text(fields.CreatedDate),
        direction: called === 'Inbound' ? 'in' : called === 'Outbound' ? 'out' : undefined,
        outcome: text(fields.CallDisposition) ?? text(fields.Status),
        is_done: typeof fields.IsClosed === 'boolean' ? fields.IsClosed : undefined,
      }
    }
  }
}

const flag = (value: Json | undefined) => (typeof value === 'boolean' ? value : undefined)

/** What a lead became, once people converted it. */
function converted(fields: Fields): readonly Link[] | undefined {
  if (fields.IsConverted !== true) return undefined
  const became = {
    contacts: 'ConvertedContactId',
    accounts: 'ConvertedAccountId',
    opportunities: 'ConvertedOpportunityId',
  }
  return Object.entries(became).flatMap(([object, field]) => {
    const crm_id = text(fields[field])
    return crm_id === undefined ? [] : [{ object, crm_id }]
  })
}

const midnight = (date: string | undefined) => (date === undefined ? undefined : `${date}T00:00:00.000Z`)

function known(facts: Facts): Facts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Facts
}
