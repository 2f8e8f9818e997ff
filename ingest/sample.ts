/** The chance of one entity: the same for the same name, whatever else is drawn. */
export interface Dice {
  /** In [0, 1). */
  next(): number
  /** Both ends included. */
  int(low: number, high: number): number
  pick<T>(items: readonly T[]): T
}

export type Sample = Record<string, unknown>

/** mulberry32, seeded with the FNV-1a hash of who it is for, so that no row depends on another or on their order. */
export function diceOf(who: string): Dice {
  let state = 2166136261
  for (let at = 0; at < who.length; at++) state = Math.imul(state ^ who.charCodeAt(at), 16777619)
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  return { next, int, pick: (items) => items[int(0, items.length - 1)]! }
}

/**
 * Sample data from a recipe (column → how its value is made), in the order of the columns, each with what is known by
 * then. How a value is made: text is itself, `{name}` in it a known value, `{name|filter}` what a filter (or the
 * numbered part of `a: b: c`) makes of it, and a lone `{name}` keeps its type; a list is one of its items; `{ share, of,
 * else }` is `of` that often; `{ word }` is one of a comma list, `{ some }` a few of it; `{ int: [low, high] }` a
 * number; `{ days_before: [low, high] }` a date so many days before 2026, `{ days_ago }` before the known `month`.
 */
export function sampleOf(recipe: object, known: Sample, dice: Dice): Sample {
  const all = { ...known }
  const made: Sample = {}
  for (const [column, how] of Object.entries(recipe)) {
    made[column] = make(how, all, dice)
    all[column] = made[column]
  }
  return made
}

function make(how: unknown, known: Sample, dice: Dice): unknown {
  if (Array.isArray(how)) return make(dice.pick(how), known, dice)
  if (typeof how === 'string') return fill(how, known, dice)
  if (how === null || typeof how !== 'object') return how ?? null
  if ('share' in how) {
    const { share, of, else: other } = how as { share: number; of: unknown; else?: unknown }
    return make(dice.next() < share ? of : other, known, dice)
  }
  const [[kind, given]] = Object.entries(how) as [[string, unknown]]
  if (kind === 'word' || kind === 'some') {
    const words = String(make(given, known, dice)).split(', ')
    return kind === 'word'
      ? dice.pick(words)
      : words.filter(() => dice.next() < SOME).map((word) => word.split(': ')[0])
  }
  const number = dice.int(...(given as [number, number]))
  return kind === 'int' ? number : daysBefore(kind === 'days_ago' ? String(known.month) : EPOCH, number)
}

const SOME = 0.15
const EPOCH = '2026-01'
const DAY_MS = 86_400_000

function daysBefore(month: string, days: number): string {
  return new Date(Date.parse(`${month}-01`) - days * DAY_MS).toISOString().slice(0, 10)
}

function fill(text: string, known: Sample, dice: Dice): unknown {
  const alone = /^\{(\w+)\}$/.exec(text)?.[1]
  if (alone !== undefined) return known[alone] ?? null
  return text.replaceAll(/\{(\w+)(?:\|(\w+))?\}/g, (_, name: string, filter: string | undefined) => {
    const value = String(name === 'two_digits' ? dice.int(10, 99) : known[name])
    return filter === undefined ? value : (filters[filter]?.(value) ?? value.split(': ')[Number(filter) - 1] ?? '')
  })
}

const ascii = (text: string) => text.normalize('NFD').replaceAll(/[^\w .&-]/g, '')
const filters: Record<string, (text: string) => string> = {
  upper: (text) => ascii(text).toUpperCase(),
  slug: (text) => ascii(text).toLowerCase().replaceAll(/\W+/g, '-').replace(/-$/, ''),
  user: (text) =>
    ascii(text)
      .toLowerCase()
      .replace(/ (.* )?/, '.'),
  cnpj: (text) => text.replace(/(..)(...)(...)(....)(..)/, '$1.$2.$3/$4-$5'),
}
