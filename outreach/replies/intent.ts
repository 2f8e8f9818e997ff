import { daysIn } from './dates.ts'
import { distance, piecesOf } from './phrase.ts'
import type { Language, Rules, Signal } from './rules.ts'

export type Response = 'unsubscribe' | 'interested' | 'meeting' | 'referral' | 'not_now' | 'not_interested' | 'other'
export type Sentiment = 'positive' | 'negative' | 'neutral'

export interface Intent {
  response: Response
  sentiment: Sentiment
  /** Two letters; null when nothing told. */
  language: string | null
  /** The day from which on somebody may be asked again: of `not_now` alone. */
  again_on: string | null
}

interface Found {
  signal: Signal
  /** Place in the text: clause, then character. */
  at: number
}

/**
 * What somebody says to an offer, in their own words (quotes and signature gone); `on` is the ISO date of the message.
 * Negation is read before anything it turns around, and a wish to be left alone wins over all else.
 */
export function readIntent(text: string, on: string, rules: Rules): Intent {
  const pieces = piecesOf(text.slice(0, 20_000))
  const readings = likely(text, pieces, rules.languages).map((language) => ({
    language,
    ...decide(pieces, text, on, language),
  }))
  const [best] = readings.sort((a, b) => RANK.indexOf(a.response) - RANK.indexOf(b.response))
  if (best === undefined) return { response: 'other', sentiment: 'neutral', language: null, again_on: null }
  return { response: best.response, sentiment: best.sentiment, language: best.language.name, again_on: best.again_on }
}

/** Where languages disagree about a word or two: what would be worst to overlook first. */
const RANK: readonly Response[] = [
  'unsubscribe',
  'not_interested',
  'meeting',
  'interested',
  'referral',
  'not_now',
  'other',
]

/** The language of a text; where it is too short to tell, all that know one of its words. */
export function likely(text: string, pieces: readonly string[], languages: readonly Language[]): Language[] {
  const lower = text.toLowerCase()
  const scored = languages.map((language) => {
    const typical = pieces.filter((piece) => language.words.has(piece)).length
    const known = pieces.filter((piece) => language.vocabulary.has(piece) || language.spelled.has(piece)).length
    const letters = language.letters.filter((letter) => lower.includes(letter)).length
    return { language, score: typical * 2 + known + letters * 3 }
  })
  const most = Math.max(...scored.map(({ score }) => score))
  return scored.filter(({ score }) => score === most).map(({ language }) => language)
}

function decide(pieces: readonly string[], text: string, on: string, language: Language) {
  const clauses = clausesOf(pieces, language)
  const alone = language.whole.get(clauses.flat().join(' '))
  const found: Found[] =
    alone === undefined
      ? clauses.flatMap((clause, index) => signalsOf(clause, index, language))
      : [{ signal: alone, at: 0 }]
  const later = daysIn(text, on, language).filter(({ day }) => day > on)
  const outcome = weigh(found)
  const days = later.map(({ day }) => day).sort()
  // A time further off than a few weeks is no appointment.
  const far = days[0] !== undefined && Date.parse(days[0]) - Date.parse(on) > 21 * 86_400_000
  // Nor is one that names no day at all: `after the holidays`.
  const postponed =
    outcome.response === 'meeting' &&
    (far || days.length === 0) &&
    found.some(({ signal }) => signal === 'later' || signal === 'not_now')
  const response = postponed ? 'not_now' : outcome.response
  const softened = response === 'not_now' && (days.length > 0 || found.some(({ signal }) => signal === 'later'))
  const sentiment = softened || postponed ? 'neutral' : outcome.sentiment
  return { response, sentiment, again_on: response === 'not_now' ? (days[0] ?? null) : null } as const
}

