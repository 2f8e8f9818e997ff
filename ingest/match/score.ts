import type { Connection } from '../../pipeline/warehouse/duckdb.ts'
import { COMPARISONS, MANY, wordsAlike } from './compare.ts'
import { nameBits, type Weights } from './estimate.ts'

/** Below this likeness of names, and with nothing else in common, a pair is not looked at further. */
const HOPELESS = 0.35

/** Addresses that share less than this to the letter are not made alike by typing errors. */
const ADDRESS_BEGUN = 0.15

/** Bits of an address that are usual, and how many more of them may count: by whose it is. */
const DETAIL = { usual: 22, most: 6, others: 2, tenants: -2 }

/** Nothing but a name, and that not the same, in a table whose records say more of themselves: that is left to people. */
const ALONE = -1
const WITNESSES = ['domain', 'phone', 'email', 'address', 'place', 'people']
  .map((field) => `${field} is not null`)
  .join(' or ')

/** Bits of the words that two lists of codes share. */
const sumOf = (list: string) => `coalesce(list_sum(list_transform(${list}, lambda c: c & 65535)), 0) / 1000.0`

/** `match_compared`: the level of every comparison of every pair of `match_candidates`, and what the name's rarity adds. */
export async function comparePairs(connection: Connection, isGiven: boolean): Promise<void> {
  await screenPairs(connection, isGiven)
  await addTypingErrors(connection, 'name', 'words', 0)
  await addTypingErrors(connection, 'address', 'a_words', ADDRESS_BEGUN)
  const [{ says_more } = { says_more: false }] = await connection.rows<{ says_more: boolean }>(`
    select coalesce(bool_or(coalesce(domain, phone, email, a_compact, place) is not null or people is not null), false) as says_more
    from match_profiles`)
  const levels = COMPARISONS.map(({ field, known, levels: steps }) => {
    const cases = steps.flatMap(({ when }, index) => (when === undefined ? [] : [`when ${when} then ${index}`]))
    return `case when not coalesce(${known}, false) then null ${cases.join(' ')} else ${steps.length - 1} end::utinyint as ${field}`
  })
  await connection.run(`
    create or replace temp table match_compared as
        with measured as (
            select a, b, name_same, address_number, coalesce(address_bits, 0) + coalesce(address_errors, 0) / 2 as address_shared,
                case when name_total is not null then greatest(
                    least(1, (2 * name_bits + coalesce(name_errors, 0)) / name_total),
                    case when is_close then 0.9 when is_near then 0.76 else 0 end,
                    case when is_initials then 0.88 else 0 end
                ) end as name_alike,
                case when address_total is not null
                    then least(1, (2 * address_bits + coalesce(address_errors, 0)) / address_total) end as address_alike,
                case when is_close then 0.45 * name_total when is_near then greatest(0.38 * name_total, name_bits + coalesce(name_errors, 0) / 2) when is_initials then 15 else name_bits + coalesce(name_errors, 0) / 2 end as shared_bits
            from match_promising
            left join match_name_errors using (a, b)
            left join match_address_errors using (a, b)
        ),
        levelled as (
            select p.a, p.b, round(least(p.shared_bits, 60), 2)::decimal(6, 2) as shared_bits,
                round(least(p.address_shared, 90), 2)::decimal(6, 2) as address_shared, coalesce(greatest(a.address_names, b.address_names) > ${MANY}, false) as is_house, coalesce(a.domain <> b.domain, false) or coalesce(right(a.phone, 7) <> right(b.phone, 7), false) as is_other, ${levels.join(',\n')}
            from measured as p
            join match_profiles as a on a.r = p.a
            join match_profiles as b on b.r = p.b
        ),
        -- among many records a name must say more to tell one of them
        usual as (select greatest(14, 2 + log2(greatest(count(*), 1))) as bits from match_profiles)
        select levelled.* exclude (shared_bits, address_shared, is_house, is_other),
            case
                when name <= 3 then greatest(-8, least(case when address >= 4 then 0 when name >= 2 and ${says_more} and not (${WITNESSES}) then ${ALONE} else 3 end, shared_bits - usual.bits))
                when name <= 5 then greatest(-8, least(0, shared_bits - usual.bits))
                else 0
            end::decimal(5, 1) as rarity,
            -- a house number and a street say less than those with quarter and postcode, and more than a street
            case
                when address > 2 or address is null then 0
                else least(case when name <= 5 then ${DETAIL.most} when is_house then ${DETAIL.tenants} when name = 6 and not is_other then ${DETAIL.most} else ${DETAIL.others} end, greatest(0, round(address_shared - ${DETAIL.usual})))
            end::decimal(5, 1) as detail
        from levelled, usual;
    drop table match_promising; drop table match_name_errors; drop table match_address_errors`)
}

