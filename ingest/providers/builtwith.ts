import { z } from 'zod'
import {
  defineProvider,
  isCnpj,
  normalizeCnpj,
  type PageContext,
  rowsIn,
  snakeKeys,
  type VendorRow,
} from '../define.ts'

const settings = z.strictObject({
  api_key: z.string().min(1),
  base_url: z.url().default('https://api.builtwith.com'),
  /** Domains of one bulk job; up to 16 go into an ordinary call. */
  bulk: z.int().min(33).max(5000).optional(),
})
type Context = PageContext<z.output<typeof settings>>

const one = (value: unknown): VendorRow => rowsIn([value])[0] ?? {}
const same = (a: unknown, b: string | null) => String(a).toLowerCase() === b?.toLowerCase()

/** What an error code inside a 200 says of the whole call, or, beside results, of one domain. */
const MEANS: Record<string, 'key' | 'quota' | 'forbidden' | 'later' | 'ok'> = {
  ...{ '-2': 'key', '-3': 'quota', '-5': 'forbidden', '-6': 'later', '-99': 'later', '-8': 'ok' },
}

/** The answer to a bulk job comes once only: the ledger has it before it is looked at. A job that is known is not paid again. */
async function bulkOf({ http }: Context, lookups: string[]): Promise<VendorRow> {
  const asked = { lookups, options: { noMeta: false, noPii: true, liveOnly: false } }
  const request = {
    method: 'POST',
    path: '/v23/domain/bulk',
    body: asked,
    credits: lookups.length,
    ttl_days: 30,
  } as const
  const told = one((await http.send(request)).json())
  if (told.job_id === undefined) return told
  const { result_url } = one((await http.send({ path: `/v23/domain/bulk/${told.job_id}` })).json())
  return one((await http.send({ path: String(result_url), ttl_days: 30 })).json())
}

async function* domains(context: Context): AsyncGenerator<VendorRow[]> {
  const { http, subjects } = context
  const lookups = [...new Set(subjects.flatMap(({ domain }) => domain ?? []))].sort()
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
  const lookups = [...new Set(subjects.flatMap(({ domain }) => domain ?? []))].sort()
  const asked = { path: '/vat1/api.json', query: { LOOKUP: lookups.join(',') }, credits: lookups.length, ttl_days: 90 }
  const rows = rowsIn((await http.send(asked)).json())
  yield subjects.flatMap(({ subject_id, domain }) =>
    rows.filter(({ Domain }) => same(Domain, domain)).map((row) => ({ subject_id, ...snakeKeys(row) })),
  )
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
    domains: {
      description: 'What a site is made with, path by path, and what is known of who runs it. Without personal data.',
      row: z.object({
        subject_id: z.string(),
        state: z.string(),
        lookup: z.string().nullish(),
        result: z
          .looseObject({ Paths: z.array(z.unknown()).nullish() })
          .nullish()
          .meta({ duckdb: 'JSON' }),
        meta: z.unknown(),
        attributes: z.looseObject({ Employees: z.number().nullish() }).nullish().meta({ duckdb: 'JSON' }),
        sales_revenue: z.number('SalesRevenue is no number').nullish(),
      }),
      known: ['first_indexed', 'last_indexed'],
      key: ['subject_id', 'state'],
      write: 'merge',
      needs: ['domain'],
      batch_of: ({ bulk }) => bulk ?? 16,
      price: { hit: 1, miss: 1 },
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
      description: 'Registration numbers that a site shows: CNPJ, VAT and others.',
      row: z.object({
        subject_id: z.string(),
        domain: z.string(),
        type: z.string(),
        number: z.string('Number is no text'),
      }),
      key: ['subject_id', 'type', 'number'],
      write: 'merge',
      needs: ['domain'],
      batch: 16,
      price: { hit: 1 },
      fills: {
        cnpj: {
          hit: ({ type }) => /cnpj/i.test(String(type)),
          valid: ({ number }) => isCnpj(normalizeCnpj(String(number))),
        },
      },
      pages: registrations,
    },
  },
})
