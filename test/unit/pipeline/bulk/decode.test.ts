import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Decoded, type Encoding, sniff, toText } from '../../../../pipeline/bulk/decode.ts'

async function decode(bytes: Buffer, size: number): Promise<{ text: string } & Decoded> {
  const pieces = async function* () {
    for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
  }
  const seen: Decoded = { encoding: 'latin1', nul_bytes: 0 }
  const decoded: Buffer[] = []
  for await (const piece of toText(pieces(), seen)) decoded.push(piece)
  return { text: Buffer.concat(decoded).toString(seen.encoding === 'latin1' ? 'latin1' : 'utf8'), ...seen }
}

function encode(text: string, encoding: Encoding): Buffer {
  if (encoding === 'latin1') return Buffer.from(text, 'latin1')
  if (encoding === 'utf-8') return Buffer.from(`\ufeff${text}`, 'utf8')
  const little = Buffer.from(`\ufeff${text}`, 'utf16le')
  return encoding === 'utf-16le' ? little : little.swap16()
}

describe('toText', () => {
  it.each(['utf-8', 'utf-16le', 'utf-16be'] as const)('decodes %s by its mark, cut anywhere', async (encoding) => {
    const text = fc.string({ unit: fc.constantFrom('a', 'ç', '€', '😀', '"', '\n'), minLength: 1 })
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 7 }), async (given, size) => {
        expect(await decode(encode(given, encoding), size)).toEqual({ text: given, encoding, nul_bytes: 0 })
      }),
    )
  })

  it('takes what has no mark for true latin1, all 256 bytes of it', async () => {
    const bytes = Buffer.from(Array.from({ length: 255 }, (_, index) => index + 1))
    expect((await decode(bytes, 5)).text).toBe(bytes.toString('latin1'))
  })

  it('guesses no UTF-8 without a mark', async () => {
    expect((await decode(Buffer.from('ç', 'utf8'), 9)).text).toBe('Ã§')
  })

  it('takes NULs out and counts them', async () => {
    expect(await decode(Buffer.from('\0a\0b\0'), 2)).toEqual({ text: 'ab', encoding: 'latin1', nul_bytes: 3 })
  })

  it('answers nothing for nothing', async () => {
    expect((await decode(Buffer.alloc(0), 1)).text).toBe('')
    expect((await decode(Buffer.from('é', 'latin1'), 1)).text).toBe('é')
  })
})

describe('sniff', () => {
  it('knows the marks', () => {
    expect(sniff(Buffer.from([0xff, 0xfe, 0x41]))).toEqual({ encoding: 'utf-16le', mark: 2 })
    expect(sniff(Buffer.from([0xfe, 0xff, 0x00]))).toEqual({ encoding: 'utf-16be', mark: 2 })
    expect(sniff(Buffer.from([0xef, 0xbb, 0xbf]))).toEqual({ encoding: 'utf-8', mark: 3 })
    expect(sniff(Buffer.from('"1"'))).toEqual({ encoding: 'latin1', mark: 0 })
  })
})
