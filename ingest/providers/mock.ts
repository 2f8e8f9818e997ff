import { z } from 'zod'
import { defineProvider, type Resource, type Subject } from '../define.ts'
import market from './mock.json' with { type: 'json' }

const settings = z.strictObject({
  /** Another seed, another invented market. */
  seed: z.int().min(0).max(1_000_000).default(7),
  /** Distinct companies; about one in eight is in both lists, spelled differently. */
  companies: z.int().positive().max(1_000_000).default(300),
})

const [text, count, date] = [z.string().nullable(), z.int().nullable(), z.iso.date().nullable()]
const [id, subject_id] = [z.string(), z.string()]
const company = z
  .object({ id, list: z.enum(['directory', 'registry']), name: text, website: text, domain: text, cnpj: text })
  .extend({ linkedin_url: text, industry: text, cnae_code: text, country: text, state: text, city: text })
  .extend({ employee_count: count, revenue_amount: z.number().nullable(), revenue_currency: text, founded_year: count })
  .extend({ funding_stage: text, technologies: z.array(z.string()).nullable(), phone: text, updated_at: date })
const contact = z
  .object({ id, company_key: z.string(), full_name: text, title: text, email: text, linkedin_url: text, phone: text })
  .extend({ updated_at: date })
const kind = z.enum(['hiring', 'funding', 'expansion', 'leadership_change', 'tech_adoption'])
const status = z.enum(['valid', 'risky', 'invalid', 'unknown'])
const technology = z.object({ subject_id, name: z.string(), category: text, first_seen: date, last_seen: date })
const signal = z.object({ subject_id, id, kind, observed_at: date, evidence: text, url: text })
const article = z.object({ subject_id, title: text, url: z.string(), source: text, published_at: date })
const address = z.object({ subject_id, email: text, status })
const social = z.object({ subject_id, linkedin_followers: count, posts_90d: count, last_post_at: date })

type Row = Record<string, unknown>
type Dice = ReturnType<typeof diceOf>

