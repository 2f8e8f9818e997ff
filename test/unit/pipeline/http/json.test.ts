import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseJson, tryJson } from '../../../../pipeline/http/json.ts'

it.each([
  ['1039995589705121900', '1039995589705121900'],
  ['-9007199254740993', '-9007199254740993'],
  ['9007199254740991', 9007199254740991],
  ['0.5', 0.5],
  ['1061004829.23', 1061004829.23],
  ['12345678901234567.25', '12345678901234567.25'],
  ['1e400', '1e400'],
])('%s is %j', (text, value) => {
  expect(parseJson(`{"a":[${text}],"b":"${text}"}`)).toEqual({ a: [value], b: text })
})

const asText = (value: unknown) =>
  JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'number' ? String(inner) : inner))

it('reads what JSON.parse reads, and loses no number', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(asText(parseJson(text))).toBe(asText(JSON.parse(text)))
    }),
  )
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (id) => {
      expect(String((parseJson(`{"id":${id}}`) as { id: unknown }).id)).toBe(String(id))
    }),
  )
})

it('takes the last of two equal keys, and nothing that is no JSON', () => {
  expect(parseJson('{"a":1039995589705121900,"a":2}')).toEqual({ a: 2 })
  expect(() => parseJson('{"a":1234567890123456789')).toThrow()
  expect(tryJson('<html>')).toBeUndefined()
})
