import type { Mend } from '../pipeline/bulk/delimited.ts'
import type { SplitRow } from '../pipeline/bulk/splitter.ts'

const ZERO = 48
const NINE = 57
const SPACE = 32
const DOT = 46
const COMMA = 44
const MINUS = 45
const STAR = 42
const CPF_LENGTH = 11
const CNAE_LENGTH = 7
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

const isDigit = (byte: number | undefined) => byte !== undefined && byte >= ZERO && byte <= NINE

function isDigits(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (!isDigit(bytes[at])) return false
  return end > start
}

export const upperCase: Mend = (bytes, start, end) => {
  for (let at = start; at < end; at++) if (bytes[at]! >= 97 && bytes[at]! <= 122) bytes[at]! -= SPACE
}

/** The name of a one-person company ends with that person's CPF, `12345678909` or `123.456.789-09`: it is blanked. */
export const blankCpf: Mend = (bytes, start, end) => {
  if (!isDigit(bytes[end - 1])) return
  let digits = 0
  let at = end
  while (at > start && digits < CPF_LENGTH) {
    const byte = bytes[at - 1]!
    if (isDigit(byte)) digits++
    else if (!((byte === MINUS && digits === 2) || (byte === DOT && (digits === 5 || digits === 8)))) break
    at--
  }
  if (digits === CPF_LENGTH && !(at > start && isDigit(bytes[at - 1]))) bytes.fill(SPACE, at, end)
}

/** A partner's CPF is published with its ends starred out; should it not be, it is here. */
export const starCpf: Mend = (bytes, start, end, mending) => {
  upperCase(bytes, start, end, mending)
  if (end - start !== CPF_LENGTH) return
  if (!isDigits(bytes, start, end)) return
  bytes.fill(STAR, start, start + 3)
  bytes.fill(STAR, end - 2, end)
  mending.count('unmasked_cpfs', 1)
}

/** Eight digits, or seven of one that lost its zero. Anything else becomes zeros, which are no CEP. */
export const digitsOfCep: Mend = (bytes, start, end, { count }) => {
  const length = end - start
  if ((length === 8 || length === 7) && isDigits(bytes, start, end)) return
  bytes.fill(ZERO, start, end)
  count('bad_ceps', 1)
}

/** A comma between codes of seven digits and nothing else: what else there is goes. */
export const listOfCnaes: Mend = (bytes, start, end, { count }) => {
  let good = (end - start + 1) % (CNAE_LENGTH + 1) === 0
  for (let at = start; good && at < end; at++) {
    good = (at - start) % (CNAE_LENGTH + 1) === CNAE_LENGTH ? bytes[at] === COMMA : isDigit(bytes[at])
  }
  if (good) return
  const codes = bytes.toString('latin1', start, end).match(/(?<!\d)\d{7}(?!\d)/g) ?? []
  bytes.fill(SPACE, start, end)
  bytes.write(codes.join(','), start, 'latin1')
  count('bad_cnae_lists', 1)
}

/**
 * `YYYYMMDD` between 1900 and today → the number of days since 31 December 1899, in as many digits: DuckDB makes a date of
 * a number in a sixth of the time. `0` and zeros are no date; neither is anything else, but that is counted.
 */
export const dayNumber: Mend = (bytes, start, end, { today, count }) => {
  const date = end - start === 8 ? numberOf(bytes, start) : Number.NaN
  if (date >= FIRST_DAY && date <= today) {
    DAY_NUMBERS ??= dayNumbers()
    let days = DAY_NUMBERS[placeOf(date)]! | 0
    if (days > 0) {
      for (let at = end; at > start + UNUSED_DIGITS; days = (days / 10) | 0) bytes[--at] = ZERO + (days % 10)
      bytes[start] = ZERO
      bytes[start + 1] = ZERO
      bytes[start + 2] = ZERO
      return
    }
  }
  if (date === 0) return
  const known = !isNothing(bytes, start, end)
  bytes.fill(ZERO, start, end)
  if (known) count('absurd_dates', 1)
}

const FIRST_DAY = 19000101
const LAST_YEAR = 2155
/** A day's number has at most five digits until 2173. */
const UNUSED_DIGITS = 3
let DAY_NUMBERS: Int32Array | undefined

/** The number of every day by its place; 0 where there is none. Four dates a row are worth a table. */
function dayNumbers(): Int32Array {
  const numbers = new Int32Array((LAST_YEAR - 1900 + 1) * 512)
  for (let year = 1900; year <= LAST_YEAR; year++)
    for (let month = 1; month <= 12; month++)
      for (let day = 1; day <= 31; day++) {
        const date = year * 10_000 + month * 100 + day
        if (isDay(date)) numbers[placeOf(date)] = daysSince1899(date)
      }
  return numbers
}

