import { z } from 'zod'
import {
  daysBefore,
  defineProvider,
  filtersOf,
  ofEach,
  type PageContext,
  pagesWithin,
  personasOf,
  rowsIn,
  rowsMeant,
  type Subject,
  tablesOf,
  together,
  unmasked,
  type VendorRow,
} from '../define.ts'
import vendor from './apollo.json' with { type: 'json' }

const settings = z.strictObject({
  api_key: z.string().min(1),
  base_url: z.url().default('https://api.apollo.io/api/v1'),
  /** Listed of each company by the personas of the ICP, which costs nothing. */
  people_per_company: z.int().min(1).max(100).default(5),
  /** Where Apollo sends phone numbers; it wants one also of those who fetch them from it, as we do. */
  webhook_url: z.url({ protocol: /^https$/ }).optional(),
})
type Context = PageContext<z.output<typeof settings>>
type Asked = Omit<Parameters<Context['http']['send']>[0], 'path'>

const tables = tablesOf(vendor.tables, vendor.parts)
const sure = ({ email_status }: VendorRow) => ['verified', 'likely to engage'].includes(String(email_status))

/** Costs what the answer says, which may be a fraction; `credits` at most. */
async function ask({ http }: Pick<Context, 'http'>, path: string, asked: Asked): Promise<VendorRow> {
  const method = asked.body === undefined ? 'GET' : 'POST'
  return (await http.send({ method, path, bucket: path, ttl_days: 30, ...asked })).json() as VendorRow
}

/** Companies that the caller's own CRM has come apart, under ids of their own. */
async function* companies(context: Context): AsyncGenerator<VendorRow[]> {
  for (const { filter, employees } of filtersOf(context.icp, vendor.filters)) {
    const found = async (page: number, size = employees) => {
      const sizes = size && { organization_num_employees_ranges: [`${size.min},${size.max}`] }
      const body = { ...filter, ...sizes, page, per_page: 100 }
      const answer = await ask(context, '/mixed_companies/search', { body, credits: 1 })
      const own = rowsIn(answer.accounts).map((row): VendorRow => {
        return { primary_domain: row.domain, ...row, id: row.organization_id, account_id: row.id }
      })
      const rows = [...rowsIn(answer.organizations).map((row) => ({ account_id: null, ...row })), ...own]
      return { rows, total: Number(rowsIn([answer.pagination])[0]?.total_entries ?? 0) }
    }
    yield* pagesWithin<VendorRow>(found, { per_page: 100, most: 50_000 }, employees)
  }
}

/** Free: without addresses, and with last names masked. */
async function listed(context: Context, filter: object): Promise<VendorRow[]> {
  return rowsIn((await ask(context, '/mixed_people/api_search', { body: { ...filter, page: 1 } })).people)
}

async function* people(context: Context): AsyncGenerator<VendorRow[]> {
  const per_page = context.settings.people_per_company
  const personas = personasOf(context.icp, vendor.seniorities)
  for await (const page of companies(context)) {
    const asked = page.flatMap(({ id }) => personas.map((persona) => ({ id, ...persona })))
    yield* together(asked, async ({ id, titles: person_titles, seniorities: person_seniorities }) => {
      const filter = { organization_ids: [id], person_titles, person_seniorities, per_page }
      return (await listed(context, filter)).map((one) => ({ organization_id: id, ...one }))
    })
  }
}

/** Ten at once, told apart by who they are. Phone numbers are fetched a little later. */
async function* matched(context: Context): AsyncGenerator<VendorRow[]> {
  const phones = context.fields.includes('phone')
  const reveal = phones ? { reveal_phone_number: true, webhook_url: context.settings.webhook_url } : {}
  const search = (q_keywords: string, domain: string) =>
    listed(context, { q_organization_domains_list: [domain], q_keywords, per_page: 100 })
  let request_id: unknown
  const found = await rowsMeant(context.subjects, search, async (who) => {
    const [path, of] = who.length === 1 ? ['/people/match', who[0]] : ['/people/bulk_match', { details: who }]
    const answer = await ask(context, path, { body: { ...of, ...reveal }, credits: who.length * (phones ? 9 : 1) })
    request_id = answer.request_id
    return rowsIn(answer.matches ?? [answer.person])
  })
  if (!phones) return yield found.map((row) => ({ ...row, email: unmasked(row.email) }))
  if (found.length === 0) return
  const told = rowsIn([(await ask(context, `/webhook_result/${request_id}`, { bucket: 'webhook' })).webhook_result])
  for (const { id, phone_numbers } of rowsIn(told[0]?.people))
    for (const { subject_id } of found.filter((one) => one.id === id))
      yield rowsIn(phone_numbers).map((row) => ({ subject_id, ...row }))
}

/** All of a company, bought once: what needs its id at Apollo finds it here. */
async function organizationOf(context: Context, { domain, company_id }: Subject): Promise<VendorRow[]> {
  const asked = { query: { domain: domain ?? undefined }, company_id, credits: 1, ttl_days: 90 }
  return rowsIn([(await ask(context, '/organizations/enrich', asked)).organization])
}
const idOf = async (context: Context, one: Subject) => one.own_key ?? (await organizationOf(context, one))[0]?.id

export default defineProvider({
  title: 'Apollo',
  docs: 'https://docs.apollo.io/reference',
  settings,
  http: ({ base_url, api_key }) => ({
    base_url,
    headers: { 'x-api-key': api_key, 'cache-control': 'no-cache' },
    limits: { concurrency: 32 },
    buckets: Object.fromEntries(vendor.endpoints.map((name) => [name, vendor])),
    meaning({ status, text }) {
      if ([402, 403, 422].includes(status) && /credit/i.test(text)) return 'quota'
      if (status === 403) return 'forbidden'
      return status === 404 && text.includes('result_pending') ? 'later' : undefined
    },
    charged({ data }) {
      const told = data as VendorRow
      if (told.credits_consumed !== undefined) return Number(told.credits_consumed)
      return vendor.charged_for.some((name) => (told[name] ?? null) !== null) ? undefined : 0
    },
  }),
  async check({ http }) {
    const { json, headers } = await http.send({ path: '/users/api_profile', query: { include_credit_usage: true } })
    const left = (json() as VendorRow).num_credits_remaining ?? 'unknown'
    return `credits left: ${left}; requests a minute: ${headers['x-rate-limit-minute'] || 'unknown'}`
  },
  resources: {
    companies: { ...tables.companies, pages: companies },
    people: { ...tables.people, pages: people },
    matches: { ...tables.matches, pages: matched, fills: { email: { ...tables.matches.fills?.email, valid: sure } } },
    phones: { ...tables.phones, pages: matched },
    organizations: { ...tables.organizations, pages: ofEach(organizationOf) },
    job_postings: {
      ...tables.job_postings,
      pages: ofEach(async (context, _, id) => {
        const asked = { query: { page: 1, per_page: 100 }, bucket: 'job_postings', credits: 1 }
        return rowsIn((await ask(context, `/organizations/${id}/job_postings`, asked)).organization_job_postings)
      }, idOf),
    },
    news_articles: {
      ...tables.news_articles,
      pages: ofEach(async (context, _, id) => {
        const published_at = { min: daysBefore(context.as_of, 90), max: context.as_of }
        const body = { organization_ids: [id], published_at, page: 1, per_page: 25 }
        return rowsIn((await ask(context, '/news_articles/search', { body, credits: 1 })).news_articles)
      }, idOf),
    },
  },
})
