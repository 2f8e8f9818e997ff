import { expect, it } from 'vitest'
import { isPassedOn } from '../../../../pipeline/diff/spared.ts'

it.each([
  ['select\n  scores.deal_brief,\n  scores.score\nfrom scores', true],
  ['select * from scores', true],
  ['select\n  score -- without the deal_brief\nfrom scores', true],
  ['select\n  deal_brief\nfrom scores', true],
  ['select\n  len(scores.deal_brief) as length\nfrom scores', false],
  ['select score from scores where deal_brief is null', false],
  ['select\n  scores.deal_brief as text,\nfrom scores', false],
])('knows whether a model does more with a column than pass it on: %s', (sql, passes) => {
  expect(isPassedOn('deal_brief', sql)).toBe(passes)
})
