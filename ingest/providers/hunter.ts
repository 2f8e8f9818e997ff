import { z } from 'zod'
import {
  addressesOf,
  blank,
  defineProvider,
  isNotYet,
  lifted,
  listedInWords,
  ofEach,
  type PageContext,
  rowsIn,
  type Subject,
  snakeKeys,
  tablesOf,
  type VendorRow,
} from '../define.ts'
import vendor from './hunter.json' with { type: 'json' }

const settings = z.strictObject({
  api_key: z.string().min(1),
  base_url: z.url().default('https://api.hunter.io/v2'),
  /** What the plan charges for a verification, and for a company's profile. */
  verification_credits: z.number().positive().default(0.5),
  profile_credits: z.number().positive().default(1),
  companies: z.int().min(1).max(10_000).default(1000),
})
type Context = PageContext<z.output<typeof settings>>
type Asked = Omit<Parameters<Context['http']['send']>[0], 'path'>

const tables = tablesOf(vendor.tables)
/** No answer to this question, and none to a repetition: bad name or domain, unknown, nobody's wish to be found. */
const NONE = [400, 404, 422, 451]
const one = (value: unknown): VendorRow => rowsIn([value])[0] ?? {}
const status = (row: VendorRow) => String(row.status ?? '')
const notYet = (error: unknown) => (isNotYet(error) ? null : Promise.reject(error))
const claimed = (row: VendorRow) => row.status === 'claimed'
const confidence = ({ score }: VendorRow) => (typeof score === 'number' ? score / 100 : null)

async function ask({ http }: Pick<Context, 'http'>, path: string, asked: Asked) {
  const answer = await http.send({ path, bucket: 'search', ttl_days: 30, ...asked }, [200, ...NONE])
  return { status: answer.status, body: one(answer.json()) }
}

/** Hunter's own word on an address; `claimed` of who does not want to be found, `pending` while their server is down. */
async function verified(context: Context, email: string, company_id: string): Promise<string> {
  const asked = { query: { email }, bucket: 'verifier', field: 'email', company_id }
  const credits = context.settings.verification_credits
  const told = await ask(context, '/email-verifier', { ...asked, credits }).catch(notYet)
  if (told === null) return 'pending'
  return told.status === 451 ? 'claimed' : status({ status: 'invalid', ...one(told.body.data) })
}

/** Not paid for: a fresh verdict of Hunter's own, and a server that takes whatever comes. */
async function judged(context: Context, subject: Subject, row: VendorRow): Promise<VendorRow> {
  const known = row.accept_all === true ? 'accept_all' : status(one(row.verification))
  const sure = ['invalid', 'accept_all'].includes(known) || (known === 'valid' && Number(row.score) >= 90)
  return { ...row, status: sure ? known : await verified(context, String(row.email), subject.company_id) }
}

/** All personal addresses of a domain, ten for a credit. The free plan shows no more than ten at once, and none beyond. */
async function searched(context: Context, { domain, company_id }: Subject, most: number): Promise<VendorRow[]> {
  const rows: VendorRow[] = []
  for (let offset = 0, limit = 100, total = most; offset < total; offset += limit) {
    const query = { domain: domain ?? '', type: 'personal', limit, offset }
    const credits = Math.ceil(Math.min(limit, total - offset) / 10)
    const { status, body } = await ask(context, '/domain-search', { query, credits, field: 'email', company_id })
    if (status === 400 && limit === 100 && offset === 0) offset -= limit = 10
    if (status !== 200) continue
    const { emails, accept_all } = one(body.data)
    for (const { value: email, confidence: score, linkedin: linkedin_url, ...row } of rowsIn(emails))
      rows.push({ accept_all, email, score, linkedin_url, ...row })
    if (rowsIn(emails).length === 0 || (limit === 10 && offset === 0)) break
    total = Math.min(total, Number(one(body.meta).results ?? 0))
  }
  return rows
}

