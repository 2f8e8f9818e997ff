import { quoteIdentifier as id, quoteLiteral } from '../pipeline/table.ts'
import type { Scorecard } from './card.ts'
import type { Source } from './source.ts'

/** Of every sum there are three: as it is, and the lowest and highest it could be if what is unknown were known. */
export const BOUNDS = ['', ' low', ' high'] as const
export type Bound = (typeof BOUNDS)[number]

/** The parts of the score, in the order of their first cards. */
export function partsOf(cards: readonly Scorecard[]): string[] {
  return [...new Set(cards.map(({ part }) => part))]
}

/** Where a card scores: in its segments, or in all that no other card of its part names. Undefined: everywhere. */
export function activeSql({ name, part, segments }: Scorecard, cards: readonly Scorecard[]): string | undefined {
  const inSegments = (values: readonly string[]) =>
    `coalesce("segment" in (${values.map((value) => quoteLiteral(value)).join(', ')}), false)`
  if (segments.length > 0) return inSegments(segments)
  const others = cards.filter((other) => other.part === part && other.name !== name).flatMap((other) => other.segments)
  return others.length === 0 ? undefined : `not ${inSegments(others)}`
}

/** A part is the sum of its cards: those that do not score a lead are 0. */
export function partSql(part: string, cards: readonly Scorecard[], bound: Bound): string {
  return cards
    .filter((card) => card.part === part)
    .map((card) => id(card.name + bound))
    .join(' + ')
}

/** One card of a part for the leads that no other card of it names, and none that two of them name. */
export function checkParts(cards: readonly Scorecard[]): void {
  for (const part of partsOf(cards)) {
    const own = cards.filter((card) => card.part === part)
    const general = own.filter(({ segments }) => segments.length === 0)
    const [first, ...more] = general
    if (first === undefined) {
      const hint = 'Take `segment` out of one of them, or write a card for all others.'
      own[0]!.source.problem(
        ['segment'],
        `no card of part '${part}' scores the leads that are in none of its segments`,
        hint,
      )
    }
    for (const card of more) {
      const hint = `Give it a segment; ${first!.name} scores all others.`
      problemOf(card, `'${card.name}' and '${first!.name}' both score every lead of part '${part}'`, hint)
    }
    const taken = new Map<string, string>()
    for (const card of own) {
      for (const [index, segment] of card.segments.entries()) {
        const other = taken.get(segment)
        if (other === undefined) taken.set(segment, card.name)
        else if (other !== card.name)
          card.source.problem(['segment', index], `segment '${segment}' is scored by '${other}' already`)
      }
    }
  }
}

function problemOf({ source, card }: { source: Source; card: Scorecard['card'] }, message: string, hint: string): void {
  source.problem([card.part === undefined ? 'score' : 'part'], message, hint)
}
