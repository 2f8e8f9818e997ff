import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { codeRoot } from '../../pipeline/code-root.ts'
import { type Problem, ProjectError } from '../../pipeline/errors.ts'
import { readYaml, validate, type YamlFile } from '../../pipeline/yaml.ts'
import { compilePhrase, plain, wordsOf } from './phrase.ts'

const regex = z.string().min(1)

/** `outreach/replies/rules/bounces.yml`: what mail servers say, and what it means. */
export const bounceRules = z.strictObject({
  /** In order: the first that holds decides. */
  reasons: z.array(
    z.strictObject({
      reason: z.string().regex(/^[a-z]+$/),
      kind: z.enum(['hard', 'soft', 'block']),
      /** Regular expressions over the server's words: lower case, single spaces. */
      says: z.array(regex).min(1),
    }),
  ),
  /** Enhanced status code (RFC 3463), or its beginning → reason, where the words decide nothing. */
  statuses: z.record(z.string(), z.string()),
  /** What a sending program (PowerMTA) calls it in its report → reason. */
  categories: z.record(z.string(), z.string()),
  /** Of an unknown user: said when the recipient was named, said after the message, said of the server's own directory. */
  at_recipient: z.array(regex),
  after_data: z.array(regex),
  certain: z.array(regex),
  /** What servers say of an address that may well exist. */
  vague: z.array(regex),
  senders: z.array(regex),
  sender_names: z.array(regex),
  subjects: z.array(regex),
  bodies: z.array(regex),
  /** Where the returned message begins. */
  returned: z.array(regex),
})

/** `outreach/replies/rules/quotes.yml`: where somebody else's words, or the signature, begin. */
export const quoteRules = z.strictObject({
  attributions: z.array(regex),
  separators: z.array(regex),
  /** `From:`, `Sent:`, … in every language a mail program speaks. */
  header_names: z.array(z.string()),
  mobile: z.array(regex),
  closings: z.array(regex),
  disclaimers: z.array(regex),
})

/** `outreach/replies/rules/automatic.yml`: what nobody typed. */
export const automaticRules = z.strictObject({
  subjects: z.array(regex),
  bodies: z.array(regex),
  complaint_subjects: z.array(regex),
})

export const SIGNALS = [
  'ignore',
  'opt_out',
  'undecided',
  'wrong_person',
  'referral',
  'not_now',
  'later',
  'not_interested',
  'meeting',
  'interested',
  'praise',
  'question',
] as const
export type Signal = (typeof SIGNALS)[number]

/** `outreach/replies/rules/<language>.yml`: what people write. */
export const languageRules = z.strictObject({
  /** Words that tell this language from others. */
  words: z.array(z.string()),
  /** Letters that only it has. */
  letters: z.array(z.string()),
  /** Turns around what follows in the same clause. */
  negators: z.array(z.string()),
  /** A new clause begins. */
  breaks: z.array(z.string()),
  /** Written → meant. */
  spelled: z.record(z.string(), z.string()),
  /** The message is nothing but this. */
  whole: z.partialRecord(z.enum(SIGNALS), z.array(z.string())),
  phrases: z.partialRecord(z.enum(SIGNALS), z.array(z.string())),
  dates: z.strictObject({
    months: z.array(z.array(z.string())).length(12),
    /** Sunday first. */
    weekdays: z.array(z.array(z.string())).length(7),
    /** What stands before the day somebody is back. */
    back: z.array(z.string()),
    /** What stands before the last day somebody is away. */
    until: z.array(z.string()),
    /** Words for a time from now: `tomorrow: 1`, in days. */
    in_days: z.record(z.string(), z.int()),
    units: z.strictObject({
      day: z.array(z.string()),
      week: z.array(z.string()),
      month: z.array(z.string()),
      quarter: z.array(z.string()),
      year: z.array(z.string()),
    }),
    next: z.array(z.string()),
    numbers: z.record(z.string(), z.int()),
    day_first: z.boolean(),
  }),
})

export type Patterns = readonly RegExp[]

export interface Language {
  name: string
  words: ReadonlySet<string>
  letters: readonly string[]
  negators: ReadonlySet<string>
  breaks: ReadonlySet<string>
  spelled: ReadonlyMap<string, string>
  /** Every word that a rule names, for mending what is misspelled. */
  vocabulary: ReadonlySet<string>
  whole: ReadonlyMap<string, Signal>
  phrases: readonly { signal: Signal; pattern: RegExp }[]
  dates: z.output<typeof languageRules>['dates']
}

/** All rules, compiled. */
export interface Rules {
  bounces: {
    reasons: readonly { reason: string; kind: 'hard' | 'soft' | 'block'; says: Patterns }[]
    statuses: ReadonlyMap<string, string>
    categories: ReadonlyMap<string, string>
    kinds: ReadonlyMap<string, 'hard' | 'soft' | 'block'>
    at_recipient: Patterns
    after_data: Patterns
    certain: Patterns
    vague: Patterns
    senders: Patterns
    sender_names: Patterns
    subjects: Patterns
    bodies: Patterns
    returned: Patterns
  }
  quotes: {
    attributions: Patterns
    separators: Patterns
    header_names: ReadonlySet<string>
    mobile: Patterns
    closings: Patterns
    disclaimers: Patterns
  }
  automatic: { subjects: Patterns; bodies: Patterns; complaint_subjects: Patterns }
  languages: readonly Language[]
}

