import { createReadStream, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createRoute, z } from '@hono/zod-openapi'
import { type Api, answers, cursorOf, page, readCursor, row, type ServeContext, userOf } from '../context.ts'
import { masked } from '../mask.ts'

const PARTS = {
  counts: `select crm, object, operation, status, count(*) as records from marts.fct_crm_syncs group by all order by all`,
  rejected: `select crm, object, code, property, count(*) as records, min(error) as for_example from marts.fct_crm_syncs
    where status = 'rejected' group by all order by records desc, crm, object, code, property limit 200`,
  drift: 'select * from ops.crm_drift order by changed_count desc, crm, object, property limit 200',
}

/** One field of one record: what we wrote last, what we would write, what the CRM holds. */
interface FieldDiff {
  field: string
  old: unknown
  new: unknown
  theirs: unknown
  verdict: 'write' | 'conflict'
}

const entry = z.object({
  sync_id: z.string(),
  crm: z.string(),
  object: z.string(),
  record_id: z.string(),
  crm_id: z.string().nullable(),
  operation: z.string(),
  fields: z.record(z.string(), z.object({ from: z.unknown(), to: z.unknown() })),
  conflicts: z.array(z.object({ to: z.string(), ours: z.unknown(), theirs: z.unknown(), last: z.unknown() })),
})

/** `GET /v1/crm` and `/v1/crm/plan`. */
export function crmRoutes(api: Api, { publications, artifacts }: ServeContext): void {
  const summary = createRoute({
    method: 'get',
    path: '/v1/crm',
    tags: ['crm'],
    summary: 'What the last sync did or would do, what was refused and why, what people changed since we wrote it',
    responses: answers(z.record(z.string(), z.array(row)).openapi('Crm'), 'Counts'),
  })
  api.openapi(summary, (c) =>
    publications.read(async (snapshot) => {
      const user = userOf(c)
      const told = await snapshot.memo('crm', async (connection) => {
        const parts: Record<string, Record<string, unknown>[]> = {}
        for (const [name, query] of Object.entries(PARTS)) parts[name] = await connection.rows(query)
        return parts
      })
      return c.json(masked(user, told), 200)
    }),
  )

  const query = z.object({
    ...page.shape,
    crm: z.string().max(100).optional(),
    object: z.string().max(100).optional(),
    operation: z.string().max(100).optional(),
    text: z.string().max(200).optional(),
  })
  const plan = createRoute({
    method: 'get',
    path: '/v1/crm/plan',
    tags: ['crm'],
    summary: 'The last plan, record by record: old value, new value, theirs',
    request: { query },
    responses: answers(
      z.object({ data: z.array(row), next: z.string().nullable(), made_at: z.string().nullable() }).openapi('CrmPlan'),
      'A page; `made_at` is null where there is no plan',
    ),
  })
  api.openapi(plan, async (c) => {
    const user = userOf(c)
    const asked = c.req.valid('query')
    const found = await publications.read((snapshot) =>
      user.own_only
        ? snapshot.use((_, connection) =>
            connection.rows<{ id: string }>(
              `select unnest([lead_id, company_id, contact_id]) as id from ops.lead_rows where owner = $1`,
              [user.owner],
            ),
          )
        : Promise.resolve(undefined),
    )
    const own = found && new Set(found.map(({ id }) => id))
    const file = artifacts === undefined ? undefined : join(artifacts, 'sync_plan.json')
    const made = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false })
    if (file === undefined || made === undefined) return c.json({ data: [], next: null, made_at: null }, 200)
    const [from = 0] = asked.after === undefined ? [] : (readCursor(asked.after, 1) as [number])
    const data: Record<string, unknown>[] = []
    let line = 0
    let next: string | null = null
    const lines = createInterface({ input: createReadStream(file, 'utf8') })
    for await (const text of lines) {
      line++
      if (line <= from || !text.startsWith('{"sync_id"')) continue
      const read = readEntry(text)
      if (read === undefined || !isAsked(read, asked) || (own !== undefined && !own.has(read.record_id))) continue
      if (data.length === asked.limit) {
        next = cursorOf([line - 1])
        break
      }
      const { fields: _, conflicts: __, ...about } = read
      data.push({ ...about, diffs: diffsOf(read).map((each) => maskedDiff(user.sees_people, each)) })
    }
    lines.close()
    return c.json({ data, next, made_at: made.mtime.toISOString() }, 200)
  })
}

type Entry = z.output<typeof entry>

function readEntry(line: string): Entry | undefined {
  try {
    return entry.parse(JSON.parse(line.replace(/,$/, '')))
  } catch {
    return undefined
  }
}

function isAsked(read: Entry, { crm, object, operation, text }: { [name: string]: unknown }): boolean {
  if (crm !== undefined && read.crm !== crm) return false
  if (object !== undefined && read.object !== object) return false
  if (operation !== undefined && read.operation !== operation) return false
  return text === undefined || JSON.stringify(read).toLowerCase().includes(String(text).toLowerCase())
}

function diffsOf({ fields, conflicts, operation }: Entry): FieldDiff[] {
  const doubtful = new Map(conflicts.map((each) => [each.to, each]))
  const written = Object.entries(fields).map(([field, { from, to }]): FieldDiff => {
    const conflict = doubtful.get(field)
    const old = operation === 'create' ? null : (conflict?.last ?? from ?? null)
    return { field, old, new: to ?? null, theirs: from ?? null, verdict: 'write' }
  })
  const held = conflicts
    .filter(({ to }) => fields[to] === undefined)
    .map(({ to, ours, theirs, last }): FieldDiff => ({ field: to, old: last, new: ours, theirs, verdict: 'conflict' }))
  return [...written, ...held]
}

/** What is written to a CRM bears the CRM's names: nothing tells which is personal, so that none is shown. */
function maskedDiff(sees_people: boolean, diff: FieldDiff): FieldDiff {
  return sees_people ? diff : { ...diff, old: null, new: null, theirs: null }
}
