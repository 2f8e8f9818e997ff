import { createRoute, z } from '@hono/zod-openapi'
import { quoteLiteral } from '../../pipeline/table.ts'
import { type Api, answers, cursorOf, page, readCursor, row, type ServeContext, userOf } from '../context.ts'
import { masked } from '../mask.ts'
import type { User } from '../users.ts'

export const SORTS = {
  score: 'score',
  company_name: 'company_name',
  enriched_at: 'enriched_at',
  discovered_at: 'discovered_at',
  enrichment_completeness: 'enrichment_completeness',
  employee_count: 'employee_count',
} as const

const words = z
  .string()
  .max(1_000)
  .optional()
  .transform((text) => text?.split(',').filter((word) => word !== ''))

const filters = {
  status: words.openapi({ description: 'qualified, nurture, disqualified; several with commas', type: 'string' }),
  tier: words.openapi({ type: 'string' }),
  segment: words.openapi({ type: 'string' }),
  industry: words.openapi({ type: 'string' }),
  owner: words.openapi({ description: '`none`: leads without one', type: 'string' }),
  score_from: z.coerce.number().min(0).max(100).optional(),
  score_to: z.coerce.number().min(0).max(100).optional(),
  text: z.string().max(200).optional().openapi({ description: 'Part of a name, domain, title or address' }),
}

const query = z.object({
  ...page.shape,
  ...filters,
  sort: z.enum(Object.keys(SORTS) as (keyof typeof SORTS)[]).default('score'),
  order: z.enum(['asc', 'desc']).default('desc'),
})
type Query = z.output<typeof query>

/** `GET /v1/leads` and its facets. */
export function leadRoutes(api: Api, { publications, acts }: ServeContext): void {
  const list = createRoute({
    method: 'get',
    path: '/v1/leads',
    tags: ['leads'],
    summary: 'Leads by filter, in an order, a page at a time',
    request: { query },
    responses: answers(
      z.object({ data: z.array(row), next: z.string().nullable(), published: z.string() }).openapi('LeadPage'),
      'A page; `next` is null on the last',
    ),
  })
  api.openapi(list, async (c) => {
    const user = userOf(c)
    const asked = c.req.valid('query')
    return publications.read(async (snapshot) => {
      const { chosen, rows } = await snapshot.use(async (_, connection) => {
        const { text, values } = leadsSql(asked, whoOf(user))
        // First which ones, by the few columns that decide it; then all that is shown of those few, by their index.
        const found = await connection.rows<Chosen>(text, values)
        const named = found.slice(0, asked.limit).map(({ lead_id }) => quoteLiteral(lead_id))
        if (named.length === 0) return { chosen: found, rows: new Map<string, Record<string, unknown>>() }
        const shown = await connection.rows<{ lead_id: string }>(
          `select * exclude (search_text) from ops.lead_rows where lead_id in (${named.join(', ')})`,
        )
        return { chosen: found, rows: new Map(shown.map((each) => [each.lead_id, each as Record<string, unknown>])) }
      })
      const page = chosen.slice(0, asked.limit)
      const last = page.at(-1)
      const next = chosen.length > asked.limit && last !== undefined ? cursorOf([last.sorted_by, last.lead_id]) : null
      const pending = await acts.pending(snapshot)
      const byLead = new Map(pending.map((act) => [act.subject_id, act]))
      const data = page.map(({ lead_id }) => ({
        ...masked(user, rows.get(lead_id)!),
        pending: byLead.get(lead_id)?.kind ?? null,
      }))
      return c.json({ data, next, published: snapshot.publication.id }, 200)
    })
  })

  const facets = createRoute({
    method: 'get',
    path: '/v1/leads/facets',
    tags: ['leads'],
    summary: 'How many leads there are by status, tier, segment, industry and owner, under the same filters',
    request: { query: z.object(filters) },
    responses: answers(
      z
        .object({
          total: z.number(),
          facets: z.record(z.string(), z.array(z.object({ value: z.string().nullable(), leads: z.number() }))),
        })
        .openapi('LeadFacets'),
      'Counts',
    ),
  })
  api.openapi(facets, async (c) => {
    const user = userOf(c)
    const where = conditions(c.req.valid('query') as Query, whoOf(user))
    return publications.read(async (snapshot) => {
      const columns = ['qualification_status', 'tier', 'segment', 'industry', 'owner'] as const
      const sets = columns.map((column) => `(${column})`).join(', ')
      const rows = await snapshot.use((_, connection) =>
        connection.rows<Record<string, string | null> & { leads: number; which: number }>(
          `select ${columns.join(', ')}, grouping(${columns.join(', ')}) as which, count(*) as leads from ops.lead_rows
           ${where.text} group by grouping sets (${sets}, ()) order by leads desc, ${columns.join(', ')}`,
          where.values,
        ),
      )
      const all = (1 << columns.length) - 1
      const found = columns.map((column, index) => {
        const which = all - (1 << (columns.length - 1 - index))
        const values = rows.filter((each) => each.which === which).slice(0, 200)
        return [column, values.map((each) => ({ value: each[column] ?? null, leads: each.leads }))] as const
      })
      const total = rows.find((each) => each.which === all)?.leads ?? 0
      return c.json({ total, facets: Object.fromEntries(found) }, 200)
    })
  })
}

