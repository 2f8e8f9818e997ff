import { piecesOf } from './phrase.ts'
import type { Language } from './rules.ts'

/** A day that somebody named. */
export interface NamedDay {
  /** ISO date. */
  day: string
  /** `back`: they are there again on it. `until`: it is the last one away. `named`: just said. */
  as: 'back' | 'until' | 'named'
}

const DAY = 86_400_000

/**
 * The days a text names, in order, as seen from `on` (ISO date): `15 de março`, `03/15`, `next Tuesday`, `in two weeks`,
 * `Q3`. A day without a year is the next such day.
 */
export function daysIn(text: string, on: string, { dates }: Language): NamedDay[] {
  const words = piecesOf(text.slice(0, 5_000).replaceAll(/(\d)(st|nd|rd|th|º|ª|er)\b/gi, '$1'))
  const today = Date.parse(`${on}T00:00:00Z`)
  const found: (NamedDay & { at: number })[] = []
  for (let at = 0; at < words.length; at++) {
    const read = dayAt(words, at, today, dates)
    if (read === undefined) continue
    const before = ` ${words.slice(Math.max(0, at - 5), at).join(' ')} `
    const last = (list: readonly string[]) => Math.max(-1, ...list.map((each) => before.lastIndexOf(` ${each} `)))
    const [back, until] = [last(dates.back), last(dates.until)]
    found.push({ day: iso(read.time), as: back < 0 && until < 0 ? 'named' : back > until ? 'back' : 'until', at })
    at += read.length - 1
  }
  return found.map(({ day, as }) => ({ day, as }))
}

/** The first day on which somebody who is away is there again; undefined when the text does not say. */
export function backOn(text: string, on: string, language: Language): string | undefined {
  const days = daysIn(text, on, language).filter(({ day }) => day >= on)
  const back = days.find(({ as }) => as === 'back')
  if (back !== undefined) return back.day
  const until = days.find(({ as }) => as === 'until')
  if (until !== undefined) return iso(Date.parse(until.day) + DAY)
  const last = days
    .map(({ day }) => day)
    .sort()
    .at(-1)
  return days.length >= 2 ? iso(Date.parse(last!) + DAY) : undefined
}

type Dates = Language['dates']

function dayAt(
  words: readonly string[],
  at: number,
  today: number,
  dates: Dates,
): { time: number; length: number } | undefined {
  const word = words[at]!
  const year = (index: number) => (/^20\d\d$/.test(words[index] ?? '') ? Number(words[index]) : undefined)
  const full = /^(20\d\d)[-/.](\d{1,2})[-/.](\d{1,2})$/.exec(word)
  if (full !== null) return day(Number(full[1]), Number(full[2]), Number(full[3]), 1)
  const numbers = numeric(words, at)
  if (numbers !== undefined) {
    const { a, b, y, length } = numbers
    const [d, m] = b > 12 || (!dates.day_first && a <= 12) ? [b, a] : [a, b]
    return y === undefined ? next(m, d, length) : day(y, m, d, length)
  }
  const month = dates.months.findIndex((names) => names.includes(word)) + 1
  if (month > 0) {
    const d = Number(/^\d{1,2}$/.exec(words[at + 1] ?? '')?.[0])
    if (d >= 1 && d <= 31) {
      const y = year(at + 2) ?? (words[at + 2] === ',' ? year(at + 3) : undefined)
      return y === undefined ? next(month, d, 2) : day(y, month, d, 3)
    }
    const y = year(at + 1) ?? (words[at + 1] === 'de' ? year(at + 2) : undefined)
    // A month alone is only one where something points at it: `may` is also a verb.
    const pointed = dates.next
      .concat('in', 'until', 'till', 'em', 'ate', 'en', 'hasta', 'de', 'of', 'para')
      .includes(words[at - 1] ?? '')
    if (y !== undefined) return day(y, month, 1, 2)
    return pointed ? next(month, 1, 1) : undefined
  }
  if (/^\d{1,2}$/.test(word)) {
    const glue = ['de', 'of', '.'].includes(words[at + 1] ?? '') ? 2 : 1
    const named = dates.months.findIndex((names) => names.includes(words[at + glue] ?? '')) + 1
    if (named > 0) {
      const after = at + glue + 1
      const y = year(after) ?? (['de', 'del', ','].includes(words[after] ?? '') ? year(after + 1) : undefined)
      return y === undefined ? next(named, Number(word), glue + 1) : day(y, named, Number(word), glue + 2)
    }
  }
  const weekday = dates.weekdays.findIndex((names) => names.includes(word))
  if (weekday >= 0) {
    const days = (weekday - new Date(today).getUTCDay() + 7) % 7 || 7
    return { time: today + days * DAY, length: 1 }
  }
  if (/^q[1-4]$/.test(word)) return next((Number(word[1]) - 1) * 3 + 1, 1, 1)
  if (Object.hasOwn(dates.in_days, word)) return { time: today + dates.in_days[word]! * DAY, length: 1 }
  return ahead(words, at, today, dates)

  function day(y: number, m: number, d: number, length: number) {
    const time = Date.UTC(y, m - 1, d)
    return m >= 1 && m <= 12 && new Date(time).getUTCDate() === d ? { time, length } : undefined
  }
  function next(m: number, d: number, length: number) {
    const y = new Date(today).getUTCFullYear()
    const soon = day(y, m, d, length)
    return soon !== undefined && soon.time >= today ? soon : day(y + 1, m, d, length)
  }
}