const emails = (context: Context) =>
  addressesOf(context.subjects, {
    blank: blank(tables.emails),
    search: searched.bind(null, context),
    judge: judged.bind(null, context),
    async count({ domain }) {
      const told = await ask(context, '/email-count', { query: { domain: domain ?? '' }, field: 'email' })
      const { total = 0, personal_emails = 0 } = one(told.body.data)
      return { all: Number(total), personal: Number(personal_emails) }
    },
    async find({ domain, full_name, company_id }) {
      const query = { domain: domain ?? '', full_name: full_name ?? '' }
      const told = await ask(context, '/email-finder', { query, credits: 1, field: 'email', company_id })
      return told.status === 451 ? { email: null, status: 'claimed' } : one(told.body.data)
    },
  })

/** Free, and in words, since Hunter takes them all; what comes is judged by the ICP like any other. */
const companies = ({ http, icp, settings: { companies: most } }: Context) =>
  listedInWords(icp, { per_page: 100, most }, async (query, offset) => {
    const asked = { path: '/discover', body: { query, limit: 100, offset }, bucket: 'discover', ttl_days: 30 }
    const told = one((await http.send({ method: 'POST', ...asked })).json())
    return { rows: rowsIn(told.data).map((row) => lifted(row, vendor.company)), total: Number(one(told.meta).results) }
  })

/** What is known behind one address or domain; `claimed` of who does not want it told. */
const lookUp = (path: string, columns: Readonly<Record<string, string>>, known: 'email' | 'domain') =>
  ofEach(async ({ settings, ...context }: Context, { company_id, [known]: value }) => {
    const asked = { query: { [known]: value ?? '' }, company_id, credits: settings.profile_credits, ttl_days: 90 }
    const told = await ask(context, path, asked)
    if (told.status === 451) return [{ ...blank(tables.people), status: 'claimed' }]
    const row = lifted(snakeKeys(one(told.body.data)), columns)
    const stages = [row.stages].flat().filter((text) => typeof text === 'string')
    return told.status === 200 ? [{ ...row, status: 'found', stages }] : []
  })

export default defineProvider({
  title: 'Hunter',
  docs: 'https://hunter.io/api-documentation/v2',
  settings,
  http: ({ base_url, api_key }) => ({
    base_url,
    headers: { 'x-api-key': api_key },
    limits: { concurrency: 16, retries: 6 },
    buckets: vendor.buckets,
    meaning({ status, data }) {
      const said = JSON.stringify(one(data).errors ?? '')
      if ([202, 222, 409].includes(status)) return 'later'
      if (status === 403) return /too_many|rate/i.test(said) ? 'rate' : 'forbidden'
      return status === 429 && /billing period|restricted_account/.test(said) ? 'quota' : undefined
    },
    charged({ status, data }, announced) {
      const told = one(one(data).data)
      if (announced === 0 || status !== 200) return 0
      if (Array.isArray(told.emails)) return Math.ceil(told.emails.length / 10)
      if ('smtp_check' in told) return ['valid', 'invalid', 'accept_all'].includes(String(told.status)) ? announced : 0
      return 'score' in told && told.email === null ? 0 : undefined
    },
  }),
  async check({ http }) {
    const { plan_name, reset_date, requests } = one(one((await http.send({ path: '/account' })).json()).data)
    return `plan ${plan_name}, credits until ${reset_date}: ${JSON.stringify(one(requests).credits)}`
  },
  resources: {
    emails: {
      ...{ ...tables.emails, claimed, pages: emails, pending: (row) => row.status === 'pending' },
      fills: { email: { ...tables.emails.fills?.email, valid: (row) => row.status === 'valid', confidence } },
    },
    companies: { ...tables.companies, pages: companies },
    people: { ...tables.people, claimed, pages: lookUp('/people/find', vendor.person, 'email') },
    organizations: { ...tables.organizations, pages: lookUp('/companies/find', vendor.organization, 'domain') },
  },
})