/** `match_promising`: the candidates that have more than a key in common, with what their words share to the letter. */
async function screenPairs(connection: Connection, isGiven: boolean): Promise<void> {
  await connection.run(`
    create or replace temp table match_promising as
        with met as (
            select a.r as a, b.r as b, a.compact as a_name, b.compact as b_name,
                a.compact = b.compact as name_same,
                case when a.a_number_code = b.a_number_code then true
                    when not list_contains(a.a_codes, b.a_number_code) and not list_contains(b.a_codes, a.a_number_code) then false
                end as address_number,
                case when a.compact = b.compact then least(a.bits, b.bits)
                    when a.compact is not null and b.compact is not null then ${sumOf('list_intersect(a.codes, b.codes)')} end as name_bits,
                a.bits + b.bits as name_total,
                case when a.a_compact = b.a_compact then least(a.a_bits, b.a_bits)
                    when a.a_compact is not null and b.a_compact is not null then ${sumOf('list_intersect(a.a_codes, b.a_codes)')} end as address_bits,
                a.a_bits + b.a_bits as address_total,
                coalesce((len(a.codes) = 1 and len(b.codes) >= 3 and a.compact = b.initials)
                    or (len(b.codes) = 1 and len(a.codes) >= 3 and b.compact = a.initials), false) as is_initials,
                coalesce(a.phone = b.phone or right(a.phone, 7) = right(b.phone, 7), false) or coalesce(a.email = b.email, false)
                    or coalesce(a.domain = b.domain, false) or coalesce(list_has_any(a.people, b.people), false) as has_more
            from match_candidates as pairs
            join match_profiles as a on a.r = pairs.a
            join match_profiles as b on b.r = pairs.b
        ),
        near as (
            select *,
                case when not name_same and least(length(a_name), length(b_name)) >= 5
                    then jaro_winkler_similarity(a_name, b_name) else 0 end as near,
                near >= 0.85 and least(length(a_name), length(b_name)) >= 8
                    and strlen(a_name) = length(a_name) and strlen(b_name) = length(b_name) as is_spelt
            from met
        ),
        shared as (
            select * exclude (a_name, b_name, is_spelt),
                case when is_spelt and near >= 0.88 and abs(length(a_name) - length(b_name)) <= 2
                    then damerau_levenshtein(a_name, b_name) <= case when least(length(a_name), length(b_name)) >= 20 then 2 else 1 end
                    else false end as is_close,
                case when is_spelt and not ${isGiven}
                    then 5 * damerau_levenshtein(a_name, b_name) <= greatest(length(a_name), length(b_name))
                    else false end as is_near
            from near
        )
        select *
        from shared
        where ${isGiven} or name_same or is_close or is_initials or has_more or 2 * name_bits >= ${HOPELESS} * name_total
            or near >= 0.85 or 2 * address_bits >= 0.4 * address_total or name_total is null`)
}

/** `match_<what>_errors` (a, b, name_errors): the bits of words that differ by a typing error or are abbreviated, both sides together; of pairs that share
 * `least` of their bits to the letter. */
async function addTypingErrors(connection: Connection, what: string, words: string, least: number): Promise<void> {
  const bits = `${what}_bits`
  const side = (record: 'a' | 'b') => `
      select pairs.a, pairs.b, unnest(profiles.${words}, max_depth := 2)
      from doubtful as pairs join match_profiles as profiles on profiles.r = pairs.${record}`
  const best = (word: string, weight: string) => `
      select a, b, sum((bits * alike)::decimal(12, 4)) as bits
      from (select a, b, ${word}, any_value(${weight}) as bits, max(alike) as alike from alike group by a, b, ${word})
      group by a, b`
  await connection.run(`
    create or replace temp table match_${what}_errors as
        with doubtful as (
            select a, b from match_promising where ${bits} is not null and 2 * ${bits} < 0.97 * ${what}_total and 2 * ${bits} >= ${least} * ${what}_total
        ),
        x as (${side('a')}),
        y as (${side('b')}),
        x_only as (select * from x anti join y using (a, b, w) where l > 0),
        y_only as (select * from y anti join x using (a, b, w) where l > 0),
        alike as (
            select * from (
                select x.a, x.b, x.w as x_word, y.w as y_word, x.i as x_bits, y.i as y_bits, ${wordsAlike('x', 'y')} as alike
                from x_only as x join y_only as y on y.a = x.a and y.b = x.b
                    and (left(x.w, 1) = left(y.w, 1) or abs(x.l::tinyint - y.l::tinyint) <= 2)
            )
            where alike > 0
        )
        select a, b, sum(bits)::double as ${what}_errors
        from (${best('x_word', 'x_bits')} union all ${best('y_word', 'y_bits')})
        group by a, b`)
}

/** SQL: the sum of all evidence of a row of `match_compared`, in bits. */
export function totalBits(weights: Weights): string {
  const bitsOf = (field: string) =>
    `case ${field} ${weights.bits[field]!.map((bits, index) => `when ${index} then ${bits.toFixed(3)}`).join(' ')} else 0 end`
  const others = COMPARISONS.filter(({ field }) => field !== 'name').map(({ field }) => bitsOf(field))
  return `(${weights.prior.toFixed(3)} + ${nameBits(`(${bitsOf('name')})`)} + ${others.join(' + ')} + detail)`
}

export const PROBABILITY = (bits: string) => `round(1 / (1 + power(2, -${bits})), 6)`
