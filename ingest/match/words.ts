import type { Connection } from '../../pipeline/warehouse/duckdb.ts'

/** The relations that say what is common everywhere: seeds of the project. */
export interface Lexicon {
  legal_forms: string
  name_words: string
  address_words: string
}

/** A legal form is at most so many words long. */
const LONGEST_FORM = 6
/** How many names the seed's shares count for against the data's own. */
const PRIOR_NAMES = 2_000
/** Share of names with a word that the seed does not know and the data has once. */
const UNKNOWN_SHARE = 0.00002

/**
 * Cuts every distinct name of `match_records` into comparable words: `match_names` (n, compact, words with what each says in
 * bits, numbers, legal form). What a word says is minus the binary logarithm of its share of all names.
 */
export async function createNames(connection: Connection, lexicon: Lexicon): Promise<void> {
  await connection.run(`
    create or replace temp table match_forms as
        select match_spell(form) as form, max(kind) as kind, bool_or(place = 'both') as is_first
        from ${lexicon.legal_forms} group by all having match_spell(form) <> '';
    create or replace temp table match_spelled as
        select name_key as n, match_spell(name_key) as spelled
        from (select distinct name_key from match_records where name_key is not null)`)
  const glued = await gluedForms(connection)
  const cut = (text: string) =>
    glued === ''
      ? text
      : `case when match_is_unspaced(${text})
          then trim(regexp_replace(regexp_replace(${text}, '^(${glued})', ''), '(${glued})$', '')) else ${text} end`
  await connection.run(`
    create or replace temp table match_cut as
        select n, string_split(coalesce(nullif(${cut('spelled')}, ''), spelled), ' ') as words, null::varchar as kind,
            spelled, 0 as cut_last, 0 as cut_first
        from match_spelled where spelled <> ''`)
  for (let round = 0; round < 2; round++) await connection.run(cutForms('last'))
  await connection.run(cutForms('first'))
  await connection.run(`
    create or replace temp table match_name_parts as
        select n, unnest(words) as word, generate_subscripts(words, 1) as position
        from (select n, ${split('words')} as words from match_cut);
    create or replace temp table match_name_words as
        select parts.n, parts.position, coalesce(known.canonical, parts.word) as word, known.share
        from match_name_parts as parts
        left join ${lexicon.name_words} as known on known.word = parts.word
        where known.word is null or known.canonical is not null
        union all
        select n, position, word, 0.02
        from match_name_parts
        where n in (
            select parts.n from match_name_parts as parts
            left join ${lexicon.name_words} as known on known.word = parts.word
            group by parts.n having bool_and(known.word is not null and known.canonical is null)
        )`)
  await connection.run(wordBits('match_name_words', 'match_name_bits'))
  await connection.run(`
    create or replace temp table match_names as
        with ${packed('n', 'match_name_words', 'match_name_bits')}
        select * exclude (tokens) from (
        select
            packed.n, ${READ_BACK},
            nullif(list_sort(list_distinct(list_filter(tokens, lambda w: regexp_matches(w, '^[0-9]+$')))), []) as numbers,
            array_to_string(list_transform(tokens, lambda w: left(w, 1)), '') as initials,
            list_transform(list_sort(list_transform(packed.words, lambda x: {'i': -x.i, 'w': x.w}))[:3], lambda x: x.w) as rare,
            cut.kind as form
        from packed join match_cut as cut on cut.n = packed.n);
    drop table match_name_parts; drop table match_name_words; drop table match_cut; drop table match_spelled`)
}

/** The same for the addresses of `match_records`: `match_addresses`. */
export async function createAddresses(connection: Connection, lexicon: Lexicon): Promise<void> {
  await connection.run(`
    create or replace temp table match_address_parts as
        select a, unnest(words) as word, generate_subscripts(words, 1) as position
        from (
            select address_key as a, ${split("string_split(match_spell(address_key), ' ')")} as words
            from (select distinct address_key from match_records where address_key is not null)
        );
    create or replace temp table match_address_words as
        select parts.a, parts.position, coalesce(known.canonical, parts.word) as word,
            case when known.word is not null then 0.05 end as share
        from match_address_parts as parts
        left join ${lexicon.address_words} as known on known.word = parts.word
        where (known.word is null or known.canonical is not null) and parts.word <> ''`)
  await connection.run(wordBits('match_address_words', 'match_address_bits'))
  await connection.run(`
    create or replace temp table match_addresses as
        with ${packed('a', 'match_address_words', 'match_address_bits')}
        select * exclude (tokens) from (
        select
            packed.a, ${READ_BACK},
            list_filter(packed.words, lambda x: regexp_matches(x.w, '^[0-9]+[a-z]?$'))[1] as first_number,
            (first_number).w as number, (first_number).c as number_code,
            list_filter(tokens, lambda w: regexp_matches(w, '^[0-9]{3,}$'))[-1] as code,
            list_transform(
                list_sort(list_transform(list_filter(packed.words, lambda x: not regexp_matches(x.w, '[0-9]')), lambda x: {'i': -x.i, 'w': x.w}))[:2],
                lambda x: x.w
            ) as rarest
        from packed);
    drop table match_address_parts; drop table match_address_words`)
}

