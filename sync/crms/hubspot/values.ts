import type { CrmRow, Fields, Json } from '../../define.ts'
import { MARKED } from './objects.ts'
import { type HubspotProperty, typeOf } from './shape.ts'

/** Everything is text on its way to HubSpot; empty text clears. */
export function toWire(
  object: string,
  { record_id, fields }: Pick<CrmRow, 'record_id' | 'fields'>,
): Record<string, string> {
  const marked = MARKED[object]
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const text = wireText(value)
      if (name === marked) return [name, withMark(text, record_id)]
      return [name, name === 'email' || name === 'domain' ? text.trim().toLowerCase() : text]
    }),
  )
}

function wireText(value: Json): string {
  if (value === null) return ''
  if (Array.isArray(value)) return value.map(wireText).join(';')
  if (typeof value === 'number') return plainNumber(value)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** HubSpot reads no exponents. */
function plainNumber(value: number): string {
  const text = String(value)
  return text.includes('e') ? value.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 20 }) : text
}

/** What has a value, in the forms that a mapping writes. */
export function fromWire(
  object: string,
  held: Readonly<Record<string, string | null>>,
  schema: ReadonlyMap<string, HubspotProperty>,
): Fields {
  const marked = MARKED[object]
  const pairs = Object.entries(held).flatMap(([name, text]): [string, Json][] => {
    if (text === null || text === '') return []
    if (name === marked) {
      const { body } = readMark(text)
      return body === '' ? [] : [[name, body]]
    }
    const property = schema.get(name)
    return [[name, property === undefined ? text : typedValue(property, text)]]
  })
  return Object.fromEntries(pairs)
}

function typedValue(property: HubspotProperty, text: string): Json {
  switch (typeOf(property)) {
    case 'number':
      return Number.isFinite(Number(text)) ? Number(text) : text
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    case 'options':
      return text.split(';').sort()
    case 'datetime':
      return instantOf(text) ?? text
    case 'date':
      return instantOf(text)?.slice(0, 10) ?? text
    default:
      return text
  }
}

/** ISO 8601 with milliseconds, or milliseconds since 1970: HubSpot gives either. */
export function instantOf(text: string | null | undefined): string | undefined {
  if (text === null || text === undefined || text === '') return undefined
  const at = /^-?\d+$/.test(text) ? new Date(Number(text)) : new Date(text)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}

const MARK = /(?:<br>)*<small>lead_engine_id: ([^<\s]+)<\/small>\s*$/

/** Bodies are HTML there and text here; our mark is their last, small line. */
export function withMark(text: string, record_id: string): string {
  const body = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replace(/\r?\n/g, '<br>')
  return `${body}${body === '' ? '' : '<br><br>'}<small>lead_engine_id: ${record_id}</small>`
}

/** The text without our mark, and whose mark it is. What people typed there stays as they did. */
export function readMark(held: string): { body: string; record_id: string | null } {
  const found = MARK.exec(held)
  const html = found === null ? held : held.slice(0, found.index)
  const body = html
    .replace(/<br\s*\/?>/g, '\n')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
  return { body, record_id: found?.[1] ?? null }
}
