import type { Problem } from '../pipeline/errors.ts'
import { didYouMean } from '../pipeline/nearest.ts'
import { validate } from '../pipeline/yaml.ts'
import { type Card, cardSchema, MONOTONE } from './define.ts'
import type { Expression, Source } from './source.ts'
import { openSource } from './source.ts'
import type { Text } from './text.ts'

/** A rule, ready to be compiled. */
export interface Rule {
  /** As `reasons` name it: `fit.right_size`. */
  name: string
  when: Expression
  points: number
  because: Text
  /** As written; absent: the columns `when` reads. */
  evidence: string[] | undefined
  group: string | undefined
  decay: { by: string; half_life_days: number } | undefined
  /** Points count once for each, up to so many. */
  frequency: { column: string; of: 'count' | 'dates'; up_to: number } | undefined
  /** What would tell whether it holds. */
  needs: string[] | undefined
  /** What would have to be so. */
  raise: string
}

/** Columns to find out while a rule is unknown. */
export function needsOf({ when, decay, frequency, needs }: Rule): string[] {
  if (needs !== undefined) return needs
  return [...new Set([...when.columns, ...(decay ? [decay.by] : []), ...(frequency ? [frequency.column] : [])])]
}

export interface Scorecard {
  name: string
  /** The part of the score that it is. */
  part: string
  /** Values of the column `segment` whose leads it scores; none: all that no other card of the part names. */
  segments: string[]
  card: Card
  source: Source
  rules: Rule[]
}

/** Names of reasons that are not rules: `fit.range`, `fit.weight`. */
const RESERVED_RULES = new Set(['range', 'weight'])
const RESERVED_CARDS = new Set(['score', 'status'])

/** Reads `scoring/scores/<name>.yml`; every problem is added with its line. */
export function loadCard(root: string, name: string, problems: Problem[], missing: Problem): Scorecard | undefined {
  const source = openSource(root, `scoring/scores/${name}.yml`, problems, missing)
  return source && readCard(source, name, problems)
}

export function readCard(source: Source, name: string, problems: Problem[]): Scorecard | undefined {
  const card = validate(cardSchema, source.yaml, problems)
  if (card === undefined) return undefined
  if (card.score !== name) {
    source.problem(['score'], `score is '${card.score}' in a file named ${name}.yml`, `Write score: ${name}.`)
  }
  if (RESERVED_CARDS.has(name)) source.problem(['score'], `'${name}' is taken: reasons of the engine are named so`)
  const [low, high] = card.range
  if (low >= high) source.problem(['range'], `range [${low}, ${high}] is empty`, 'Write the lower bound first.')
  for (const [group, { min, max }] of Object.entries(card.groups)) {
    const path = ['groups', group]
    if (min === undefined && max === undefined) source.problem(path, `group '${group}' has neither min nor max`)
    if ((min ?? 0) > 0)
      source.problem([...path, 'min'], `group '${group}': min ${min} is above 0`, 'Unknown never scores.')
    if ((max ?? 0) < 0)
      source.problem([...path, 'max'], `group '${group}': max ${max} is below 0`, 'Unknown never scores.')
  }
  checkRules(card, source)
  checkBands(card, source)
  checkExamples(card, source)
  checkProperties(card, source)
  for (const index of (card.segment ?? []).keys()) source.use(['segment', index], 'segment', 'segment')
  const rules = card.rules.map((rule, index) => readRule(rule, name, ['rules', index], source))
  return { name, part: card.part ?? name, segments: card.segment ?? [], card, source, rules }
}

type RuleSource = Pick<Card['rules'][number], 'rule' | 'when' | 'because' | 'evidence'> & Partial<Card['rules'][number]>

export function readRule(rule: RuleSource, card: string, path: readonly PropertyKey[], source: Source): Rule {
  const name = `${card}.${rule.rule}`
  for (const [index, column] of (rule.evidence ?? []).entries()) {
    source.use([...path, 'evidence', index], column, `${name}: evidence`, 'shown')
  }
  if (rule.decay) {
    const as = rule.frequency?.dates === undefined ? 'date' : 'dates'
    source.use([...path, 'decay', 'by'], rule.decay.by, `${name}: decay`, as)
  }
  for (const [index, column] of (rule.needs ?? []).entries()) {
    source.use([...path, 'needs', index], column, `${name}: needs`)
  }
  return {
    name,
    when: source.expression([...path, 'when'], rule.when, `${name}: when`),
    points: rule.points ?? 0,
    because: source.text([...path, 'because'], rule.because, `${name}: because`),
    evidence: rule.evidence,
    group: rule.group,
    decay: rule.decay,
    frequency: readFrequency(rule, name, path, source),
    needs: rule.needs,
    raise: rule.raise ?? rule.rule.replaceAll('_', ' '),
  }
}

