import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cnpjCheckDigits, isCnpj, normalizeCnpj } from '../../../ingest/cnpj.ts'

interface Vectors {
  valid_generated: string[]
  cases: { cnpj: string; valid: boolean }[]
}

const vectors = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../fixtures/receita/cnpj-dv-vectors.json', import.meta.url)), 'utf8'),
) as Vectors

const character = fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ')
const base = fc.string({ unit: character, minLength: 12, maxLength: 12 }).filter((text) => /[^0]/.test(text))

describe('isCnpj', () => {
  it.each(vectors.valid_generated)('accepts the generated number %s', (cnpj) => {
    expect(isCnpj(cnpj)).toBe(true)
  })

  it.each(vectors.cases)('says $valid of $cnpj', ({ cnpj, valid }) => {
    expect(isCnpj(cnpj)).toBe(valid)
  })

  it('accepts what it computes, and no other check digits', () => {
    fc.assert(
      fc.property(base, fc.integer({ min: 0, max: 99 }), (text, other) => {
        const digits = cnpjCheckDigits(text)
        const wrong = String(other).padStart(2, '0')
        return isCnpj(text + digits) && (wrong === digits || !isCnpj(text + wrong))
      }),
    )
  })

  it('is right whatever the number looked like, once normalised', () => {
    fc.assert(
      fc.property(base, (text) => {
        const cnpj = text + cnpjCheckDigits(text)
        const written = ` ${cnpj.slice(0, 2)}.${cnpj.slice(2, 5)}.${cnpj.slice(5, 8)}/${cnpj.slice(8, 12)}-${cnpj.slice(12)} `
        return normalizeCnpj(written.toLowerCase()) === cnpj && isCnpj(normalizeCnpj(written.toLowerCase()))
      }),
    )
  })
})
