import { Interrupted, type RemoteError } from '../errors.ts'
import type { Http, HttpAnswer, HttpDeps, HttpOptions, HttpRequest, Meaning } from '../http.ts'
import { isSecretName, literalRedactor, redactor } from '../redact.ts'
import { createAsk } from './ask.ts'
import type { Circuit } from './circuit.ts'
import type { Intent, Journal, StoredAnswer } from './journal.ts'
import { parseJson } from './json.ts'
import { isCutShort, meaningOf, toldOf } from './meaning.ts'
import { Fault, type Fetched, type Network } from './network.ts'
import { LONGEST_WAIT_MS, type Pacer, TooLong } from './pacer.ts'
import { createPurse, type Purchase } from './purse.ts'
import { NotAsked, NotBought } from './refused.ts'
import { type Prepared, prepare } from './request.ts'
import { backoffMs, retryAfterMs } from './retry.ts'
import type { Trip } from './transit.ts'
import { createWording } from './wording.ts'

const DEFAULT_RETRIES = 4

/** What all who ask one service in a run have in common. */
export interface Shared {
  pacer: Pacer
  circuit: Circuit
  /** Requests that are being answered: an equal one waits for that answer. */
  underway: Map<string, Promise<HttpAnswer>>
  /** Its connections; made with the first request. */
  network?: Network
}

/** An answer in the ledger, with what it means. */
type Attempt = StoredAnswer & { meaning: Meaning }

