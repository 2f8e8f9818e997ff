import type { Fields, Json } from './records.ts'

/**
 * Who may write a field, once the record exists; on a record we create, every field but `never` is written.
 * - `always`: ours wins, whoever changed it
 * - `if_empty`: fills what is empty and keeps up to date what we wrote, as long as nobody else touched it
 * - `on_create`: theirs from then on
 * - `never`: mapped, not written
 */
export type Write = 'always' | 'if_empty' | 'on_create' | 'never'

export interface FieldRule {
  /** The CRM's property. */
  to: string
  write: Write
}

/** One record, three ways. */
export interface Sides {
  ours: Fields
  /** What the CRM holds; undefined when it has no such record. */
  theirs: Fields | undefined
  /** What we last wrote, field by field, as far as we know it arrived. */
  written: Fields
  /** What we were writing when we last lost touch; null when every outcome is known. */
  intended: Intent | null
  /** We had made it, and somebody deleted it. */
  deleted: boolean
  /** What a person said of a field that both changed. */
  decided?(to: string): 'ours' | 'theirs' | undefined
}

/** A write whose answer is not known. */
export interface Intent {
  /** What those fields held; null when there was no record. */
  before: Fields | null
  fields: Fields
}

export interface Conflict {
  to: string
  ours: Json
  theirs: Json
  last: Json
}

export interface Diff {
  operation: 'create' | 'update' | 'unchanged' | 'archive'
  /** What to write, in the order of the rules. Empty when unchanged. */
  fields: Fields
  /** Fields that somebody changed since we wrote them and that differ from ours; not written unless `always`. */
  conflicts: Conflict[]
  /** What we wrote last, once what was being written is accounted for. */
  written: Fields
}

/**
 * The three-way comparison of one record: last written by us, ours now, theirs now. Null never overwrites; a field that
 * somebody changed since our last write is left alone unless its rule says `always`; a record somebody deleted is not
 * made again.
 */
export function diffRecord(rules: readonly FieldRule[], sides: Sides): Diff {
  const { ours, theirs, intended, deleted, decided } = sides
  const written = accountFor(sides)
  if (deleted) return { operation: 'unchanged', fields: {}, conflicts: [], written }
  if (theirs === undefined) {
    const fields = pick(rules, ({ to, write }) => (write === 'never' ? null : (ours[to] ?? null)))
    return { operation: 'create', fields, conflicts: [], written: {} }
  }
  const conflicts: Conflict[] = []
  const fields = pick(rules, ({ to, write }) => {
    const [our, their, last] = [ours[to] ?? null, theirs[to] ?? null, written[to] ?? null]
    if (our === null || write === 'never' || write === 'on_create') return null
    if (same(our, their)) return isUnknown(to, our, sides) ? our : null
    const touched = last !== null && !same(their, last)
    const word = touched && write !== 'always' ? decided?.(to) : undefined
    if (touched && word === undefined) conflicts.push({ to, ours: our, theirs: their, last })
    if (write === 'always' || word === 'ours') return our
    return touched || !(isEmpty(their) || same(their, last)) ? null : our
  })
  const operation = Object.keys(fields).length > 0 || intended !== null ? 'update' : 'unchanged'
  return { operation, fields, conflicts, written }
}

/**
 * A lost write arrived whole or not at all: it did when the record it was to make is there, or when some field shows
 * what it was changed to; then all of it is ours, and what differs was changed since. A field that shows neither what
 * it held nor what we wrote was changed by somebody: it counts as written too, so that it is left alone.
 */
export function accountFor({ theirs, written, intended }: Pick<Sides, 'theirs' | 'written' | 'intended'>): Fields {
  if (intended === null || theirs === undefined) return written
  const { before, fields } = intended
  const held = (to: string) => same(theirs[to] ?? null, before?.[to] ?? null)
  const changes = Object.entries(fields)
  const arrived = before === null || changes.some(([to, value]) => same(theirs[to] ?? null, value) && !held(to))
  return { ...written, ...Object.fromEntries(changes.filter(([to]) => arrived || !held(to))) }
}

/** Sent again although the CRM shows it already: its answer was lost, and the same value does no harm. */
function isUnknown(to: string, our: Json, { intended }: Sides): boolean {
  return intended !== null && same(intended.fields[to] ?? null, our)
}

function pick(rules: readonly FieldRule[], value: (rule: FieldRule) => Json): Fields {
  const fields: Fields = {}
  for (const rule of rules) {
    const chosen = value(rule)
    if (chosen !== null) fields[rule.to] = chosen
  }
  return fields
}

function isEmpty(value: Json): boolean {
  return value === null || value === '' || (Array.isArray(value) && value.length === 0)
}

export function same(a: Json, b: Json): boolean {
  return canonical(a) === canonical(b)
}

/** JSON with keys in order, so that equal values are equal text. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const keys = Object.keys(value).sort()
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`).join(',')}}`
}
