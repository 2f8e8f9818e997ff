import { serve } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { secureHeaders } from 'hono/secure-headers'
import { messageOf } from '../pipeline/errors.ts'
import type { Scoring } from '../scoring/layers.ts'
import { Acts } from './acts.ts'
import { AskDesk } from './ask/desk.ts'
import { type Api, type Budget, type CrmHooks, newApi, type Outcomes, type ServeContext } from './context.ts'
import { RateLimit } from './limits.ts'
import { Refusal } from './problem.ts'
import { Publications } from './publications.ts'
import { askRoutes } from './routes/ask.ts'
import { bulkRoutes } from './routes/bulk.ts'
import { crmRoutes } from './routes/crm.ts'
import { dayRoutes } from './routes/day.ts'
import { decideRoutes } from './routes/decide.ts'
import { hookRoutes } from './routes/hooks.ts'
import { oneLeadRoutes } from './routes/lead.ts'
import { leadRoutes } from './routes/leads.ts'
import { listRoutes } from './routes/lists.ts'
import { pipelineRoutes } from './routes/pipeline.ts'
import { reviewRoutes } from './routes/review.ts'
import { scheduleRoutes } from './routes/schedule.ts'
import { scoreRoutes } from './routes/score.ts'
import { scoresRoutes } from './routes/scores.ts'
import { statsRoutes } from './routes/stats.ts'
import { newMetrics, systemRoutes } from './routes/system.ts'
import { todayRoutes } from './routes/today.ts'
import { unsubscribeRoutes } from './routes/unsubscribe.ts'
import { ScoreDesk } from './score-desk.ts'
import type { ServeSettings } from './settings.ts'
import { isLoopback, plain, type Users } from './users.ts'

export interface ServeOptions {
  settings: ServeSettings
  users: Users
  /** The link that leads to what is published. */
  warehouse: string
  /** The folder with `incoming/`. */
  data: string
  threads: number
  loadScoring(): Promise<Scoring>
  budget?: Budget
  /** The folder where runs leave what they did and plan. */
  artifacts?: string
  env: Record<string, string | undefined>
  outcomes: Outcomes
  hooks: CrmHooks
  now(): Date
  /** A fault of ours, for the log; never with data. */
  fault(message: string): void
  /** Adds what is served besides the API: the dashboard, under `/`. */
  app?(api: Api, context: ServeContext): void
}

export interface Running {
  url: string
  close(): Promise<void>
}

/** Answers without who is asking: machines that look whether it lives, people who leave, services that sign. */
const OPEN_PATHS = /^\/(healthz|readyz|unsubscribe|hooks\/[a-z0-9_]+|openapi\.json|docs(\/style\.css)?)$/

const CSP = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  fontSrc: ["'self'"],
  connectSrc: ["'self'"],
  workerSrc: ["'self'"],
  formAction: ["'self'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
}

