import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cnpjCheckDigits, isCnpj } from '../../../ingest/cnpj.ts'
import * as bytes from '../../../ingest/register-bytes.ts'
import type { Mend } from '../../../pipeline/bulk/delimited.ts'
import { type SplitRow, Splitter } from '../../../pipeline/bulk/splitter.ts'

const TODAY = 20260831

/** A field as a mend leaves it between its neighbours, which it must not touch, and what it counted. */
function mended(mend: Mend, text: string): { text: string; counts: Record<string, number> } {
  const counts: Record<string, number> = {}
  const field = Buffer.from(text)
  const row = Buffer.concat([Buffer.from('<1'), field, Buffer.from('2>')])
  const count = (name: string, by: number) => {
    counts[name] = (counts[name] ?? 0) + by
  }
  mend(row, 2, 2 + field.length, { today: TODAY, count })
  expect([row.subarray(0, 2).toString(), row.subarray(-2).toString()]).toEqual(['<1', '2>'])
  return { text: row.subarray(2, -2).toString(), counts }
}

function firstRow(text: string, width: number, look: (row: SplitRow) => boolean): boolean | undefined {
  let seen: boolean | undefined
  const splitter = new Splitter(width, {
    row(row) {
      seen = look(row)
      return false
    },
    bad: () => {},
  })
  splitter.push(Buffer.from(`${text}\n`))
  splitter.end(true)
  return seen
}

describe('holdsCnpj', () => {
  const holds = (cnpj: string) =>
    firstRow(`"${cnpj.slice(0, 8)}";"${cnpj.slice(8, 12)}";"${cnpj.slice(12)}"`, 3, bytes.holdsCnpj)

  it('says what isCnpj says, of right and wrong ones, with letters or without', () => {
    const base = fc.string({ unit: fc.constantFrom(...'0123456789ABCXYZ'), minLength: 12, maxLength: 12 })
    fc.assert(
      fc.property(
        base,
        fc.option(fc.string({ unit: fc.constantFrom(...'0123456789A'), minLength: 2, maxLength: 2 })),
        (twelve, digits) => {
          const cnpj = twelve + (digits ?? cnpjCheckDigits(twelve))
          expect(holds(cnpj)).toBe(isCnpj(cnpj))
          expect(holds(cnpj.toLowerCase())).toBe(isCnpj(cnpj))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('agrees with the published vectors', () => {
    const path = new URL('../../fixtures/receita/cnpj-dv-vectors.json', import.meta.url)
    const numbers = readFileSync(path, 'utf8').match(/[0-9A-Z]{12}[0-9]{2}/g) ?? []
    expect(numbers.length).toBeGreaterThan(15)
    for (const cnpj of numbers) expect([cnpj, holds(cnpj)]).toEqual([cnpj, isCnpj(cnpj)])
    expect(holds('00000000000000')).toBe(false)
  })
})

describe('what is mended in place', () => {
  it.each([
    ['MARIA DE TAL 12345678909', 'MARIA DE TAL            '],
    ['MARIA DE TAL 123.456.789-09', 'MARIA DE TAL               '],
    ['12345678909', '           '],
    ['LOJA 1234567890', 'LOJA 1234567890'],
    ['CNPJ 123456789012', 'CNPJ 123456789012'],
    ['RUA 12345678909 FUNDOS', 'RUA 12345678909 FUNDOS'],
    ['JOSÉ CONCEIÇÃO12345678909', 'JOSÉ CONCEIÇÃO           '],
  ])('a CPF at the end of a name: %s', (name, without) => {
    expect(mended(bytes.blankCpf, name).text).toBe(without)
  })

  it('no name keeps a CPF at its end', () => {
    const name = fc.string({ unit: fc.constantFrom('A', 'é', ' ', '.', '-', '7'), maxLength: 12 })
    fc.assert(
      fc.property(name, fc.constantFrom('12345678909', '123.456.789-09', '123456789-09'), (before, cpf) => {
        const { text } = mended(bytes.blankCpf, `${before} ${cpf}`)
        expect(text).not.toContain('678')
      }),
    )
  })

  it.each([
    ['12345678909', '***456789**'],
    ['***456789**', '***456789**'],
    ['27824598000190', '27824598000190'],
    ['ab12cd34000190', 'AB12CD34000190'],
  ])("a partner's document: %s", (document, published) => {
    expect(mended(bytes.starCpf, document).text).toBe(published)
  })

  it.each([
    ['20240229', '00045350', 0],
    ['19000101', '00000001', 0],
    ['20000301', '00036585', 0],
    ['20230229', '00000000', 1],
    ['20260901', '00000000', 1],
    ['18991231', '00000000', 1],
    ['2024-1-1', '00000000', 1],
    ['00000000', '00000000', 0],
    ['0', '0', 0],
  ])('a date: %s', (date, kept, absurd) => {
    expect(mended(bytes.dayNumber, date)).toEqual({ text: kept, counts: absurd === 0 ? {} : { absurd_dates: absurd } })
  })

  it.each([
    ['1061004829,23', '1061004829.23'],
    ['1.061.004.829,23', '1061004829.23   '],
    ['1.000', '1000 '],
    ['1000.5', '1000.5'],
    ['999999999999,00', '               '],
    ['-1,00', '     '],
    ['R$ 10', '     '],
  ])('an amount: %s', (amount, kept) => {
    expect(mended(bytes.amountOfCapital, amount).text).toBe(kept)
  })

  it.each([
    ['6201501,6202300', '6201501,6202300'],
    ['6201501', '6201501'],
    ['6201501, 6202300', '6201501,6202300 '],
    ['62015;6202300', '6202300      '],
    ['0', ' '],
  ])('a list of activities: %s', (list, kept) => {
    expect(mended(bytes.listOfCnaes, list).text).toBe(kept)
  })

  it.each([
    ['01311902', '01311902'],
    ['1311902', '1311902'],
    ['0131190', '0131190'],
    ['01311-90', '00000000'],
    ['123', '000'],
  ])('a CEP: %s', (cep, kept) => {
    expect(mended(bytes.digitsOfCep, cep).text).toBe(kept)
  })
})
