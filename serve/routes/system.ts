import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Api, ServeContext } from '../context.ts'
import { userOf } from '../context.ts'
import { docsPage, docsStyle } from '../docs-page.ts'
import { describeOpenPaths } from '../open-paths.ts'

export interface Metrics {
  registry: Registry
  seconds: Histogram<'method' | 'route' | 'status'>
  acts: Counter<'kind'>
}

export function newMetrics({ publications, acts, now }: Pick<ServeContext, 'publications' | 'acts' | 'now'>): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  new Gauge({
    name: 'lead_engine_incoming_waiting',
    help: 'Messages that the next run takes in',
    registers,
    collect() {
      this.set(acts.count())
    },
  })
  new Gauge({
    name: 'lead_engine_publication_age_seconds',
    help: 'Since the publication was written; absent while nothing is published',
    registers,
    async collect() {
      const at = await publications.read(async ({ published_at }) => published_at).catch(() => undefined)
      if (at !== undefined) this.set((now().getTime() - Date.parse(at)) / 1000)
    },
  })
  return {
    registry,
    seconds: new Histogram({
      name: 'lead_engine_http_request_seconds',
      help: 'Requests by method, route and status',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
      registers,
    }),
    acts: new Counter({ name: 'lead_engine_hooks_total', help: 'Hooks taken', labelNames: ['kind'], registers }),
  }
}

/** What machines ask: `/healthz`, `/readyz`, `/metrics`, `/openapi.json`; and what people read, `/docs`. */
export function systemRoutes(api: Api, { publications }: ServeContext, metrics: Metrics): void {
  api.get('/healthz', (c) => c.json({ status: 'ok' }))
  api.get('/readyz', (c) =>
    publications.read(async ({ publication, as_of }) => c.json({ status: 'ready', published: publication.id, as_of })),
  )
  api.get('/metrics', async (c) => {
    userOf(c, 'operate')
    return c.body(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType })
  })
  describeOpenPaths(api)
  const description = () =>
    api.getOpenAPI31Document({
      openapi: '3.1.0',
      info: { title: 'Lead Engine', version: '1', description: 'What a run published, and what people decide on it.' },
      security: [{ bearer: [] }],
    })
  api.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' })
  api.get('/openapi.json', (c) => c.json(description()))
  api.get('/docs', (c) => c.html(docsPage(description() as never)))
  api.get('/docs/style.css', (c) => c.body(docsStyle, 200, { 'content-type': 'text/css; charset=utf-8' }))
}
