import { createRoute, z } from '@hono/zod-openapi'
import { type Api, answers, cursorOf, page, readCursor, row, type ServeContext, userOf } from '../context.ts'
import { isPersonal, masked } from '../mask.ts'
import type { User } from '../users.ts'

interface List {
  path: string
  summary: string
  /** What is read: a relation, or a query in brackets. */
  from: string
  /** The newest or first of `by` first; then by the key, which is unique. */
  by: string
  order: 'asc' | 'desc'
  type: 'timestamp' | 'varchar' | 'double'
  key: string
  /** Columns that a filter of the same name holds against its words, with commas between. */
  filters: readonly string[]
  /** Columns that `text` looks into. */
  text?: readonly string[] | undefined
  /** How a row belongs to an owner's leads; absent: to nobody's. */
  owned?: string
}

const BY_LEAD = 'lead_id in (select lead_id from ops.lead_rows where owner = $owner)'
const BY_COMPANY = 'company_id in (select company_id from ops.lead_rows where owner = $owner)'

const LISTS: readonly List[] = [
  {
    ...{
      path: 'companies',
      summary: 'Companies',
      from: 'marts.dim_companies',
      by: 'name',
      order: 'asc',
      type: 'varchar',
    },
    ...{ key: 'company_id', filters: ['company_id', 'country', 'industry', 'state'], text: ['name', 'domain'] },
    owned: BY_COMPANY,
  },
  {
    ...{
      path: 'contacts',
      summary: 'People',
      from: 'marts.dim_contacts',
      by: 'full_name',
      order: 'asc',
      type: 'varchar',
    },
    ...{ key: 'contact_id', filters: ['contact_id', 'company_id', 'seniority', 'department'] },
    ...{ text: ['full_name', 'title', 'email'], owned: BY_COMPANY },
  },
  {
    ...{ path: 'outreach', summary: 'Messages and tasks', by: 'planned_at', order: 'desc', type: 'timestamp' },
    from: `(select events.*, leads.company_name, leads.full_name, leads.owner, leads.score, leads.tier
      from marts.fct_outreach_events as events left join ops.lead_rows as leads on leads.lead_id = events.lead_id)`,
    ...{ key: 'event_id', owned: BY_LEAD, text: ['company_name', 'full_name', 'subject'] },
    filters: [
      'event_id',
      'lead_id',
      'status',
      'channel',
      'sequence',
      'mailbox',
      'response_type',
      'owner',
      'skip_reason',
    ],
  },
  {
    ...{ path: 'tasks', summary: 'What a person is to do', by: 'planned_at', order: 'asc', type: 'timestamp' },
    from: `(select events.*, leads.company_name, leads.full_name, leads.phone, leads.email, leads.owner, leads.score, leads.tier,
        contacts.linkedin_url
      from marts.fct_outreach_events as events left join ops.lead_rows as leads on leads.lead_id = events.lead_id
      left join marts.dim_contacts as contacts on contacts.contact_id = events.contact_id
      where events.channel <> 'email' and events.status in ('planned', 'approved'))`,
    ...{ key: 'event_id', owned: BY_LEAD, filters: ['event_id', 'lead_id', 'status', 'channel', 'owner'] },
  },
  {
    ...{
      path: 'syncs',
      summary: 'What was written to CRMs',
      from: 'marts.fct_crm_syncs',
      by: 'synced_at',
      order: 'desc',
    },
    ...{ type: 'timestamp', key: 'sync_id', filters: ['record_id', 'crm', 'object', 'operation', 'status'] },
    owned: `(record_id in (select lead_id from ops.lead_rows where owner = $owner)
      or record_id in (select company_id from ops.lead_rows where owner = $owner)
      or record_id in (select contact_id from ops.lead_rows where owner = $owner))`,
  },
  {
    ...{ path: 'runs', summary: 'Runs', from: 'ops.runs', by: 'started_at', order: 'desc', type: 'timestamp' },
    ...{ key: 'run_id', filters: ['run_id', 'command', 'status'] },
  },
]

