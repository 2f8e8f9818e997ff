import { z } from 'zod'
import {
  defineProvider,
  eachList,
  isCnpj,
  lifted,
  normalizeCnpj,
  ofEach,
  type PageContext,
  pagesAfter,
  rowsIn,
  type Subject,
  snakeKeys,
  tablesOf,
  type VendorRow,
  wantedOf,
} from '../define.ts'
import vendor from './builtwith.json' with { type: 'json' }

const settings = z.strictObject({
  api_key: z.string().min(1),
  base_url: z.url().default('https://api.builtwith.com'),
  /** Domains of one bulk job; up to 16 go into an ordinary call. */
  bulk: z.int().min(33).max(5000).optional(),
})
type Context = PageContext<z.output<typeof settings>>

const one = (value: unknown): VendorRow => rowsIn([value])[0] ?? {}
const json = (shape: z.ZodRawShape) => z.looseObject(shape).nullish().meta({ duckdb: 'JSON' })
const domainsOf = (all: readonly Subject[]) => [...new Set(all.flatMap(({ domain }) => domain ?? []))].sort()
const isOfCnpj = ({ type }: VendorRow) => /cnpj/i.test(String(type))
const isNew = ({ type }: VendorRow) => type === 'technology_added'
const same = (a: unknown, b: string | null) => String(a).toLowerCase() === b?.toLowerCase()

const tables = tablesOf(vendor.tables)
/** What an error code inside a 200 says of the whole call, or, beside results, of one domain. */
const MEANS = vendor.errors as Record<string, 'key' | 'quota' | 'forbidden' | 'later' | 'ok'>

/** The answer to a bulk job comes once only: the ledger has it before it is looked at. A job that is known is not paid again. */
async function bulkOf({ http }: Context, lookups: string[]): Promise<VendorRow> {
  const body = { lookups, options: { noMeta: false, noPii: true, liveOnly: false } }
  const path = '/v23/domain/bulk'
  const told = one((await http.send({ method: 'POST', path, body, credits: lookups.length, ttl_days: 30 })).json())
  if (told.job_id === undefined) return told
  const { result_url } = one((await http.send({ path: `${path}/${told.job_id}` })).json())
  return one((await http.send({ path: String(result_url), ttl_days: 30 })).json())
}

async function* domains(context: Context): AsyncGenerator<VendorRow[]> {
  const { http, subjects } = context
  const lookups = domainsOf(subjects)
  const query = { LOOKUP: lookups.join(','), NOPII: 'yes' }
  const small = { path: '/v23/api.json', query, credits: lookups.length, ttl_days: 30 }
  const answer = lookups.length > 16 ? await bulkOf(context, lookups) : one((await http.send(small)).json())
  const errors = rowsIn(answer.Errors)
  yield subjects.flatMap(({ subject_id, domain }) => {
    const [result] = rowsIn(answer.Results).filter(({ Lookup }) => same(Lookup, domain))
    if (result !== undefined) return [{ subject_id, state: 'known', ...snakeKeys(result) }]
    const said = errors.find(({ Lookup }) => same(Lookup, domain)) ?? errors.find(({ Lookup }) => Lookup == null)
    if (said === undefined) return []
    const state = MEANS[String(said.Code)] === 'ok' ? 'invalid' : 'later'
    return [{ subject_id, state, lookup: domain, result: null, meta: null, attributes: null, sales_revenue: null }]
  })
}

async function* registrations({ http, subjects }: Context): AsyncGenerator<VendorRow[]> {
  const lookups = domainsOf(subjects)
  const asked = { path: '/vat1/api.json', query: { LOOKUP: lookups.join(',') }, credits: lookups.length, ttl_days: 90 }
  const rows = rowsIn((await http.send(asked)).json())
  yield subjects.flatMap(({ subject_id, domain }) =>
    rows.filter(({ Domain }) => same(Domain, domain)).map((row) => ({ subject_id, ...snakeKeys(row) })),
  )
}

