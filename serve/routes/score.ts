import { createRoute, z } from '@hono/zod-openapi'
import { type Api, answers, row, type ServeContext, userOf } from '../context.ts'
import { masked } from '../mask.ts'

const facts = z.record(z.string().max(100), z.unknown()).openapi('Facts', {
  description: 'Columns of `int_lead_facts` (GET /v1/score names them); one that is absent is unknown',
})

/** `POST /v1/score`: what a run would say of leads with these facts. */
export function scoreRoutes(api: Api, { publications, scores }: ServeContext): void {
  const known = createRoute({
    method: 'get',
    path: '/v1/score',
    tags: ['score'],
    summary: 'The facts that may be given, with their types, and where each tier starts',
    responses: answers(
      z
        .object({ facts: z.record(z.string(), z.string()), cut_offs: z.array(row), as_of: z.string() })
        .openapi('ScoreInput'),
      'Facts and cut-offs',
    ),
  })
  api.openapi(known, (c) =>
    publications.read(async (snapshot) => {
      userOf(c, 'score')
      const cut_offs = await snapshot.use((db) =>
        db.selectFrom('ops.score_cutoffs').selectAll().orderBy('segment').orderBy('tier').execute(),
      )
      return c.json(
        { facts: await scores.types(snapshot), cut_offs: cut_offs.map((each) => ({ ...each })), as_of: snapshot.as_of },
        200,
      )
    }),
  )

  const score = createRoute({
    method: 'post',
    path: '/v1/score',
    tags: ['score'],
    summary: 'Score one lead, or up to 1,000, by the SELECT that a run scores with and the cut-offs of the last run',
    request: {
      body: {
        required: true,
        content: {
          'application/json': {
            schema: z.union([
              z.strictObject({ leads: z.array(facts).min(1).max(1_000) }),
              z.strictObject({ lead: facts }),
            ]),
          },
        },
      },
    },
    responses: answers(z.object({ data: z.array(row) }).openapi('Scores'), 'One result per lead, in their order'),
  })
  api.openapi(score, async (c) => {
    const user = userOf(c, 'score')
    const said = c.req.valid('json')
    const data = await scores.score('lead' in said ? [said.lead] : said.leads)
    return c.json({ data: masked(user, data) }, 200)
  })
}
