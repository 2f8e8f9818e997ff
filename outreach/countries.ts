/** What a country's law asks of a cold message to somebody at work, and by which clock people live there. */
export interface Country {
  /** IANA name of the zone that most live in. */
  zone: string
  /** By state or province, as addresses abbreviate it, where that differs. */
  states?: Readonly<Record<string, string>>
  /**
   * - `opt_out`: a first mail may go to a business address until somebody says no
   * - `legitimate_interest`: the same, if the interests were weighed and the note of it is kept
   * - `consent`: nobody may be mailed who has not agreed to it before
   */
  mail: 'opt_out' | 'legitimate_interest' | 'consent'
  /** The rule that says so. */
  law: string
}

const consent = (zone: string, law: string): Country => ({ zone, mail: 'consent', law })
/** Whether its law lets companies be mailed without consent was not looked up: until somebody has, the strictest stands. */
const unread = (zone: string): Country => consent(zone, 'ePrivacy directive art. 13 (national law not read)')

const EASTERN = 'America/New_York'
const MOUNTAIN = 'America/Denver'
const PACIFIC = 'America/Los_Angeles'

function zones(byZone: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(byZone).flatMap(([zone, states]) => states.split(' ').map((state) => [state, zone] as const)),
  )
}

/**
 * As of November 2026, and no legal advice. A country that is not here is not mailed, and one of Europe whose own law nobody
 * has read here only with consent: whoever knows better writes the rule, and where it is written, in its row.
 */
export const COUNTRIES: Readonly<Record<string, Country>> = {
  US: {
    zone: EASTERN,
    states: zones({
      'America/Chicago': 'AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI',
      [MOUNTAIN]: 'CO ID MT NM UT WY',
      'America/Phoenix': 'AZ',
      [PACIFIC]: 'CA NV OR WA',
      'America/Anchorage': 'AK',
      'Pacific/Honolulu': 'HI',
    }),
    mail: 'opt_out',
    law: 'CAN-SPAM, 15 U.S.C. §7704',
  },
  CA: {
    zone: 'America/Toronto',
    states: zones({
      'America/Vancouver': 'BC',
      'America/Whitehorse': 'YT',
      'America/Edmonton': 'AB NT',
      'America/Regina': 'SK',
      'America/Winnipeg': 'MB',
      'America/Halifax': 'NB NS PE',
      'America/St_Johns': 'NL',
    }),
    mail: 'consent',
    law: 'CASL s. 6, s. 10(9)',
  },
  BR: {
    zone: 'America/Sao_Paulo',
    states: zones({
      'America/Rio_Branco': 'AC',
      'America/Manaus': 'AM RO RR',
      'America/Cuiaba': 'MT MS',
      'America/Fortaleza': 'CE MA PB PI RN',
      'America/Bahia': 'BA',
      'America/Belem': 'PA AP',
      'America/Recife': 'PE',
      'America/Maceio': 'AL SE',
      'America/Araguaina': 'TO',
    }),
    mail: 'legitimate_interest',
    law: 'LGPD art. 7 IX, art. 10',
  },
  GB: {
    zone: 'Europe/London',
    mail: 'legitimate_interest',
    law: 'UK GDPR art. 6(1)(f); PECR reg. 22 covers sole traders, not corporate subscribers',
  },
  DE: consent('Europe/Berlin', 'UWG §7(2), between companies as well'),
  AT: consent('Europe/Vienna', 'ePrivacy directive art. 13, national law'),
  IT: consent('Europe/Rome', 'ePrivacy directive art. 13, national law'),
  BE: unread('Europe/Brussels'),
  BG: unread('Europe/Sofia'),
  CY: unread('Asia/Nicosia'),
  CZ: unread('Europe/Prague'),
  DK: unread('Europe/Copenhagen'),
  EE: unread('Europe/Tallinn'),
  ES: unread('Europe/Madrid'),
  FI: unread('Europe/Helsinki'),
  FR: unread('Europe/Paris'),
  GR: unread('Europe/Athens'),
  HR: unread('Europe/Zagreb'),
  HU: unread('Europe/Budapest'),
  IE: unread('Europe/Dublin'),
  LT: unread('Europe/Vilnius'),
  LU: unread('Europe/Luxembourg'),
  LV: unread('Europe/Riga'),
  MT: unread('Europe/Malta'),
  NL: unread('Europe/Amsterdam'),
  NO: unread('Europe/Oslo'),
  PL: unread('Europe/Warsaw'),
  PT: unread('Europe/Lisbon'),
  RO: unread('Europe/Bucharest'),
  SE: unread('Europe/Stockholm'),
  SI: unread('Europe/Ljubljana'),
  SK: unread('Europe/Bratislava'),
}
