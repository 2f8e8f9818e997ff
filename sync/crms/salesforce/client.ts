import {
  type CrmContext,
  CrmError,
  type Http,
  type HttpAnswer,
  type HttpOptions,
  type HttpRequest,
  type Meaning,
  type Told,
} from '../../define.ts'
import type { Settings } from './settings.ts'
import { type SignedIn, signIn } from './sign-in.ts'

/** What went wrong with a whole call, or with one row of it. */
export interface Trouble {
  errorCode: string
  message: string
  fields?: string[]
}

export interface Client {
  /** Below `/services/data/vNN.0`, or the path of a next page. Signs in where needed. Answers 400 too, for the caller to read. */
  ask(request: HttpRequest): Promise<HttpAnswer>
  /** Asks again, with growing pauses, until the answer is no job that is still at work. */
  poll(path: string): Promise<HttpAnswer>
  who(): Promise<SignedIn>
  /** The path of a resource: `/sobjects/Account/describe`. */
  path(below: string): string
}

/** For the moment: the same row may be taken when it is sent again. */
export const PASSING = new Set([
  'UNABLE_TO_LOCK_ROW',
  'QUERY_TIMEOUT',
  'UNKNOWN_EXCEPTION',
  'SERVER_UNAVAILABLE',
  'REQUEST_RUNNING_TOO_LONG',
  'APEX_CPU_LIMIT_EXCEEDED',
])

const LIMIT = 'REQUEST_LIMIT_EXCEEDED'
const AT_WORK = new Set(['UploadComplete', 'InProgress'])
/** The requests of 24 hours are used up; nothing tells when there are more. Nobody asks before that, neither a later run. */
const PARKED_S = 900
/** With the layer's pauses a quarter of an hour of waiting. */
const POLLS = 30
const EXPECTED = [200, 201, 204, 300, 400, 401, 403, 404, 410, 414]

/** One org over the shared HTTP layer. Sessions end without notice: then it signs in once more and asks again. */
export function createClient(context: CrmContext<Settings>): Client {
  const { settings, http } = context
  const options: Omit<HttpOptions, 'service'> = {
    base_url: settings.login_url,
    record: false,
    limits: { concurrency: 4, timeout_s: settings.timeout_s },
    meaning: meaningOf,
    wait_s: ({ status, data }) => (status === 403 && isUsedUp(data) ? PARKED_S : undefined),
  }
  const api = http(options)
  const jobs = http({ ...options, limits: { ...options.limits, retries: POLLS }, meaning: meaningOfJob })
  let session: Promise<SignedIn> | undefined
  let used: string | undefined

  function who(): Promise<SignedIn> {
    session ??= signIn(context, api).catch((error: unknown) => {
      session = undefined
      throw error
    })
    return session
  }

  async function send(through: Http, request: HttpRequest): Promise<HttpAnswer> {
    if (used !== undefined) throw new CrmError(used)
    for (let again = false; ; again = true) {
      const known = who()
      const { token } = await known
      const headers = { ...request.headers, authorization: `Bearer ${token}` }
      const answer = await through.send({ ...request, headers }, EXPECTED)
      used ??= usedUp(answer.headers['sforce-limit-info'], settings.api_share)
      if (answer.status === 401 && !again) {
        if (session === known) session = undefined
        continue
      }
      if ([401, 403, 410].includes(answer.status)) throw refused(answer)
      return answer
    }
  }

  return {
    who,
    ask: (request) => send(api, request),
    poll: (path) => send(jobs, { path }),
    path: (below) => `/services/data/v${settings.api_version}${below}`,
  }
}

function meaningOf(answer: Told): Meaning | undefined {
  if (answer.status >= 500) return 'later'
  if (answer.status === 403 && troubleOf(answer.data).errorCode === LIMIT) return 'rate'
  // Every row of the call is locked, or the like: the layer waits, longer each time, and sends it again.
  return answer.status === 200 && isAllPassing(answer.data) ? 'later' : undefined
}

/** Too many at once says so; all else is the day's. */
function isUsedUp(data: unknown): boolean {
  const { errorCode, message } = troubleOf(data)
  return errorCode === LIMIT && !/concurrent/i.test(message)
}

function meaningOfJob(answer: Told): Meaning | undefined {
  const state = (answer.data as { state?: string } | undefined)?.state
  return answer.status === 200 && AT_WORK.has(state ?? '') ? 'later' : meaningOf(answer)
}

function isAllPassing(data: unknown): boolean {
  if (!Array.isArray(data) || data.length === 0) return false
  return (data as { errors?: { statusCode?: string }[] }[]).every(({ errors }) =>
    PASSING.has(errors?.[0]?.statusCode ?? ''),
  )
}

/** The first of the errors that a whole call was answered with. */
export function troubleOf(data: unknown): Trouble {
  const first = (Array.isArray(data) ? data[0] : data) as Partial<Trouble> | undefined
  return {
    errorCode: first?.errorCode ?? 'UNKNOWN',
    message: first?.message ?? '',
    ...(first?.fields ? { fields: first.fields } : {}),
  }
}

/** The body as JSON where there is one. */
export function bodyOf(answer: HttpAnswer): unknown {
  return answer.text === '' ? undefined : answer.json()
}

function refused(answer: HttpAnswer): CrmError {
  const { errorCode, message } = troubleOf(bodyOf(answer))
  const mend =
    answer.status === 401
      ? 'The new session is not accepted either: look at the session policies of the org.'
      : answer.status === 410
        ? 'Raise api_version in pipeline.yaml.'
        : 'Give the integration user the permission, or the app its scope `api`.'
  return new CrmError(`Salesforce: ${errorCode}: ${message}. ${mend}`)
}

/** `api-usage=10018/100000; api-bursts=1/750`: of all who ask this org, in 24 hours. */
function usedUp(info: string | undefined, share: number): string | undefined {
  const [, used, most] = /api-usage=(\d+)\/(\d+)/.exec(info ?? '') ?? []
  if (used === undefined || most === undefined || Number(used) < Number(most) * share) return undefined
  return `${used} of the ${most} API requests that the org has in 24 hours are used; the next run goes on. Raise api_share, or the org's limit`
}
