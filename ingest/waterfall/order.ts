import { chanceOf, drawn, type Odds } from './odds.ts'

/** A place in the waterfall of a field, with what it is expected to bring. */
export interface Place<Source> {
  source: Source
  odds: Odds
}

/** What a second of waiting is worth, in the unit of the prices: enough to prefer the faster of two that are free. */
const PER_SECOND = 0.00001

/** How much of a believable hit a unit of money buys. */
export function worthOf(chance: number, { cost, seconds }: Odds): number {
  return chance / Math.max(cost + seconds * PER_SECOND, 1e-9)
}

/**
 * Whom to ask, in which order. `fixed`: as given. `learned`: most believable hits for the money first, which is what
 * makes the first one cheapest to come by. With `next`, how good each may be is drawn by lot from what is known of it.
 */
export function orderOf<Source>(
  places: readonly Place<Source>[],
  order: 'fixed' | 'learned',
  next?: () => number,
): Place<Source>[] {
  if (order === 'fixed') return [...places]
  const worth = places.map((place) =>
    worthOf(next === undefined ? chanceOf(place.odds) : drawn(place.odds, next), place.odds),
  )
  return places
    .map((place, index) => ({ place, index, worth: worth[index]! }))
    .sort((a, b) => b.worth - a.worth || a.index - b.index)
    .map(({ place }) => place)
}

/** Whether the answers so far settle a field: so many believable ones that say the same. */
export function isSettled(answers: readonly { valid: boolean; value: string }[], agree: number): boolean {
  const same = new Map<string, number>()
  for (const { valid, value } of answers) {
    const count = (same.get(value) ?? 0) + 1
    if (valid) same.set(value, count)
    if (valid && count >= agree) return true
  }
  return false
}
