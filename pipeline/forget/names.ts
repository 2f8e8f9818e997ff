import { quoteIdentifier, quoteLiteral } from '../table.ts'

/**
 * What of a row tells whose it is: SQL over its columns, by kind of name. A row that bears a name of who is forgotten goes
 * with them; a row of a table that says nothing stays, and loses what in it names them.
 */
export interface About {
  /** The key under which its source knows the company or person, as `identity.aliases` has it. */
  record?: string
  /** Of `record`: SQL of the source that knows it; the table's own unless said. */
  source?: string
  email?: string
  /** Address of a person's page on LinkedIn. */
  profile?: string
  /** Of a company. */
  domain?: string
  /** CNPJ, or its first 8 characters. */
  cnpj?: string
  /** Ids that its rows bring along: a row of another table that has one in a column is theirs, too. NULL: none. */
  brings?: readonly string[]
  /** Rows stay whosever they are (money, counts); these columns, where they name who is forgotten, are emptied. */
  empties?: readonly string[]
}

/** All that is known of who is to be forgotten, in one spelling. */
export interface Names {
  /** Ids of ours (`con_…`, `lead_…`, `cmp_…`, of messages, calls, …): they stand in a column of their own. */
  ids: Set<string>
  /** `source/key`. */
  records: Set<string>
  emails: Set<string>
  profiles: Set<string>
  domains: Set<string>
  cnpj_roots: Set<string>
  /** As they are spelled; compared without capitals and accents. */
  words: Set<string>
}

export function noNames(): Names {
  const set = () => new Set<string>()
  return {
    ids: set(),
    records: set(),
    emails: set(),
    profiles: set(),
    domains: set(),
    cnpj_roots: set(),
    words: set(),
  }
}

/** How a name of each kind is spelled, in SQL and in JavaScript alike. */
export const SPELLINGS = {
  email: {
    sql: (column: string) => `regexp_replace(lower(trim(${column})), '[+][^@]*@', '@')`,
    js: (text: string) =>
      text
        .trim()
        .toLowerCase()
        .replace(/\+[^@]*(?=@)/, ''),
  },
  profile: {
    sql: (column: string) => String.raw`regexp_extract(lower(${column}), 'linkedin\.com/((?:in|pub)/[^/?#\s]+)', 1)`,
    js: (text: string) => /linkedin\.com\/((?:in|pub)\/[^/?#\s]+)/.exec(text.toLowerCase())?.[1] ?? '',
  },
  domain: { sql: (column: string) => `lower(trim(${column}))`, js: (text: string) => text.trim().toLowerCase() },
  cnpj: {
    sql: (column: string) => `left(regexp_replace(upper(${column}), '[^0-9A-Z]', '', 'g'), 8)`,
    js: (text: string) =>
      text
        .toUpperCase()
        .replaceAll(/[^0-9A-Z]/g, '')
        .slice(0, 8),
  },
} as const

/** Kinds of names that a row of `source` may bear, each with the SQL of its spelling. */
export function spelledIn({ about, source }: { about: About | undefined; source: string }): [NameKind, string][] {
  if (about === undefined) return []
  const { record, email, profile, domain, cnpj, source: known = quoteLiteral(source) } = about
  return [
    ...(record === undefined
      ? []
      : [['record', `${known} || '/' || cast(${record} as varchar)`] as [NameKind, string]]),
    ...(email === undefined ? [] : [['email', SPELLINGS.email.sql(email)] as [NameKind, string]]),
    ...(profile === undefined ? [] : [['profile', SPELLINGS.profile.sql(profile)] as [NameKind, string]]),
    ...(domain === undefined ? [] : [['domain', SPELLINGS.domain.sql(domain)] as [NameKind, string]]),
    ...(cnpj === undefined ? [] : [['cnpj_root', SPELLINGS.cnpj.sql(cnpj)] as [NameKind, string]]),
  ]
}

export const NAME_KINDS = ['record', 'email', 'profile', 'domain', 'cnpj_root'] as const
export type NameKind = (typeof NAME_KINDS)[number]

export function namesOfKind(names: Names, kind: NameKind): Set<string> {
  const sets = {
    record: names.records,
    email: names.emails,
    profile: names.profiles,
    domain: names.domains,
    cnpj_root: names.cnpj_roots,
  }
  return sets[kind]
}

/** A condition on the rows that are theirs; undefined where none can be. */
export function theirRows(table: Surveyed, names: Names): string | undefined {
  const spelled = spelledIn(table).flatMap(([kind, sql]) => {
    const wanted = namesOfKind(names, kind)
    return wanted.size === 0 ? [] : [`${sql} in (${listOf(wanted)})`]
  })
  const ids =
    names.ids.size === 0
      ? []
      : table.columns
          .filter(({ type }) => type === 'VARCHAR')
          .map(({ name }) => `${quoteIdentifier(name)} in (${listOf(names.ids)})`)
  const conditions = [...spelled, ...ids]
  return conditions.length === 0 ? undefined : `(coalesce(${conditions.join(', false) or coalesce(')}, false))`
}

/** A relation that may hold something of somebody. */
export interface Surveyed {
  /** As SQL names it. */
  place: string
  schema: string
  name: string
  /** Of a ledger table: whose it is. */
  source: string
  columns: readonly { name: string; type: string }[]
  about: About | undefined
  pii: readonly string[]
  /** It has no rows. */
  empty?: boolean
}

export function listOf(values: Iterable<string>): string {
  return [...values].map(quoteLiteral).join(', ')
}

/** Without capitals and accents, words parted by one blank. */
export function plainWords(text: string): string {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase().replaceAll(/\s+/g, ' ').trim()
}
