import { expect, it } from 'vitest'
import { KeyFilter } from '../../../../pipeline/bulk/key-filter.ts'

const key = (index: number) => Buffer.from(String(index).padStart(8, '0'))

it('never misses a key, and seldom lets another pass', () => {
  const filter = new KeyFilter()
  for (let index = 0; index < 100_000; index++) filter.add(key(index * 7), 0, 8)
  const numbers = Array.from({ length: 100_000 }, (_, index) => index * 7)
  const passed = (by: number) => numbers.filter((number) => filter.has(key(number + by), 0, 8)).length
  expect(passed(0)).toBe(numbers.length)
  expect(passed(3)).toBeLessThan(100)
})

it('minds neither case nor spaces nor where in the buffer the key is', () => {
  const filter = new KeyFilter()
  filter.add(Buffer.from('12abc345'), 0, 8)
  expect(filter.has(Buffer.from('"12ABC345 ";'), 1, 10)).toBe(true)
  expect(filter.has(Buffer.from('12ABC346'), 0, 8)).toBe(false)
})
