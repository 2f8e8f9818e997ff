import { getDomain } from 'tldts'

/** `www.acme.com.br` → `acme.com.br`; null where nobody can have registered it. */
export function registrableDomain(host: string): string | null {
  return getDomain(host, { allowPrivateDomains: true })
}