const FOLDER = join('outreach', 'replies', 'rules')
const BOUNCE_LISTS = [
  'at_recipient',
  'after_data',
  'certain',
  'vague',
  'senders',
  'sender_names',
  'subjects',
  'bodies',
  'returned',
] as const
const SHARED = ['bounces', 'quotes', 'automatic']

/** Reads `outreach/replies/rules/` of the repository. Throws ProjectError with every problem of every file. */
export function loadRules(root = codeRoot()): Rules {
  const problems: Problem[] = []
  const read = <T extends z.ZodType>(name: string, schema: T) => {
    const yaml = readYaml(root, join(root, FOLDER, `${name}.yml`), problems)
    const value = yaml && validate(schema, yaml, problems)
    return yaml === undefined || value === undefined ? undefined : { yaml, value }
  }
  const bounces = read('bounces', bounceRules)
  const quotes = read('quotes', quoteRules)
  const automatic = read('automatic', automaticRules)
  const languages = readdirSync(join(root, FOLDER))
    .filter((file) => file.endsWith('.yml') && !SHARED.includes(file.slice(0, -4)))
    .sort()
    .flatMap((file) => {
      const name = file.slice(0, -4)
      const found = read(name, languageRules)
      return found === undefined ? [] : [compileLanguage(name, found.value, found.yaml, problems)]
    })
  const compiled = <K extends string>({ yaml }: { yaml: YamlFile }, lists: Record<K, string[]>, keys: readonly K[]) =>
    Object.fromEntries(keys.map((key) => [key, regexes(lists[key], yaml, [key], problems)])) as Record<K, RegExp[]>
  const b = bounces && {
    ...compiled(bounces, bounces.value, BOUNCE_LISTS),
    reasons: bounces.value.reasons.map(({ reason, kind, says }, index) => ({
      reason,
      kind,
      says: regexes(says, bounces.yaml, ['reasons', index, 'says'], problems),
    })),
    statuses: new Map(Object.entries(bounces.value.statuses)),
    categories: new Map(Object.entries(bounces.value.categories)),
    kinds: new Map(bounces.value.reasons.map(({ reason, kind }) => [reason, kind])),
  }
  const q = quotes && {
    ...compiled(quotes, quotes.value, ['attributions', 'separators', 'mobile', 'closings', 'disclaimers']),
    header_names: new Set(quotes.value.header_names.map((name) => name.toLowerCase())),
  }
  const a = automatic && compiled(automatic, automatic.value, ['subjects', 'bodies', 'complaint_subjects'])
  if (problems.length > 0 || b === undefined || q === undefined || a === undefined) throw new ProjectError(problems)
  return { bounces: b, quotes: q, automatic: a, languages }
}

function regexes(list: readonly string[], yaml: YamlFile, at: PropertyKey[], problems: Problem[]): RegExp[] {
  return list.flatMap((text, index) => {
    try {
      return [new RegExp(text, 'iu')]
    } catch (error) {
      const message = `'${text}' is not a regular expression: ${error instanceof Error ? error.message : ''}`
      problems.push({ file: yaml.file, line: yaml.lineOf([...at, index]), message })
      return []
    }
  })
}

function compileLanguage(
  name: string,
  rules: z.output<typeof languageRules>,
  yaml: YamlFile,
  problems: Problem[],
): Language {
  const phrases = SIGNALS.flatMap((signal) =>
    (rules.phrases[signal] ?? []).flatMap((text, index) => {
      const pattern = compilePhrase(plain(text))
      if (pattern !== undefined) return [{ signal, pattern }]
      const message = `phrases.${signal}: '${text}' cannot be read`
      const hint = 'Words, [optional words], a|b|c, stem*, and ... for up to three words in between.'
      problems.push({ file: yaml.file, line: yaml.lineOf(['phrases', signal, index]), message, hint })
      return []
    }),
  )
  const whole = SIGNALS.flatMap((signal) => (rules.whole[signal] ?? []).map((text) => [plain(text), signal] as const))
  const said = [...Object.values(rules.phrases), ...Object.values(rules.whole)].flat().flatMap(wordsOf)
  return {
    name,
    words: new Set(rules.words.map(plain)),
    letters: rules.letters,
    negators: new Set(rules.negators.map(plain)),
    breaks: new Set(rules.breaks.map(plain)),
    spelled: new Map(Object.entries(rules.spelled).map(([written, meant]) => [plain(written), plain(meant)])),
    vocabulary: new Set([...said, ...rules.words, ...rules.negators, ...rules.breaks].map(plain)),
    whole: new Map(whole),
    phrases,
    dates: rules.dates,
  }
}