/** As `search_text`, for who may not see people. */
const COMPANY_TEXT = "lower(strip_accents(concat_ws(' ', company_name, domain)))"

/** Of whom what is asked may tell. */
interface Who {
  /** Only the leads of this owner. */
  owner?: string
  /** Whether people may be looked for. */
  people: boolean
}

function whoOf({ own_only, owner, sees_people }: User): Who {
  return { ...(own_only ? { owner } : {}), people: sees_people }
}

type Bound = { text: string; values: (string | number)[] }

function conditions(asked: Omit<Query, 'limit' | 'sort' | 'order'>, who: Who): Bound {
  const parts: string[] = []
  const values: (string | number)[] = []
  const bind = (value: string | number) => `$${values.push(value)}`
  const among = (column: string, wanted: string[] | undefined) => {
    if (wanted === undefined || wanted.length === 0) return
    const named = wanted.filter((word) => word !== 'none').map(bind)
    const options = [
      ...(named.length === 0 ? [] : [`${column} in (${named.join(', ')})`]),
      ...(wanted.includes('none') ? [`${column} is null`] : []),
    ]
    parts.push(`(${options.join(' or ')})`)
  }
  among('qualification_status', asked.status)
  among('tier', asked.tier)
  among('segment', asked.segment)
  among('industry', asked.industry)
  among('owner', asked.owner)
  if (who.owner !== undefined) parts.push(`owner = ${bind(who.owner)}`)
  if (asked.score_from !== undefined) parts.push(`score >= ${bind(asked.score_from)}`)
  if (asked.score_to !== undefined) parts.push(`score <= ${bind(asked.score_to)}`)
  if (asked.text !== undefined)
    parts.push(`contains(${who.people ? 'search_text' : COMPANY_TEXT}, lower(strip_accents(${bind(asked.text)})))`)
  return { text: parts.length === 0 ? '' : `where ${parts.join(' and ')}`, values }
}

/** One row more than a page, so that it can be told whether there is a next. NULLs come last, either way. */
export function leadsSql(asked: Query, who: Who): Bound {
  const column = SORTS[asked.sort]
  const { text, values } = conditions(asked, who)
  const before = text === '' ? 'where' : `${text} and`
  let where = text
  if (asked.after !== undefined) {
    const [value = null, lead_id] = readCursor(asked.after, 2)
    const id = `$${values.push(String(lead_id))}`
    if (value === null) where = `${before} ${column} is null and lead_id > ${id}`
    else {
      const type = column.endsWith('_at') ? 'timestamp' : column === 'company_name' ? 'varchar' : 'double'
      const at = `try_cast($${values.push(value)} as ${type})`
      const beyond = asked.order === 'desc' ? '<' : '>'
      where = `${before} (${column} ${beyond} ${at} or (${column} = ${at} and lead_id > ${id}) or ${column} is null)`
    }
  }
  return {
    text: `select lead_id, ${column} as sorted_by from ops.lead_rows ${where}
      order by ${column} ${asked.order} nulls last, lead_id limit ${asked.limit + 1}`,
    values,
  }
}

interface Chosen {
  lead_id: string
  sorted_by: string | number | null
}