function readFrequency(
  { frequency, decay }: RuleSource,
  name: string,
  path: readonly PropertyKey[],
  source: Source,
): Rule['frequency'] {
  if (frequency === undefined) return undefined
  const { count, dates, up_to } = frequency
  const at = [...path, 'frequency']
  if ((count === undefined) === (dates === undefined)) {
    source.problem(at, `${name}: frequency is of a count or of dates`, 'Write one of both.')
  }
  if (dates !== undefined && decay !== undefined && decay.by !== dates) {
    source.problem([...path, 'decay', 'by'], `${name}: decays by another column than it counts`, `Write by: ${dates}.`)
  }
  if (count !== undefined) source.use([...at, 'count'], count, `${name}: frequency`, 'count')
  if (dates !== undefined) source.use([...at, 'dates'], dates, `${name}: frequency`, 'dates')
  return { column: count ?? dates ?? '', of: count === undefined ? 'dates' : 'count', up_to }
}

/** Reports the second of two entries with one name. */
export function checkUnique(names: readonly string[], source: Source, path: readonly PropertyKey[], key: string): void {
  for (const [index, name] of names.entries()) {
    const first = names.indexOf(name)
    if (first !== index) {
      const line = source.yaml.lineOf([...path, first, key])
      source.problem(
        [...path, index, key],
        `${key} '${name}' is there already, at line ${line}`,
        'Give it another name.',
      )
    }
  }
}

function checkRules(card: Card, source: Source): void {
  const names = card.rules.map(({ rule }) => rule)
  checkUnique(names, source, ['rules'], 'rule')
  const span = card.range[1] - card.range[0]
  for (const [index, { rule, points: each, frequency, group }] of card.rules.entries()) {
    const path = ['rules', index]
    const points = each * (frequency?.up_to ?? 1)
    if (RESERVED_RULES.has(rule))
      source.problem([...path, 'rule'], `'${rule}' is taken: reasons of the engine are named so`)
    if (Math.abs(points) > span) {
      const hint = `The range is [${card.range.join(', ')}]: no rule can move the score by more than ${span}.`
      source.problem([...path, 'points'], `rule ${rule}: ${points} points are beyond the range`, hint)
    }
    if (group !== undefined && card.groups[group] === undefined) {
      const hint = didYouMean(group, Object.keys(card.groups)) ?? `Declare it under groups, with its cap.`
      source.problem([...path, 'group'], `rule ${rule}: group '${group}' is not declared`, hint)
    }
  }
}

function checkBands({ bands, range }: Card, source: Source): void {
  const bandNames = bands.map(({ band }) => band)
  checkUnique(bandNames, source, ['bands'], 'band')
  checkDescending(bands, range[0], source, ['bands'])
}

/** Bands are cut-offs, best first: each lower than the one before, the last at the bottom, so that none overlap. */
export function checkDescending(
  bands: readonly { from: number }[],
  bottom: number,
  source: Source,
  path: readonly PropertyKey[],
): void {
  for (const [index, { from }] of bands.entries()) {
    const above = bands[index - 1]?.from
    if (above !== undefined && from >= above) {
      source.problem(
        [...path, index, 'from'],
        `from ${from} overlaps the one above it, from ${above}`,
        'List the best first.',
      )
    }
  }
  const last = bands.length - 1
  if (last >= 0 && bands[last]!.from !== bottom) {
    const message = `the last one starts at ${bands[last]!.from}, so that lower scores have none`
    source.problem([...path, last, 'from'], message, `Write from: ${bottom}.`)
  }
}

function checkProperties({ properties }: Card, source: Source): void {
  for (const [index, { monotone }] of properties.entries()) {
    const [, column = '', from, to] = MONOTONE.exec(monotone) ?? []
    const path = ['properties', index, 'monotone']
    source.use(path, column, 'monotone', to === 'as_of' ? 'date' : 'number')
    if (to !== undefined && to !== 'as_of' && Number.isNaN(Number(to))) source.use(path, to, 'monotone', 'number')
    if (from !== undefined && to !== undefined && Number(from) >= Number(to))
      source.problem(path, `monotone: from ${from} up to ${to} is empty`, 'Write the lower value first.')
  }
}

function checkExamples({ examples, bands, rules }: Card, source: Source): void {
  for (const [index, { given, expect }] of examples.entries()) {
    const path = ['examples', index]
    for (const column of Object.keys(given)) source.use([...path, 'given', column], column, 'example')
    if (expect.band !== undefined && !bands.some(({ band }) => band === expect.band)) {
      source.problem([...path, 'expect', 'band'], `band '${expect.band}' is not declared`)
    }
    for (const [position, name] of (expect.rules ?? []).entries()) {
      if (rules.some(({ rule }) => rule === name)) continue
      const hint = didYouMean(
        name,
        rules.map(({ rule }) => rule),
      )
      source.problem([...path, 'expect', 'rules', position], `'${name}' is no rule of this card`, hint)
    }
  }
}
