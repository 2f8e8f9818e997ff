import { describe, expect, test } from 'vitest'
import * as bars from '../../helpers/crm-bars/bars.ts'
import { CLEAN } from '../../helpers/crm-bars/judge.ts'
import { VENDORS } from '../../helpers/crm-bars/vendors.ts'

// The short form of bench/crm-bars.mjs: the sync through its core against the vendors' stand-ins, in a time that waits move on;
// what takes longer is in bars.long.test.ts. The judge reads the vendor's journal. CRM_SEED plays another draw.

const seed = Number(process.env.CRM_SEED ?? 20261122)

describe.each(Object.keys(VENDORS))(`%s (CRM_SEED=${seed})`, (name) => {
  test('rows that are refused are listed once with code and property, the good ones applied, mended ones delivered', async () => {
    const { bad, ...told } = await bars.partialFailure(name, { seed, companies: 60 })
    expect(bad).toBeGreaterThan(2)
    expect(told).toEqual({
      ...CLEAN,
      good_rows_not_applied: 0,
      bad_rows_applied: 0,
      not_listed_once_with_code_and_property: 0,
      sent_again_unchanged: 0,
      fixed_not_delivered: 0,
    })
  })

  test('one bad row in a batch that is refused whole stands alone after few calls', async () => {
    const { extra, ...told } = await bars.wholeBatch(name, { seed })
    expect(told).toMatchObject({ good_rows_not_applied: 0, rejected: 'the bad one alone' })
    expect(extra).toBeGreaterThan(5)
    // 100 rows, and 200.
    expect(extra).toBeLessThanOrEqual(Math.floor(2 * Math.log2(name === 'salesforce' ? 200 : 100)))
  })

  test('records that were there are adopted once, those that may be several are asked about, none is doubled', async () => {
    const { adopted, ambiguous, ...told } = await bars.conflicts(name, { seed, companies: 60 })
    expect(adopted).toBeGreaterThan(10)
    expect(ambiguous).toBeGreaterThan(2)
    expect(
      Object.values(told).filter((count) => count !== 0),
      JSON.stringify(told),
    ).toEqual([])
  })

  test('credentials of another account write nothing', async () => {
    const { said, writes } = await bars.otherAccount(name)
    expect(writes).toBe(0)
    expect(said).toMatch(/the credentials open account .* the settings name/)
  })
})

test('salesforce: locked rows alone are sent again', async () => {
  expect(await bars.locked({ seed, companies: 60 })).toEqual({ ...CLEAN, applied_again: 0 })
})
