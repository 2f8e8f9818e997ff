import { addressIn, idsIn, type Mail, readHeaders } from './read-mail.ts'
import type { Rules } from './rules.ts'

/** Why a message came back. */
export interface Bounce {
  /** `hard`: the address is no good. `block`: it is, but they do not want this. `soft`: try again later. */
  kind: 'hard' | 'soft' | 'block'
  hard: boolean
  /** Enhanced status code (RFC 3463), `5.1.1`; empty when nothing says. */
  status: string
  /** One word: `userunknown`, `mailboxfull`, … */
  reason: string
  /** Who was not reached; null when nothing says. */
  recipient: string | null
  /** `delayed` still tries. */
  action: 'failed' | 'delayed'
}

/** What a report says of one recipient. */
interface Told {
  recipient: string | null
  action: string
  status: string
  /** The server's words. */
  words: string
}

/** What a delivery report says; undefined when the message is none. A `delivered` one has no failure: an empty list. */
export function readBounces(mail: Mail, rules: Rules): Bounce[] | undefined {
  const { transcript, returned } = splitReport(mail, rules)
  const told = reported(mail, transcript)
  if (told.length === 0 && !isBounce(mail, transcript, rules)) return undefined
  const failed = told.filter(({ action }) => !/^(delivered|relayed|expanded)/.test(action))
  if (told.length > 0 && failed.length === 0) return []
  const known = failed.length > 0 ? failed : [{ recipient: null, action: '', status: '', words: '' }]
  const fallback = addressIn(mail.headers.get('x-failed-recipients')?.[0] ?? '') ?? recipientIn(transcript, returned)
  return known.slice(0, 100).map((each) => judge(each, transcript, known.length, fallback, mail, rules))
}

/** The Message-ID of the message that came back, and any in the report. */
export function returnedIds(mail: Mail, rules: Rules): string[] {
  const { returned } = splitReport(mail, rules)
  const sources = [...mail.parts.filter(({ type }) => !type.includes('status')).map(({ text }) => text), returned]
  const ids = sources.flatMap((text) => {
    const headers = readHeaders(text.replace(/^\s+/, ''))
    const named = /^\s*message-id:\s*(<[^<>\s]+>)/im.exec(text)?.[1]
    return [...idsIn(headers.get('message-id')?.[0]), ...(named === undefined ? [] : [named])]
  })
  return [...new Set(ids)]
}

function judge(
  { recipient, action, status: said, words }: Told,
  transcript: string,
  among: number,
  fallback: string | null,
  mail: Mail,
  rules: Rules,
): Bounce {
  const own = squeeze(words)
  const about = squeeze(among > 1 ? paragraphOf(transcript, recipient) : transcript)
  const subject = squeeze(mail.subject)
  const inWords = statusIn(own) ?? statusIn(about)
  const status = /\.0\.0$/.test(said) || said === '' ? (inWords ?? said) : said
  const reason = reasonOf({ own, about, subject, status }, rules)
  const delayed = /^delayed/.test(action) || (action === '' && /delay|still being retried|warning/i.test(mail.subject))
  const kind = delayed && reason !== 'userunknown' ? 'soft' : rules.bounces.kinds.get(reason)!
  return {
    kind,
    hard: kind === 'hard',
    status: status || defaultStatus(kind),
    reason,
    recipient: recipient ?? fallback,
    action: delayed ? 'delayed' : 'failed',
  }
}

function defaultStatus(kind: Bounce['kind']): string {
  return kind === 'soft' ? '4.0.0' : '5.0.0'
}

interface Evidence {
  own: string
  about: string
  subject: string
  status: string
}

function reasonOf({ own, about, subject, status }: Evidence, rules: Rules): string {
  const found = reasonIn(own, rules) ?? reasonFor(status, rules, true) ?? reasonIn(about, rules)
  const reason = found ?? reasonIn(subject, rules) ?? reasonFor(status, rules, false)
  if (reason !== undefined) return afterData(reason, own, about) ? 'filtered' : reason
  if (/\b4\d\d\b/.test(own) || status.startsWith('4.')) return 'expired'
  return 'undefined'
}

/**
 * The address was taken at RCPT and refused only when the text had come: it exists, and a filter behind it answers as if it
 * did not.
 */
function afterData(reason: string, own: string, about: string): boolean {
  if (reason !== 'userunknown') return false
  const all = `${own} ${about}`
  const data = /(in reply to|after|response to) (the )?(end of )?(data|text|message)( command)?\b|>>> data <<< 5\d\d/.test(all)
  return data && !/(in reply to|after|response to) rcpt|>>> rcpt to:\S+( \S+)? <<< 5\d\d/.test(all)
}

function reasonIn(text: string, rules: Rules): string | undefined {
  if (text === '') return undefined
  return rules.bounces.reasons.find(({ says }) => says.some((pattern) => pattern.test(text)))?.reason
}

