import { createRoute, z } from '@hono/zod-openapi'
import { askTables } from '../ask/tables.ts'
import { type Api, answers, row, type ServeContext, userOf } from '../context.ts'
import { docsBeside } from '../docs-beside.ts'

const ROWS = 1_000
const TIME_MS = 10_000

/** `GET /v1/ask`, `POST /v1/ask`: SQL that only reads, over what is published, without personal data. */
export function askRoutes(api: Api, { publications, ask }: ServeContext): void {
  const tables = createRoute({
    method: 'get',
    path: '/v1/ask',
    tags: ['ask'],
    summary: 'The tables that may be asked about, with their columns; none holds personal data',
    responses: answers(
      z.object({ tables: z.array(row), rows: z.number(), seconds: z.number() }).openapi('AskTables'),
      'Tables',
    ),
  })
  api.openapi(tables, (c) =>
    publications.read(async (snapshot) => {
      userOf(c, 'operate')
      const found = await askTables(snapshot, await docsBeside(snapshot))
      return c.json({ tables: found.map((each) => ({ ...each })), rows: ROWS, seconds: TIME_MS / 1000 }, 200)
    }),
  )

  const question = createRoute({
    method: 'post',
    path: '/v1/ask',
    tags: ['ask'],
    summary: `One SELECT; at most ${ROWS} rows and ${TIME_MS / 1000} seconds`,
    request: {
      body: {
        required: true,
        content: { 'application/json': { schema: z.strictObject({ sql: z.string().min(1).max(50_000) }) } },
      },
    },
    responses: answers(
      z
        .object({
          columns: z.array(row),
          rows: z.array(row),
          more: z.boolean(),
          seconds: z.number(),
          published: z.string(),
        })
        .openapi('Answer'),
      'The first rows',
    ),
  })
  api.openapi(question, async (c) => {
    userOf(c, 'operate')
    const { sql } = c.req.valid('json')
    const about = await publications.read(async (snapshot) => ({
      publication: `${snapshot.path} ${snapshot.published_at}`,
      published: snapshot.publication.id,
      warehouse: snapshot.path,
      as_of: snapshot.as_of,
      tables: await askTables(snapshot, await docsBeside(snapshot)),
    }))
    const { columns, rows, more, seconds } = await ask.ask({ ...about, sql, rows: ROWS, time: TIME_MS })
    return c.json({ columns, rows: rows as Record<string, unknown>[], more, seconds, published: about.published }, 200)
  })
}
