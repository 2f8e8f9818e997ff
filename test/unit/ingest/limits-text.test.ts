import { expect, it } from 'vitest'
import { limitsText } from '../../../ingest/limits-text.ts'

it('says what a vendor allows, over all and by endpoint', () => {
  const search = { per_second: 5, windows: [{ remaining: 'x-left' }] }
  expect(limitsText({ limits: { per_second: 0.2, per_minute: 600, concurrency: 8 }, buckets: { search } })).toBe(
    'one in 5 s, 600/min, 8 at once; search: 5/s, limits told by the vendor',
  )
  expect(limitsText({})).toBe('')
})
