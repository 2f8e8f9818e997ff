import { z } from 'zod'
import { type CrmContext, CrmError, type Http, type HttpOptions, type Meaning, type Told } from '../../define.ts'
import { failureOf, forbidden, readAs } from './answers.ts'
import { midnightIn } from './days.ts'
import { paths } from './paths.ts'
import type { Settings } from './settings.ts'

export interface Answered {
  status: number
  data: unknown
  text: string
}

/** The only way to HubSpot. Waits, retries and windows are the layer's; what its answers mean is said here. */
export interface Client {
  get(path: string, query?: Record<string, string | number | undefined>): Promise<Answered>
  /** `once`: it may not be done twice. */
  post(path: string, body: unknown, options?: { once?: boolean }): Promise<Answered>
  search(path: string, body: unknown): Promise<Answered>
  /** By whose days the account counts. */
  time_zone(zone: string): void
}

/** 400, 404 and 409 are answers: which row is meant is for the caller to find out. 207 is one since trace ids. */
const ANSWERS = [200, 201, 202, 204, 207, 400, 404, 409]
/** Behind a load balancer, all of them mean: not now. */
const PASSING = new Set([520, 521, 522, 523, 524, 525, 526])
const LOCKED_S = 2
const UNKNOWN_DAY_S = 3_600
/** What is left of the day. */
const DAILY_WINDOW = 'x-hubspot-ratelimit-daily-remaining'
const EARLY_MS = 300_000

export function createClient(context: CrmContext<Settings>): Client {
  const { settings, now } = context
  let zone: string | undefined
  let used_up_until = 0

  const untilMidnight = (): number =>
    zone === undefined ? UNKNOWN_DAY_S : Math.ceil((midnightIn(zone, now()) - now().getTime()) / 1_000) + 1

  const options: Omit<HttpOptions, 'service'> = {
    base_url: settings.base_url,
    limits: { concurrency: settings.concurrency, timeout_s: settings.timeout_s },
    buckets: {
      calls: {
        windows: [
          { remaining: 'x-hubspot-ratelimit-remaining', period_s: 10 },
          // Kept from run to run: what is used up stays so until midnight there, whichever run comes.
          {
            remaining: DAILY_WINDOW,
            period_s: UNKNOWN_DAY_S,
            ends_in_s: () => (zone === undefined ? undefined : untilMidnight()),
          },
        ],
      },
      // Five in any second over the whole account: one is left to people and other apps.
      search: { per_second: 4 },
    },
    record: false,
    meaning,
    wait_s: (told) => waitOf(told, untilMidnight),
  }
  const http = context.http(options)
  const bearer = bearerOf(settings, http, now)

  async function send(request: Parameters<Http['send']>[0], what: string): Promise<Answered> {
    if (now().getTime() < used_up_until) {
      throw new CrmError('the account has used up its calls of today; HubSpot counts anew at midnight there')
    }
    const authorization = `Bearer ${await bearer()}`
    const headers = { ...request.headers, authorization }
    const answer = await http.send({ bucket: 'calls', ...request, headers }, [...ANSWERS, 403])
    const left = answer.headers[DAILY_WINDOW]
    if (left !== undefined && Number(left) <= 0) used_up_until = now().getTime() + untilMidnight() * 1_000
    const { status, text } = answer
    const data = text === '' ? undefined : answer.json()
    if (status === 403) throw forbidden(what, { data, text })
    return { status, data, text }
  }

  return {
    get: (path, query) => send({ path, query }, `reading ${path}`),
    post: (path, body, { once } = {}) => send({ method: 'POST', path, body, once }, `POST ${path}`),
    search: (path, body) => send({ method: 'POST', path, body, bucket: 'search' }, `POST ${path}`),
    time_zone(told) {
      zone = told
    },
  }
}

function meaning({ status, data }: Told): Meaning | undefined {
  // The record, or the account (it is being moved), is locked for a while.
  if (status === 423 || status === 477) return 'rate'
  if (PASSING.has(status)) return 'later'
  // A page in place of data, whatever its status, is not from HubSpot itself.
  if (status >= 200 && status < 300 && status !== 204 && data === undefined) return 'later'
  return undefined
}

/** Used up for the day: nothing before midnight there. Too many in ten seconds, or in one: that long. */
function waitOf({ status, data, headers }: Told, untilMidnight: () => number): number | undefined {
  if (headers['retry-after'] !== undefined) return undefined
  if (status === 423) return LOCKED_S
  if (status !== 429) return undefined
  const { policyName } = failureOf(data)
  if (policyName === 'DAILY') return untilMidnight()
  if (policyName === 'TEN_SECONDLY_ROLLING')
    return Number(headers['x-hubspot-ratelimit-interval-milliseconds'] ?? 10_000) / 1_000
  return 1
}

const tokens = z.looseObject({ access_token: z.string().min(1), expires_in: z.number() })

/** The Service Key as it is; of OAuth the access token, asked for anew a little before it runs out. */
function bearerOf(settings: Settings, http: Http, now: () => Date): () => Promise<string> {
  const { token, oauth } = settings
  if (oauth === undefined) return async () => token ?? ''
  let held: Promise<string> | undefined
  let good_until = 0
  const ask = async () => {
    const form = new URLSearchParams({ grant_type: 'refresh_token', ...oauth }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await http.send({ method: 'POST', path: paths.token, body: form, headers }, [200, 400, 401])
    if (answer.status !== 200) {
      const { message } = failureOf(answer.json())
      throw new CrmError(
        `HubSpot does not accept oauth.refresh_token: ${message ?? answer.status}. Connect the app again`,
      )
    }
    const { access_token, expires_in } = readAs(tokens, answer.json(), 'the request for a token')
    good_until = now().getTime() + expires_in * 1_000 - Math.min(EARLY_MS, expires_in * 500)
    return access_token
  }
  return () => {
    if (held !== undefined && (good_until === 0 || now().getTime() < good_until)) return held
    good_until = 0
    held = ask()
    held.catch(() => {
      held = undefined
    })
    return held
  }
}
