import { createRoute, type RouteConfig, z } from '@hono/zod-openapi'
import { type Api, answers, refusals } from './context.ts'

const taken = z.object({ taken: z.literal(true) }).openapi('Taken')
const html = (description: string) => ({
  200: { description, content: { 'text/html': { schema: z.string() } } },
  ...refusals,
})
const token = z.object({ t: z.string().optional().openapi({ description: 'The token of the message' }) })
const signed = (name: string) => z.object({ [name]: z.string().openapi({ description: 'Over the bytes of the body' }) })
const body = { required: true, content: { 'application/json': { schema: z.unknown() } } }

/** What is answered without a route of the typed kind is described as well: every path there is stands in the document. */
export function describeOpenPaths(api: Api): void {
  const paths: RouteConfig[] = [
    {
      ...{ method: 'get', path: '/healthz', tags: ['machines'], summary: 'It lives' },
      responses: answers(z.object({ status: z.literal('ok') }), 'It lives'),
    },
    {
      ...{ method: 'get', path: '/readyz', tags: ['machines'], summary: 'Something is published, and can be read' },
      responses: answers(
        z.object({ status: z.literal('ready'), published: z.string(), as_of: z.string() }),
        '503 while nothing is',
      ),
    },
    {
      ...{ method: 'get', path: '/metrics', tags: ['machines'], summary: 'For Prometheus' },
      responses: { 200: { description: 'Metrics', content: { 'text/plain': { schema: z.string() } } }, ...refusals },
    },
    {
      ...{ method: 'post', path: '/hooks/email', tags: ['hooks'], summary: 'Webhooks of the mail service (Svix)' },
      request: { headers: signed('svix-signature'), body },
      responses: answers(taken, 'On disk: the next run takes it in'),
    },
    {
      ...{ method: 'post', path: '/hooks/{instance}', tags: ['hooks'], summary: 'Webhooks of a CRM, by its name' },
      request: { params: z.object({ instance: z.string() }), body },
      responses: answers(taken, 'On disk: the next run takes it in'),
    },
    {
      ...{ method: 'get', path: '/unsubscribe', tags: ['people'], summary: 'Asks; nothing happens' },
      ...{ request: { query: token }, responses: html('A page with one button') },
    },
    {
      ...{
        method: 'post',
        path: '/unsubscribe',
        tags: ['people'],
        summary: 'RFC 8058: no more messages to that person',
      },
      ...{ request: { query: token }, responses: html('The same, whether the token is known or not') },
    },
  ]
  for (const path of paths) api.openAPIRegistry.registerPath(createRoute(path))
}
