import { getDomain } from 'tldts'

/** `mail.acme.com.br` → `acme.com.br`; the host itself where nobody can have registered a part of it. */
export function registrableDomain(host: string): string {
  return getDomain(host) ?? host
}