/** One service, as a plug-in uses it. */
export function createServiceHttp(options: HttpOptions, deps: HttpDeps, journal: Journal, shared: Shared): Http {
  const { service, limits } = options
  const { pacer, circuit, underway } = shared
  const secrets = [...(deps.secrets ?? []), ...headerSecrets(options.headers)]
  const mask = literalRedactor(secrets)
  const wording = createWording(service, redactor(secrets))
  const ask = createAsk(options, deps, shared)
  const purse = createPurse(options, deps, wording)

  async function send(request: HttpRequest, expect?: readonly number[]): Promise<HttpAnswer> {
    const asked = prepare(options, request, mask)
    const expects = (status: number) => expect?.includes(status) ?? (status >= 200 && status < 300)
    const means = (answer: Fetched): Meaning =>
      ofPlugIn(() => options.meaning?.(toldOf(answer))) ?? (expects(answer.status) ? 'ok' : meaningFor(request, answer))
    const ttl_days = request.ttl_days ?? 0
    if (ttl_days <= 0 && isFree(request)) return exchange(asked, request, means, false)
    const key = JSON.stringify([asked.hash, ttl_days, expect])
    const same = underway.get(key)
    if (same !== undefined && ttl_days > 0) return { ...(await same), cached: true }
    const answer = known(asked, request, means, ttl_days)
    underway.set(key, answer)
    try {
      return await answer
    } finally {
      if (underway.get(key) === answer) underway.delete(key)
    }
  }

  /** From the ledger, if it holds a young enough answer; else from the service, if that does not buy anything twice. */
  async function known(asked: Prepared, request: HttpRequest, means: Means, ttl_days: number): Promise<HttpAnswer> {
    const { answers, broken_off } = await journal.find(asked.hash, Math.max(ttl_days, isFree(request) ? 0 : 1))
    const usable = answers.find((each) => means(each) === 'ok' && !(isFree(request) && isCutShort(toldOf(each))))
    if (usable !== undefined && ttl_days > 0) return answerOf(usable, asked, true)
    const said = deps.replay ? answers.find((each) => isLastWord(request, each)) : undefined
    if (said !== undefined) return answerOf(said, asked, true)
    const in_doubt = broken_off && !isFree(request)
    if (in_doubt && !request.repeatable && deps.replay !== true) {
      const message = `${wording.nameOf(asked)} is not asked again: an equal call broke off, and may have been charged`
      throw new NotBought(message, service, 'in_doubt', request.credits ?? 0)
    }
    return exchange(asked, request, means, in_doubt)
  }

  async function exchange(asked: Prepared, request: HttpRequest, means: Means, paid: boolean): Promise<HttpAnswer> {
    refuseThePast(asked)
    const place = request.bucket ?? asked.path
    await ask.ready()
    let counted = paid
    let last: RemoteError | undefined
    for (let tries = 1; ; tries++) {
      const purchase = purse.purchase(asked, counted ? { ...request, credits: 0 } : request)
      purchase.check()
      checkCircuit(place, last)
      const work = (trip: Trip) => attempt(asked, request, means, purchase, trip)
      const outcome = await pacer.run(work, request.bucket).catch((error: unknown) => notSent(asked, error))
      const again = tries <= (limits?.retries ?? DEFAULT_RETRIES)
      const pause = backoffMs(tries, deps.random)
      if (outcome instanceof Fault) {
        circuit.failed()
        const harmless = isFree(request) ? request.once !== true : request.repeatable === true
        const mayRepeat = harmless || !outcome.sent
        last = wording.broken(asked, outcome, tries, !isFree(request) && request.repeatable !== true)
        if (!again && isLastWord(request, nothing(outcome)))
          return answerOf(await asAnswer(asked, request, outcome), asked, false)
        if (!again || !mayRepeat) throw last
        counted ||= outcome.sent && !isFree(request)
        await sleep(pause)
        continue
      }
      const { status, meaning } = outcome
      const cutShort = meaning === 'ok' && isFree(request) && isCutShort(toldOf(outcome))
      if (meaning === 'later' && !(status >= 200 && status < 300)) circuit.failed()
      else circuit.alive()
      if (meaning === 'ok' && !(cutShort && again)) return answerOf(outcome, asked, false)
      const wait = waitOf(outcome)
      last = wording.refused(asked, outcome, tries, wait, cutShort ? 'unreadable' : (meaning as Refusal))
      if (meaning === 'quota' || meaning === 'key') circuit.close(last.message)
      if (meaning === 'forbidden') circuit.close(last.message, place)
      const worthwhile = meaning === 'rate' || (request.once !== true && (cutShort || meaning === 'later'))
      const over = !again || !worthwhile || (wait ?? 0) > LONGEST_WAIT_MS
      if (over && isLastWord(request, outcome)) return answerOf(outcome, asked, false)
      if (over) throw last
      const others_wait = (wait !== undefined || meaning === 'rate') && options.way?.to !== 'any_host'
      if (others_wait) await pacer.pause(wait ?? pause)
      else await sleep(wait ?? pause)
    }
  }

  /** One exchange, in the ledger before it is looked at. A fault is recorded where it may have cost something. */
  async function attempt(
    asked: Prepared,
    request: HttpRequest,
    means: Means,
    purchase: Purchase,
    trip: Trip,
  ): Promise<Attempt | Fault> {
    if (deps.signal.aborted) throw new Interrupted('interrupted')
    circuit.leaves(request.bucket ?? asked.path)
    const { credits, usd, settle } = await purchase.reserve()
    const intent: Intent = { ...about(asked, request), credits, usd, requested_at: ask.clock() }
    const before = credits > 0 || usd > 0 ? { call_id: await journal.intend(intent) } : {}
    trip.leaves()
    const outcome = await ask(asked).catch(toFault)
    trip.over()
    const record = (options.record ?? true) && (request.record ?? true)
    if (outcome instanceof Fault) {
      if (!outcome.sent) settle(0)
      if (before.call_id === undefined) return outcome
      if (outcome.sent) await journal.write({ ...intent, ...before, hit: undefined, answer: undefined, record })
      else await journal.withdraw(before.call_id)
      return outcome
    }
    const answer = { ...masked(outcome), fetched_at: ask.clock() }
    const told = toldOf(answer)
    const meaning = means(answer)
    const spent = settle(
      ofPlugIn(() => options.charged?.(told, request.credits ?? 0)) ?? (meaning === 'ok' ? credits : 0),
    )
    const hit = meaning === 'ok' ? ofPlugIn(() => request.hit?.(told)) : undefined
    const call_id = await journal.write({ ...intent, ...before, ...spent, hit, answer, record })
    if (meaning === 'ok' || meaning === 'rate') await pacer.told(answer.headers, request.bucket)
    // Before this one gives up its place, so that none of those who wait slips out.
    const wait = meaning === 'rate' ? waitOf(answer) : undefined
    if ((wait ?? 0) > LONGEST_WAIT_MS) await pacer.pause(wait!)
    return { ...answer, call_id, request_hash: asked.hash, meaning }
  }

  /** Milliseconds that the answer wants us to wait. */
  function waitOf(answer: Fetched): number | undefined {
    const said_s = ofPlugIn(() => options.wait_s?.(toldOf(answer)))
    return said_s === undefined ? retryAfterMs(answer.headers, deps.now()) : said_s * 1000
  }

  /** That nothing came, as the answer that it is. */
  async function asAnswer(asked: Prepared, request: HttpRequest, fault: Fault): Promise<StoredAnswer> {
    const fetched_at = ask.clock()
    const answer = { ...masked(nothing(fault)), fetched_at }
    const free = { credits: 0, usd: 0, requested_at: fetched_at, hit: undefined, record: true }
    const call_id = await journal.write({ ...about(asked, request), ...free, answer })
    return { ...answer, call_id, request_hash: asked.hash }
  }

  function about(asked: Prepared, request: HttpRequest) {
    const { field, company_id, lead_id } = request
    const endpoint = mask(`${asked.method} ${asked.path}`)
    return { service, endpoint, request_hash: asked.hash, field, company_id, lead_id }
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

  function checkCircuit(place: string, last: RemoteError | undefined): void {
    try {
      circuit.check(place)
    } catch (closed) {
      throw last ?? closed
    }
  }

  function notSent(asked: Prepared, error: unknown): never {
    circuit.unasked()
    if (error instanceof TooLong) throw wording.tooLong(asked, error.wait_ms)
    if (deps.signal.aborted) throw new Interrupted('interrupted', { cause: error })
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

  function answerOf(stored: StoredAnswer, asked: Prepared, cached: boolean): HttpAnswer {
    const { status, headers, text, fetched_at, call_id } = stored
    const json = (): unknown => {
      try {
        return parseJson(text)
      } catch {
        throw wording.notJson(asked, stored)
      }
    }
    return { status, headers, text, json, fetched_at, cached, call_id }
  }

  return { send }
}

type Means = (answer: Fetched) => Meaning
type Refusal = Exclude<Meaning, 'ok'>

/** What a plug-in makes of an answer. One that stumbles over it must not lose it: it has been paid for. */
function ofPlugIn<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}

/** What is the answer if it still is when the retries are over; a site that refuses us has answered. */
function isLastWord(request: HttpRequest, answer: Fetched): boolean {
  return isFree(request) && ofPlugIn(() => request.last_word?.(toldOf(answer))) === true
}

function meaningFor(request: HttpRequest, answer: Fetched): Meaning {
  const meaning = meaningOf(answer.status)
  if (!isLastWord(request, answer)) return meaning
  return meaning === 'rate' || meaning === 'later' ? 'later' : 'ok'
}

function nothing({ message }: Fault): Fetched {
  return { status: 0, headers: { 'x-fault': message }, text: '' }
}

function isFree({ credits = 0 }: HttpRequest): boolean {
  return credits === 0
}

function headerSecrets(headers: Record<string, string> = {}): string[] {
  return Object.entries(headers)
    .filter(([name]) => isSecretName(name))
    .flatMap(([, value]) => [value, value.slice(value.lastIndexOf(' ') + 1)])
}
