import type { Subject } from './fields.ts'
import { gathered } from './paging.ts'

/** `example.com` of a URL, an address or a domain, without `www.`; undefined where there is none. */
export function hostOf(text: string | null | undefined): string | undefined {
  const [, host] =
    /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^/@]*@)?(?:www\.)?([^/:?#@\s]+\.[^/:?#@\s.]{2,})/i.exec(text?.trim() ?? '') ?? []
  return host?.toLowerCase()
}

/** `in/some-one`, `company/some-firm`: what tells one LinkedIn page from another. */
export function linkedinPath(url: string | null | undefined): string | undefined {
  return /linkedin\.com\/((?:in|pub|company|school|showcase)\/[^/?#\s]+)/i.exec(url ?? '')?.[1]?.toLowerCase()
}

/** Words without accents, capitals and punctuation, of any script. */
export function plainWords(text: string | null | undefined): string {
  const bare = (text ?? '').normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
  return bare.replace(/[^\p{L}\p{N}]+/gu, ' ').trim()
}

/** Whether a whole name may be the one of which a vendor shows a part: `Silva` and `Si***a`. */
export function mayBe(name: string, masked: string): boolean {
  const [begins = '', ...rest] = masked.split(/\*+/)
  if (rest.length === 0) return plainWords(name) === plainWords(masked)
  const [words, from, to] = [plainWords(name), plainWords(begins), plainWords(rest.at(-1))]
  return words.length >= from.length + to.length && words.startsWith(from) && words.endsWith(to)
}

/** `BR` → `Brazil`; a code that names no country stays as it is. */
export function countryName(code: string): string {
  return new Intl.DisplayNames('en', { type: 'region', fallback: 'code' }).of(code) ?? code
}

/** What a vendor is told of a person, so that it knows who is meant. */
export type Identity = Partial<Record<'id' | 'linkedin_url' | 'email' | 'name' | 'domain', string>>

/**
 * Whether a row is about the person that was asked about, by the strongest of what was said: answers may come in another
 * order, or be fewer than the questions. A name counts only together with the domain of the `organization`.
 */
export function isMeant({ id, linkedin_url, email, name, domain }: Identity, row: Record<string, unknown>): boolean {
  if (id !== undefined) return row.id === id
  if (linkedin_url !== undefined) return linkedinPath(String(row.linkedin_url)) === linkedinPath(linkedin_url)
  if (email !== undefined) return String(row.email).toLowerCase() === email.toLowerCase()
  const { primary_domain, website_url } = (row.organization ?? {}) as Record<string, string | null | undefined>
  const host = hostOf(primary_domain ?? website_url)
  return isNamed(row.name, name) && host !== undefined && host === hostOf(domain)
}

/** The same first and last name, whatever stands between them. */
function isNamed(one: unknown, other: string | undefined): boolean {
  const ends = (name: unknown) => plainWords(String(name)).replace(/ .* /u, ' ')
  return ends(one) === ends(other)
}

/** Null for what vendors show in place of an address that has not been paid for. What is no text stays what it is. */
export function unmasked(email: unknown): unknown {
  const masked = typeof email === 'string' && /not_unlocked|@domain\.com$|\*/i.test(email)
  return masked ? null : (email ?? null)
}

/**
 * Asks about people, all in one question, and says of each row whom it is about. They are told to the vendor by its own key,
 * LinkedIn page, address, or by name and domain. For the last, its free list is looked at first, where last names are masked
 * (`Si***a`) and `has_email` may be false. Whom it is of no use to ask about is not asked about.
 */
export async function rowsMeant(
  subjects: readonly Subject[],
  listed: (full_name: string, domain: string) => Promise<Record<string, unknown>[]>,
  ask: (who: Identity[]) => Promise<Record<string, unknown>[]>,
): Promise<Record<string, unknown>[]> {
  const meant = await gathered(subjects, async (subject) => {
    const who = await identityOf(subject, listed)
    return who === undefined ? undefined : { subject_id: subject.subject_id, who }
  })
  const rows = meant.length === 0 ? [] : await ask(meant.map(({ who }) => who))
  return meant.flatMap(({ subject_id, who }) => {
    const own = rows.find((row) => isMeant(who, row))
    return own === undefined ? [] : [{ subject_id, ...own }]
  })
}

async function identityOf(
  { own_key, linkedin_url, email, full_name, domain }: Subject,
  listed: (full_name: string, domain: string) => Promise<Record<string, unknown>[]>,
): Promise<Identity | undefined> {
  if (own_key !== undefined) return { id: own_key }
  if (linkedin_url !== null) return { linkedin_url }
  if (email !== null) return { email }
  if (full_name === null || domain === null) return undefined
  const [first, ...rest] = full_name.trim().split(/\s+/)
  const alike = (await listed(full_name, domain)).filter(
    ({ first_name, last_name_obfuscated }) =>
      plainWords(String(first_name)) === plainWords(first) &&
      rest.some((_, at) => mayBe(rest.slice(at).join(' '), String(last_name_obfuscated))),
  )
  const [only] = alike
  if (alike.length !== 1) return { name: full_name, domain }
  return only!.has_email === false ? undefined : { id: String(only!.id) }
}
