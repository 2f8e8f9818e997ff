import { canonical } from './diff.ts'
import type { CrmProperty, Json } from './records.ts'

/**
 * A value of ours in the form that the property wants (`CrmProperty.type`), so that what is written reads back equal; null
 * when it has none there: text that is no number.
 */
export function inForm(value: Json, type: CrmProperty['type'], ownerIds: ReadonlyMap<string, string>): Json {
  if (value === null || value === '') return null
  switch (type) {
    case 'number':
      return Number.isFinite(Number(value)) && typeof value !== 'boolean' ? Number(value) : null
    case 'boolean':
      return typeof value === 'boolean' ? value : value === 'true' ? true : value === 'false' ? false : null
    case 'date':
      return /^\d{4}-\d{2}-\d{2}/.exec(textOf(value))?.[0] ?? null
    case 'datetime':
      return instantOf(textOf(value))
    case 'options':
      return (Array.isArray(value) ? value : [value]).map(textOf).sort()
    case 'owner':
      return ownerIds.get(textOf(value).toLowerCase()) ?? null
    case 'text':
    case 'option':
    case 'reference':
      return textOf(value)
    case 'other':
      return value
  }
}

function textOf(value: Json): string {
  if (Array.isArray(value))
    return value
      .filter((each) => each !== null)
      .map(textOf)
      .join('; ')
  return typeof value === 'object' && value !== null ? canonical(value) : String(value)
}

/** DuckDB's timestamps are UTC, whatever they look like. */
function instantOf(text: string): string | null {
  const parts = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}:\d{2})(\.\d+)?)?(Z|\+00(?::?00)?)?$/.exec(text)
  if (parts === null) return null
  const milliseconds = (parts[3] ?? '.').slice(1, 4).padEnd(3, '0')
  return `${parts[1]}T${parts[2] ?? '00:00:00'}.${milliseconds}Z`
}
