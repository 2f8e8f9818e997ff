import type { Rec } from './store.ts'

export interface Query {
  fields: string[]
  from: string
  where: Condition | null
  order: { field: string; down: boolean }[]
  limit: number | null
}

export type Condition =
  | { is: 'and' | 'or' | 'not'; of: Condition[] }
  | { is: 'compare'; field: string; how: string; values: unknown[] }

/** `MALFORMED_QUERY`, as an org words it. */
export class BadQuery extends Error {
  override readonly name = 'BadQuery'
}

const TOKEN =
  /\s*(?:('(?:[^'\\]|\\.)*')|(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))|(\d{4}-\d\d-\d\d)|(-?\d+(?:\.\d+)?)|([A-Za-z_][\w.]*)|(<=|>=|!=|<>|[=<>(),*]))/y

/** The part of SOQL that a sync asks: SELECT … FROM … WHERE … ORDER BY … LIMIT. */
export function readSoql(text: string): Query {
  const tokens = tokensOf(text)
  let at = 0
  const peek = () => tokens[at] ?? ''
  const isWord = (word: string) => peek().toUpperCase() === word
  const take = () => tokens[at++] ?? ''
  const skip = (word: string) => {
    if (!isWord(word)) throw new BadQuery(`unexpected token: '${peek() || '<EOF>'}', expecting '${word}'`)
    at++
  }
  const list = <T>(one: () => T): T[] => {
    const all = [one()]
    while (peek() === ',') {
      at++
      all.push(one())
    }
    return all
  }
  const condition = (): Condition => {
    const first = operand()
    const is = isWord('AND') ? 'and' : isWord('OR') ? 'or' : undefined
    if (is === undefined) return first
    const of = [first]
    while (isWord(is.toUpperCase())) {
      at++
      of.push(operand())
    }
    if (isWord('AND') || isWord('OR')) throw new BadQuery(`unexpected token: '${peek()}'`)
    return { is, of }
  }
  const operand = (): Condition => {
    if (isWord('NOT')) {
      at++
      return { is: 'not', of: [operand()] }
    }
    if (peek() === '(') {
      at++
      const inner = condition()
      skip(')')
      return inner
    }
    const field = take()
    const how = take().toUpperCase()
    if (how === 'NOT' || how === 'IN') {
      if (how === 'NOT') skip('IN')
      skip('(')
      const values = list(() => literal(take()))
      skip(')')
      return { is: 'compare', field, how: how === 'NOT' ? 'NOT IN' : 'IN', values }
    }
    if (!['=', '!=', '<>', '<', '<=', '>', '>=', 'LIKE'].includes(how)) throw new BadQuery(`unexpected token: '${how}'`)
    return { is: 'compare', field, how, values: [literal(take())] }
  }

  skip('SELECT')
  const fields = list(() => {
    const name = take()
    if (peek() !== '(') return name
    at++
    const inner = peek() === ')' ? '' : take()
    skip(')')
    return `${name.toUpperCase()}(${inner.toUpperCase()})`
  })
  skip('FROM')
  const from = take()
  let where: Condition | null = null
  if (isWord('WHERE')) {
    at++
    where = condition()
  }
  let order: Query['order'] = []
  if (isWord('ORDER')) {
    at++
    skip('BY')
    order = list(() => {
      const field = take()
      const down = isWord('DESC')
      if (down || isWord('ASC')) at++
      return { field, down }
    })
  }
  let limit: number | null = null
  if (isWord('LIMIT')) {
    at++
    limit = Number(take())
  }
  if (at < tokens.length) throw new BadQuery(`unexpected token: '${peek()}'`)
  return { fields, from, where, order, limit }
}

function tokensOf(text: string): string[] {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const from = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (match === null) throw new BadQuery(`line 1:${from} no viable alternative at character '${text[from]}'`)
    tokens.push(match[0].trim())
  }
  return tokens
}

function literal(token: string): unknown {
  if (token.startsWith("'")) return token.slice(1, -1).replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))
  if (/^(true|false)$/i.test(token)) return token.toLowerCase() === 'true'
  if (/^null$/i.test(token)) return null
  if (/^-?\d+(\.\d+)?$/.test(token)) return Number(token)
  if (/^\d{4}-/.test(token)) return token
  throw new BadQuery(`unexpected token: '${token}'`)
}

/** Every field that a query names, for whoever checks that there is such a field. */
export function namedIn({ fields, where, order }: Query): string[] {
  const inside = (condition: Condition | null): string[] =>
    condition === null ? [] : condition.is === 'compare' ? [condition.field] : condition.of.flatMap(inside)
  return [...fields, ...inside(where), ...order.map(({ field }) => field)]
}

export function holds(condition: Condition | null, value: (field: string) => unknown): boolean {
  if (condition === null) return true
  if (condition.is !== 'compare') {
    const { is, of } = condition
    if (is === 'and') return of.every((each) => holds(each, value))
    return is === 'or' ? of.some((each) => holds(each, value)) : !holds(of[0]!, value)
  }
  const [held, [wanted = null]] = [comparable(value(condition.field)), condition.values.map(comparable)]
  switch (condition.how) {
    case '=':
    case 'IN':
      return condition.values.some((each) => comparable(each) === held)
    case '!=':
    case '<>':
    case 'NOT IN':
      return !condition.values.some((each) => comparable(each) === held)
    case 'LIKE':
      return held !== null && likeness(String(condition.values[0])).test(String(held))
    default:
      if (held === null || wanted === null) return false
      if (condition.how.startsWith('<')) return held < wanted || (condition.how === '<=' && held === wanted)
      return held > wanted || (condition.how === '>=' && held === wanted)
  }
}

/** Text in lower case, since SOQL does not tell case; times as numbers. */
function comparable(value: unknown): string | number | boolean | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'number' || typeof value === 'boolean') return value
  const text = String(value)
  return /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : text.toLowerCase()
}

function likeness(pattern: string): RegExp {
  const text = pattern
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.')
  return new RegExp(`^${text}$`, 'is')
}

export function sorted(records: Rec[], order: Query['order']): Rec[] {
  if (order.length === 0) return records
  return records.toSorted((a, b) => {
    for (const { field, down } of order) {
      const [x, y] = [comparable(a[field]), comparable(b[field])]
      if (x === y) continue
      const before = x === null || (y !== null && x < y)
      return before === down ? 1 : -1
    }
    return 0
  })
}
