import { withoutGaps } from './read-mail.ts'
import type { Rules } from './rules.ts'

const LONGEST = 50_000

/** What somebody wrote, without what they answer to, their signature and the lawyers' words. May be empty. */
export function ownWords(text: string, rules: Rules): string {
  const lines = withoutGaps(text.slice(0, LONGEST))
    .replaceAll('\r', '')
    .replaceAll(/[\u00a0\u202f]/g, ' ')
    .replaceAll(/[\u200b-\u200f\u202a-\u202e\ufeff]/g, '')
    .split('\n')
  return withoutSignature(withoutQuotes(lines, rules), rules).join('\n').trim()
}

/** Lines before the quote; where somebody answers between the lines, those that are theirs. */
function withoutQuotes(lines: readonly string[], rules: Rules): string[] {
  const kept: string[] = []
  for (let index = 0; index < lines.length; ) {
    const line = lines[index]!
    if (/^\s*>/.test(line)) {
      index++
      continue
    }
    const taken = attribution(lines, index, rules)
    if (taken > 0) {
      const rest = lines.slice(index + taken)
      if (!answersBetween(rest)) return kept
      index += taken
      continue
    }
    if (isSeparator(lines, index, rules)) return kept
    kept.push(line)
    index++
  }
  return kept
}

/** Quoted lines are followed by lines of their own: an answer below, or between. */
function answersBetween(rest: readonly string[]): boolean {
  const first = rest.find((line) => line.trim() !== '')
  return first !== undefined && /^\s*>/.test(first)
}

/** How many lines say who wrote what follows; 0 when none do. */
function attribution(lines: readonly string[], index: number, { quotes }: Rules): number {
  if (lines[index]!.trim() === '') return 0
  for (let count = 1; count <= 4; count++) {
    const some = lines.slice(index, index + count)
    if (some.length < count || (count > 1 && some.at(-1)!.trim() === '')) return 0
    const joined = some.map((line) => line.trim()).join(' ')
    if (joined.length > 400) return 0
    if (quotes.attributions.some((pattern) => pattern.test(joined)) && (count > 1 || !isSentence(joined))) return count
  }
  return 0
}

/** A line that ends like a sentence, not like an announcement. */
function isSentence(line: string): boolean {
  return /[.!?]$/.test(line)
}

function isSeparator(lines: readonly string[], index: number, { quotes }: Rules): boolean {
  const line = lines[index]!
  const next = lines.slice(index + 1, index + 12).filter((each) => each.trim() !== '')
  if (quotes.separators.some((pattern) => pattern.test(line)))
    return !/^_+\s*$/.test(line) || isHeader(next[0] ?? '', quotes.header_names)
  if (!isHeader(line, quotes.header_names)) return false
  return next.slice(0, 5).filter((each) => isHeader(each, quotes.header_names)).length >= 2
}

function isHeader(line: string, names: ReadonlySet<string>): boolean {
  const name = /^[>\s*]*([\p{L}' -]{1,30}?)\s*\*?[:：]/u.exec(line)?.[1]
  return name !== undefined && names.has(name.trim().toLowerCase())
}

function withoutSignature(lines: readonly string[], { quotes }: Rules): string[] {
  const says = (patterns: readonly RegExp[], line: string) => patterns.some((pattern) => pattern.test(line.trim()))
  const hasWords = (until: number) =>
    lines.slice(0, until).some((line) => /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(line))
  const end = lines.findIndex((line, index) => {
    if (line.trim() === '' || !hasWords(index)) return false
    if (says(quotes.disclaimers, line)) return true
    if (says(quotes.mobile, line)) return restIsShort(lines, index, 4)
    return says(quotes.closings, line) && restIsShort(lines, index, 14)
  })
  const kept = end < 0 ? [...lines] : lines.slice(0, end)
  return kept.filter((line, index) => index === 0 || !says(quotes.mobile, line) || !hasWords(index))
}

/** A signature is short: below a rule in the middle of a text more follows. */
function restIsShort(lines: readonly string[], index: number, most: number): boolean {
  const rest = lines.slice(index + 1).filter((line) => line.trim() !== '')
  const sentences = rest.filter((line) => line.length > 90 && !/https?:|confiden|disclaim|@/i.test(line))
  return rest.length <= most && sentences.length === 0
}
