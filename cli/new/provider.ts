import { type NewFiles, titleOf } from './files.ts'

/** A provider that lists companies page by page, with a replay server that does the same, and what its rows mean. */
export function newProvider(name: string): NewFiles {
  const staging = `models/staging/${name}/stg_${name}__companies`
  return {
    files: [
      { path: `ingest/providers/${name}.ts`, text: provider(name), code: true },
      { path: `test/fixtures/providers/${name}.ts`, text: fixture(name), code: true },
      { path: `${staging}.sql`, text: model(name) },
      { path: `${staging}.yml`, text: properties(name) },
    ],
    relations: true,
    config: {
      after: /^ {4}mock: /,
      line: `    # ${name}: { api_key: "\${${name.toUpperCase()}_API_KEY}" }`,
    },
    next: [
      `npx vitest run test/contract -t ${name}    passes as it is; keep it so while you make it the vendor's`,
      `ingest/providers/${name}.ts    base URL, paths, row, limits, and how it says that something is wrong`,
      `test/fixtures/providers/${name}.ts    its server, as its documentation has it`,
      'docs/add-a-provider.md    the arms by which its rows reach the golden record; enrichment',
      'pipeline.yaml    take the # away to switch it on',
    ],
  }
}

const provider = (name: string) => `import { z } from 'zod'
import { defineProvider } from '../define.ts'

/** What you rely on. Fields that are not named here are kept in \`_payload\`, and the run says that they are there. */
const company = z.object({
  id: z.string(),
  name: z.string(),
  website: z.string().nullable(),
  country: z.string().nullable(),
  city: z.string().nullable(),
  employees: z.int().nullable(),
})

const answer = z.looseObject({ companies: z.array(z.unknown()), next_page: z.int().nullish() })

export default defineProvider({
  title: '${titleOf(name)}',
  docs: 'https://example.com/docs/${name}',
  settings: z.strictObject({
    api_key: z.string().min(1),
    base_url: z.url().default('https://api.example.com'),
  }),
  http: ({ api_key, base_url }) => ({
    base_url,
    headers: { authorization: \`Bearer \${api_key}\` },
    limits: { per_second: 5 },
    // What an answer means where its status does not say it. A page of something else is asked for again.
    meaning: ({ status, data }) => (status === 200 && !answer.safeParse(data).success ? 'later' : undefined),
  }),
  async check({ http }) {
    await http.send({ path: '/companies', query: { page: 1 } })
    return 'it answers, and takes the key'
  },
  resources: {
    companies: {
      description: 'Companies that it lists.',
      row: company,
      key: ['id'],
      write: 'merge',
      async *pages({ http }) {
        const seen = new Set<number>()
        for (let page: number | null = 1; page !== null && !seen.has(page); ) {
          seen.add(page)
          const found = await http.send({ path: '/companies', query: { page }, ttl_days: 7 })
          const { companies, next_page } = answer.parse(found.json())
          yield companies
          page = next_page ?? null
        }
      },
    },
  },
})
`

const fixture = (
  name: string,
) => `import type { Asked, ProviderFixture, Replayed } from '../../helpers/vendor-server.ts'

const KEY = '${name}-key-1234'
const PAGES = 3

/** The vendor, when all is well: three pages of two companies. */
function answer({ path, query, headers }: Asked): Replayed {
  if (headers.authorization !== \`Bearer \${KEY}\`) return { status: 401, body: { error: 'unknown key' } }
  if (path !== '/companies') return { status: 404, body: { error: 'not found' } }
  const page = Number(query.get('page'))
  const companies = [1, 2].map((n) => ({
    ...{ id: \`\${page}-\${n}\`, name: \`Company \${page}-\${n}\`, website: \`https://company-\${page}-\${n}.example\` },
    ...{ country: 'BR', city: n === 1 ? 'Recife' : null, employees: 10 * n },
  }))
  return { status: 200, body: { companies: page > PAGES ? [] : companies, next_page: page < PAGES ? page + 1 : null } }
}

export const fixture: ProviderFixture = {
  settings: (base_url) => ({ base_url, api_key: KEY }),
  vendor: () => answer,
  scenes: [{ resource: 'companies', rows: 2 * PAGES }],
  // Its own words: what it says of a wrong key, and where there is nothing.
  words: {
    expired_key: { status: 401, body: { error: 'unknown key' } },
    empty: { status: 200, body: { companies: [], next_page: null } },
  },
  drift: {
    rowsIn: (body) => (body as { companies?: Record<string, unknown>[] }).companies ?? [],
    missing: 'employees',
    retyped: 'name',
  },
}
`

const model = (name: string) => `-- One row per company that ${titleOf(name)} lists.

with

source as (

    select * from {{ source('${name}', 'companies') }}

),

renamed as (

    select
        -- ids
        id as company_key,

        -- strings
        nullif(trim(name), '') as company_name,
        nullif(trim(website), '') as website,
        upper(nullif(trim(country), '')) as country,
        nullif(trim(city), '') as city,

        -- numerics
        employees as employee_count,

        -- dates and timestamps
        _fetched_at as fetched_at

    from source

)

select * from renamed
`

const properties = (name: string) => `# yaml-language-server: $schema=../../../docs/schemas/properties.json
version: 2

models:
  - name: stg_${name}__companies
    description: Companies that ${titleOf(name)} lists, renamed and trimmed.
    columns:
      - name: company_key
        description: The vendor's id.
        data_tests: [unique, not_null]
      - name: company_name
        description: As the vendor writes it.
      - name: website
        description: As the vendor writes it.
      - name: country
        description: Two letters.
      - name: city
        description: As the vendor writes it.
      - name: employee_count
        description: People employed.
      - name: fetched_at
        description: When the row was last had from its source, UTC.
        data_tests: [not_null]
`
