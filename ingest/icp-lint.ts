import { type Icp, type Rules, rulesIn } from './icp.ts'
import { REGISTER_RULES } from './icp-register.ts'

/** A rule that does nothing, or rules out all, whatever the data; `path` leads to it in the file. */
export interface Lint {
  path: PropertyKey[]
  message: string
  hint: string
}

/** Years that a company can have been founded in, as the models believe them. */
const FOUNDED = { from: 1500, to: 2100 }
/** Years; no company of Brazil can be older. */
const OLDEST = 600
const PORTES = 3

/**
 * Rules that can be seen to match nothing, or everything, without any data. `cnaePrefixes`: prefixes that are known, none
 * where they cannot be told.
 */
export function lintIcp({ profiles, exclude }: Icp, cnaePrefixes: readonly string[]): Lint[] {
  const excluded = new Set(exclude.industries)
  return Object.entries(profiles).flatMap(([name, { hard, soft }]) => {
    const path = ['profiles', name]
    const countries = hard.countries ?? []
    const left = (hard.industries ?? []).filter((industry) => !excluded.has(industry))
    const nothing: Lint[] =
      (hard.industries ?? []).length > 0 && left.length === 0
        ? [
            {
              path: [...path, 'hard', 'industries'],
              message: `matches nothing: exclude.industries has all of ${hard.industries!.join(', ')}`,
              hint: 'Take them out of one of the two.',
            },
          ]
        : []
    return [
      ...nothing,
      ...lintRules([...path, 'hard'], hard, countries, cnaePrefixes),
      ...lintRules([...path, 'soft'], soft, soft.countries ?? countries, cnaePrefixes),
    ]
  })
}

function lintRules(path: PropertyKey[], rules: Rules, countries: readonly string[], known: readonly string[]): Lint[] {
  const found: Lint[] = []
  const add = (rule: PropertyKey[], message: string, hint: string) =>
    found.push({ path: [...path, ...rule], message, hint })
  const cnae = rules.cnae ?? []
  if (cnae.length > 0 && countries.length > 0 && !countries.includes('BR'))
    add(
      ['cnae'],
      `matches nothing: companies of ${countries.join(', ')} have no CNAE code`,
      'Use industries, or add BR.',
    )
  for (const [index, prefix] of cnae.entries()) {
    if (known.length === 0 || known.some((one) => one.startsWith(prefix) || prefix.startsWith(one))) continue
    add(
      ['cnae', index],
      `'${prefix}' matches nothing: no CNAE code begins with it`,
      'seeds/cnae_industries.csv has the divisions.',
    )
  }
  const asked = rulesIn(rules)
  for (const rule of REGISTER_RULES) {
    if (!asked.includes(rule) || countries.length === 0 || countries.includes('BR')) continue
    add(
      [rule],
      `matches nothing: companies of ${countries.join(', ')} are not in the Brazilian register`,
      'Take it out, or add BR.',
    )
  }
  if (new Set(rules.porte).size === PORTES)
    add(['porte'], 'matches everything: it has all three sizes', 'Take the rule out, or name fewer.')
  if ((rules.age_years?.min ?? 0) > OLDEST)
    add(['age_years'], `matches nothing: no company is ${rules.age_years!.min} years old`, 'Write years, not months.')
  for (const rule of ['employees', 'revenue', 'founded', 'capital', 'age_years'] as const) {
    const { min, max } = rules[rule] ?? {}
    const least = rule === 'founded' ? FOUNDED.from : 0
    if (min !== undefined && min <= least && max === undefined)
      add([rule], `matches everything: ${min} is the least there is`, 'Take the rule out, or raise min.')
  }
  const { min, max } = rules.founded ?? {}
  if ((max !== undefined && max < FOUNDED.from) || (min !== undefined && min > FOUNDED.to))
    add(['founded'], `matches nothing: no company is of the year ${max ?? min}`, 'Write a year of four digits.')
  return found
}

/** Soft rules that every company meets which passes the hard ones: they tell no match from another. */
export function redundantRules({ profiles }: Icp): Lint[] {
  return Object.entries(profiles).flatMap(([name, { hard, soft }]) =>
    rulesIn(soft)
      .filter((rule) => implies(hard[rule], soft[rule]))
      .map((rule) => ({
        path: ['profiles', name, 'soft', rule],
        message: `matches everything that passes hard.${rule}`,
        hint: 'Make it narrower, or take it out.',
      })),
  )
}

function implies(hard: unknown, soft: unknown): boolean {
  if (Array.isArray(hard) && Array.isArray(soft)) return hard.length > 0 && hard.every((value) => soft.includes(value))
  if (!isRange(hard) || !isRange(soft) || hard.currency !== soft.currency) return false
  const above = soft.min === undefined || (hard.min !== undefined && hard.min >= soft.min)
  const below = soft.max === undefined || (hard.max !== undefined && hard.max <= soft.max)
  return above && below
}

interface Range {
  min?: number
  max?: number
  currency?: string
}

function isRange(rule: unknown): rule is Range {
  return typeof rule === 'object' && rule !== null && ('min' in rule || 'max' in rule)
}
