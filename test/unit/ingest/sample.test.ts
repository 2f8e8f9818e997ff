import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { diceOf, sampleOf } from '../../../ingest/sample.ts'

const one = (how: unknown, known = {}) => sampleOf({ it: how }, known, diceOf('test')).it

test('the same name rolls the same, another name does not', () => {
  const rolls = (who: string) => Array.from({ length: 5 }, diceOf(who).next)
  expect(rolls('a')).toEqual(rolls('a'))
  expect(rolls('a')).not.toEqual(rolls('b'))
})

test('rolls stay within their range and are about even', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: -50, max: 50 }), fc.nat(50), (who, low, size) => {
      const roll = diceOf(who).int(low, low + size)
      return roll >= low && roll <= low + size
    }),
  )
  const dice = diceOf('even')
  const sixes = Array.from({ length: 6000 }, () => dice.int(1, 6)).filter((roll) => roll === 6).length
  expect(sixes).toBeGreaterThan(850)
  expect(sixes).toBeLessThan(1150)
})

describe('a recipe', () => {
  test.each<[string, unknown, unknown]>([
    ['text is itself', 'plain', 'plain'],
    ['null is null', null, null],
    ['a known value in a text', 'hello {name}', 'hello São João'],
    ['a lone name keeps its type', '{count}', 3],
    ['a name nobody knows', '{nothing}', null],
    ['a filter', '{name|slug}.example', 'sao-joao.example'],
    ['capitals without accents', '{name|upper}', 'SAO JOAO'],
    ['a user name', '{full|user}', 'ana.souza'],
    ['a CNPJ as it is printed', '{cnpj|cnpj}', '12.ABC.345/01DE-35'],
    ['part of a list', '{place|2}', 'SP'],
    ['always', { share: 1, of: 'yes' }, 'yes'],
    ['never', { share: 0, of: 'yes', else: 'no' }, 'no'],
    ['never, and nothing else', { share: 0, of: 'yes' }, null],
    ['a word of a known list', { word: '{words}' }, 'only'],
    ['a number', { int: [4, 4] }, 4],
    ['days before 2026', { days_before: [1, 1] }, '2025-12-31'],
    ['days before the month', { days_ago: [1, 1] }, '2026-02-28'],
    ['one of a list', ['{count}'], 3],
  ])('%s', (_name, how, expected) => {
    const known = {
      name: 'São João',
      full: 'Ana Maria Souza',
      count: 3,
      cnpj: '12ABC34501DE35',
      place: 'São Paulo: SP',
      words: 'only',
      month: '2026-03',
    }
    expect(one(how, known)).toEqual(expected)
  })

  test('a column knows those before it', () => {
    expect(sampleOf({ a: 'x', b: '{a}y', c: '{b}z' }, {}, diceOf('t'))).toEqual({ a: 'x', b: 'xy', c: 'xyz' })
  })
})