function weigh(found: readonly Found[]): { response: Response; sentiment: Sentiment } {
  const last = (...signals: Signal[]) =>
    Math.max(-1, ...found.filter(({ signal }) => signals.includes(signal)).map(({ at }) => at))
  const has = (...signals: Signal[]) => last(...signals) >= 0
  const is = (response: Response, sentiment: Sentiment) => ({ response, sentiment })
  if (has('opt_out')) return is('unsubscribe', 'negative')
  const [yes, no] = [last('meeting', 'interested'), last('not_interested')]
  if (yes >= 0 && no >= 0 && no > yes)
    return has('referral') ? is('referral', 'neutral') : is('not_interested', 'negative')
  if (no >= 0 && yes < 0) {
    if (has('referral')) return is('referral', 'neutral')
    return has('later') ? is('not_now', 'neutral') : is('not_interested', 'negative')
  }
  const off = Math.max(last('not_now'), yes === last('meeting') && yes >= 0 ? -1 : last('later'))
  if (off > yes) {
    if (has('referral')) return is('referral', 'neutral')
    return is('not_now', has('not_now') && !has('later') ? 'negative' : 'neutral')
  }
  if (has('meeting')) return is('meeting', 'positive')
  if (has('interested')) return is('interested', 'positive')
  if (has('referral')) return is('referral', 'neutral')
  if (has('wrong_person')) return is('referral', 'negative')
  if (has('undecided')) return is('other', 'neutral')
  if (has('praise')) return is('interested', 'positive')
  if (has('question')) return is('interested', 'neutral')
  return is('other', 'neutral')
}

const MARKS = /^[.!?,;:()"“”…\n–—]$/

/** The words between marks and turning words, spelled as they are meant. */
function clausesOf(pieces: readonly string[], language: Language): string[][] {
  const clauses: string[][] = [[]]
  for (const piece of pieces) {
    if (MARKS.test(piece)) clauses.push([])
    else if (language.breaks.has(piece)) clauses.push([piece])
    else if (piece.includes('@')) clauses.at(-1)!.push('@address')
    else clauses.at(-1)!.push(...meant(piece, clauses.at(-1)!.length === 0, language).split(' '))
  }
  return clauses.filter((clause) => clause.length > 0)
}

/** `first`: at the beginning of a clause, where `were` is more likely `we're`. */
function meant(piece: string, first: boolean, language: Language): string {
  const spelled = (first ? language.spelled.get(`^${piece}`) : undefined) ?? language.spelled.get(piece)
  if (spelled !== undefined) return spelled
  if (piece.length < 6 || language.vocabulary.has(piece) || !/^[a-z]+$/.test(piece)) return piece
  return mended(piece, language)
}

const mendedWords = new WeakMap<Language, Map<string, string>>()

/** The word of the rules that this one is a slip of; itself when none is near. */
function mended(piece: string, language: Language): string {
  const known = mendedWords.get(language) ?? new Map<string, string>()
  mendedWords.set(language, known)
  const before = known.get(piece)
  if (before !== undefined) return before
  const most = piece.length >= 9 ? 2 : 1
  let best = { word: piece, off: most + 1 }
  for (const word of language.vocabulary) {
    if (word[0] !== piece[0] || word.length < 6 || best.off === 1) continue
    // `contracts` is a form of `contract`, not a slip.
    if (piece.startsWith(word) || word.startsWith(piece)) continue
    const off = distance(piece, word, most)
    if (off < best.off) best = { word, off }
  }
  if (known.size < 10_000) known.set(piece, best.word)
  return best.word
}

function signalsOf(words: readonly string[], index: number, language: Language): Found[] {
  const said = words.join(' ')
  const alone = language.whole.get(said)
  if (alone !== undefined) return [{ signal: alone, at: index * 10_000 }]
  let clause = ` ${said} `
  const found: Found[] = []
  for (const { signal, pattern } of language.phrases) {
    clause = clause.replaceAll(pattern, (match: string, ...rest: unknown[]) => {
      const place = rest.find((each) => typeof each === 'number') as number
      const turned = isNegated(clause.slice(0, place), language)
      const meaning = turned ? TURNED[signal] : signal
      if (meaning !== undefined) found.push({ signal: meaning, at: index * 10_000 + place })
      // What has been understood is not read again; its length stays, so that places do.
      return `${'_'.repeat(Math.max(0, match.length - 1))} `
    })
  }
  return found
}

/** What a phrase means after a `not`. */
const TURNED: Readonly<Partial<Record<Signal, Signal>>> = {
  opt_out: 'opt_out',
  not_now: 'not_now',
  later: 'not_interested',
  meeting: 'not_interested',
  interested: 'not_interested',
  praise: 'not_interested',
  wrong_person: 'wrong_person',
  referral: 'referral',
  not_interested: 'not_interested',
  undecided: 'undecided',
}

/** A word that turns around stands among the few before. */
function isNegated(before: string, { negators }: Language): boolean {
  const near = before.trim().split(' ').slice(-5)
  const from = near.findLastIndex((word) => word.startsWith('_'))
  return near.slice(from + 1).filter((word) => negators.has(word)).length % 2 === 1
}
