import type { Connection } from '../../pipeline/warehouse/duckdb.ts'
import { MANY } from './compare.ts'
import { createSpelling } from './spelling.ts'
import { createAddresses, createNames, type Lexicon } from './words.ts'

/** The columns of what is to be matched; all text but `people`. What is absent is NULL. */
export const INPUT_COLUMNS = [
  'name',
  'country',
  'place',
  'address',
  'phone',
  'email',
  'domain',
  'people',
  'cnpj_root',
  'exact_key',
] as const

/**
 * Reads the records (`r` a number from 1 without gaps, and the columns above) into `match_profiles`, spelled and cut into
 * words, and `match_names` and `match_addresses`. `exact_key` is common to records that are known to be one.
 */
export async function createProfiles(connection: Connection, input: string, lexicon: Lexicon): Promise<void> {
  await createSpelling(connection)
  await connection.run(`
    create or replace temp table match_records as
        select
            r::integer as r,
            nullif(trim(name), '') as name_key,
            nullif(upper(trim(country)), '') as country,
            places.spelled as place,
            nullif(trim(address), '') as address_key,
            case when length(digits) between 6 and 15 and replace(digits, right(digits, 1), '') <> '' then digits end as phone,
            nullif(lower(trim(email)), '') as email,
            nullif(lower(trim(domain)), '') as domain,
            case when len(people) > 0 then people end as people,
            nullif(cnpj_root, '') as cnpj_root,
            nullif(exact_key, '') as exact_key
        from (select *, match_digits(phone) as digits from (${input})) as input
        left join (
            select place as written, nullif(match_spell(place), '') as spelled
            from (select distinct place from (${input}) where place is not null)
        ) as places on places.written = input.place`)
  await createNames(connection, lexicon)
  await createAddresses(connection, lexicon)
  await connection.run(`
    create or replace temp table match_profiles as
        select
            records.r, records.name_key as name, records.address_key as address, records.* exclude (r, name_key, address_key),
            names.compact, names.words, names.codes, names.rare, names.bits, names.numbers, names.initials, names.form,
            addresses.compact as a_compact, addresses.words as a_words, addresses.codes as a_codes,
            addresses.bits as a_bits, addresses.number as a_number, addresses.number_code as a_number_code, addresses.rarest[1] as a_rarest,
            addresses.rarest[2] as a_second, nullif(addresses.code, addresses.number) as a_code,
            ${['phone', 'domain', 'email'].map((column) => `coalesce(${column}s.names, 1) as ${column}_names`).join(', ')},
            houses.names as address_names
        from match_records as records
        ${['phone', 'domain', 'email'].map(namesOf).join(' ')}
        left join match_names as names on names.n = records.name_key
        left join match_addresses as addresses on addresses.a = records.address_key
        left join (
            select addresses.compact, count(distinct names.compact)::integer as names
            from match_records as records
            join match_addresses as addresses on addresses.a = records.address_key
            join match_names as names on names.n = records.name_key
            where addresses.compact in (
                select addresses.compact
                from match_records as records join match_addresses as addresses on addresses.a = records.address_key
                group by addresses.compact having count(*) > ${MANY}
            )
            group by addresses.compact
        ) as houses on houses.compact = addresses.compact;
    drop table match_names; drop table match_addresses; drop table match_records`)
}

/** How many names share a value that many records have: a phone of many is no company's. What few have, few names have. */
function namesOf(column: string): string {
  return `left join (
      select records.${column} as value, count(distinct coalesce(names.compact, ''))::integer as names
      from match_records as records left join match_names as names on names.n = records.name_key
      where records.${column} in (
          select ${column} from match_records where ${column} is not null group by ${column} having count(*) > ${MANY}
      )
      group by records.${column}
  ) as ${column}s on ${column}s.value = records.${column}`
}