/** `GET /v1/companies`, `contacts`, `outreach`, `tasks`, `syncs`, `runs`. */
export function listRoutes(api: Api, context: ServeContext): void {
  for (const list of LISTS) addList(api, context, list)
}

function addList(api: Api, { publications, acts }: ServeContext, list: List): void {
  const words = z.string().max(2_000).optional().openapi({ description: 'Any of these, with commas between' })
  const query = z.object({
    ...page.shape,
    ...Object.fromEntries(list.filters.map((name) => [name, words])),
    ...(list.text === undefined ? {} : { text: z.string().max(200).optional() }),
  })
  const schema = z
    .object({ data: z.array(row), next: z.string().nullable(), published: z.string() })
    .openapi(`${list.path[0]!.toUpperCase()}${list.path.slice(1)}Page`)
  const route = createRoute({
    method: 'get',
    path: `/v1/${list.path}`,
    tags: ['lists'],
    summary: list.summary,
    request: { query },
    responses: answers(schema, 'A page; `next` is null on the last'),
  })
  api.openapi(route, async (c) => {
    const user = userOf(c)
    const asked = c.req.valid('query') as z.output<typeof page> & Record<string, string | undefined>
    const own = listFor(user, list)
    return publications.read(async (snapshot) => {
      const { text, values } = listSql(own, asked, user.own_only ? user.owner : undefined)
      const found = await snapshot.use((_, connection) => connection.rows<Record<string, unknown>>(text, values))
      const rows = found.slice(0, asked.limit)
      const last = rows.at(-1)
      const next = found.length > asked.limit && last !== undefined ? cursorOf([last[own.by], last[own.key]]) : null
      const pending = new Map((await acts.pending(snapshot)).map((act) => [act.subject_id, act.kind]))
      const data = rows.map((each) => ({
        ...masked(user, each),
        pending: pending.get(each[list.key] as string) ?? null,
      }))
      return c.json({ data, next, published: snapshot.publication.id }, 200)
    })
  })
}

/** Who may not see people finds and orders nothing by what would tell of them. */
function listFor({ sees_people }: User, list: List): List {
  if (sees_people) return list
  const text = list.text?.filter((name) => !isPersonal(name) && name !== 'title')
  return isPersonal(list.by) ? { ...list, text, by: list.key, type: 'varchar' } : { ...list, text }
}

function listSql(
  list: List,
  asked: z.output<typeof page> & Record<string, string | undefined>,
  owner: string | undefined,
): { text: string; values: (string | number)[] } {
  const { by, key, order, type } = list
  const parts: string[] = []
  const values: (string | number)[] = []
  const bind = (value: string | number) => `$${values.push(value)}`
  for (const name of list.filters) {
    const wanted = asked[name]?.split(',').filter((word) => word !== '') ?? []
    if (wanted.length > 0) parts.push(`cast("${name}" as varchar) in (${wanted.map(bind).join(', ')})`)
  }
  if (asked.text !== undefined && list.text !== undefined && list.text.length > 0) {
    const part = bind(asked.text)
    const looked = `lower(strip_accents(concat_ws(' ', ${list.text.map((name) => `"${name}"`).join(', ')})))`
    parts.push(`contains(${looked}, lower(strip_accents(${part})))`)
  }
  if (owner !== undefined && list.owned !== undefined) parts.push(list.owned.replaceAll('$owner', bind(owner)))
  if (asked.after !== undefined) {
    const [value = null, id] = readCursor(asked.after, 2)
    const beyond = `"${key}" > ${bind(String(id))}`
    if (value === null) parts.push(`"${by}" is null and ${beyond}`)
    else {
      const at = `try_cast(${bind(value)} as ${type})`
      parts.push(
        `("${by}" ${order === 'desc' ? '<' : '>'} ${at} or ("${by}" = ${at} and ${beyond}) or "${by}" is null)`,
      )
    }
  }
  const where = parts.length === 0 ? '' : `where ${parts.join(' and ')}`
  return {
    text: `select * from ${list.from} as listed ${where} order by "${by}" ${order} nulls last, "${key}" limit ${asked.limit + 1}`,
    values,
  }
}
