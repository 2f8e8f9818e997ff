import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judge, readGates } from '../../../../pipeline/diff/gate.ts'
import { ProjectError } from '../../../../pipeline/errors.ts'

const SPECS = [
  { name: 'tier_changes', label: 'leads that change tier', of: 'leads' },
  { name: 'messages_started', label: 'messages' },
  { name: 'dim_companies.removed', label: 'rows', of: 'rows' },
]
const FIGURES = new Map([
  ['tier_changes', { value: 6, of: 100 }],
  ['messages_started', { value: 12 }],
  ['dim_companies.removed', { value: 0, of: 0 }],
])

function fails(text: string): boolean {
  return judge(readGates([text], SPECS)[0]!, FIGURES).fails
}

function problem(text: string): string {
  try {
    readGates([text], SPECS)
  } catch (error) {
    if (error instanceof ProjectError) return error.message
    throw error
  }
  throw new Error(`'${text}' was read`)
}

describe('--fail-if', () => {
  it.each([
    ['tier_changes > 5%', true],
    ['tier_changes > 6%', false],
    ['tier_changes >= 6 %', true],
    ['tier_changes > 5', true],
    ['tier_changes < 6', false],
    ['messages_started = 12', true],
    ['messages_started == 12', true],
    ['messages_started != 12', false],
    ['tier_changes + messages_started > 17', true],
    ['messages_started <= 1_2.0', true],
    ['dim_companies.removed > 0%', false],
    ['tier_changes > 50% or messages_started > 10', true],
    ['tier_changes > 50% and messages_started > 10', false],
    // `and` binds closer than `or`; brackets say otherwise.
    ['messages_started > 10 or tier_changes > 50% and tier_changes > 50%', true],
    ['(messages_started > 10 or tier_changes > 50%) and tier_changes > 50%', false],
  ])('%s', (text, expected) => {
    expect(fails(text)).toBe(expected)
  })

  it('says what it found', () => {
    const [gate] = readGates(['tier_changes > 5% and messages_started > 1'], SPECS)
    expect(judge(gate!, FIGURES).found).toBe('tier_changes = 6 (6%), messages_started = 12')
  })

  it('takes something where there was nothing for all of it', () => {
    const [gate] = readGates(['dim_companies.removed > 99%'], SPECS)
    expect(judge(gate!, new Map([['dim_companies.removed', { value: 1, of: 0 }]])).fails).toBe(true)
  })

  it.each([
    ['tier_change > 5%', /there is no figure 'tier_change'\n {2}Did you mean tier_changes\?/],
    ['messages_started > 5%', /'messages_started' has no percentage/],
    ['tier_changes', /it ends where >, >=/],
    ['tier_changes >', /it ends where a number should follow/],
    ['tier_changes > x', /'x' is not a number/],
    ['tier_changes ~ 5', /'~ 5' cannot be read/],
    ['tier_changes > 5% 6', /'6' is one word too many/],
    ['(tier_changes > 5%', /a '\(' is not closed/],
    ['', /it ends where a figure should follow/],
  ])('refuses %s with the mend', (text, message) => {
    expect(problem(text)).toMatch(message)
  })

  it('says every expression that is wrong at once', () => {
    expect(() => readGates(['x > 1', 'y > 1'], SPECS)).toThrow(/'x > 1'[\s\S]*'y > 1'/)
  })

  it('agrees with arithmetic, whatever the figures', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), fc.nat(100), (value, of, line) => {
        const [gate] = readGates([`tier_changes > ${line}%`], SPECS)
        const share = of === 0 ? (value === 0 ? 0 : 100) : (100 * value) / of
        expect(judge(gate!, new Map([['tier_changes', { value, of }]])).fails).toBe(share > line)
      }),
    )
  })
})
