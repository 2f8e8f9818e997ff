import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs'

/** A request as it came in and what it was answered: who judges reads these, never our own tables. */
export interface RequestEntry {
  kind: 'request'
  method: string
  path: string
  /** 0: no answer went out. */
  status: number
  /** Which fault was played on it; null for none. */
  fault: string | null
  /** How many were under way at once, this one included. */
  in_flight: number
}

/** Something that changed in the vendor's store. Replayed in this order, the entries are the store. */
export interface ApplyEntry {
  kind: 'apply'
  /** `create`, `update`, `archive`, `merge`, `associate` ... */
  act: string
  object: string
  /** The vendor's own id of the record. */
  id: string
  /** Our key, as it is stamped on the record; null on what others made. */
  key: string | null
  /** What the caller gave to know its write by; null if nothing. */
  trace: string | null
  /** Who did it: a person at the vendor's screen (`/seed`, tests) or a request. */
  by: 'api' | 'person'
  /** What was written. */
  fields: Record<string, unknown>
}

/** The caller broke a rule that it could have kept: the fake asserts. */
export interface BreachEntry {
  kind: 'breach'
  /** `ten_secondly`, `search_secondly`, `daily`, `after_daily`, `concurrency` ... */
  rule: string
  text: string
}

export type Entry = RequestEntry | ApplyEntry | BreachEntry
/** `at`: milliseconds since 1970, by the fake's clock. */
export type Journalled<E extends Entry = Entry> = E & { n: number; at: number }

/** Append-only. With a file it survives the process, however that ends. */
export interface Journal {
  add<E extends Entry>(entry: E): Journalled<E>
  entries(): readonly Journalled[]
  requests(): Journalled<RequestEntry>[]
  applies(): Journalled<ApplyEntry>[]
  breaches(): Journalled<BreachEntry>[]
}

export function openJournal(now: () => number, file?: string): Journal {
  const entries: Journalled[] = file !== undefined && existsSync(file) ? readWhole(file) : []
  const of = (kind: Entry['kind']) => entries.filter((entry) => entry.kind === kind)
  return {
    add<E extends Entry>(entry: E) {
      const line: Journalled<E> = { n: entries.length + 1, at: now(), ...entry }
      if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`)
      entries.push(line as Journalled)
      return line
    },
    entries: () => entries,
    requests: () => of('request') as Journalled<RequestEntry>[],
    applies: () => of('apply') as Journalled<ApplyEntry>[],
    breaches: () => of('breach') as Journalled<BreachEntry>[],
  }
}

/** A line that a kill cut short was never answered: it is cut off, so that the next one begins on a line of its own. */
function readWhole(file: string): Journalled[] {
  const bytes = readFileSync(file)
  const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1)
  if (whole.length < bytes.length) truncateSync(file, whole.length)
  const lines = whole.toString('utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Journalled)
}