/**
 * The words of each name or address as one list, in their order. A list that is sorted afterwards is several times as fast as
 * an aggregate that is asked to sort.
 */
function packed(key: string, words: string, bits: string): string {
  return `packed as (
            select ${key}, list_sort(list({'p': words.position, 'w': words.word, 'i': bits.bits, 'l': bits.fuzzy, 'c': bits.code})) as words
            from ${words} as words join ${bits} as bits on bits.word = words.word
            group by ${key}
        )`
}

const READ_BACK = `
            list_transform(packed.words, lambda x: x.w) as tokens,
            array_to_string(tokens, '') as compact,
            list_transform(packed.words, lambda x: {'w': x.w, 'i': x.i, 'l': x.l}) as words,
            list_transform(packed.words, lambda x: x.c) as codes,
            list_sum(list_transform(packed.words, lambda x: x.i::decimal(9, 3)))::float as bits`

/** Forms of scripts without spaces, longest first, as alternatives of a pattern. */
async function gluedForms(connection: Connection): Promise<string> {
  const forms = await connection.rows<{ form: string }>(
    'select form from match_forms where match_is_unspaced(form) order by length(form) desc, form',
  )
  return forms.map(({ form }) => form.replaceAll("'", '')).join('|')
}

/** Takes the longest legal form off one end of every name, unless nothing would be left. */
function cutForms(end: 'last' | 'first'): string {
  const lengths = Array.from({ length: LONGEST_FORM }, (_, index) => index + 1)
  const phrase = end === 'last' ? 'words[len(words) - k + 1:]' : 'words[:k]'
  const rest = end === 'last' ? 'words[:len(words) - found.k]' : 'words[found.k + 1:]'
  return `
    create or replace temp table match_cut as
        with ends as (
            select n, k, array_to_string(${phrase}, ' ') as phrase
            from match_cut, (select unnest([${lengths.join(', ')}]) as k)
            where k < len(words)
        ),
        found as (
            select ends.n, max(ends.k) as k, arg_max(forms.kind, ends.k) as kind
            from ends join match_forms as forms on forms.form = ends.phrase
            ${end === 'first' ? 'where forms.is_first' : ''}
            group by ends.n
        )
        select match_cut.n, coalesce(${rest}, words) as words, coalesce(match_cut.kind, found.kind) as kind, spelled
        from match_cut left join found on found.n = match_cut.n`
}

/** Words of scripts without spaces become pairs of letters. */
function split(words: string): string {
  return `list_filter(flatten(list_transform(${words}, lambda w: case
      when not match_is_unspaced(w) or length(w) < 3 then [w]
      else list_transform(range(1, length(w)), lambda p: substring(w, p, 2)) end)), lambda w: w <> '')`
}

/** `code`: a word's number, and its bits in the lower two bytes; lists of them are compared faster than lists of words. What each word says, in bits, by the data's own counts and the seed's share; and how long it is where typing errors can be told. */
function wordBits(from: string, into: string): string {
  return `
    create or replace temp table ${into} as
        select *, (row_number() over (order by word) << 16) + round(bits * 1000)::bigint as code
        from (
            select
                word,
                round(-log2((greatest(count(*) - 2, 0) + ${PRIOR_NAMES} * coalesce(max(share), ${UNKNOWN_SHARE}))
                    / (any_value(total.names) + ${PRIOR_NAMES})), 3)::float as bits,
                case when regexp_matches(word, '^[a-z]+$') then length(word) else 0 end::utinyint as fuzzy
            from ${from}, (select count(distinct ${from === 'match_name_words' ? 'n' : 'a'}) as names from ${from}) as total
            group by word
        )`
}