/** Chance of one entity: mulberry32 seeded with the FNV-1a hash of who it is, so that no row depends on another. */
function diceOf(who: string) {
  let state = [...who].reduce((hash, char) => Math.imul(hash ^ char.charCodeAt(0), 16777619), 2166136261)
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    const once = Math.imul(state ^ (state >>> 15), 1 | state)
    const twice = (once + Math.imul(once ^ (once >>> 7), 61 | once)) ^ once
    return ((twice ^ (twice >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  return { next, int, pick: <T>(items: readonly T[]) => items[int(0, items.length - 1)]! }
}

const ascii = (name: string) => name.normalize('NFD').replaceAll(/[^\w .&-]/g, '')
const filters: Record<string, (value: string) => string> = {
  upper: (value) => ascii(value).toUpperCase(),
  slug: (value) =>
    ascii(value)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-'),
  user: (value) =>
    ascii(value)
      .toLowerCase()
      .replace(/ (.* )?/, '.'),
  mask: (value) => value.replace(/(..)(...)(...)(....)(..)/, '$1.$2.$3/$4-$5'),
}

/** A value as mock.json writes it; see its `about`. */
function make(recipe: unknown, values: Row, dice: Dice): unknown {
  if (Array.isArray(recipe)) return make(dice.pick(recipe), values, dice)
  if (typeof recipe === 'string') {
    const alone = /^\{(\w+)\}$/.exec(recipe)?.[1]
    if (alone !== undefined) return values[alone]
    return recipe.replaceAll(/\{(\w+)\|?(\w*)\}/g, (_, name: string, filter: string) => {
      const value = String(name === 'two_digits' ? dice.int(10, 99) : values[name])
      return filters[filter]?.(value) ?? value.split(': ')[Number(filter) - 1] ?? value
    })
  }
  const [[how, given] = ['', null], of, other] = Object.entries(recipe ?? {})
  if (how === '') return null
  if (how === 'share') return make(dice.next() < Number(given) ? of?.[1] : other?.[1], values, dice)
  const words = String(make(given, values, dice)).split(', ')
  if (how === 'word') return dice.pick(words)
  if (how === 'some') return words.filter(() => dice.next() < 0.15).map((word) => word.split(': ')[0])
  const number = dice.int(...(given as [number, number]))
  const from = Date.parse(`${how === 'days_ago' ? values.month : '2026-01'}-01`)
  return how === 'int' ? number : new Date(from - number * 86_400_000).toISOString().slice(0, 10)
}

/** What is known, and the columns of a recipe, each made with what is known by then. */
function row(recipe: object, known: Row, dice: Dice): Row {
  const made: Row = {}
  for (const [name, column] of Object.entries(recipe)) made[name] = make(column, { ...known, ...made }, dice)
  return made
}

/** Adds a CNPJ's check digit (module 11; a letter counts as its ASCII code less 48). */
function checked(base: string): string {
  const sum = [...base].reverse().reduce((total, char, at) => total + (char.charCodeAt(0) - 48) * (2 + (at % 8)), 0)
  return base + (sum % 11 < 2 ? 0 : 11 - (sum % 11))
}

/** What mock.json's recipe makes of something known: a person of a company, a signal of a subject. */
function rowsOf(recipe: keyof typeof market.rows, known: Row, dice: Dice): Row[] {
  const { about } = market.lands[known.country === 'BR' ? 'br' : 'us']
  return Array.from({ length: dice.pick(market.rows[recipe]) }, (_, at) =>
    row(market.recipes[recipe], { ...row(about, { stack: market.stack, ...known }, dice), ...known, at }, dice),
  )
}

/** The rows of one company and of its people. An odd factor gives every index a brand of its own. */
function companyOf(seed: number, index: number): Record<string, Row[]> {
  const dice = diceOf(`${seed} company ${index}`)
  const land = market.lands[dice.next() < 0.6 ? 'br' : 'us']
  const digits = ((index * 393_241 + seed * 7_919) % 32 ** 4).toString(32).padStart(4, '0')
  const brand = digits.replaceAll(/./g, (digit) => market.syllables.split(' ')[Number.parseInt(digit, 32)]!)
  const root = dice.next() < 0.04 ? `Z${index.toString(36).padStart(7, '0')}` : `${99e6 + ((index * 7919) % 1e6)}`
  const cnpj = checked(checked(`${root.toUpperCase()}0001`))
  const industry = market.industries[Math.floor(dice.next() ** 2 * market.industries.length)]
  const known: Row = { ...industry, index, brand: brand[0]?.toUpperCase() + brand.slice(1), cnpj, stack: market.stack }
  const truth: Row = { ...known, ...row(land.company, known, dice) }
  truth.revenue = Number(truth.employees) * dice.int(6, 26) * 10_000
  const lists = String(make(market.lists, {}, dice)).split(' ') as ('directory' | 'registry')[]
  const companies = lists.map((list) => row(market.recipes[list], truth, dice))
  const people = ({ id }: Row) => rowsOf('contact', { ...truth, company_key: id }, diceOf(`${seed} people ${index}`))
  return { companies, contacts: companies.flatMap(people) }
}

const asked = z.object({ ...settings.shape, page: z.int(), subjects: z.array(z.custom<Subject>()) })

/** The vendor: pages of 100 companies, or of their people; answers about the subjects it is asked for. */
function vendor(what: string, body: unknown, as_of: string): { rows: Row[]; more: boolean } {
  const { seed, companies, page, subjects } = asked.parse(body)
  const from = (page - 1) * 100
  const index = Array.from({ length: Math.min(100, companies - from) }, (_, at) => from + at)
  if (subjects.length === 0)
    return { rows: index.flatMap((one) => companyOf(seed, one)[what]!), more: from + 100 < companies }
  const answers = (subject: Subject) => {
    const shapes = Object.entries(what === 'email' ? market.shapes : { [what]: '' })
    const recipe = shapes.find(([, shape]) => new RegExp(shape).test(String(subject.email)))?.[0] as 'email'
    const dice = diceOf(`${seed} ${what} ${subject.domain ?? subject.name} ${subject.full_name}`)
    return rowsOf(recipe, { ...subject, month: as_of.slice(0, 7) }, dice)
  }
  return { rows: subjects.flatMap(answers), more: false }
}

function ask(what: string, field?: string): NonNullable<Resource<z.output<typeof settings>>['pages']> {
  return async function* ({ http, settings, subjects }) {
    for (let page = 1, more = true; more; page++) {
      const body = { ...settings, page, subjects }
      const answer = await http.send({ method: 'POST', path: `/${what}`, body, field, ttl_days: 30 })
      const { rows, ...rest } = answer.json() as ReturnType<typeof vendor>
      yield rows
      more = rest.more
    }
  }
}

/** An enrichment resource: one batch of subjects, one call. */
const about = (field: string, description: string, row: z.ZodObject, key: string) => {
  return {
    description,
    row,
    key: ['subject_id', key],
    write: 'merge',
    field,
    subject: 'company',
    pages: ask(field, field),
  } as const
}

/** Invented companies and people, for a first run without keys or network. It never pretends to be another. */
export default defineProvider({
  title: 'Mock',
  docs: 'docs/providers.md#mock',
  settings,
  http: () => ({
    base_url: 'https://mock.example',
    transport: ({ path, body, as_of }) => ({ status: 200, body: vendor(path.slice(1), body, as_of) }),
  }),
  check: async ({ settings }) => `answers in process: ${settings.companies} invented companies, seed ${settings.seed}`,
  resources: {
    companies: {
      description: 'Companies of the two lists',
      row: company,
      key: ['id'],
      write: 'merge',
      pages: ask('companies'),
    },
    contacts: {
      description: 'People',
      row: contact,
      key: ['id'],
      write: 'merge',
      pages: ask('contacts'),
      pii: ['full_name', 'email', 'linkedin_url', 'phone'],
    },
    emails: {
      ...about('email', '', address, ''),
      key: ['subject_id'],
      subject: 'contact',
      pii: ['email'],
      hit: ({ status }) => status === 'valid' || status === 'risky',
    },
    tech_stack: about('tech_stack', 'Technologies seen', technology, 'name'),
    signals: about('signals', 'Buying signals', signal, 'id'),
    news: about('news', 'News that name the company', article, 'url'),
    social: about('social', 'Activity on LinkedIn', social, 'subject_id'),
  },
})