export function buildServer(options: ServeOptions): { api: Api; context: ServeContext } {
  const { settings, users, now } = options
  const publications = new Publications(options.warehouse, options.threads)
  const acts = new Acts(options.data, now)
  const scores = new ScoreDesk(publications, options.loadScoring)
  const ask = new AskDesk()
  const { budget = {}, artifacts, env, outcomes, hooks } = options
  const context: ServeContext = {
    ...{ publications, acts, scores, settings, ask, budget, artifacts, env, outcomes, hooks, now },
  }
  const metrics = newMetrics(context)
  const perUser = new RateLimit(settings.requests_per_minute)
  const perAddress = new RateLimit(Math.max(60, settings.requests_per_minute / 10))
  const api = newApi()

  api.onError((error, c) => {
    if (error instanceof Refusal) return error.response()
    if (error instanceof HTTPException) {
      return new Refusal(error.status, error.status === 413 ? 'body_too_large' : 'bad_request').response()
    }
    options.fault(`${c.req.method} ${c.req.routePath}: ${withoutValues(error)}`)
    return new Refusal(500, 'fault').response()
  })
  api.notFound(() => new Refusal(404, 'no_such_page').response())
  api.use(async (c, next) => {
    const end = metrics.seconds.startTimer()
    await next()
    end({ method: c.req.method, route: c.req.routePath, status: String(c.res.status) })
  })
  api.use(secureHeaders({ contentSecurityPolicy: CSP, referrerPolicy: 'no-referrer', xFrameOptions: 'DENY' }))
  api.use(bodyLimit({ maxSize: settings.max_body, onError: () => new Refusal(413, 'body_too_large').response() }))
  api.use(async (c, next) => {
    const address = addressOf(c)
    c.set('address', address)
    if (!answersTo(c.req.header('host') ?? '', settings)) throw new Refusal(421, 'unknown_host')
    const anonymous = OPEN_PATHS.test(c.req.path)
    const user = users.find((name) => c.req.header(name), address)
    const limited = (limit: RateLimit, key: string) => {
      const retry_after_s = limit.take(key, now().getTime())
      if (retry_after_s > 0) throw new Refusal(429, 'too_many_requests', undefined, { retry_after_s })
    }
    if (user === undefined) limited(perAddress, address)
    else limited(perUser, user.name)
    if (user !== undefined) c.set('user', user)
    else if (!anonymous && isGuarded(c.req.path)) throw new Refusal(401, 'unknown_user')
    if (!anonymous && !['GET', 'HEAD', 'OPTIONS'].includes(c.req.method))
      refuseForeign(c.req.header('origin'), c.req.header('sec-fetch-site'), c.req.header('host'))
    if (c.req.path.startsWith('/v1/')) c.header('cache-control', 'no-store')
    await next()
  })
  systemRoutes(api, context, metrics)
  statsRoutes(api, context)
  leadRoutes(api, context)
  oneLeadRoutes(api, context)
  listRoutes(api, context)
  scoreRoutes(api, context)
  decideRoutes(api, context)
  bulkRoutes(api, context)
  todayRoutes(api, context)
  dayRoutes(api, context)
  crmRoutes(api, context)
  reviewRoutes(api, context)
  scheduleRoutes(api, context)
  pipelineRoutes(api, context)
  scoresRoutes(api, context)
  askRoutes(api, context)
  hookRoutes(api, context, metrics)
  unsubscribeRoutes(api, context)
  options.app?.(api, context)
  return { api, context }
}

/** Listens until closed; requests under way are answered first. */
export async function startServer(options: ServeOptions): Promise<Running> {
  const { api, context } = buildServer(options)
  const { host, port } = options.settings
  return new Promise((done, fail) => {
    const server = serve({ fetch: api.fetch, hostname: host, port }, (info) => {
      const shown = host.includes(':') ? `[${host}]` : host
      done({
        url: `http://${shown}:${info.port}`,
        close: () =>
          new Promise((closed) => {
            context.ask.close()
            server.close(() => void context.publications.close().then(closed))
            if ('closeIdleConnections' in server) server.closeIdleConnections()
          }),
      })
    })
    server.on('error', fail)
  })
}

/** The app's own files hold no data, and need no user; everything under `/v1/` and `/metrics` does. */
function isGuarded(path: string): boolean {
  return path.startsWith('/v1/') || path === '/metrics'
}

function addressOf(c: Parameters<typeof getConnInfo>[0]): string {
  try {
    return plain(getConnInfo(c).remote.address ?? '')
  } catch {
    // Asked without a connection, as by a test.
    return ''
  }
}

/** A page of somebody else's that names us by a host of its own gets nothing. */
function answersTo(given: string, { host, public_url }: ServeSettings): boolean {
  const name = given.replace(/:\d+$/, '').toLowerCase()
  if (isLoopback(name)) return true
  if (public_url !== undefined && new URL(public_url).hostname === name) return true
  return !isLoopback(host) && public_url === undefined
}

/** A browser says where a request comes from; what is no browser says nothing. */
function refuseForeign(origin: string | undefined, site: string | undefined, host: string | undefined): void {
  const foreign = origin !== undefined && URL.canParse(origin) ? new URL(origin).host !== host : origin !== undefined
  if (foreign || site === 'cross-site') throw new Refusal(403, 'foreign_origin')
}

/** What went wrong, for a log: what stands in quotes there may be data. */
function withoutValues(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const said = (messageOf(error).split('\n')[0] ?? '').replaceAll(/(["'`]).*?\1/g, '$1…$1').replaceAll(/[^ -~…]/g, '?')
  return `${error.name}: ${said.slice(0, 300)}`
}
