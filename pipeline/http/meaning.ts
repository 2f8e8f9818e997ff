import type { Meaning, Told } from '../http.ts'
import { tryJson } from './json.ts'
import type { Fetched } from './network.ts'

/** Statuses that a vendor means as "not now". */
const NOT_NOW = new Set([408, 425, 500, 502, 503, 504])

/** What a status says on its own, to who expects other statuses. */
export function meaningOf(status: number): Meaning {
  if (NOT_NOW.has(status)) return 'later'
  if (status === 429) return 'rate'
  if (status === 401) return 'key'
  if (status === 402) return 'quota'
  return 'refused'
}

/** The answer, as plug-ins look at it; its JSON is read once, and only if somebody wants it. */
export function toldOf({ status, headers, text }: Fetched): Told {
  let read: { data: unknown } | undefined
  return {
    status,
    headers,
    text,
    get data() {
      read ??= { data: tryJson(text) }
      return read.data
    },
  }
}

/** Announced as JSON, and none: cut short or garbled on its way. */
export function isCutShort(told: Told): boolean {
  return /\bjson\b/i.test(told.headers['content-type'] ?? '') && told.data === undefined
}
