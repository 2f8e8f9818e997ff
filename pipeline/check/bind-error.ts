import { messageOf } from '../errors.ts'

/** What DuckDB says of a statement that it cannot bind. */
export interface BindError {
  /** DuckDB's kind of error: `Binder`, `Catalog`, `Parser`, `IO`. */
  kind: string
  message: string
  /** The name that was looked for and not found. */
  name?: string
  /** What kind of thing was looked for: `Table`, `Scalar Function`; `Column` for columns. */
  wanted?: string
  /** Names that were in reach, as DuckDB lists them. */
  candidates: string[]
  /** One-based line of the SQL that was bound; absent where DuckDB does not say and the SQL does not show. */
  line?: number
}

interface Told {
  exception_type: string
  exception_message: string
  position?: string
  error_subtype?: string
  type?: string
  name?: string
  candidates?: string
}

const MOST_CANDIDATES = 8

/**
 * Reads an error of a connection on which `errors_as_json` is set. `sql` is what was bound, `prefix` what stood before it
 * in the statement, so that the line is the SQL's own.
 */
export function readBindError(error: unknown, sql: string, prefix: string): BindError {
  const text = messageOf(error)
  const told = toldBy(text)
  if (told === undefined) return { kind: 'Unknown', message: text.trim(), candidates: [] }
  const name = told.name ?? missingName(told.exception_message)
  const wanted = told.error_subtype === 'COLUMN_NOT_FOUND' ? 'Column' : told.type
  const line = lineOf(told, sql, prefix)
  return {
    kind: told.exception_type,
    message: wording(told.exception_message),
    candidates: candidatesOf(told),
    ...(name === undefined ? {} : { name }),
    ...(wanted === undefined ? (name === undefined ? {} : { wanted: 'Column' }) : { wanted }),
    ...(line === undefined ? {} : { line }),
  }
}

function toldBy(text: string): Told | undefined {
  const start = text.indexOf('{')
  if (start < 0) return undefined
  try {
    return JSON.parse(text.slice(start)) as Told
  } catch {
    return undefined
  }
}

function candidatesOf({ candidates, exception_message }: Told): string[] {
  if (candidates !== undefined) return candidates.split(',').filter((candidate) => candidate !== '')
  const listed = /Candidate (?:Entries|tables|bindings): (.*)/i.exec(exception_message)?.[1] ?? ''
  return [...listed.matchAll(/"([^"]+)"/g)].map((found) => found[1]!)
}

/** Names in messages that DuckDB does not also hand over apart from the text. */
const MISSING = [
  /^Column "([^"]+)" (?:in (?:EXCLUDE|REPLACE|RENAME) list not found|does not exist on)/,
  /^Could not find key "([^"]+)" in struct/,
  /does not have a column named "([^"]+)"/,
  /^Cannot extract field '([^']+)'/,
  /^Referenced table "([^"]+)" not found/,
]

function missingName(message: string): string | undefined {
  for (const pattern of MISSING) {
    const found = pattern.exec(message)?.[1]
    if (found !== undefined) return found
  }
  return undefined
}

/** DuckDB's words on one line; a long list of candidate functions is cut, saying so. */
function wording(message: string): string {
  const lines = message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(Did you mean|Candidate (bindings|tables|Entries):)/i.test(line))
  const list = lines.findIndex((line) => line.startsWith('Candidate functions:'))
  if (list < 0) return lines.join(' ')
  const candidates = lines.slice(list + 1)
  const shown = candidates.slice(0, MOST_CANDIDATES).join('; ')
  const more = candidates.length - MOST_CANDIDATES
  return `${lines.slice(0, list).join(' ')} Candidates: ${shown}${more > 0 ? `; and ${more} more` : ''}`
}

function lineOf(told: Told, sql: string, prefix: string): number | undefined {
  if (told.position !== undefined) {
    const statement = Buffer.from(prefix + sql)
    const before = statement.subarray(0, Number(told.position)).toString('utf8')
    return Math.min(before.split('\n').length, sql.split('\n').length)
  }
  const sought = placeWord(told.exception_message)
  if (sought === undefined) return undefined
  const at = blankNonCode(sql).search(sought)
  return at < 0 ? undefined : sql.slice(0, at).split('\n').length
}

/** What to look for in the SQL where DuckDB gives no position. */
function placeWord(message: string): RegExp | undefined {
  if (message.startsWith('Set operations')) return /\b(union|intersect|except)\b/i
  const name = missingName(message) ?? /["']([A-Za-z_]\w*)["']/.exec(message)?.[1]
  return name === undefined ? undefined : new RegExp(`(?<![\\w])${name.replaceAll(/\W/g, '\\$&')}(?![\\w])`, 'i')
}

/** The SQL with comments made blank, so that a name is found where it is used. Positions stay. */
export function blankNonCode(sql: string): string {
  return sql.replaceAll(/--[^\n]*|\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' '))
}
