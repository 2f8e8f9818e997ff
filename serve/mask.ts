import type { User } from './users.ts'

/** How a column with personal data is shown to who may not see it; null: not at all. */
const MASKED: Record<string, (value: string) => string | null> = {
  email: (value) => value.replace(/^(.).*(@.*)$/, '$1***$2'),
  address: (value) => (value.includes('@') ? value.replace(/^(.).*(@.*)$/, '$1***$2') : null),
  full_name: initials,
  first_name: initials,
  last_name: initials,
  phone: (value) => `***${value.slice(-2)}`,
  ...Object.fromEntries(
    [
      'linkedin_url',
      'subject',
      'body',
      'deal_brief',
      'sentence',
      'evidence',
      'because',
      'approved_by',
      'url',
      'by',
      'note',
      'token',
      'response',
      'question',
    ].map((name) => [name, () => null]),
  ),
}

function initials(name: string): string {
  return name
    .split(/\s+/)
    .map((word) => `${[...word][0] ?? ''}.`)
    .join(' ')
}

/** What is told of a column of this name in an order or a cursor is told of the person, too. */
export function isPersonal(column: string): boolean {
  return column in MASKED
}

/** The same rows, without personal data for who may not see it. */
export function masked<T>(user: User, value: T): T {
  return user.sees_people ? value : (hide(value) as T)
}

function hide(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hide)
  // An address inside other words, as in what a CRM says of a row.
  if (typeof value === 'string')
    return value.replaceAll(/[^\s<>"'(),;:@]+(@[^\s<>"'(),;:@]+\.[^\s<>"'(),;:@]+)/g, '***$1')
  if (typeof value !== 'object' || value === null) return value
  const row = value as Record<string, unknown>
  // What somebody did: of whom, to whom, in which words.
  if ('waits_for' in row) return { ...row, by: null, body: {} }
  // What is known of a person, value by value, names its column in a field of its own.
  if (row.entity === 'contact' || (typeof row.field === 'string' && isPersonal(row.field)))
    return { ...row, value: null, ...('believed_value' in row ? { believed_value: null } : {}) }
  return Object.fromEntries(
    Object.entries(row).map(([name, inner]) => {
      const mask = MASKED[name]
      return [name, mask !== undefined && typeof inner === 'string' ? mask(inner) : hide(inner)]
    }),
  )
}

/** Is a column of this name hidden, or shown in part, from who may not see people? */
export function isMasked(column: string): boolean {
  return MASKED[column] !== undefined
}
