import { expect, test } from 'vitest'
import { costOfOrder, ordersOf } from '../../../../ingest/waterfall/counterfactual.ts'

const logged = new Map([
  ['a', { valid: false, cost: 1 }],
  ['b', { valid: true, cost: 3 }],
])
const expected = new Map([['c', { chance: 0.5, cost: 2 }]])

test('what was logged counts as it was, and ends where it was believed', () => {
  expect(costOfOrder(['a', 'b'], logged, expected)).toBe(4)
  expect(costOfOrder(['b', 'a'], logged, expected)).toBe(3)
})

test('who was not asked counts by what is known of it on average', () => {
  expect(costOfOrder(['c', 'b'], logged, expected)).toBe(2 + 0.5 * 3)
  expect(costOfOrder(['c', 'a', 'b'], logged, expected)).toBe(2 + 0.5 * 4)
})

test('all orders', () => {
  expect(ordersOf(['a', 'b', 'c'])).toHaveLength(6)
})
