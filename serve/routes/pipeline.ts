import { createRoute, z } from '@hono/zod-openapi'
import { columnLineage } from '../../pipeline/lineage.ts'
import { type Api, answers, row, type ServeContext, userOf } from '../context.ts'
import { docsBeside } from '../docs-beside.ts'
import { masked } from '../mask.ts'
import { Refusal } from '../problem.ts'

/** `GET /v1/pipeline`, `/v1/pipeline/node`, `/v1/pipeline/tests`, `/v1/pipeline/lineage`. */
export function pipelineRoutes(api: Api, { publications }: ServeContext): void {
  const graph = createRoute({
    method: 'get',
    path: '/v1/pipeline',
    tags: ['pipeline'],
    summary:
      'Every source, seed, model and step with what it reads and how it last went; tests that found something; runs',
    responses: answers(z.record(z.string(), z.unknown()).openapi('Pipeline'), 'The graph'),
  })
  api.openapi(graph, (c) =>
    publications.read(async (snapshot) => {
      userOf(c)
      const docs = await docsBeside(snapshot)
      const told = await snapshot.memo('pipeline', async (connection) => ({
        last: await connection.rows<Last>('select node_id, status, row_count, seconds, message from ops.nodes'),
        tests: await connection.rows(
          'select * from ops.tests where failures > 0 order by severity, failures desc, name',
        ),
        counts: await connection.rows(
          'select status, count(*) as tests from ops.tests group by status order by status',
        ),
        runs: await connection.rows('select * from ops.runs order by started_at desc, run_id limit 50'),
      }))
      const last = new Map(told.last.map((each) => [each.node_id, each]))
      const nodes = (docs?.nodes ?? []).map(({ sql: _, columns, ...node }) => {
        const { status = null, row_count = null, seconds = null, message = null } = last.get(node.id) ?? {}
        return { ...node, columns: columns.length, status, row_count, seconds, message }
      })
      const { tests, counts, runs } = told
      return c.json(
        { nodes, tests, counts, runs, published: snapshot.publication.id, run_id: snapshot.publication.run_id },
        200,
      )
    }),
  )

  const node = createRoute({
    method: 'get',
    path: '/v1/pipeline/node',
    tags: ['pipeline'],
    summary: 'One node: its words, columns with their types and tests, SQL',
    request: { query: z.object({ id: z.string().max(500) }) },
    responses: answers(row, 'The node'),
  })
  api.openapi(node, (c) =>
    publications.read(async (snapshot) => {
      userOf(c)
      const docs = await docsBeside(snapshot)
      const found = docs?.nodes.find(({ id }) => id === c.req.valid('query').id)
      if (docs === undefined || found === undefined) throw new Refusal(404, 'no_such_node', 'There is no such node.')
      const types = await snapshot.memo('types', (connection) =>
        connection.rows<{ relation: string; name: string; type: string }>(
          `select schema_name || '.' || table_name as relation, column_name as name, data_type as type from duckdb_columns()
           where schema_name in ('marts', 'ops') order by relation, column_index`,
        ),
      )
      const own = types.filter(({ relation }) => relation === found.relation)
      const named = new Set(found.columns.map(({ name }) => name))
      const columns = [
        ...found.columns.map((column) => ({ type: own.find(({ name }) => name === column.name)?.type, ...column })),
        ...own
          .filter(({ name }) => !named.has(name))
          .map(({ name, type }) => ({ name, type, description: '', tests: [], pii: false })),
      ]
      const tests = await snapshot.use((_, connection) =>
        connection.rows(
          'select name, column_name, severity, status, failures from ops.tests where about = $1 order by name',
          [found.id],
        ),
      )
      return c.json({ ...found, columns, tests }, 200)
    }),
  )

  const rows = createRoute({
    method: 'get',
    path: '/v1/pipeline/tests',
    tags: ['pipeline'],
    summary: 'The first rows that a test found',
    request: { query: z.object({ id: z.string().max(500) }) },
    responses: answers(z.object({ data: z.array(row) }).openapi('TestRows'), 'Rows; 20 at most'),
  })
  api.openapi(rows, (c) =>
    publications.read(async (snapshot) => {
      const user = userOf(c, 'operate')
      const found = await snapshot.use((_, connection) =>
        connection.rows<{ row: string }>('select row from ops.test_rows where test_id = $1 order by position', [
          c.req.valid('query').id,
        ]),
      )
      return c.json({ data: found.map((each) => masked(user, JSON.parse(each.row) as Record<string, unknown>)) }, 200)
    }),
  )

  const lineage = createRoute({
    method: 'get',
    path: '/v1/pipeline/lineage',
    tags: ['pipeline'],
    summary: 'Where a column comes from and what it feeds, model by model',
    request: { query: z.object({ id: z.string().max(500), column: z.string().max(200) }) },
    responses: answers(z.object({ from: z.array(row), to: z.array(row) }).openapi('Lineage'), 'Both ways'),
  })
  api.openapi(lineage, (c) =>
    publications.read(async (snapshot) => {
      userOf(c)
      const docs = await docsBeside(snapshot)
      if (docs === undefined) throw new Refusal(404, 'no_such_node', 'There is no such node.')
      const all = await snapshot.memo('lineage', (connection) => columnLineage(connection, docs))
      const { id, column } = c.req.valid('query')
      return c.json({ from: all.walk(id, column, 'from'), to: all.walk(id, column, 'to') }, 200)
    }),
  )
}

interface Last extends Record<string, unknown> {
  node_id: string
  status: string
  row_count: number | null
  seconds: number
  message: string
}
