import { isAutomatic } from './automatic.ts'
import { type Bounce, readBounces } from './bounce.ts'
import { backOn } from './dates.ts'
import { likely, type Response, readIntent, type Sentiment } from './intent.ts'
import { piecesOf } from './phrase.ts'
import { ownWords } from './quotes.ts'
import type { Mail } from './read-mail.ts'
import type { Rules } from './rules.ts'

export type ReplyClass = 'bounce' | 'complaint' | 'auto_reply' | Response

/** What an incoming message is. */
export interface Classified {
  class: ReplyClass
  sentiment: Sentiment
  /** Of bounces alone: one for each recipient that was not reached. */
  bounces: readonly Bounce[]
  /** Of complaints alone: what the report calls itself, `abuse`. */
  complaint: string | null
  /** ISO date from which on the person may be written to again, when the message says: out of office, not now. */
  again_on: string | null
  language: string | null
}

const NOTHING = { bounces: [], complaint: null, again_on: null, language: null } as const

/**
 * What a message is: reports of machines first (a delivery report also calls itself automatic), then what answers by itself,
 * and only then a person's words. `today` counts where the message has no date. Pure.
 */
export function classify(mail: Mail, rules: Rules, today: string): Classified {
  const complaint = complaintOf(mail, rules)
  if (complaint !== undefined) {
    if (complaint === 'opt-out') return { ...NOTHING, class: 'unsubscribe', sentiment: 'negative' }
    return { ...NOTHING, class: 'complaint', sentiment: 'negative', complaint }
  }
  const bounces = readBounces(mail, rules)
  if (bounces?.length === 0) return { ...NOTHING, class: 'auto_reply', sentiment: 'neutral' }
  if (bounces !== undefined) return { ...NOTHING, class: 'bounce', sentiment: 'neutral', bounces }
  const on = mail.date?.slice(0, 10) ?? today
  const words = ownWords(mail.text, rules)
  if (isAutomatic(mail, words, rules)) return automatic(`${mail.subject}\n${words}`, on, rules)
  const own = words === '' && mail.in_reply_to.length === 0 ? mail.subject : words
  return ofWords(own, on, rules)
}

/** The same for a text that comes without headers. */
export function classifyText(text: string, rules: Rules, today: string): Classified {
  const words = ownWords(text, rules)
  if (isAutomatic(undefined, words, rules)) return automatic(words, today, rules)
  return ofWords(words, today, rules)
}

function ofWords(words: string, on: string, rules: Rules): Classified {
  const { response, sentiment, language, again_on } = readIntent(words, on, rules)
  return { ...NOTHING, class: response, sentiment, language, again_on }
}

function automatic(text: string, on: string, rules: Rules): Classified {
  const [language] = likely(text, piecesOf(text), rules.languages)
  const again_on = language === undefined ? null : (backOn(text, on, language) ?? null)
  return { ...NOTHING, class: 'auto_reply', sentiment: 'neutral', again_on, language: language?.name ?? null }
}

/** The type of an abuse report (RFC 5965, and the ones that big mailbox hosts write their own way); undefined when it is none. */
function complaintOf(mail: Mail, { automatic: { complaint_subjects } }: Rules): string | undefined {
  const report = mail.parts.find(({ type }) => type.includes('feedback-report'))?.text
  const written = /^feedback-type:\s*([\w-]+)/im.exec(report ?? mail.text)?.[1]?.toLowerCase()
  if (report !== undefined || mail.report_type === 'feedback-report') return written ?? 'abuse'
  if (written !== undefined && /^(source-ip|user-agent|version|arrival-date|original-mail-from):/im.test(mail.text))
    return written
  if (/^x-hmxmroriginalrecipient:/im.test(mail.source)) return 'abuse'
  const said = complaint_subjects.some((pattern) => pattern.test(mail.subject))
  return said && mail.in_reply_to.length === 0 && /^content-type:\s*message\/rfc822/im.test(mail.source)
    ? 'abuse'
    : undefined
}
