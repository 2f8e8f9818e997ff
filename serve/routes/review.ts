import { createRoute, z } from '@hono/zod-openapi'
import { quoteIdentifier } from '../../pipeline/table.ts'
import { type Api, answers, row, type ServeContext, userOf } from '../context.ts'
import { masked } from '../mask.ts'
import { Refusal } from '../problem.ts'
import type { Snapshot } from '../publications.ts'

interface Item extends Record<string, unknown> {
  kind: string
  item_id: string
  question: string
  options: string[]
  priority: number | null
  evidence: string | null
}

/** `GET /v1/review`, `POST /v1/review/{id}`: what only a person can tell. Every published `ops.review_<kind>` is a queue. */
export function reviewRoutes(api: Api, { publications, acts }: ServeContext): void {
  const list = createRoute({
    method: 'get',
    path: '/v1/review',
    tags: ['review'],
    summary: 'What a person must decide, the most pressing first, with the evidence and both sides',
    request: { query: z.object({ kind: z.string().max(100).optional() }) },
    responses: answers(
      z
        .object({ data: z.array(row), total: z.number(), kinds: z.record(z.string(), z.number()) })
        .openapi('ReviewItems'),
      'The queue; 200 at most',
    ),
  })
  api.openapi(list, (c) =>
    publications.read(async (snapshot) => {
      const user = userOf(c)
      if (user.own_only) throw new Refusal(403, 'role_lacks_right', 'What concerns everybody’s leads is not for a rep.')
      const all = await itemsOf(snapshot)
      const answered = new Map(
        (await acts.pending(snapshot))
          .filter(({ kind }) => kind === 'review')
          .map((act) => [`${act.body.kind} ${act.body.item_id}`, act.body.decision]),
      )
      const kinds: Record<string, number> = {}
      for (const { kind } of all) kinds[kind] = (kinds[kind] ?? 0) + 1
      const { kind } = c.req.valid('query')
      const shown = all.filter((item) => kind === undefined || item.kind === kind).slice(0, 200)
      const sides = await sidesOf(snapshot, shown)
      const data = shown.map((item) => {
        const told = { ...item, evidence: parsed(item.evidence), sides: sides.get(item.item_id) ?? [] }
        const safe = user.sees_people ? told : { ...masked(user, told), question: null, evidence: null }
        return { ...safe, pending: answered.get(`${item.kind} ${item.item_id}`) ?? null }
      })
      return c.json({ data, total: all.length, kinds }, 200)
    }),
  )

  const decide = createRoute({
    method: 'post',
    path: '/v1/review/{id}',
    tags: ['review'],
    summary: 'The answer to one; it stands, and the next run takes it in',
    request: {
      params: z.object({ id: z.string().max(500) }),
      headers: z.object({ 'idempotency-key': z.string().min(8).max(200) }),
      body: {
        required: true,
        content: {
          'application/json': {
            schema: z.strictObject({
              kind: z.string().max(100),
              decision: z.string().max(200),
              note: z.string().max(2_000).optional(),
            }),
          },
        },
      },
    },
    responses: answers(row, 'On disk'),
  })
  api.openapi(decide, (c) =>
    publications.read(async (snapshot) => {
      const user = userOf(c, 'decide')
      if (user.own_only) throw new Refusal(403, 'role_lacks_right', 'What concerns everybody’s leads is not for a rep.')
      const { id: item_id } = c.req.valid('param')
      const said = c.req.valid('json')
      const found = (await itemsOf(snapshot)).find((item) => item.item_id === item_id && item.kind === said.kind)
      if (found === undefined) throw new Refusal(404, 'no_such_item', 'Nothing waits under this id.')
      if (!found.options.includes(said.decision))
        throw new Refusal(422, 'no_such_option', 'That is no answer to it: options has those that are.')
      const first = acts.of('review').find(({ body }) => body.item_id === item_id && body.kind === said.kind)
      const key = `/v1/review/${item_id}\0${c.req.header('idempotency-key')!}`
      const body = { item_id, ...said }
      if (first !== undefined && (first.body.by !== user.name || first.body.decision !== said.decision))
        throw new Refusal(409, 'decided_already', `Somebody was first: ${first.body.decision} at ${first.at}.`)
      const left = await acts.leave(snapshot, { kind: 'review', body, user, key })
      return c.json({ ...left }, 200)
    }),
  )
}

function itemsOf(snapshot: Snapshot): Promise<Item[]> {
  return snapshot.memo('review', async (connection) => {
    const tables = await connection.rows<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'ops' and starts_with(table_name, 'review_') order by name`,
    )
    const columns = 'kind, item_id, question, options, priority::double as priority, evidence'
    const unions = tables.map(({ name }) => `select ${columns} from ops.${quoteIdentifier(name)}`)
    if (unions.length === 0) return []
    return connection.rows<Item>(
      `select * from (${unions.join(' union all ')}) order by priority desc nulls last, kind, item_id`,
    )
  })
}

/** What a question names in brackets: a record by its source and key. */
const RECORD = /\(([a-z0-9_]+):([^()]{1,200})\)/g

/** Of a question about two records, what each of them says, field by field. */
async function sidesOf(snapshot: Snapshot, items: readonly Item[]): Promise<Map<string, Record<string, unknown>[]>> {
  const asked = items.flatMap(({ item_id, question }) =>
    [...question.matchAll(RECORD)].slice(0, 2).map(([, source, source_key]) => ({ item_id, source, source_key })),
  )
  if (asked.length === 0) return new Map()
  const said = await snapshot.use((_, connection) =>
    connection.rows<{ item_id: string; source: string; source_key: string; field: string; value: string }>(
      `with asked as (select unnest(from_json($1, '[{"item_id":"VARCHAR","source":"VARCHAR","source_key":"VARCHAR"}]'), recursive := true)),
       said as (
         select source, source_key, field, value from ops.provenance where value is not null
         union select source, source_key, field, value from ops.values_beaten where value is not null
       )
       select distinct asked.item_id, said.* from asked join said using (source, source_key)
       order by asked.item_id, said.source, said.source_key, said.field, said.value`,
      [JSON.stringify(asked)],
    ),
  )
  const sides = new Map<string, Record<string, unknown>[]>()
  for (const { item_id, source, source_key } of asked) {
    const own = said.filter(
      (each) => each.item_id === item_id && each.source === source && each.source_key === source_key,
    )
    const values = Object.fromEntries(own.map(({ field, value }) => [field, value]))
    sides.set(item_id, [...(sides.get(item_id) ?? []), { record: `${source}:${source_key}`, ...values }])
  }
  return sides
}

function parsed(text: string | null): unknown {
  if (text === null) return null
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
