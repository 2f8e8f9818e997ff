import { z } from 'zod'
import {
  bandsOf,
  blank,
  daysBefore,
  defineProvider,
  gathered,
  hostOf,
  lifted,
  ofEach,
  type PageContext,
  pagesAfter,
  plainWords,
  rowsIn,
  type Subject,
  tablesOf,
  termsOf,
  type VendorRow,
} from '../define.ts'
import vendor from './crunchbase.json' with { type: 'json' }

const settings = z.strictObject({
  api_key: z.string().min(1),
  /** Of older contracts: https://api.crunchbase.com/api/v4 */
  base_url: z.url().default('https://api.crunchbase.com/v4/data'),
  /** How far back rounds of funding are fetched. */
  days: z.int().min(1).max(3650).default(180),
  page_size: z.int().min(1).max(1000).default(1000),
})
type Context = PageContext<z.output<typeof settings>>
type Request = Parameters<Context['http']['send']>[0]
type Table = keyof typeof vendor.fields

const tables = tablesOf(vendor.tables, vendor.parts)
const where = (field_id: string, operator_id: string, values: readonly string[] = []) =>
  values.length === 0 ? [] : [{ type: 'predicate', field_id, operator_id, values }]

/** Asks for fields; where the answer names some that this licence does not serve, once more without them. */
async function ask({ http }: Context, table: Table, request: (field_ids: string[]) => Request) {
  const fields = vendor.fields[table]
  const first = await http.send(request(fields), [200, 400, 403, 404])
  if (first.status === 404) return { answer: {}, refused: [] }
  const refused = fields.filter((name) => first.status !== 200 && new RegExp(`\\b${name}\\b`).test(first.text))
  const served = () => http.send(request(fields.filter((name) => !refused.includes(name))))
  return { answer: (first.status === 200 ? first : await served()).json() as VendorRow, refused }
}

/** What is empty is left out; a field that is not served is missed, and reported. */
const rowOf = (table: Table, of: keyof typeof tables, properties: unknown, refused: string[]) =>
  rowsIn([properties]).map((row) => ({ ...blank(tables[of], refused), ...lifted(row, vendor.inside[table]) }))

function search(context: Context, table: Table, query: object[], limit = context.settings.page_size) {
  return pagesAfter(async (after_id) => {
    const { answer, refused } = await ask(context, table, (field_ids) => {
      return { method: 'POST', path: `/searches/${table}`, body: { field_ids, query, limit, after_id }, ttl_days: 7 }
    })
    const entities = rowsIn(answer.entities)
    const rows = entities.flatMap(({ properties }) => rowOf(table, table, properties, refused))
    return { rows, last: entities.at(-1)?.uuid as string | undefined, total: answer.count as number | undefined }
  }, limit)
}

/** Names as Crunchbase's own ids: filtering by a name is no error, and finds nothing. */
async function idsOf({ http }: Context, collection_ids: string, wanted: readonly string[] = []): Promise<string[]> {
  const bare = (text: unknown) => plainWords(String(text)).replaceAll(' ', '')
  const ids = await gathered([...new Set(wanted)], async (query) => {
    const asked = { path: '/autocompletes', query: { query, collection_ids, limit: 25 }, ttl_days: 90 }
    const { entities } = (await http.send(asked)).json() as VendorRow
    const same = rowsIn(rowsIn(entities).map(({ identifier }) => identifier))
    return same.find((one) => bare(one.value) === bare(query) && (one.location_type ?? 'country') === 'country')?.uuid
  })
  return ids.map(String)
}

/** A search for each profile; none for one whose countries Crunchbase does not know. */
async function* queries(context: Context): AsyncGenerator<object[]> {
  for (const { countries, industries, employees, revenue_usd, founded, funding_stages } of termsOf(context.icp)) {
    const locations = await idsOf(context, 'locations', countries)
    if (countries !== undefined && locations.length === 0) continue
    yield [
      ...where('facet_ids', 'includes', ['company']),
      ...where('location_identifiers', 'includes', locations),
      ...where('categories', 'includes', await idsOf(context, 'categories', industries)),
      ...where('num_employees_enum', 'includes', bandsOf(vendor.headcounts, employees)),
      ...where('revenue_range', 'includes', bandsOf(vendor.revenues, revenue_usd)),
      ...where('last_equity_funding_type', 'includes', funding_stages),
      ...where('founded_on', 'gte', founded?.min === undefined ? [] : [`${founded.min}-01-01`]),
      ...where('founded_on', 'lte', founded?.max === undefined ? [] : [`${founded.max}-12-31`]),
    ]
  }
}

/** By its own key, or by the domain: nobody is taken for another of the same name. */
async function keyOf(context: Context, { own_key, domain }: Subject): Promise<unknown> {
  if (own_key !== undefined || domain === null) return own_key
  for await (const page of search(context, 'organizations', where('website_url', 'domain_eq', [domain]), 10))
    return page.find(({ website_url }) => hostOf(String(website_url)) === hostOf(domain))?.uuid
}

export default defineProvider({
  title: 'Crunchbase',
  docs: 'https://data.crunchbase.com/docs',
  settings,
  http: ({ base_url, api_key }) => ({
    base_url,
    headers: { 'x-cb-user-key': api_key },
    // It tells nothing of what is left, and of a 429 not how long to wait: the tries outlast its minute.
    limits: { per_second: 3.3, per_minute: 200, retries: 8 },
    meaning: ({ status, text }) => (status === 403 && !/\bfields?\b/i.test(text) ? 'forbidden' : undefined),
  }),
  async check({ http }) {
    await http.send({ path: '/autocompletes', query: { query: 'brazil', collection_ids: 'locations', limit: 1 } })
    return 'it answers, and takes the key; 200 requests a minute, no credits'
  },
  resources: {
    organizations: {
      ...tables.organizations,
      async *pages(context) {
        for await (const query of queries(context)) yield* search(context, 'organizations', query)
      },
    },
    funding_rounds: {
      ...tables.funding_rounds,
      async *pages(context) {
        const countries = termsOf(context.icp).flatMap((terms) => terms.countries ?? [])
        const locations = await idsOf(context, 'locations', countries)
        if (countries.length > 0 && locations.length === 0) return
        const since = where('announced_on', 'gte', [daysBefore(context.as_of, context.settings.days)])
        const places = where('funded_organization_location', 'includes', locations)
        yield* search(context, 'funding_rounds', [...since, ...places])
      },
    },
    profiles: {
      ...tables.profiles,
      pages: ofEach(async (context, _, uuid) => {
        const { answer, refused } = await ask(context, 'organizations', (fields) => ({
          ...{ path: `/entities/organizations/${uuid}`, ttl_days: 30 },
          query: { field_ids: fields.join(','), card_ids: 'raised_funding_rounds' },
        }))
        const rounds = rowsIn(rowsIn([answer.cards])[0]?.raised_funding_rounds)
        const raised_funding_rounds = rounds.map((round) => lifted(round, vendor.inside.funding_rounds))
        const [row] = rowOf('organizations', 'profiles', answer.properties, refused)
        return row === undefined ? [] : [{ ...row, raised_funding_rounds }]
      }, keyOf),
    },
  },
})
