import type { Problem } from '../pipeline/errors.ts'
import { validate } from '../pipeline/yaml.ts'
import { checkDescending, checkUnique, type Rule, readRule } from './card.ts'
import { type Qualification, qualificationSchema } from './define.ts'
import { type Expression, openSource, type Source } from './source.ts'

export const QUALIFICATION = 'scoring/qualification.yml'
export const SIGNALS = ['budget', 'authority', 'need', 'timeline'] as const

export interface Signal {
  when: Expression
  evidence: string[] | undefined
}

export interface Policy {
  qualification: Qualification
  source: Source
  disqualify: Rule[]
  bant: Record<(typeof SIGNALS)[number], Signal>
}

const RANK = { qualified: 2, nurture: 1, disqualified: 0 } as const
const RESERVED = new Set(['below_line', 'missing_data'])

/** Reads `scoring/qualification.yml` for these cards; every problem is added with its line. */
export function loadPolicy(root: string, cards: readonly string[], problems: Problem[]): Policy | undefined {
  const missing = {
    file: QUALIFICATION,
    message: 'is not there',
    hint: 'It says how the cards become a tier and a status.',
  }
  const source = openSource(root, QUALIFICATION, problems, missing)
  return source && readPolicy(source, cards, problems)
}

export function readPolicy(source: Source, cards: readonly string[], problems: Problem[]): Policy | undefined {
  const qualification = validate(qualificationSchema, source.yaml, problems)
  if (qualification === undefined) return undefined
  const { weights, tiers, disqualify, bant } = qualification
  for (const card of cards) {
    if (weights[card] === undefined)
      source.problem(['weights'], `no weight for '${card}'`, `Add ${card}: with its part, 0 to 1.`)
  }
  checkTiers(tiers, source)
  checkUnique(
    disqualify.map(({ rule }) => rule),
    source,
    ['disqualify'],
    'rule',
  )
  for (const [index, { rule }] of disqualify.entries()) {
    if (RESERVED.has(rule))
      source.problem(['disqualify', index, 'rule'], `'${rule}' is taken: the engine gives that reason`)
  }
  const signal = (name: (typeof SIGNALS)[number]): Signal => {
    const { when, evidence } = bant[name]
    for (const [index, column] of (evidence ?? []).entries()) {
      source.use(['bant', name, 'evidence', index], column, `${name}: evidence`, 'shown')
    }
    return { when: source.expression(['bant', name, 'when'], when, `${name}: when`), evidence }
  }
  return {
    qualification,
    source,
    disqualify: disqualify.map((rule, index) => readRule(rule, 'status', ['disqualify', index], source)),
    bant: {
      budget: signal('budget'),
      authority: signal('authority'),
      need: signal('need'),
      timeline: signal('timeline'),
    },
  }
}

function checkTiers(tiers: Qualification['tiers'], source: Source): void {
  checkUnique(
    tiers.map(({ tier }) => tier),
    source,
    ['tiers'],
    'tier',
  )
  checkDescending(tiers, 0, source, ['tiers'])
  if (tiers.every(({ status }) => status === 'disqualified')) source.problem(['tiers'], 'every tier is disqualified')
  for (const [index, { tier, status }] of tiers.entries()) {
    const above = tiers[index - 1]
    if (above !== undefined && RANK[status] > RANK[above.status]) {
      const message = `tier ${tier} is ${status} below tier ${above.tier}, which is ${above.status}`
      source.problem(['tiers', index, 'status'], message, 'A lower tier cannot have the better status.')
    }
  }
}
