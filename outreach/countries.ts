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

const GDPR = 'GDPR art. 6(1)(f), recital 47'
const interest = (zone: string, law: string): Country => ({ zone, mail: 'legitimate_interest', law })
const consent = (zone: string, law: string): Country => ({ zone, mail: 'consent', law })

const EASTERN = 'America/New_York'
const MOUNTAIN = 'America/Denver'
const PACIFIC = 'America/Los_Angeles'

function zones(byZone: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(byZone).flatMap(([zone, states]) => states.split(' ').map((state) => [state, zone] as const)),
  )
}

/**
 * As of November 2026, and no legal advice; where the rule turns on what the recipient is (sole trader or company), the
 * stricter one stands. A country that is not here is not mailed.
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
      'America/Vancouver': 'BC YT',
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
  AU: {
    zone: 'Australia/Sydney',
    states: zones({
      'Australia/Brisbane': 'QLD',
      'Australia/Adelaide': 'SA',
      'Australia/Darwin': 'NT',
      'Australia/Perth': 'WA',
      'Australia/Hobart': 'TAS',
      'Australia/Melbourne': 'VIC',
    }),
    mail: 'consent',
    law: 'Spam Act 2003 s. 16',
  },
  GB: interest('Europe/London', 'UK GDPR art. 6(1)(f); PECR reg. 22 spares corporate subscribers'),
  IE: interest('Europe/Dublin', `${GDPR}; S.I. 336/2011 reg. 13`),
  FR: interest('Europe/Paris', `${GDPR}; CNIL: to professionals about their work`),
  PT: interest('Europe/Lisbon', `${GDPR}; Lei 41/2004 art. 13-A: to legal persons until they object`),
  SE: interest('Europe/Stockholm', `${GDPR}; Marknadsföringslagen §19 covers natural persons`),
  FI: interest('Europe/Helsinki', `${GDPR}; Act 917/2014 §202`),
  EE: interest('Europe/Tallinn', `${GDPR}; Electronic Communications Act §103¹`),
  LU: consent('Europe/Luxembourg', 'ePrivacy art. 13; law of 30 May 2005'),
  DE: consent('Europe/Berlin', 'UWG §7(2)'),
  AT: consent('Europe/Vienna', 'TKG 2021 §174'),
  CH: consent('Europe/Zurich', 'UWG art. 3(1)(o)'),
  IT: consent('Europe/Rome', 'Codice privacy art. 130'),
  ES: consent('Europe/Madrid', 'LSSI art. 21'),
  NL: consent('Europe/Amsterdam', 'Telecommunicatiewet art. 11.7'),
  BE: consent('Europe/Brussels', 'Code de droit économique art. XII.13'),
  PL: consent('Europe/Warsaw', 'Prawo komunikacji elektronicznej art. 398'),
  CZ: consent('Europe/Prague', 'Act 480/2004 §7'),
  DK: consent('Europe/Copenhagen', 'Markedsføringsloven §10'),
  NO: consent('Europe/Oslo', 'Markedsføringsloven §15'),
  GR: consent('Europe/Athens', 'Law 3471/2006 art. 11'),
  RO: consent('Europe/Bucharest', 'Law 506/2004 art. 12'),
  HU: consent('Europe/Budapest', 'Act XLVIII of 2008 §6'),
}
