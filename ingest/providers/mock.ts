import { z } from 'zod'
import {
  cnpjCheckDigits,
  defineProvider,
  diceOf,
  type Fills,
  type Resource,
  type Sample,
  type Subject,
  sampleOf,
} from '../define.ts'
import market from './mock.json' with { type: 'json' }

const settings = z.strictObject({
  /** Another seed, another invented market. */
  seed: z.int().min(0).max(1_000_000).default(7),
  /** Distinct companies; about one in eight is in both lists, spelled differently. */
  companies: z.int().positive().max(1_000_000).default(300),
})
type Settings = z.output<typeof settings>

const [text, count, date] = [z.string().nullable(), z.int().nullable(), z.iso.date().nullable()]
const [id, subject_id] = [z.string(), z.string()]
const company = z
  .object({ id, list: z.enum(['directory', 'registry']), name: text, website: text, domain: text, cnpj: text })
  .extend({ linkedin_url: text, industry: text, cnae_code: text, country: text, state: text, city: text })
  .extend({ employee_count: count, revenue_amount: z.number().nullable(), revenue_currency: text, founded_year: count })
  .extend({ funding_stage: text, technologies: z.array(z.string()).nullable(), phone: text, updated_at: date })
const contact = z
  .object({ id, company_key: z.string(), full_name: text, title: text, email: text, linkedin_url: text })
  .extend({ phone: text, updated_at: date })
const status = z.enum(['valid', 'risky', 'invalid', 'unknown'])
const kind = z.enum(['hiring', 'funding', 'expansion', 'leadership_change', 'tech_adoption'])
const email = z.object({ subject_id, email: text, status })
const technology = z.object({ subject_id, name: z.string(), category: text, first_seen: date, last_seen: date })
const signal = z.object({ subject_id, id, kind, observed_at: date, evidence: text, url: text })
const article = z.object({ subject_id, title: text, url: z.string(), source: text, published_at: date })
const firm = z.object({ subject_id, employee_count: count, revenue_usd: count, funding_stage: text })
const social = z.object({ subject_id, linkedin_followers: count, posts_90d: count, last_post_at: date })

/** People of a company, signals of a subject: as many as the recipe says, each with a person and an event of its own. */
function samplesOf(recipe: keyof typeof market.rows, known: Sample, who: string): Sample[] {
  const dice = diceOf(who)
  const { about } = market.lands[known.country === 'BR' ? 'br' : 'us']
  return Array.from({ length: dice.pick(market.rows[recipe]) }, (_, at) => {
    const all = { ...sampleOf(about, { ...known, stack: market.stack }, dice), ...known, at }
    return sampleOf(market.recipes[recipe], all, dice)
  })
}

/** The rows of one company and of its people. An odd factor gives every index a brand of its own. */
function companyOf(seed: number, index: number) {
  const dice = diceOf(`${seed} company ${index}`)
  const land = market.lands[dice.next() < 0.6 ? 'br' : 'us']
  const code = ((index * 393_241 + seed * 7_919) % 32 ** 4).toString(32).padStart(4, '0')
  const brand = code.replaceAll(/./g, (digit) => market.syllables.split(' ')[Number.parseInt(digit, 32)]!)
  const root = dice.next() < 0.04 ? `Z${index.toString(36).padStart(7, '0')}` : `${99e6 + ((index * 7919) % 1e6)}`
  const base = `${root.toUpperCase()}0001`
  const industry = market.industries[Math.floor(dice.next() ** 2 * market.industries.length)]
  const named = { brand: brand[0]!.toUpperCase() + brand.slice(1), cnpj: base + cnpjCheckDigits(base) }
  const known: Sample = { ...industry, ...named, index, stack: market.stack }
  const truth: Sample = { ...known, ...sampleOf(land.company, known, dice) }
  truth.revenue = Number(truth.employees) * dice.int(6, 26) * 10_000
  const { lists } = sampleOf({ lists: market.lists }, truth, dice)
  const listed = (list: string) => sampleOf(market.recipes[list as 'directory' | 'registry'], truth, dice)
  const companies = String(lists).split(' ').map(listed)
  const people = ({ id }: Sample) => samplesOf('contact', { ...truth, company_key: id }, `${seed} people ${index}`)
  return { companies, contacts: companies.flatMap(people) }
}

