import { Interrupted } from '../errors.ts'
import type { Http, HttpAnswer, HttpDeps, HttpOptions, HttpRequest } from '../http.ts'
import { isSecretName, literalRedactor, redactor } from '../redact.ts'
import { createAsk } from './ask.ts'
import type { Journal, StoredAnswer } from './journal.ts'
import { Fault, type Fetched } from './network.ts'
import { createPacer, DEFAULT_CONCURRENCY, type Pacer } from './pacer.ts'
import { NotAsked, NotBought } from './refused.ts'
import { type Prepared, prepare } from './request.ts'
import { backoffMs, isTransient, LONGEST_RETRY_AFTER_MS, retryAfterMs } from './retry.ts'
import { createWording } from './wording.ts'

const DEFAULT_RETRIES = 4
/** Nobody is bothered by more at once, and what comes together is written together. */
const IN_PROCESS_CONCURRENCY = 64

type Expects = (status: number) => boolean

/** One service, as a plug-in uses it. `pacers` are shared by all who ask the same service in a run. */
export function createServiceHttp(
  options: HttpOptions,
  deps: HttpDeps,
  journal: Journal,
  pacers: Map<string, Pacer>,
): Http {
  const { service, limits, usd_per_credit } = options
  const secrets = [...(deps.secrets ?? []), ...headerSecrets(options.headers)]
  const mask = literalRedactor(secrets)
  const wording = createWording(service, redactor(secrets))
  const ask = createAsk(options, deps)
  const pace = {
    concurrency: options.transport === undefined ? DEFAULT_CONCURRENCY : IN_PROCESS_CONCURRENCY,
    ...limits,
  }
  const pacer = pacers.get(service) ?? createPacer(pace, { now: deps.now, sleep })
  pacers.set(service, pacer)
  const underway = new Map<string, Promise<HttpAnswer>>()

  async function send(request: HttpRequest, expect?: readonly number[]): Promise<HttpAnswer> {
    const asked = prepare(options, request, mask)
    const expects: Expects = (status) => expect?.includes(status) ?? (status >= 200 && status < 300)
    const ttl_days = request.ttl_days ?? 0
    if (ttl_days <= 0) return exchange(asked, request, expects)
    const key = JSON.stringify([asked.hash, ttl_days, expect])
    const same = underway.get(key)
    if (same !== undefined) return { ...(await same), cached: true }
    const answer = fromLedger(asked, request, expects, ttl_days).then((it) => it ?? exchange(asked, request, expects))
    underway.set(key, answer)
    try {
      return await answer
    } finally {
      underway.delete(key)
    }
  }

  async function fromLedger(asked: Prepared, request: HttpRequest, expects: Expects, ttl_days: number) {
    const stored = await journal.find(asked.hash, ttl_days)
    const usable = stored.find((each) => expects(each.status) && !(isFree(request) && isCutShort(each)))
    return usable === undefined ? undefined : answerOf(usable, asked, true)
  }

  async function exchange(asked: Prepared, request: HttpRequest, expects: Expects): Promise<HttpAnswer> {
    refuseThePast(asked)
    for (let tries = 1; ; tries++) {
      const outcome = await pacer.run(() => attempt(asked, request, expects))
      const again = tries <= (limits?.retries ?? DEFAULT_RETRIES)
      const pause = backoffMs(tries, deps.random)
      if (outcome instanceof Fault) {
        const mayRepeat = isFree(request) || !outcome.sent
        if (!again || !mayRepeat) throw wording.broken(asked, outcome, tries, !isFree(request))
        await sleep(pause)
        continue
      }
      const { status, headers } = outcome
      const cutShort = expects(status) && isFree(request) && isCutShort(outcome)
      if (expects(status) && !(cutShort && again)) return answerOf(outcome, asked, false)
      const wait = retryAfterMs(headers, deps.now())
      const worthwhile = cutShort || (isTransient(status) && (wait ?? 0) <= LONGEST_RETRY_AFTER_MS)
      if (!again || !worthwhile) throw wording.refused(asked, outcome, tries, wait)
      if (wait !== undefined || status === 429) pacer.pause(wait ?? pause)
      else await sleep(pause)
    }
  }

  /** One exchange, in the ledger before it is looked at. A fault is recorded where it may have cost something. */
  async function attempt(asked: Prepared, request: HttpRequest, expects: Expects): Promise<StoredAnswer | Fault> {
    await refuseToPay(asked, request)
    const requested_at = ask.clock()
    const outcome = await ask(asked).catch(toFault)
    if (outcome instanceof Fault && (isFree(request) || !outcome.sent)) return outcome
    const answer = outcome instanceof Fault ? undefined : { ...masked(outcome), fetched_at: ask.clock() }
    const credits = answer === undefined || expects(answer.status) ? (request.credits ?? 0) : 0
    const call_id = await journal.write({
      service,
      endpoint: mask(`${asked.method} ${asked.path}`),
      request_hash: asked.hash,
      field: request.field,
      company_id: request.company_id,
      lead_id: request.lead_id,
      credits,
      usd: credits * (usd_per_credit ?? 0),
      requested_at,
      answer,
    })
    return answer === undefined ? (outcome as Fault) : { ...answer, call_id, request_hash: asked.hash }
  }

  /** A vendor that quotes our key back must not bring it into the ledger. */
  function masked({ status, headers, text }: Fetched): Fetched {
    const clean = Object.entries(headers).map(([name, value]) => [name, mask(value)])
    return { status, headers: Object.fromEntries(clean) as Record<string, string>, text: mask(text) }
  }

  function toFault(error: unknown): Fault {
    if (deps.signal.aborted) throw new Interrupted('interrupted', { cause: error })
    if (error instanceof Fault) return error
    throw error
  }

  async function sleep(ms: number): Promise<void> {
    await deps.sleep(ms, deps.signal).catch(toFault)
  }

  function refuseThePast(asked: Prepared): void {
    if (deps.replay)
      throw new NotAsked(`${wording.nameOf(asked)} is not asked: a replay reads what the ledger holds`, service)
    if (options.transport !== undefined || deps.as_of >= deps.now().toISOString().slice(0, 10)) return
    const reason = `is not asked as of ${deps.as_of}: a past date reads only what had been fetched by then`
    throw new NotAsked(`${wording.nameOf(asked)} ${reason}`, service)
  }

  async function refuseToPay(asked: Prepared, { credits = 0 }: HttpRequest): Promise<void> {
    if (credits === 0) return
    const refusal = (reason: NotBought['reason'], because: string) => {
      const message = `${wording.nameOf(asked)} costs ${credits} credits and was not asked: ${because}`
      return new NotBought(message, service, reason, credits)
    }
    if (!deps.live.has('spend')) throw refusal('not_live', 'the target is not live for spend')
    if (usd_per_credit === undefined) throw refusal('no_price', `no usd_per_credit is set for ${service}`)
    const allowed = await deps.budget.allows(service, credits, credits * usd_per_credit)
    if (!allowed) throw refusal('budget', 'no budget allows it')
  }

  function answerOf(stored: StoredAnswer, asked: Prepared, cached: boolean): HttpAnswer {
    const { status, headers, text, fetched_at, call_id } = stored
    const json = (): unknown => {
      try {
        return JSON.parse(text)
      } catch {
        throw wording.notJson(asked, stored)
      }
    }
    return { status, headers, text, json, fetched_at, cached, call_id }
  }

  return { send }
}

function isFree({ credits = 0 }: HttpRequest): boolean {
  return credits === 0
}

/** Announced as JSON, and none: cut short or garbled on its way. */
function isCutShort({ headers, text }: StoredAnswer): boolean {
  if (!/\bjson\b/i.test(headers['content-type'] ?? '')) return false
  try {
    JSON.parse(text)
    return false
  } catch {
    return true
  }
}

function headerSecrets(headers: Record<string, string> = {}): string[] {
  return Object.entries(headers)
    .filter(([name]) => isSecretName(name))
    .flatMap(([, value]) => [value, value.slice(value.lastIndexOf(' ') + 1)])
}
