const FORM = /^[0-9A-Z]{12}[0-9]{2}$/
const ZERO = 48
const LENGTH = 14

/**
 * A CNPJ as it is stored and compared: no punctuation, upper case. Since July 2026 the first twelve characters may be
 * letters (IN RFB 2.229/2024), so it is text everywhere, never padded and never stripped of its letters.
 */
export function normalizeCnpj(text: string): string {
  return text.replace(/[./\-\s]/g, '').toUpperCase()
}

/** Is it a CNPJ as written officially (punctuation allowed, letters upper case), with the right check digits? */
export function isCnpj(text: string): boolean {
  const cnpj = text.length === LENGTH ? text : text.replace(/[./\-\s]/g, '')
  if (!FORM.test(cnpj) || cnpj === '0'.repeat(LENGTH)) return false
  return checkDigit(cnpj, 12) === cnpj.charCodeAt(12) - ZERO && checkDigit(cnpj, 13) === cnpj.charCodeAt(13) - ZERO
}

/** The two check digits of the first twelve characters of a CNPJ, numeric or alphanumeric. */
export function cnpjCheckDigits(base: string): string {
  const first = String(checkDigit(base, 12))
  return first + String(checkDigit(base + first, 13))
}

/** Weights 2 to 9 from the right, over the characters' codes less 48; 11 less the remainder, below 2 none. */
function checkDigit(text: string, length: number): number {
  let sum = 0
  let weight = length - 7
  for (let index = 0; index < length; index++) {
    sum += (text.charCodeAt(index) - ZERO) * weight
    weight = weight === 2 ? 9 : weight - 1
  }
  const rest = sum % 11
  return rest < 2 ? 0 : 11 - rest
}

/** A text with every CPF in it, of which a Brazilian person can be told, starred out. */
export function withoutCpf(text: string): string {
  return text.replace(/(?<![\d,.])\d{3}\.?\d{3}\.?\d{3}-?\d{2}(?![\d,])/g, '*'.repeat(11))
}
