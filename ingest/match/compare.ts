/** How alike two values are: the best level whose condition holds. */
export interface Level {
  /** SQL over the records `a` and `b`; the last level has none. */
  when?: string
  /** As people read it in the waterfall. */
  says: string
  /** Share of pairs of one company, and of two, that are at this level, as long as the data do not say otherwise. */
  m: number
  u: number
}

/** One thing that two records are compared by. A pair of which one does not know it says nothing by it. */
export interface Comparison {
  field: string
  /** SQL: is it known of both? */
  known: string
  /** Best first. */
  levels: Level[]
  /** The value shown for the record `a` or `b`. */
  shown(record: 'a' | 'b'): string
}

const both = (column: string) => `a.${column} is not null and b.${column} is not null`

/**
 * SQL: how alike two words are that are not the same (`w` the word, `l` its length where typing errors can be told). One edit
 * in five letters is forgiven, two in eight; an abbreviation in part.
 */
export const wordsAlike = (x: string, y: string) => `case
    when ${x}.l >= 5 and ${y}.l >= 5 and abs(${x}.l::tinyint - ${y}.l::tinyint) <= 2
        and damerau_levenshtein(${x}.w, ${y}.w) <= case when least(${x}.l, ${y}.l) >= 8 then 2 else 1 end
        then 1 - damerau_levenshtein(${x}.w, ${y}.w) / greatest(${x}.l, ${y}.l)
    when ${x}.l > 0 and ${y}.l > 0 and (${x}.l = 1 or ${x}.l >= 4) and starts_with(${y}.w, ${x}.w) then 0.6
    when ${x}.l > 0 and ${y}.l > 0 and (${y}.l = 1 or ${y}.l >= 4) and starts_with(${x}.w, ${y}.w) then 0.6
    else 0 end`

const level = (says: string, m: number, u: number, when?: string): Level =>
  when === undefined ? { says, m, u } : { says, m, u, when }

/** More names than a company has spellings: whatever they share is an accountant's, a landlord's, a platform's. */
export const MANY = 4
const SHORTER = 'least(length(a.phone), length(b.phone))'
/** With or without a country or area code. */
const SAME_PHONE = `(a.phone = b.phone or (${SHORTER} >= 7 and right(a.phone, ${SHORTER}) = right(b.phone, ${SHORTER})))`

const NEAR_PHONE = 'length(a.phone) = length(b.phone) and damerau_levenshtein(a.phone, b.phone) = 1'
const NEAR_EMAIL = 'jaro_winkler_similarity(a.email, b.email) >= 0.95'

/** Two addresses that have not even a street in common. */
const ELSEWHERE = 'p.address_alike < 0.5'

