import { quoteLiteral } from '../../pipeline/table.ts'
import type { Connection } from '../../pipeline/warehouse/duckdb.ts'

const CYRILLIC: [string, string] = ['абвгдезиіклмнопрстуфыэґєђјљњћџ', 'abvgdeziiklmnoprstufyegedjlncd']
const GREEK: [string, string] = ['αβγδεζηικλμνοπρσςτυφωξ', 'avgdeziiklmnoprsstyfox']
const LONGER: readonly [string, string][] = [
  ['ж', 'zh'],
  ['х', 'kh'],
  ['ц', 'ts'],
  ['ч', 'ch'],
  ['ш', 'sh'],
  ['щ', 'shch'],
  ['ю', 'yu'],
  ['я', 'ya'],
  ['ъ', ''],
  ['ь', ''],
  ['θ', 'th'],
  ['χ', 'ch'],
  ['ψ', 'ps'],
]
const LATIN: readonly [string, string][] = [
  ['ß', 'ss'],
  ['æ', 'ae'],
  ['œ', 'oe'],
  ['þ', 'th'],
  // forms of East Asian names that are one sign
  ['㈱', ' 株式会社 '],
  ['(株)', ' 株式会社 '],
  ['㈲', ' 有限会社 '],
  ['(有)', ' 有限会社 '],
  ['㈜', ' 주식회사 '],
  ['(주)', ' 주식회사 '],
]
const SINGLE: [string, string] = ['øłđðıħŧ', 'olddiht']

/** Scripts that set no spaces between words: compared by pairs of letters. Their legal forms stand without a space, too. */
export const UNSPACED = '\\p{Han}\\p{Hiragana}\\p{Katakana}\\p{Hangul}\\p{Thai}\\p{Lao}\\p{Khmer}\\p{Myanmar}ー'

/**
 * SQL macros that write names, addresses and numbers in one spelling: lower case, Latin letters where there is a usual way
 * to write them, no accents, no punctuation, initials with points as one word. The same for models, the command and seeds.
 */
export async function createSpelling(connection: Connection): Promise<void> {
  const wide = range(0xff01, 0xff5e)
  const plain = range(0x21, 0x7e)
  const replaced = (text: string, pairs: readonly [string, string][]) =>
    pairs.reduce((inner, [from, to]) => `replace(${inner}, ${quoteLiteral(from)}, ${quoteLiteral(to)})`, text)
  const translated = (text: string, [from, to]: [string, string]) =>
    `translate(${text}, ${quoteLiteral(from)}, ${quoteLiteral(to)})`
  const latin = translated(
    replaced(`strip_accents(lower(${translated('t', [`${wide}　`, `${plain} `])}))`, LATIN),
    SINGLE,
  )
  const other = replaced(translated(translated('t', CYRILLIC), GREEK), LONGER)
  await connection.run(`
    create or replace temp macro match_latin(t) as
        case when regexp_matches(t, '[\\p{Cyrillic}\\p{Greek}]') then ${other} else t end;
    create or replace temp macro match_is_plain(t) as strlen(t) = length(t);
    create or replace temp macro match_letters(t) as case
        when match_is_plain(t) then lower(t)
        else ${once('strip_accents(lower(t))', 's', `case when match_is_plain(s) then s else ${once(latin, 'l', 'match_latin(l)')} end`)}
    end;
    create or replace temp macro match_initials(t) as case
        when contains(t, '.') then regexp_replace(t, '\\b([a-z0-9])\\.', '\\1', 'g') else t
    end;
    create or replace temp macro match_strokes(t) as case
        when contains(t, '/') then regexp_replace(t, '\\b([a-z])/([a-z])\\b', '\\1\\2', 'g') else t
    end;
    create or replace temp macro match_words(t) as
        trim(regexp_replace(
            ${once("replace(replace(t, '''', ''), '’', '')", 'q', once('match_initials(q)', 'i', 'match_strokes(i)'))},
            '[^\\p{L}\\p{N}]+', ' ', 'g'
        ));
    create or replace temp macro match_spell(t) as match_words(match_letters(t));
    create or replace temp macro match_digits(t) as nullif(ltrim(regexp_replace(t, '[^0-9]+', '', 'g'), '0'), '');
    create or replace temp macro match_is_unspaced(t) as
        strlen(t) <> length(t) and regexp_matches(t, '[${UNSPACED}]')`)
}

/** SQL: `body` with `value` under a name. A macro repeats its argument wherever it is named, and nested ones multiply that. */
function once(value: string, name: string, body: string): string {
  return `list_transform([${value}], lambda ${name}: ${body})[1]`
}

function range(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, index) => String.fromCodePoint(from + index)).join('')
}
