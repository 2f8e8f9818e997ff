import { COUNTRIES } from './countries.ts'
import type { Address } from './letter.ts'

/** On what ground a sequence writes to people, as its file says. */
export interface Ground {
  /** `consent`: its audience holds only people who agreed to be written to. */
  legal_basis?: 'legitimate_interest' | 'consent'
  /** How our interest was weighed against theirs: LGPD art. 10, GDPR art. 6(1)(f). */
  balancing_note?: string
}

/** Why the law of the lead's country is against a first mail on this ground. A person who writes by hand decides alone. */
export function refusesLaw(country: string | null, address: Address, ground: Ground): string | undefined {
  if (address !== 'email') return undefined
  if (ground.legal_basis === 'consent') return undefined
  if (country === null || country.trim() === '') return 'country_unknown'
  const known = COUNTRIES[country]
  if (known === undefined) return `no_rule_for_country: ${country}`
  if (known.mail === 'consent') return `consent_required: ${country}`
  if (known.mail === 'legitimate_interest' && !ground.balancing_note?.trim()) return `no_balancing_note: ${country}`
  return undefined
}
