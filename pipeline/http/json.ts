import { isSafeNumber, parse } from 'lossless-json'

/** Might hold a number that a double cannot: many digits in a row, or a large exponent. */
const SUSPECT = /\d[\d.]{15}|\d[eE][+-]?\d{3}/

/**
 * JSON as JavaScript reads it, except for numbers that a double cannot hold exactly: an int64 id, money with many digits.
 * They come as the text they are. Throws SyntaxError on what is no JSON.
 */
export function parseJson(text: string): unknown {
  if (!SUSPECT.test(text)) return JSON.parse(text)
  return parse(text, undefined, {
    parseNumber: (digits) => (isSafeNumber(digits) ? Number(digits) : digits),
    onDuplicateKey: ({ newValue }) => newValue,
  })
}

/** The same; undefined in place of an error. */
export function tryJson(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}
