import type { Connection } from '../../pipeline/warehouse/duckdb.ts'

/** A key that more records share says too little; it is tried again together with a second one. */
const LARGEST_BLOCK = 24

/**
 * `match_candidates` (a < b): the pairs that are worth comparing, those that share a key which few have. Every key adds at
 * most a constant number of pairs a record, so that pairs grow with the records and not with their square.
 */
export async function createCandidates(connection: Connection): Promise<void> {
  const text = (expression: string, known: string) => `case when ${known} then hash(${expression}) end`
  const sound = (word: string) => `regexp_replace(${word}, '[aeiouyh]', '', 'g')`
  await connection.run(`
    create or replace temp table match_keys as
        with rarest as (
            select r, compact, a_compact, a_number, a_rarest, a_second, a_code, phone, email, domain, people, place, rare, tokens
            from match_profiles
        ),
        keyed as (
            select
                r,
                list_distinct(list_filter([
                    ${text(`'n' || compact`, `compact is not null`)},
                    ${text(`'t' || rare[1]`, `rare[1] is not null`)},
                    ${text(`'t' || rare[2]`, `rare[2] is not null`)},
                    ${text(`'t' || rare[3]`, `rare[3] is not null`)},
                    ${text(`'p' || left(compact, 6)`, `length(compact) >= 6`)},
                    ${text(`'s' || right(compact, 6)`, `length(compact) >= 6`)},
                    ${text(`'k' || regexp_replace(compact, '[aeiouyh]', '', 'g')`, `length(compact) >= 4`)},
                    ${text(`'f' || right(phone, 7)`, `phone is not null`)},
                    ${text(`'e' || email`, `email is not null`)},
                    ${text(`'d' || domain`, `domain is not null`)},
                    ${text(`'a' || a_number || ' ' || a_rarest`, `a_number is not null and a_rarest is not null`)},
                    ${text(`'a' || a_number || ' ' || a_second`, `a_number is not null and a_second is not null`)},
                    ${text(`'b' || a_rarest || ' ' || a_second`, `a_second is not null`)},
                    ${text(`'z' || a_number || ' ' || a_code`, `a_number is not null and a_code is not null`)},
                    ${text(`'x' || a_code || ' ' || a_rarest`, `a_code is not null and a_rarest is not null`)},
                    ${text(`'x' || a_code || ' ' || left(compact, 3)`, `a_code is not null and compact is not null`)},
                    ${text(`'y' || ${sound('rare[1]')}`, `length(rare[1]) >= 4`)},
                    ${text(`'y' || ${sound('rare[2]')}`, `length(rare[2]) >= 4`)},
                    ${text(`'c' || a_compact`, `a_compact is not null`)},
                    ${text(`'i' || compact`, `length(compact) between 3 and 6 and len(rare) = 1`)},
                    ${text(`'i' || array_to_string(list_transform(tokens, lambda w: left(w, 1)), '')`, `len(tokens) between 3 and 6`)}
                ], lambda x: x is not null)) as own,
                list_filter([
                    ${text(`'t' || rare[1] || ' ' || rare[2]`, `rare[2] is not null`)},
                    ${text(`'t' || rare[1] || ' ' || a_number`, `rare[1] is not null and a_number is not null`)},
                    ${text(`'t' || rare[1] || ' ' || right(phone, 7)`, `rare[1] is not null and phone is not null`)},
                    ${text(`'t' || left(rare[1], 4) || ' ' || a_rarest`, `rare[1] is not null and a_rarest is not null`)},
                    ${text(`'t' || rare[2] || ' ' || a_number`, `rare[2] is not null and a_number is not null`)},
                    ${text(`'t' || compact || ' ' || place`, `compact is not null and place is not null`)},
                    ${text(`'t' || a_compact || ' ' || left(compact, 3)`, `compact is not null and a_compact is not null`)}
                ], lambda x: x is not null) as second,
                coalesce(list_transform(people, lambda x: hash('h' || x)), []) as people_keys
            from rarest
        )
        select r, unnest(list_concat(list_concat(own, second), people_keys)) as key from keyed;
    create or replace temp table match_candidates as
        with sized as (
            select r, key from match_keys qualify count(*) over (partition by key) between 2 and ${LARGEST_BLOCK}
        )
        select distinct x.r as a, y.r as b from sized as x join sized as y on y.key = x.key and y.r > x.r;
    drop table match_keys`)
}
