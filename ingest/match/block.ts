import type { Connection } from '../../pipeline/warehouse/duckdb.ts'

/**
 * How many records may share a key, by what the key says: a phone, an address or a whole name; a word of a name or a part of an
 * address; a sound or a beginning. What more share says too little, and is tried again together with something else.
 */
const LARGEST = { strong: 24, fair: 12, weak: 5 } as const
type Strength = keyof typeof LARGEST
/** What a key is worth. One word in common, with its sound and its beginning, is not enough to look further; two words are. */
const WORTH: Record<Strength, number> = { strong: 10, fair: 5, weak: 2 }
const ENOUGH = 10
/** What so few share is enough by itself: a table of so many rows can afford more of them. */
const FEW = { rows: 100_000, below: 12, above: 3 }
const STRENGTHS = Object.keys(LARGEST) as Strength[]

const sound = (word: string) => `translate(${word}, 'aeiouyh', '')`

/** What two records may have in common, in SQL over `match_profiles`; nothing in common where it is NULL. */
const KEYS: readonly (readonly [strength: Strength, key: string])[] = [
  ['strong', `'n' || compact`],
  ['fair', `'t' || rare[1]`],
  ['fair', `'t' || rare[2]`],
  ['fair', `'t' || rare[3]`],
  ['weak', `'p' || case when length(compact) >= 6 then left(compact, 6) end`],
  ['weak', `'s' || case when length(compact) >= 6 then right(compact, 6) end`],
  ['weak', `'k' || case when length(compact) >= 4 then ${sound('compact')} end`],
  ['strong', `'f' || right(phone, 7)`],
  ['strong', `'e' || email`],
  ['strong', `'d' || domain`],
  ['strong', `'a' || a_number || ' ' || a_rarest`],
  ['strong', `'a' || a_number || ' ' || a_second`],
  ['fair', `'b' || a_rarest || ' ' || a_second`],
  ['strong', `'z' || a_number || ' ' || a_code`],
  ['fair', `'x' || a_code || ' ' || a_rarest`],
  ['fair', `'x' || a_code || ' ' || left(compact, 3)`],
  ['weak', `'y' || case when length(rare[1]) >= 4 then ${sound('rare[1]')} end`],
  ['weak', `'y' || case when length(rare[2]) >= 4 then ${sound('rare[2]')} end`],
  ['strong', `'c' || a_compact`],
  ['weak', `'i' || case when length(compact) between 3 and 6 and len(rare) = 1 then compact end`],
  ['weak', `'i' || case when len(codes) between 3 and 6 then initials end`],
  ['fair', `'t' || rare[1] || ' ' || rare[2]`],
  ['fair', `'t' || rare[1] || ' ' || rare[3]`],
  ['fair', `'t' || rare[2] || ' ' || rare[3]`],
  ['strong', `'t' || rare[1] || ' ' || a_number`],
  ['strong', `'t' || rare[1] || ' ' || right(phone, 7)`],
  ['fair', `'t' || left(rare[1], 4) || ' ' || a_rarest`],
  ['strong', `'t' || rare[2] || ' ' || a_number`],
  ['strong', `'t' || compact || ' ' || place`],
  ['fair', `'t' || rare[1] || ' ' || place`],
  ['strong', `'t' || a_compact || ' ' || left(compact, 3)`],
]

const byStrength = (values: Record<Strength, number>) =>
  STRENGTHS.map((strength, index) => `when ${index} then ${values[strength]}`).join(' ')

/** A key as a number, whose last two bits are its strength. */
const hashed = (strength: Strength, key: string) =>
  `(hash(${key}) & 18446744073709551612) + ${STRENGTHS.indexOf(strength)}`

/**
 * `match_candidates` (a < b): the pairs that are worth comparing, those that share a key which few have. Every key adds at
 * most a constant number of pairs a record, so that pairs grow with the records and not with their square.
 */
export async function createCandidates(connection: Connection): Promise<void> {
  const own = KEYS.map(([strength, key]) => `case when (${key}) is not null then ${hashed(strength, key)} end`)
  await connection.run(`
    create or replace temp table match_keys as
        select r, key
        from (
            select r, unnest(list_concat([${own.join(',\n')}], coalesce(list_transform(people, lambda x: ${hashed('strong', `'h' || x`)}), []))) as key
            from match_profiles
        )
        where key is not null;
    create or replace temp table match_shared as
        with few as (select case when count(*) < ${FEW.rows} then ${FEW.below} else ${FEW.above} end as few from match_profiles),
        counted as (
            select key, count(*) as records from match_keys
            group by key having count(*) between 2 and ${LARGEST.strong}
        )
        select key, case when records <= few then ${ENOUGH} else case key & 3 ${byStrength(WORTH)} end end as worth
        from counted, few
        where records <= case key & 3 ${byStrength(LARGEST)} end;
    create or replace temp table match_held as
        select keys.r, keys.key, shared.worth from match_keys as keys join match_shared as shared on shared.key = keys.key;
    create or replace temp table match_candidates as
        select x.r as a, y.r as b from match_held as x join match_held as y on y.key = x.key and y.r > x.r
        group by a, b having sum(x.worth) >= ${ENOUGH};
    drop table match_shared; drop table match_held;
    drop table match_keys`)
}
