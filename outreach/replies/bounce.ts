import { z } from 'zod'
import { addressIn, type Mail, readHeaders } from './read-mail.ts'
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
  /** What the program that reports calls it (`bad-mailbox`). */
  category?: string
}

/** What a delivery report says; undefined when the message is none. A `delivered` one has no failure: an empty list. */
export function readBounces(mail: Mail, rules: Rules): Bounce[] | undefined {
  const passed = passedOn(mail, rules)
  if (passed !== undefined) return readBounces(passed, rules)
  const notice = readNotice(mail)
  if (notice !== undefined) return notice.map((each) => judge(each, '', 1, null, mail, rules))
  const { transcript, returned } = splitReport(mail, rules)
  const told = reported(mail, transcript)
  if (told.length === 0 && !isBounce(mail, transcript, rules)) return undefined
  const failed = told.filter(({ action }) => !/^(delivered|relayed|expanded)/.test(action))
  if (told.length > 0 && failed.length === 0) return []
  const known = failed.length > 0 ? failed : [{ recipient: null, action: '', status: '', words: '' }]
  const fallback = addressIn(mail.headers.get('x-failed-recipients')?.[0] ?? '') ?? recipientIn(transcript, returned)
  return known.slice(0, 100).map((each) => judge(each, transcript, known.length, fallback, mail, rules))
}

/** The Message-IDs that a report names: the message that came back, first of all. */
export function returnedIds(mail: Mail): string[] {
  const named = mail.source.matchAll(/^[>\s]*(?:original-)?message-id:\s*(<[^<>\s]{3,300}>)/gim)
  return [...new Set([...named].map(([, id]) => id!))].filter((id) => id !== mail.message_id)
}

function judge(
  { recipient, action, status: said, words, category = '' }: Told,
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
  const reason = rules.bounces.categories.get(category) ?? reasonOf({ own, about, subject, status }, rules)
  const delayed = /^delayed/.test(action) || (action === '' && /delay|still being retried|warning/i.test(mail.subject))
  const passing = (delayed && rules.bounces.kinds.get(reason) !== 'hard') || (/^4/.test(status) && PASSING.has(reason))
  const kind = passing ? 'soft' : rules.bounces.kinds.get(reason)!
  return {
    kind,
    hard: kind === 'hard',
    status: status || defaultStatus(kind, reason),
    reason,
    recipient: recipient ?? fallback,
    action: delayed ? 'delayed' : 'failed',
  }
}

function defaultStatus(kind: Bounce['kind'], reason: string): string {
  return kind === 'soft' && !['filtered', 'suspend', 'mailererror'].includes(reason) ? '4.0.0' : '5.0.0'
}

interface Evidence {
  own: string
  about: string
  subject: string
  status: string
}

function reasonOf({ own, about, subject, status }: Evidence, rules: Rules): string {
  const exact = () => reasonFor(status, rules, true)
  const said = reasonIn(own, rules)
  // A code that names the fault outweighs words that could mean much.
  const found =
    (said !== undefined && VAGUE.has(said) ? decisive(status, rules) : undefined) ??
    said ??
    (own === '' ? undefined : exact()) ??
    reasonIn(about, rules) ??
    exact()
  const reason = found ?? reasonIn(subject, rules) ?? reasonFor(status, rules, false)
  if (reason !== undefined) return isDoubtful(reason, status, own, about, rules) ? 'filtered' : reason
  if (/\b4\d\d\b/.test(own) || status.startsWith('4.')) return 'expired'
  return 'undefined'
}

/** What may be otherwise tomorrow, where the code says so (4.x.x). */
const PASSING: ReadonlySet<string> = new Set(['notaccept'])

const VAGUE: ReadonlySet<string> = new Set([
  'policyviolation',
  'spamdetected',
  'contenterror',
  'systemerror',
  'filtered',
  'expired',
  'notcompliantrfc',
])

/** What the code says, where it is one that names an address or a host that does not exist. */
function decisive(status: string, rules: Rules): string | undefined {
  return /^5\.1\.[126]$/.test(status) ? reasonFor(status, rules, true) : undefined
}

/**
 * `User unknown` with no code of an unknown address, and not known to have been said when the address was named: filters
 * behind a mail server answer so for addresses that exist. A wrong `hard` loses a good address for ever. What a server says of
 * its own directory needs neither.
 */
function isDoubtful(reason: string, status: string, own: string, about: string, rules: Rules): boolean {
  if (reason !== 'userunknown') return false
  const said = `${own} ${about}`
  const words = own === '' ? about : own
  const { after_data, at_recipient, certain, vague } = rules.bounces
  const says = (patterns: readonly RegExp[]) => patterns.some((pattern) => pattern.test(said))
  if (says(certain)) return false
  // `450`, and no 5xx beside it: nobody has said that it will not be another time.
  if (/(^|said: )4\d\d\b/.test(words) && !/\b55\d\b/.test(words)) return true
  if (/^[45]\.1\.\d+$/.test(status) || /\b5\.1\.[13]\b/.test(words)) return false
  // A policy's code (RFC 3463 §3.8) beside an unknown user: a filter that says so of whom it does not like.
  if (/^5\.7\./.test(status) && says(vague)) return true
  return says(after_data) || !says(at_recipient)
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
  if (texts.length === 0) return paragraphs(transcript)
  return texts.flatMap((text) =>
    text
      .split(/\n\s*\n/)
      .map((block) => readHeaders(block.trim()))
      .filter((fields) => fields.has('final-recipient') || fields.has('original-recipient') || fields.has('action'))
      .map((fields) => ({
        recipient:
          addressIn(`${fields.get('original-recipient')?.[0] ?? ''}`) ??
          addressIn(fields.get('final-recipient')?.[0] ?? ''),
        action: (fields.get('action')?.[0] ?? '').toLowerCase(),
        status: /\b([245]\.\d{1,3}\.\d{1,3})\b/.exec(fields.get('status')?.[0] ?? '')?.[1] ?? '',
        words: (fields.get('diagnostic-code') ?? []).join(' ').replace(/^\s*[\w-]+\s*;\s*/, ''),
        category: (fields.get('x-powermta-bouncecategory')?.[0] ?? '').trim().toLowerCase(),
      })),
  )
}

