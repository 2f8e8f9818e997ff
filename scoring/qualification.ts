import type { Problem } from '../pipeline/errors.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import { validate } from '../pipeline/yaml.ts'
import { checkUnique, type Rule, readRule, type Scorecard } from './card.ts'
import { partsOf } from './parts.ts'
import { type Qualification, qualificationSchema } from './qualification-file.ts'
import { type Expression, openSource, type Source } from './source.ts'
import { bandsOf, isRelative } from './tiers.ts'

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

/** Reads `scoring/qualification.yml` for these parts of the score; every problem is added with its line. */
export function loadPolicy(root: string, parts: readonly string[], problems: Problem[]): Policy | undefined {
  const missing = {
    file: QUALIFICATION,
    message: 'is not there',
    hint: 'It says how the cards become a tier and a status.',
  }
  const source = openSource(root, QUALIFICATION, problems, missing)
  return source && readPolicy(source, parts, problems)
}

export function readPolicy(source: Source, parts: readonly string[], problems: Problem[]): Policy | undefined {
  const qualification = validate(qualificationSchema, source.yaml, problems)
  if (qualification === undefined) return undefined
  const { weights, tiers, disqualify, bant, within } = qualification
  for (const part of new Set(parts)) {
    if (weights[part] === undefined)
      source.problem(['weights'], `no weight for '${part}'`, `Add ${part}: with its part, 0 to 1.`)
  }
  if (within !== undefined) source.use(['within'], within, 'within')
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
  checkCutOffs(tiers, source)
  if (tiers.every(({ status }) => status === 'disqualified')) source.problem(['tiers'], 'every tier is disqualified')
  for (const [index, { tier, status }] of tiers.entries()) {
    const above = tiers[index - 1]
    if (above !== undefined && RANK[status] > RANK[above.status]) {
      const message = `tier ${tier} is ${status} below tier ${above.tier}, which is ${above.status}`
      source.problem(['tiers', index, 'status'], message, 'A lower tier cannot have the better status.')
    }
  }
}

/** Lines that are written descend to 0; shares of the leads grow; the last tier takes what is left. */
function checkCutOffs(tiers: Qualification['tiers'], source: Source): void {
  const last = tiers.length - 1
  for (const [index, tier] of tiers.entries()) {
    const path = ['tiers', index]
    if (tier.top_percent !== undefined && tier.capacity_per_week !== undefined)
      source.problem(path, `tier ${tier.tier} has both top_percent and capacity_per_week`, 'Keep one of them.')
    if (isRelative(tier) && index === last)
      source.problem(path, `tier ${tier.tier} is the last one: it takes all that no other takes`, 'Take its share out.')
    const shares = tiers.slice(0, index).flatMap(({ top_percent }) => top_percent ?? [])
    if (tier.top_percent !== undefined && shares.some((share) => share >= tier.top_percent!)) {
      const message = `top_percent ${tier.top_percent} overlaps a tier above, of ${Math.max(...shares)}`
      source.problem([...path, 'top_percent'], message, 'Tiers above are counted with it: write a larger share.')
    }
  }
  const plain = tiers.flatMap((tier, index) => (isRelative(tier) ? [] : [{ ...tier, index }]))
  for (const [position, { from, index }] of plain.entries()) {
    const above = plain[position - 1]?.from
    if (above !== undefined && (from > above || (from === above && from > 0)))
      source.problem(
        ['tiers', index, 'from'],
        `from ${from} overlaps the one above it, from ${above}`,
        'List the best first.',
      )
  }
  if (tiers[last]!.from !== 0) {
    const message = `the last one starts at ${tiers[last]!.from}, so that lower scores have none`
    source.problem(['tiers', last, 'from'], message, 'Write from: 0.')
  }
}

/** Every pair of bands has a tier, and no better band a worse one. */
export function checkMatrix({ qualification: { matrix, tiers }, source }: Policy, cards: readonly Scorecard[]): void {
  if (matrix === undefined) {
    const zero = tiers.findIndex((tier, index) => !isRelative(tier) && tier.from === 0 && index < tiers.length - 1)
    if (zero >= 0)
      source.problem(
        ['tiers', zero],
        `tier ${tiers[zero]!.tier} starts at 0, so that no lead reaches a lower one`,
        'Give it from:, or declare a matrix.',
      )
    return
  }
  const before = source.problems.length
  const bands = (key: 'rows' | 'columns') => {
    const own = cards.filter((card) => card.part === matrix[key])
    if (own.length === 0) {
      const hint = didYouMean(matrix[key], partsOf(cards)) ?? 'Name a part that scoring.scores of pipeline.yaml has.'
      source.problem(['matrix', key], `matrix: no card in use is of part '${matrix[key]}'`, hint)
    }
    const names = bandsOf(matrix[key], cards)
    if (own.length > 0 && names.length === 0) source.problem(['matrix', key], `matrix: '${matrix[key]}' has no bands`)
    for (const card of own) {
      const other = card.card.bands.map(({ band }) => band)
      if (other.join() !== names.join())
        card.source.problem(
          ['bands'],
          `bands ${other.join(', ')} differ from ${names.join(', ')} of ${own[0]!.name}, as the matrix reads them`,
        )
    }
    return names
  }
  const [rows, columns] = [bands('rows'), bands('columns')]
  checkNames(Object.keys(matrix.tiers), rows, ['matrix', 'tiers'], matrix.rows, source)
  const rank = (row: string, column: string) => tiers.findIndex(({ tier }) => tier === matrix.tiers[row]?.[column])
  for (const [row, cells] of Object.entries(matrix.tiers)) {
    checkNames(Object.keys(cells), columns, ['matrix', 'tiers', row], matrix.columns, source)
    for (const [column, tier] of Object.entries(cells)) {
      const path = ['matrix', 'tiers', row, column]
      if (!tiers.some((one) => one.tier === tier)) source.problem(path, `matrix: '${tier}' is no tier`)
    }
  }
  if (source.problems.length > before) return
  for (const [r, row] of rows.entries()) {
    for (const [c, column] of columns.entries()) {
      const above = [rows[r - 1], columns[c - 1]]
      const better = [
        above[0] === undefined ? 0 : rank(above[0], column),
        above[1] === undefined ? 0 : rank(row, above[1]),
      ]
      if (rank(row, column) < Math.max(...better)) {
        const message = `matrix: ${matrix.rows} ${row} with ${matrix.columns} ${column} has the better tier than a better band`
        source.problem(['matrix', 'tiers', row, column], message, 'A better band cannot have the worse tier.')
      }
    }
  }
}

function checkNames(
  written: readonly string[],
  bands: readonly string[],
  path: PropertyKey[],
  part: string,
  source: Source,
): void {
  for (const name of written) {
    if (!bands.includes(name))
      source.problem([...path, name], `matrix: '${name}' is no band of ${part}`, didYouMean(name, bands))
  }
  const absent = bands.filter((band) => !written.includes(band))
  if (absent.length > 0) source.problem(path, `matrix: no tier for band ${absent.join(', ')} of ${part}`)
}