function answersOf(field: string, seed: number, month: string, subject: Subject): Sample[] {
  const shapes = Object.entries(field === 'email' ? market.shapes : { [field]: '' })
  const recipe = shapes.find(([, shape]) => new RegExp(shape).test(String(subject.email)))?.[0] as 'email'
  if (recipe.endsWith('_guess') && subject.domain === null) return []
  const who = `${seed} ${field} ${subject.domain ?? subject.name} ${subject.full_name}`
  return samplesOf(recipe, { ...subject, month }, who)
}

/** The vendor: its lists by pages of 100 companies, and answers about the subjects it is asked for. */
function vendor(path: string, query: Record<string, string>, subjects: unknown, as_of: string) {
  const [seed, companies, first] = [Number(query.seed), Number(query.companies), Number(query.page) * 100 - 100]
  const [, verb, field = ''] = path.split('/')
  const about = (subject: Subject) => answersOf(field, seed, as_of.slice(0, 7), subject)
  if (verb === 'enrich') return { rows: (subjects as Subject[]).flatMap(about), more: false }
  const page = Array.from({ length: Math.min(100, companies - first) }, (_, at) => companyOf(seed, first + at))
  return { rows: page.flatMap((one) => one[verb as 'companies' | 'contacts']), more: first + 100 < companies }
}

type Answer = ReturnType<typeof vendor>
const known = (column: string) => ({ hit: (row: Sample) => row[column] !== null })

/** A list: page after page, until the vendor says that there are no more. */
function listed(path: string, row: z.ZodObject, description: string): Resource<Settings> {
  return {
    ...{ description, row, key: ['id'], write: 'merge' },
    async *pages({ http, settings }) {
      for (let page = 1, more = true; more; page++) {
        const answer = (await http.send({ path, query: { ...settings, page }, ttl_days: 30 })).json() as Answer
        yield answer.rows
        more = answer.more
      }
    },
  }
}

/** What fills a field: one call for a batch of subjects. */
function answered(row: z.ZodObject, key: string[], description: string, fills: Fills): Resource<Settings> {
  const field = Object.keys(fills).join('_')
  return {
    ...{ description, row, key: ['subject_id', ...key], write: 'merge', fills, batch: 100 },
    async *pages({ http, settings: { seed }, subjects }) {
      const asked = { path: `/enrich/${field}`, query: { seed }, body: subjects, field, ttl_days: 30 }
      yield ((await http.send({ ...asked, method: 'POST' })).json() as Answer).rows
    },
  }
}

/** An invented market: a first run needs no key and no network. It answers as a vendor would, and never poses as one. */
export default defineProvider({
  title: 'Mock',
  docs: 'ingest/providers/mock.json',
  settings,
  http: () => ({
    base_url: 'https://mock.example',
    transport: ({ path, query, body, as_of }) => ({ status: 200, body: vendor(path, query, body, as_of) }),
  }),
  check: async ({ settings }) => `${settings.companies} invented companies, seed ${settings.seed}`,
  resources: {
    companies: listed('/companies', company, 'Companies, as the directory and the registry list them'),
    contacts: {
      ...listed('/contacts', contact, 'People of these companies'),
      pii: ['full_name', 'email', 'linkedin_url', 'phone'],
      legal_basis: 'legitimate_interest',
    },
    emails: {
      ...answered(email, [], 'A work address and whether it can be written to', {
        email: { hit: ({ status }) => status === 'valid' || status === 'risky' },
      }),
      pii: ['email'],
      legal_basis: 'legitimate_interest',
    },
    tech_stack: answered(technology, ['name'], 'Technologies in use', { tech_stack: {} }),
    signals: answered(signal, ['id'], 'Events that say that now is the time', { signals: {} }),
    news: answered(article, ['url'], 'Articles that name the company', { news: {} }),
    firmographics: answered(firm, [], 'Size, revenue and funding, in one answer', {
      ...{ headcount: known('employee_count'), revenue: known('revenue_usd'), funding: known('funding_stage') },
    }),
    social: answered(social, [], 'What the company does on LinkedIn', { social: {} }),
  },
})