/** The comparisons, over `match_profiles` a and b and what is computed of a pair of names and addresses (`p`). */
export const COMPARISONS: readonly Comparison[] = [
  {
    field: 'name',
    known: 'p.name_alike is not null',
    shown: (r) => `${r}.name`,
    levels: [
      level('the same name', 0.5, 0.004, 'p.name_same'),
      level('the same words', 0.12, 0.002, 'p.name_alike >= 0.97'),
      level('nearly the same name', 0.14, 0.006, 'p.name_alike >= 0.87'),
      level('a very similar name', 0.1, 0.02, 'p.name_alike >= 0.74'),
      level('a similar name', 0.06, 0.06, 'p.name_alike >= 0.58'),
      level('names with common words', 0.04, 0.16, 'p.name_alike >= 0.4'),
      level('names with a common word', 0.02, 0.3, 'p.name_alike >= 0.2'),
      level('different names', 0.008, 0.448),
    ],
  },
  {
    field: 'number',
    known: 'p.name_alike is not null and (a.numbers is not null or b.numbers is not null)',
    shown: (r) => `array_to_string(${r}.numbers, ' ')`,
    levels: [
      level('the same numbers in the name', 0.9, 0.5, 'a.numbers = b.numbers'),
      level('a number in one name only', 0.09, 0.3, 'a.numbers is null or b.numbers is null'),
      level('other numbers in the name', 0.01, 0.2),
    ],
  },
  {
    field: 'legal_form',
    known: both('form'),
    shown: (r) => `${r}.form`,
    levels: [
      level('the same kind of legal form', 0.85, 0.65, 'a.form = b.form'),
      level('another legal form', 0.15, 0.35),
    ],
  },
  {
    field: 'domain',
    known: both('domain'),
    shown: (r) => `${r}.domain`,
    levels: [
      level('the same domain', 0.75, 0.004, `a.domain = b.domain and a.domain_names <= ${MANY}`),
      level('a domain that many names have', 0.05, 0.02, 'a.domain = b.domain'),
      level('another domain', 0.2, 0.976),
    ],
  },
  {
    field: 'phone',
    known: both('phone'),
    shown: (r) => `${r}.phone`,
    levels: [
      // Branches and sites answer one phone: there it says who, not where.
      level(
        'the same phone',
        0.7,
        0.008,
        `${SAME_PHONE} and a.phone_names <= ${MANY} and not coalesce(${ELSEWHERE}, false)`,
      ),
      level('a phone of many names, or of other addresses', 0.1, 0.025, SAME_PHONE),
      level('a phone with one other digit', 0.06, 0.006, NEAR_PHONE),
      level('another phone', 0.14, 0.961),
    ],
  },
  {
    field: 'email',
    known: both('email'),
    shown: (r) => `regexp_replace(${r}.email, '^(.).*(@.*)$', '\\1…\\2')`,
    levels: [
      level('the same e-mail', 0.65, 0.002, `a.email = b.email and a.email_names <= ${MANY}`),
      level('an e-mail that many names have', 0.05, 0.01, 'a.email = b.email'),
      level('nearly the same e-mail', 0.15, 0.004, NEAR_EMAIL),
      level('the same mailbox elsewhere', 0.05, 0.01, `split_part(a.email, '@', 1) = split_part(b.email, '@', 1)`),
      level('another e-mail', 0.1, 0.974),
    ],
  },
  {
    field: 'address',
    known: 'p.address_alike is not null',
    shown: (r) => `${r}.address`,
    levels: [
      level('the same address', 0.45, 0.006, 'p.address_alike >= 0.97'),
      level('nearly the same address', 0.22, 0.008, 'p.address_alike >= 0.75 and p.address_number is not false'),
      level('a similar address', 0.14, 0.025, 'p.address_alike >= 0.5 and p.address_number is not false'),
      level('the same street, another number', 0.06, 0.05, 'p.address_alike >= 0.5'),
      level('an address with common words', 0.07, 0.2, 'p.address_alike >= 0.25'),
      level('another address', 0.06, 0.7),
    ],
  },
  {
    field: 'postcode',
    known: `${both('a_code')} and damerau_levenshtein(a.a_code, b.a_code) > 1`,
    shown: (r) => `${r}.a_code`,
    levels: [level('another postcode', 0.1, 0.5)],
  },
  {
    field: 'place',
    known: both('place'),
    shown: (r) => `${r}.place`,
    levels: [
      level('the same place', 0.85, 0.15, 'a.place = b.place'),
      level('nearly the same place', 0.05, 0.02, 'jaro_winkler_similarity(a.place, b.place) >= 0.92'),
      level('another place', 0.1, 0.83),
    ],
  },
  {
    field: 'country',
    known: both('country'),
    shown: (r) => `${r}.country`,
    levels: [level('the same country', 0.97, 0.6, 'a.country = b.country'), level('another country', 0.03, 0.4)],
  },
  {
    field: 'people',
    known: both('people'),
    shown: (r) => `len(${r}.people) || ' known'`,
    levels: [
      level('a person in common', 0.4, 0.03, 'list_has_any(a.people, b.people)'),
      level('no person in common', 0.6, 0.97),
    ],
  },
  {
    // One way out of what each says of itself: two addresses, or two phones, are common; all of it different is not.
    field: 'contradiction',
    known: `(${both('domain')})::int + (${both('phone')})::int + (${both('email')})::int + (p.address_alike is not null)::int >= 2
        and coalesce(a.domain <> b.domain, true) and not coalesce(${NEAR_EMAIL}, false)
        and not coalesce(right(a.phone, 7) = right(b.phone, 7) or ${NEAR_PHONE}, false)
        and not coalesce(p.address_alike >= 0.5 and p.address_number is not false, false)`,
    shown: () => 'null',
    levels: [level('nothing besides the name in common', 0.04, 0.5)],
  },
]
