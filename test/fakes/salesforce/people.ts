import type { Rec, Store } from './store.ts'

/** What people do in their org, on its screens. */
export function peopleOf(store: Store, user: string) {
  const write = (object: string, fields: Record<string, unknown>) => ({ object, fields, by: 'person' as const, user })
  return {
    make: (object: string, fields: Record<string, unknown>): Rec => store.create(write(object, fields)),
    edit: (object: string, id: string, fields: Record<string, unknown>): Rec => store.update(id, write(object, fields)),
    remove: (object: string, id: string): void => store.delete(object, id, 'person'),
    /** The master stays; what hung on the others hangs on it. */
    merge(object: string, master: string, others: readonly string[]): void {
      for (const id of others) {
        for (const [child, field] of [
          ['Contact', 'AccountId'],
          ['Opportunity', 'AccountId'],
          ['OpportunityContactRole', 'ContactId'],
          ['Task', 'WhatId'],
          ['Task', 'WhoId'],
        ] as const) {
          for (const record of store.all(child))
            if (record[field] === id) store.update(record.Id, write(child, { [field]: master }))
        }
        store.delete(object, id, 'person', master)
      }
      store.update(master, write(object, {}))
    },
    /** Answers the contact that the lead became. */
    convert(lead: string): Rec {
      const { Company, LastName, FirstName, Email, Title } = store.get('Lead', lead)!
      const account = store.create(write('Account', { Name: Company }))
      const person = { LastName, FirstName, Email, Title, AccountId: account.Id }
      const contact = store.create(write('Contact', person))
      const deal = {
        Name: `${String(Company)}-`,
        StageName: 'Qualification',
        CloseDate: '2027-01-31',
        AccountId: account.Id,
      }
      const opportunity = store.create(write('Opportunity', deal))
      const converted = {
        IsConverted: true,
        Status: 'Closed - Converted',
        ConvertedAccountId: account.Id,
        ConvertedContactId: contact.Id,
        ConvertedOpportunityId: opportunity.Id,
      }
      store.update(lead, write('Lead', converted))
      return contact
    },
  }
}