/** Sites with a technology that is wanted. What is known of the people behind them is left out. */
const companies = ({ http, icp }: Context) =>
  eachList(wantedOf(icp), ({ technology, country, employees_min }) =>
    pagesAfter(async (OFFSET) => {
      const only = { COUNTRY: country === 'GB' ? 'UK' : country, EMPLOYEES: employees_min && `${employees_min}|GTE` }
      const query = { TECH: technology.replaceAll(' ', '-'), META: 'yes', ...only, OFFSET }
      const answer = one((await http.send({ path: '/lists12/api.json', query, ttl_days: 7 })).json())
      const rows = rowsIn(answer.Results).map(({ META: meta, ...row }) => {
        return { ...lifted({ meta }, vendor.meta), meta: undefined, ...snakeKeys(row) }
      })
      const last = [answer.NextOffset].find((next): next is string => typeof next === 'string' && next !== 'END')
      return { rows, last, total: undefined }
    }, 0),
  )

async function changes({ http }: Context, { domain, company_id }: Subject): Promise<VendorRow[]> {
  const query = { LOOKUP: domain ?? '', SINCE: 'last month' }
  const answer = await http.send({ path: '/change1/api.json', query, company_id, credits: 1, ttl_days: 30 })
  return rowsIn(one(answer.json()).Results).flatMap(({ Changes }) => rowsIn(one(Changes).events))
}

export default defineProvider({
  title: 'BuiltWith',
  docs: 'https://api.builtwith.com/domain-api',
  settings,
  http: ({ base_url, api_key }) => ({
    base_url,
    headers: { authorization: `API ${api_key}` },
    limits: { per_second: 10, concurrency: 8, retries: 8 },
    meaning({ status, data }) {
      const { Errors, Results, job_id, status: state } = one(data)
      if (status === 200 && job_id !== undefined && state !== 'completed')
        return /queued|running|process/.test(String(state)) ? 'later' : 'refused'
      const codes = rowsIn(Errors).map(({ Code }) => String(Code))
      if (codes.length === 0 || rowsIn(Results).length > 0) return undefined
      return MEANS[codes.find((code) => MEANS[code] !== 'ok') ?? codes[0]!] ?? 'refused'
    },
    charged({ status, data }, announced) {
      if (announced === 0) return 0
      if (status === 202) return Number(one(data).count ?? announced)
      if (Array.isArray(data)) return new Set(rowsIn(data).map(({ Domain }) => Domain)).size
      return data === undefined ? undefined : rowsIn(one(data).Results).length
    },
    wait_s: ({ data }) => z.number().optional().catch(undefined).parse(one(data).retryAfterSeconds),
  }),
  async check({ http }) {
    const { used, purchased, remaining } = one((await http.send({ path: '/usagev2/api.json' })).json())
    return `credits left: ${remaining} of ${purchased}, ${used} used`
  },
  resources: {
    companies: { ...tables.companies, pages: companies },
    changes: { ...tables.changes, fills: { signals: { hit: isNew } }, pages: ofEach(changes) },
    domains: {
      ...tables.domains,
      row: tables.domains.row.extend({
        result: json({ Paths: z.array(z.unknown()).nullish() }),
        meta: z.unknown(),
        attributes: json({ Employees: z.number().nullish() }),
      }),
      batch_of: ({ bulk }) => bulk ?? 16,
      fills: {
        tech_stack: {
          hit: ({ result }) => rowsIn(one(result).Paths).some(({ Technologies }) => rowsIn(Technologies).length > 0),
        },
        headcount: { hit: ({ attributes }) => Number(one(attributes).Employees ?? 0) > 0 },
      },
      pending: ({ state }) => state === 'later',
      pages: domains,
    },
    registrations: {
      ...tables.registrations,
      fills: { cnpj: { hit: isOfCnpj, valid: ({ number }) => isCnpj(normalizeCnpj(String(number))) } },
      pages: registrations,
    },
  },
})