/** `15/03`, `15.03.2027`: one word, or three to five with marks between. */
function numeric(words: readonly string[], at: number) {
  const joined = words.slice(at, at + 5).join('')
  const found = /^(\d{1,2})([/.-])(\d{1,2})(?:\2(20\d\d|\d\d))?(?!\d)/.exec(joined)
  if (found === null || !/^\d/.test(words[at]!)) return undefined
  const [text, a, mark, b, y] = found
  // `9.30` and `1-2` are times and amounts; a day and month alone are written with a slash or a full stop before more.
  if (y === undefined && mark !== '/') return undefined
  let length = 0
  for (let taken = 0; taken < text.length; length++) taken += words[at + length]!.length
  const [first, second] = [Number(a), Number(b)]
  if (first < 1 || second < 1 || (first > 12 && second > 12) || first > 31 || second > 31) return undefined
  return { a: first, b: second, y: y === undefined ? undefined : Number(y.length === 2 ? `20${y}` : y), length }
}

/** `in two weeks`, `next month`, `mês que vem`. */
function ahead(
  words: readonly string[],
  at: number,
  today: number,
  dates: Dates,
): { time: number; length: number } | undefined {
  const unit = (word: string | undefined) =>
    (Object.keys(dates.units) as (keyof Dates['units'])[]).find((name) => dates.units[name].includes(word ?? ''))
  const own = unit(words[at])
  const count = Number(words[at]) || dates.numbers[words[at]!]
  if (count !== undefined && count >= 1 && count <= 60) {
    const later = unit(words[at + 1])
    if (later !== undefined) return { time: shifted(today, later, count), length: 2 }
  }
  if (own === undefined) return undefined
  const after = words.slice(at + 1, at + 3).join(' ')
  const isNext =
    dates.next.includes(words[at - 1] ?? '') || dates.next.includes(after) || dates.next.includes(words[at + 1] ?? '')
  return isNext ? { time: startOf(shifted(today, own, 1), own), length: 1 } : undefined
}

function shifted(time: number, unit: keyof Dates['units'], count: number): number {
  if (unit === 'day') return time + count * DAY
  if (unit === 'week') return time + count * 7 * DAY
  const date = new Date(time)
  const months = { month: 1, quarter: 3, year: 12 }[unit] * count
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, Math.min(date.getUTCDate(), 28))
}

/** `next week` begins on its Monday, `next month` on its first. */
function startOf(time: number, unit: keyof Dates['units']): number {
  const date = new Date(time)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  if (unit === 'week') return time - ((date.getUTCDay() + 6) % 7) * DAY
  if (unit === 'month') return Date.UTC(year, month, 1)
  if (unit === 'quarter') return Date.UTC(year, month - (month % 3), 1)
  return unit === 'year' ? Date.UTC(year, 0, 1) : time
}

function iso(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}
