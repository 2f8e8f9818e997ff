import { describe, expect, it } from 'vitest'
import { keyText, sameBut } from '../../../../pipeline/state/key.ts'

const key = (sql: string, ledger: string, companies: string) =>
  keyText({ sql, as_of: '2026-01-31' }, [
    ['source.p.ledger.calls', ledger],
    ['model.p.companies', companies],
  ])
const isLedger = (id: string) => id.startsWith('source.p.ledger.')

describe('two keys but for what is passed over', () => {
  it('are the same where only that has another version', () => {
    expect(sameBut(key('a', '1', 'x'), key('a', '2', 'x'), isLedger)).toBe(true)
    expect(sameBut(key('a', '1', 'x'), key('a', '2', 'x'), () => false)).toBe(false)
  })

  it('are not where anything else has, or what is passed over is read newly', () => {
    const before = key('a', '1', 'x')
    expect(sameBut(before, key('b', '1', 'x'), isLedger)).toBe(false)
    expect(sameBut(before, key('a', '2', 'y'), isLedger)).toBe(false)
    const without = keyText({ sql: 'a', as_of: '2026-01-31' }, [['model.p.companies', 'x']])
    expect(sameBut(without, before, isLedger)).toBe(false)
  })

  it('are not where one cannot be read: another version of the program wrote it', () => {
    expect(sameBut('0f3a', '0f3a', isLedger)).toBe(false)
    expect(sameBut('{', key('a', '1', 'x'), isLedger)).toBe(false)
  })
})
