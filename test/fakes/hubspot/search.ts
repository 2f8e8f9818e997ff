import { badRequest } from './answers.ts'
import { shown } from './objects.ts'
import { DEFAULT_PROPERTIES } from './schema.ts'
import type { Rec, Store } from './store.ts'

interface Filter {
  propertyName?: string
  operator?: string
  value?: string
  highValue?: string
  values?: string[]
}

interface Query {
  filterGroups?: { filters?: Filter[] }[]
  properties?: string[]
  sorts?: { propertyName?: string; direction?: string }[]
  limit?: number
  after?: string
  query?: string
}

const MOST_RESULTS = 10_000

/** `POST …/search`, over what the index knows by now. */
export function search(store: Store, object: string, body: unknown, text: string): unknown {
  const { filterGroups = [], properties, sorts = [], limit = 10, after = '0' } = (body ?? {}) as Query
  if (text.length > 3_000) throw badRequest('The request body is longer than 3000 characters')
  if (filterGroups.length > 5) throw badRequest('Too many filter groups: at most 5')
  const filters = filterGroups.flatMap((group) => group.filters ?? [])
  if (filters.length > 18 || filterGroups.some((group) => (group.filters ?? []).length > 6)) {
    throw badRequest('Too many filters: at most 6 in a group and 18 in all')
  }
  if (limit > 200) throw badRequest('limit must be at most 200')
  if (sorts.length > 1) throw badRequest('only one sort is allowed')
  if (!/^\d+$/.test(after)) throw badRequest('after must be an integer')
  for (const filter of filters) checkFilter(store, object, filter)
  const from = Number(after)
  if (from + limit > MOST_RESULTS && from >= MOST_RESULTS) throw badRequest('Only the first 10000 results can be had')
  const found = [...store.index(object)].filter(
    (rec) =>
      filterGroups.length === 0 ||
      filterGroups.some(({ filters = [] }) => filters.every((f) => matches(store, rec, f))),
  )
  const [sort] = sorts
  const by = sort?.propertyName ?? 'hs_object_id'
  const sign = sort?.direction === 'DESCENDING' ? -1 : 1
  found.sort((a, b) => sign * compare(a.properties[by] ?? '', b.properties[by] ?? '') || compare(a.id, b.id))
  const page = found.slice(from, Math.min(from + limit, MOST_RESULTS))
  const next = from + limit
  const more = next < found.length
  const wanted = [...(DEFAULT_PROPERTIES[object] ?? []), ...(properties ?? [])]
  const results = page.map((rec) => shown(rec, wanted))
  return {
    total: found.length,
    results,
    ...(more ? { paging: { next: { after: String(next), link: `?after=${next}` } } } : {}),
  }
}

const OPERATORS = new Set(
  'EQ NEQ LT LTE GT GTE BETWEEN IN NOT_IN HAS_PROPERTY NOT_HAS_PROPERTY CONTAINS_TOKEN NOT_CONTAINS_TOKEN'.split(' '),
)

function checkFilter(store: Store, object: string, { propertyName = '', operator = '', values }: Filter): void {
  if (!OPERATORS.has(operator)) throw badRequest(`Invalid operator ${operator}`)
  const isPseudo = propertyName.startsWith('associations.')
  const property = store.properties.get(object)!.get(propertyName)
  if (!isPseudo && property === undefined)
    throw badRequest(`There was a problem with the request: property ${propertyName} does not exist`)
  if (operator !== 'IN' && operator !== 'NOT_IN') return
  if (!Array.isArray(values) || values.length === 0) throw badRequest(`${operator} needs values`)
  if (property?.type === 'string' && values.some((value) => value !== value.toLowerCase())) {
    throw badRequest('values of IN must be lower-case')
  }
}

function matches(
  store: Store,
  rec: Rec,
  { propertyName = '', operator = '', value = '', highValue = '', values = [] }: Filter,
): boolean {
  if (propertyName.startsWith('associations.')) {
    const object = `${propertyName.slice('associations.'.length)}s`.replace(/ys$/, 'ies').replace(/ss$/, 's')
    const ids = store.linked(rec, object).map(([other]) => other.id)
    return operator === 'EQ' ? ids.includes(value) : values.some((each) => ids.includes(each))
  }
  const held = rec.properties[propertyName]
  const lower = held?.toLowerCase()
  switch (operator) {
    case 'HAS_PROPERTY':
      return held !== undefined
    case 'NOT_HAS_PROPERTY':
      return held === undefined
    case 'EQ':
      return lower === value.toLowerCase()
    case 'NEQ':
      return held !== undefined && lower !== value.toLowerCase()
    case 'IN':
      return lower !== undefined && values.map((each) => each.toLowerCase()).includes(lower)
    case 'NOT_IN':
      return lower !== undefined && !values.map((each) => each.toLowerCase()).includes(lower)
    case 'CONTAINS_TOKEN':
    case 'NOT_CONTAINS_TOKEN': {
      const has = lower?.split(/[^a-z0-9@.]+/).includes(value.replaceAll('*', '').toLowerCase()) ?? false
      return has === (operator === 'CONTAINS_TOKEN')
    }
    default: {
      if (held === undefined) return false
      const order = compare(held, value)
      if (operator === 'LT') return order < 0
      if (operator === 'LTE') return order <= 0
      if (operator === 'GT') return order > 0
      if (operator === 'GTE') return order >= 0
      return order >= 0 && compare(held, highValue) <= 0
    }
  }
}

/** Instants as instants however they are written, numbers as numbers, all else as text. */
function compare(a: string, b: string): number {
  const [x, y] = [measure(a), measure(b)]
  if (x !== undefined && y !== undefined) return x - y
  return a < b ? -1 : a > b ? 1 : 0
}

function measure(text: string): number | undefined {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  if (/^\d{4}-\d\d-\d\d/.test(text)) return Date.parse(text)
  return undefined
}