/** `exact`: only what the code says by itself, without its class. */
function reasonFor(status: string, rules: Rules, exact: boolean): string | undefined {
  if (status === '' || (exact && /\.0\.0$/.test(status))) return undefined
  const { statuses } = rules.bounces
  const detail = status.replace(/^\d/, 'x')
  const whole = statuses.get(status) ?? statuses.get(detail)
  return whole ?? (exact ? undefined : statuses.get(detail.replace(/\.\d+$/, '')))
}

/** Per-recipient blocks of a delivery status (RFC 3464), wherever they stand. */
function reported(mail: Mail, transcript: string): Told[] {
  const status = mail.parts.filter(({ type, text }) => /delivery-status|disposition/.test(type) || isBlock(text))
  const texts = status.length > 0 ? status.map(({ text }) => text) : isBlock(transcript) ? [transcript] : []
  return texts.flatMap((text) =>
    text
      .split(/\n\s*\n/)
      .map((block) => readHeaders(block.trim()))
      .filter((fields) => fields.has('final-recipient') || fields.has('original-recipient') || fields.has('action'))
      .map((fields) => ({
        recipient: addressIn(`${fields.get('original-recipient')?.[0] ?? ''}`) ?? addressIn(fields.get('final-recipient')?.[0] ?? ''),
        action: (fields.get('action')?.[0] ?? '').toLowerCase(),
        status: /\b([245]\.\d{1,3}\.\d{1,3})\b/.exec(fields.get('status')?.[0] ?? '')?.[1] ?? '',
        words: (fields.get('diagnostic-code') ?? []).join(' ').replace(/^\s*[\w-]+\s*;\s*/, ''),
      })),
  )
}

function isBlock(text: string): boolean {
  return /^(final|original)-recipient\s*:/im.test(text) && /^(action|status|diagnostic-code)\s*:/im.test(text)
}

/** The text of the report, and the message it returns. */
function splitReport(mail: Mail, { bounces }: Rules): { transcript: string; returned: string } {
  const lines = mail.text.split('\n')
  const start = lines.findIndex((line, index) => index > 0 && bounces.returned.some((pattern) => pattern.test(line)))
  if (start < 0) return { transcript: mail.text, returned: '' }
  return { transcript: lines.slice(0, start).join('\n'), returned: lines.slice(start).join('\n') }
}

/** Whether a message without a delivery status comes from a mail server that could not deliver. */
function isBounce(mail: Mail, transcript: string, { bounces }: Rules): boolean {
  if (mail.headers.has('x-failed-recipients')) return true
  const says = (patterns: readonly RegExp[], text: string) => patterns.some((pattern) => pattern.test(text))
  const nobody = mail.headers.get('return-path')?.some((path) => /^<\s*>$/.test(path)) === true
  const from = mail.from ?? mail.headers.get('from')?.[0] ?? ''
  const daemon =
    nobody ||
    says(bounces.senders, from.split('@')[0]!.toLowerCase()) ||
    says(bounces.sender_names, mail.from_name) ||
    /^\s*(<\s*>)?\s*$/.test(mail.headers.get('from')?.[0] ?? '')
  const subject = says(bounces.subjects, mail.subject)
  const body = says(bounces.bodies, squeeze(transcript.slice(0, 20_000)))
  if (daemon) return subject || body
  // Somebody passes on what a server said, and adds nothing.
  const own = transcript.split('\n').filter((line) => /\p{L}/u.test(line) && !/^\s*>/.test(line))
  const passedOn = mail.text.replaceAll(/^> ?/gm, '')
  return subject && own.length <= 2 && isBlock(passedOn)
}

/** The lines around an address. */
function paragraphOf(text: string, recipient: string | null): string {
  if (recipient === null) return text
  const blocks = text.split(/\n\s*\n/)
  const own = blocks.filter((block) => block.toLowerCase().includes(recipient))
  return own.length === 0 ? '' : own.join('\n')
}

function recipientIn(transcript: string, returned: string): string | null {
  const named = /(?:could ?n.t|can ?not|not|un)[^@]{0,120}?(?:deliver|reach|sent)[^@]{0,200}?([^\s<>"'(),:;]+@[^\s<>"'(),;]+)/i
  const to = readHeaders(returned.trim()).get('to')?.[0] ?? /^\s*to:\s*(.+)$/im.exec(returned)?.[1]
  return addressIn(named.exec(transcript)?.[1] ?? '') ?? addressIn(to ?? '') ?? addressIn(transcript)
}

function statusIn(text: string): string | undefined {
  return /(?:^|[\s(#[:;-])([45]\.[0-7]\.\d{1,3})(?=$|[\s)\]<:;,.-])/.exec(text)?.[1]
}

function squeeze(text: string): string {
  return text.toLowerCase().replaceAll(/[‘’]/g, "'").replaceAll(/^>+ ?/gm, '').replaceAll(/\s+/g, ' ').trim().slice(0, 20_000)
}