/** 9 bits of month and day behind the year; of no month or day a place where no day is. */
function placeOf(date: number): number {
  const month = ((date / 100) | 0) % 100
  const day = date % 100
  const year = (date / 10_000) | 0
  return month > 12 || day > 31 ? 0 : ((year - 1900) << 9) | (month << 5) | day
}

/** Eight digits as a number; NaN when they are none. */
function numberOf(bytes: Buffer, start: number): number {
  let number = 0
  for (let at = start; at < start + 8; at++) {
    const digit = bytes[at]! - ZERO
    if (digit < 0 || digit > 9) return Number.NaN
    number = (number * 10 + digit) | 0
  }
  return number
}

/** Only zeros. */
function isNothing(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== ZERO) return false
  return true
}

/** Days of the years before in the Gregorian calendar, the year beginning in March: no case for leap days. */
function daysSince1899(date: number): number {
  const month = Math.floor(date / 100) % 100
  const year = Math.floor(date / 10_000) - (month < 3 ? 1 : 0)
  const leaps = Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400)
  const sinceMarch = Math.floor((153 * ((month + 9) % 12) + 2) / 5)
  return 365 * year + leaps + sinceMarch + (date % 100) - UP_TO_1899
}
/** What the sum above comes to on 31 December 1899. */
const UP_TO_1899 = 693_901

function isDay(date: number): boolean {
  const [year, month, day] = [Math.floor(date / 10_000), Math.floor(date / 100) % 100, date % 100]
  if (month < 1 || month > 12 || day < 1 || day > DAYS[month - 1]!) return false
  return month !== 2 || day < 29 || (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0))
}

const UNKNOWN_CAPITAL = 999_999_999_999

/** `1061004829,23`, `1.061.004.829,23` or `1061004829.23` → `1061004829.23`. Below zero, and all nines: not known. */
export const amountOfCapital: Mend = (bytes, start, end, { count }) => {
  if (
    bytes[end - 3] === COMMA &&
    end - start < 14 &&
    isDigits(bytes, start, end - 3) &&
    isDigits(bytes, end - 2, end)
  ) {
    bytes[end - 3] = DOT
    return
  }
  const amount = amountOf(bytes.toString('latin1', start, end))
  const known = amount !== undefined && Number(amount) >= 0 && Number(amount) < UNKNOWN_CAPITAL
  bytes.fill(SPACE, start, end)
  if (known) bytes.write(amount, start, 'latin1')
  else count('absurd_capital', 1)
}

/** An amount as written, as DECIMAL(18,2) reads it; undefined when it is none. */
export function amountOf(text: string): string | undefined {
  const grouped = text.includes(',') || /^-?\d{1,3}(\.\d{3})+$/.test(text)
  const plain = grouped ? text.replaceAll('.', '').replace(',', '.') : text
  return /^-?\d{1,16}(\.\d*)?$/.test(plain) ? plain : undefined
}

const CNPJ_LENGTHS = [8, 4, 2]

/** Do the first three fields of a row, in which nothing else is, make a CNPJ with the right check digits? */
export function holdsCnpj({ buffer, starts, ends }: SplitRow): boolean {
  let first = 0
  let second = 0
  let at = 0
  let zeros = true
  for (let field = 0; field < 3; field++) {
    const start = starts[field]!
    if (ends[field]! - start !== CNPJ_LENGTHS[field]) return false
    for (let place = start; place < ends[field]!; place++, at++) {
      let byte = buffer[place]!
      if (byte >= 97 && byte <= 122) byte -= SPACE
      const digit = byte >= ZERO && byte <= NINE
      if (!digit && (at >= 12 || byte < 65 || byte > 90)) return false
      const value = byte - ZERO
      if (value !== 0) zeros = false
      if (at < 12) first += value * (at < 4 ? 5 - at : 13 - at)
      if (at < 13) second += value * (at < 5 ? 6 - at : 14 - at)
      if (at === 12 && value !== checkOf(first)) return false
      if (at === 13 && value !== checkOf(second)) return false
    }
  }
  return !zeros
}

function checkOf(sum: number): number {
  const rest = sum % 11
  return rest < 2 ? 0 : 11 - rest
}

/** Is the first field eight letters or digits, as the first eight of a CNPJ? */
export function holdsRoot({ buffer, starts, ends }: SplitRow): boolean {
  const end = ends[0]!
  if (end - starts[0]! !== 8) return false
  for (let at = starts[0]!; at < end; at++) {
    const byte = buffer[at]! | SPACE
    if (!isDigit(buffer[at]) && (byte < 97 || byte > 122)) return false
  }
  return true
}
