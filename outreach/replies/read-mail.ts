import type { ParsedMail, SimpleParserOptions } from 'mailparser'

/** An incoming message, taken apart: plain data, whatever came over the wire. */
export interface Mail {
  /** Lower case; null when there is none or it cannot be read. */
  from: string | null
  from_name: string
  /** Lower case, from To and Cc. */
  to: string[]
  subject: string
  /** ISO 8601 UTC, as the sender says. */
  date: string | null
  /** With its angle brackets. */
  message_id: string | null
  in_reply_to: string[]
  references: string[]
  /** Unfolded values by lower-case name. */
  headers: ReadonlyMap<string, readonly string[]>
  /** `multipart/report`, lower case. */
  content_type: string
  /** `delivery-status` or `feedback-report` of a multipart/report. */
  report_type: string | null
  /** What a person would read: the plain text, made of the HTML where there is no other. */
  text: string
  /** The parts made for machines, and the message that was returned, as text. */
  parts: readonly { type: string; text: string }[]
  /** What follows the headers, as it came over the wire. */
  source: string
}

/** More than this is not read: nothing that decides what a message means comes later. */
export const MAX_SOURCE = 2_000_000
const MAX_TEXT = 200_000
const MAX_PART = 200_000
const MAX_PARTS = 50
/** Nesting deeper than any honest message's. */
const MAX_BOUNDARIES = 500

/** `<p>` and `<li>` need no end: so many may stand side by side. */
const MAX_DEPTH = 2_000

const MACHINE_PARTS = /^(message\/|text\/rfc822-headers|text\/plain)/

/** Takes a message apart. Never throws: what cannot be read is left out, and what is too large is cut. */
export async function readMail(source: Buffer): Promise<Mail> {
  const bytes = source.subarray(0, MAX_SOURCE)
  const raw = bytes.toString('latin1').replace(/^(\s*\r?\n)+/, '')
  const unboxed = raw.replace(/^>?From \S.*\r?\n/, '')
  const headers = readHeaders(unboxed)
  const parsed = tooNested(unboxed) ? undefined : await parse(Buffer.from(unboxed, 'latin1'))
  const contentType = headers.get('content-type')?.[0] ?? ''
  const from = parsed?.from?.value[0]
  const addresses = [parsed?.to ?? [], parsed?.cc ?? []].flat().flatMap(({ value }) => value)
  const date = parsed?.date
  return {
    from: from?.address?.trim().toLowerCase() || addressIn(headers.get('from')?.[0] ?? ''),
    from_name: from?.name ?? '',
    to: [...new Set(addresses.flatMap(({ address }) => (address ? [address.trim().toLowerCase()] : [])))],
    subject: (parsed?.subject ?? headers.get('subject')?.[0] ?? '').replace(/\s+/g, ' ').trim().slice(0, 1_000),
    date: date === undefined || Number.isNaN(date.getTime()) ? null : date.toISOString(),
    message_id: idsIn(headers.get('message-id')?.[0])[0] ?? null,
    in_reply_to: idsIn(headers.get('in-reply-to')?.join(' ')),
    references: idsIn(headers.get('references')?.join(' ')),
    headers,
    content_type: contentType.split(';')[0]!.trim().toLowerCase(),
    report_type: /report-type\s*=\s*"?([\w-]+)/i.exec(contentType)?.[1]?.toLowerCase() ?? null,
    text: withoutGaps(wordsOf(parsed, unboxed).slice(0, MAX_TEXT)).replaceAll('\r\n', '\n'),
    parts: (parsed?.attachments ?? [])
      .slice(0, MAX_PARTS)
      .filter(({ contentType: type }) => MACHINE_PARTS.test(type ?? ''))
      .map(({ contentType: type, content }) => ({
        type: type.toLowerCase(),
        text: content.subarray(0, MAX_PART).toString('utf8').replaceAll('\r\n', '\n'),
      })),
    source: bodyOf(unboxed),
  }
}

/** Without `keepDeliveryStatus`, which its types do not know, the report itself is swallowed. */
const OPTIONS: SimpleParserOptions & { keepDeliveryStatus: boolean } = {
  keepDeliveryStatus: true,
  skipImageLinks: true,
  skipTextToHtml: true,
  skipTextLinks: true,
  maxHtmlLengthToParse: MAX_TEXT,
}

async function parse(source: Buffer): Promise<ParsedMail | undefined> {
  // Of a CommonJS package a bundle's dynamic import has `default` alone.
  const { simpleParser } = (await import('mailparser')).default
  try {
    // HTML is laid out as text only where that ends.
    const parsed = await simpleParser(source, { ...OPTIONS, skipHtmlToText: true })
    return parsed.html && !isDeep(parsed.html) ? await simpleParser(source, OPTIONS) : parsed
  } catch {
    // A message that cannot be parsed is still a message: its headers and its bare body are read.
    return undefined
  }
}

/** HTML that is nested too deep to be laid out still has words between its tags. */
function wordsOf(parsed: ParsedMail | undefined, raw: string): string {
  if (parsed?.text?.trim()) return parsed.text
  const bare = parsed === undefined || parsed.attachments.length === 0 ? bodyOf(raw) : ''
  return (parsed?.html || bare).slice(0, 4 * MAX_TEXT).replaceAll(/<[^<>]{0,2000}>/g, ' ')
}

/** Rules that read word by word would go through each gap again and again. */
export function withoutGaps(text: string): string {
  return text.replaceAll(/[^\S\r\n]{50,}/g, ' ')
}

/** Elements within elements, further than any mail program writes: laying them out takes time that grows with the square. */
function isDeep(html: string): boolean {
  let depth = 0
  for (const [, end] of html.matchAll(
    /<(\/)?(?:div|span|table|t[rdh]|tbody|ul|ol|li|p|b|i|u|a|em|font|center|blockquote)\b/gi,
  )) {
    depth += end === undefined ? 1 : -1
    if (depth > MAX_DEPTH) return true
  }
  return false
}

function tooNested(raw: string): boolean {
  return (raw.match(/^content-type:\s*multipart\//gim)?.length ?? 0) > MAX_BOUNDARIES
}

function bodyOf(raw: string): string {
  return raw.slice(raw.search(/\r?\n\r?\n/) + 1).slice(0, MAX_TEXT)
}

/** Header lines of the text's beginning, unfolded. */
export function readHeaders(raw: string): Map<string, string[]> {
  const head = raw.slice(0, 200_000).split(/\r?\n\r?\n/, 1)[0]!
  const headers = new Map<string, string[]>()
  for (const line of head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon <= 0 || colon > 80) continue
    const name = line.slice(0, colon).trim().toLowerCase()
    const values = headers.get(name) ?? []
    values.push(line.slice(colon + 1).trim())
    headers.set(name, values)
  }
  return headers
}

/** Message-IDs with their angle brackets. */
export function idsIn(text: string | undefined): string[] {
  return (text ?? '').match(/<[^<>\s]{3,300}>/g) ?? []
}

/** The first e-mail address of a text, lower case. */
export function addressIn(text: string): string | null {
  return /[^\s<>"'(),:;[\]\\]{1,128}@[^\s<>"'(),:;[\]\\@]{1,255}/.exec(text.slice(0, 5_000))?.[0].toLowerCase() ?? null
}
