import fc from 'fast-check'
import { expect, it } from 'vitest'
import { KeySet } from '../../../../pipeline/bulk/key-set.ts'

const key = fc.string({ unit: fc.constantFrom(...'0123456789ABCXYZ'), minLength: 8, maxLength: 8 })

it('knows exactly the keys it was given, also after it was put away and read back', () => {
  fc.assert(
    fc.property(fc.array(key, { maxLength: 300 }), fc.array(key, { maxLength: 300 }), (given, others) => {
      const keys = new KeySet()
      for (const one of given) keys.add(Buffer.from(one), 0, 8)
      const again = new KeySet()
      again.restore(keys.fresh)
      for (const one of [...given, ...others]) {
        expect(keys.has(Buffer.from(one), 0, 8)).toBe(given.includes(one))
        expect(again.has(Buffer.from(one), 0, 8)).toBe(given.includes(one))
      }
      expect(keys.size).toBe(new Set(given).size)
    }),
    { numRuns: 30 },
  )
})

it('grows, and misses nothing', () => {
  const keys = new KeySet()
  const at = (index: number) => Buffer.from(String(index * 97).padStart(8, '0'))
  for (let index = 0; index < 200_000; index++) keys.add(at(index), 0, 8)
  let known = 0
  for (let index = 0; index < 400_000; index++) if (keys.has(at(index), 0, 8)) known++
  expect(known).toBe(200_000)
})

it('minds neither case nor spaces nor where in the buffer the key is', () => {
  const keys = new KeySet()
  keys.add(Buffer.from('12abc345'), 0, 8)
  expect(keys.has(Buffer.from('"12ABC345 ";'), 1, 10)).toBe(true)
  expect(keys.has(Buffer.from('12ABC346'), 0, 8)).toBe(false)
})
