import { COMPARISONS } from './compare.ts'
import { nameBits, type Weights } from './estimate.ts'

/** One step of the waterfall: what was compared, what came out, how many bits it adds. */
export interface Evidence {
  field: string
  says: string
  bits: number
}

/** SQL: the list of all evidence of a row of `match_scored` (`s`), from the prior on; its bits sum to the row's. */
export function evidenceList(weights: Weights, row = 's'): string {
  const quote = (text: string) => `'${text.replaceAll("'", "''")}'`
  const items = COMPARISONS.map(({ field, levels }) => {
    const cases = (value: (index: number) => string) =>
      `case ${row}.${field} ${levels.map((_, index) => `when ${index} then ${value(index)}`).join(' ')} end`
    return `case when ${row}.${field} is not null then {
        'field': ${quote(field)},
        'says': ${cases((index) => quote(levels[index]!.says))},
        'bits': ${cases((index) => weights.bits[field]![index]!.toFixed(3))}::double } end`
  })
  const name = `(case ${row}.name ${weights.bits.name!.map((bits, index) => `when ${index} then ${bits.toFixed(3)}`).join(' ')} else 0 end)`
  const effect = `(${nameBits(name).replaceAll('rarity', `${row}.rarity`)} - ${name})`
  const rarity = `case when ${effect} > 0 then {'field': 'rarity', 'says': 'a rare name', 'bits': round(${effect}, 3)::double}
      when ${effect} < 0 then {'field': 'rarity', 'says': 'ordinary words', 'bits': round(${effect}, 3)::double} end`
  const detail = `case when ${row}.detail > 0 then {'field': 'detail', 'says': 'much of the address', 'bits': ${row}.detail::double}
      when ${row}.detail < 0 then {'field': 'detail', 'says': 'little of the address', 'bits': ${row}.detail::double} end`
  return `list_filter([{'field': 'prior', 'says': 'before anything is known', 'bits': ${weights.prior.toFixed(3)}::double},
      ${items.join(',\n')}, ${rarity}, ${detail}], lambda e: e is not null)`
}