/** Several recipients, each with a paragraph of its own: `<ana@example.com>:` and why. */
function paragraphs(transcript: string): Told[] {
  const starts = [...transcript.matchAll(/^\s*<([^<>\s]+@[^<>\s]+)>:/gm)]
  if (starts.length < 2) return []
  return starts.map((start, index) => ({
    recipient: addressIn(start[1]!),
    action: '',
    status: '',
    words: transcript.slice(start.index + start[0].length, starts[index + 1]?.index).split(/\n\s*\n/, 1)[0]!,
  }))
}

function isBlock(text: string): boolean {
  return /^(final|original)-recipient\s*:/im.test(text) && /^(action|status|diagnostic-code)\s*:/im.test(text)
}

/** The text of the report, wherever it stands, and the message it returns. */
function splitReport(mail: Mail, { bounces }: Rules): { transcript: string; returned: string } {
  const attached = mail.parts.filter(({ type }) => type.startsWith('text/plain')).map(({ text }) => text)
  const split = [mail.text, ...attached].map((text) => {
    const lines = text.split('\n')
    const start = lines.findIndex((line, index) => index > 0 && bounces.returned.some((pattern) => pattern.test(line)))
    return start < 0 ? [text, ''] : [lines.slice(0, start).join('\n'), lines.slice(start).join('\n')]
  })
  return {
    transcript: split.map(([report]) => report).join('\n\n'),
    returned: split.map(([, rest]) => rest).join('\n\n'),
  }
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
  return daemon && (subject || body)
}

/** Somebody passes on what a server said, and adds nothing of their own: the report as it was. */
function passedOn(mail: Mail, { bounces }: Rules): Mail | undefined {
  if (!/^\s*(fwd?|enc|rv|tr|wg|i)\s*:/i.test(mail.subject)) return undefined
  if (!bounces.subjects.some((pattern) => pattern.test(mail.subject))) return undefined
  const own = mail.text.split('\n').filter((line) => /\p{L}/u.test(line) && !/^\s*>/.test(line))
  const text = mail.text.replaceAll(/^> ?(?!>>)/gm, '')
  if (own.length > 3 || !isBlock(text)) return undefined
  const report = text.slice(Math.max(0, text.search(/^subject:/im)))
  return {
    ...mail,
    text: report.slice(Math.max(0, report.search(/\n\s*\n/))),
    subject: mail.subject.replace(/^[^:]*:/, ''),
  }
}

const notice = z.object({
  notificationType: z.string(),
  bounce: z
    .object({
      bouncedRecipients: z.array(
        z.object({
          emailAddress: z.string(),
          status: z.string().default(''),
          action: z.string().default('failed'),
          diagnosticCode: z.string().default(''),
        }),
      ),
    })
    .optional(),
})

/** A delivery report as JSON, as notification services mail it: those that failed; undefined when it is none. */
function readNotice(mail: Mail): Told[] | undefined {
  const json = /\{.*"notificationType".*\}/s.exec(mail.text)?.[0]
  if (json === undefined) return undefined
  try {
    const { notificationType, bounce } = notice.parse(JSON.parse(json))
    if (!/^(bounce|delivery)$/i.test(notificationType)) return undefined
    return (bounce?.bouncedRecipients ?? []).map(({ emailAddress, status, action, diagnosticCode }) => ({
      recipient: addressIn(emailAddress),
      action,
      status,
      words: diagnosticCode.replace(/^\s*[\w-]+\s*;\s*/, ''),
    }))
  } catch {
    return undefined
  }
}

/** The lines around an address. */
function paragraphOf(text: string, recipient: string | null): string {
  if (recipient === null) return text
  const blocks = text.split(/\n\s*\n/)
  const own = blocks.filter((block) => block.toLowerCase().includes(recipient))
  return own.length === 0 ? '' : own.join('\n')
}

function recipientIn(transcript: string, returned: string): string | null {
  const named =
    /(?:could ?n.t|can ?not|not|un)[^@]{0,120}?(?:deliver|reach|sent)[^@]{0,200}?([^\s<>"'(),:;]+@[^\s<>"'(),;]+)/i
  const to = readHeaders(returned.trim()).get('to')?.[0] ?? /^\s*to:\s*(.+)$/im.exec(returned)?.[1]
  return addressIn(named.exec(transcript)?.[1] ?? '') ?? addressIn(to ?? '') ?? addressIn(transcript)
}

function statusIn(text: string): string | undefined {
  return /(?:^|[\s(#[:;-])([45]\.[0-7]\.\d{1,3})(?=$|[\s)\]<:;,.-])/.exec(text)?.[1]
}

/** Lower case, single spaces; addresses and the full stops of names out of the way of sentences. */
function squeeze(text: string): string {
  return text
    .slice(0, 40_000)
    .toLowerCase()
    .replaceAll(/[‘’]/g, "'")
    .replaceAll(/^> ?(?!>>)/gm, '')
    .replaceAll(/[^\s<>"'(),;]{1,128}@[^\s<>"'(),;]{1,255}/g, '@')
    .replaceAll(/(?<=[a-z0-9-])\.(?=[a-z])/g, '_')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 20_000)
}
