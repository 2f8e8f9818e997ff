import { RemoteError } from '../pipeline/errors.ts'
import { type Http, NotAsked, NotBought } from '../pipeline/http.ts'
import type { StepContext, StepSummary } from '../pipeline/step.ts'
import type { Answer, Memory, Told } from './asked.ts'
import { batchesOf } from './batches.ts'
import { hashOf, type SwitchedOn, tableOf } from './catalogue.ts'
import { suppressClaimed } from './claims.ts'
import type { Resource } from './define.ts'
import { FIELDS, type Field, type Subject } from './fields.ts'
import type { Icp } from './icp.ts'
import { Intake, landPages, type Page, timed } from './intake.ts'
import { ownKeys } from './subjects.ts'
import { watchSuppressions } from './waiting-suppressions.ts'

/** A resource of a provider that fills fields. */
export interface Source {
  on: SwitchedOn
  name: string
  resource: Resource
}

/** What became of those who were to be asked about. */
export interface Asked {
  answered: Subject[]
  /** Nobody asked, and nobody will in this run: the next provider may. With the reason, as the log would have it. */
  refused: { subject: Subject; reason: string }[]
  /** Asked, and no answer came: to be asked again in the next run. */
  waiting: Subject[]
}

interface Outcome {
  batch: readonly Subject[]
  pages: Page[]
  call_id: string | null
  error?: unknown
}

/** Batches that are under way at once, where the provider says nothing: pacing is the HTTP layer's. */
const AT_ONCE = 64
/** Answers that wait for a slower one before them, for each that is under way. */
const HELD_FOR_EACH = 8
/** Answers about so many are brought in together: one by one, each would cost two transactions. They are in the log already. */
const LAND_TOGETHER = 500
/** So many batches in a row without an answer, and the provider is left alone until the next run. */
const PATIENCE = 5
const MOST_FAILURES = 5
const FOR_ALL = ['quota', 'key', 'forbidden']

/** Days that an answer of this source about this field stands. */
export function standsFor({ resource }: Source, field: Field): number {
  return resource.fills?.[field]?.ttl_days ?? FIELDS[field].ttl_days
}

export function canAsk({ resource }: Source, subject: Subject): boolean {
  return (resource.needs ?? []).every((name) => subject[name] !== null)
}

/** Whether the provider lists companies or people, too. */
function lists({ on }: Source): boolean {
  return Object.values(on.provider.resources).some(({ fills }) => fills === undefined)
}

/** Asks one source about many: batch by batch, several at once, each answer in the ledger before it is looked at. */
export class Asker {
  readonly failures: NonNullable<StepSummary['failures']> = []
  readonly #notes = new Set<string>()
  readonly #intake: Intake
  readonly #suppressed: (subject: Subject) => boolean
  #unsaid = 0
  #own_keys: Map<string, string> | undefined

  constructor(
    readonly context: StepContext,
    readonly icp: Icp,
    readonly source: Source,
    readonly memory: Memory,
  ) {
    this.#suppressed = watchSuppressions(context.paths.data)
    this.#intake = new Intake(source.on.name, source.name, source.resource)
  }

  get notes(): string[] {
    const more = this.#unsaid === 0 ? [] : [`${this.#unsaid} more failures of ${this.source.on.name}`]
    return [...this.#notes, ...this.#intake.notes(), ...more]
  }

  /** `told`: each answer as it is remembered. */
  async ask(subjects: readonly Subject[], fields: readonly Field[], told?: (each: Told) => void): Promise<Asked> {
    const asked: Asked = { answered: [], refused: [], waiting: [] }
    const { context, source } = this
    this.#own_keys ??= lists(source) ? await ownKeys(context.connection, source.on.name) : new Map()
    const batches = batchesOf(subjects, source.resource, source.on.settings)
    const at_once = this.#atOnce()
    const stop: { reason?: string; waits?: boolean } = {}
    let silent = 0
    let next = 0
    let done = 0
    let open = 0
    const running: Promise<Outcome>[] = []
    const launch = () => {
      const goesOn = () => next < batches.length && stop.reason === undefined && !context.signal.aborted
      while (open < at_once && running.length < at_once * HELD_FOR_EACH && goesOn()) {
        open++
        const fetching = this.#fetch(this.#allowed(batches[next++]!, asked), fields)
        running.push(fetching)
        void fetching.then(() => {
          open--
          launch()
        })
      }
    }
    let come: Outcome[] = []
    let about = 0
    const land = async () => {
      const landing = come
      come = []
      about = 0
      const pending = await this.#land(landing, told)
      for (const { batch, error } of landing)
        if (error === undefined)
          for (const subject of batch) (pending.has(subject.subject_id) ? asked.waiting : asked.answered).push(subject)
    }
    for (launch(); running.length > 0; launch()) {
      context.signal.throwIfAborted()
      const outcome = await running.shift()!
      const { batch, pages, error } = outcome
      done += batch.length
      context.progress(`${fields.join(', ')} from ${source.on.name}`, done, subjects.length)
      if (error === undefined || pages.length > 0) {
        come.push(outcome)
        about += batch.length
        if (about >= LAND_TOGETHER) await land()
      }
      if (error === undefined) silent = 0
      else if (error instanceof NotAsked) {
        this.#notes.add(error.message)
        const reason = error instanceof NotBought ? error.reason : 'not_asked'
        if (reason === 'in_doubt') asked.waiting.push(...batch)
        else {
          asked.refused.push(...batch.map((subject) => ({ subject, reason })))
          stop.reason ??= reason
        }
      } else if (error instanceof RemoteError) {
        this.#fail(error.message)
        asked.waiting.push(...batch)
        if (FOR_ALL.includes(error.reason ?? '') || ++silent >= PATIENCE) {
          stop.reason ??= error.reason ?? 'failed'
          stop.waits = true
        }
      } else throw error
    }
    if (come.length > 0) await land()
    const rest = batches.slice(next).flat()
    if (stop.waits) asked.waiting.push(...rest)
    else asked.refused.push(...rest.map((subject) => ({ subject, reason: stop.reason ?? 'not_asked' })))
    return asked
  }

  /** Without whom somebody has ruled out since the run began. */
  #allowed(batch: readonly Subject[], { refused }: Asked): readonly Subject[] {
    const out = batch.filter(this.#suppressed)
    refused.push(...out.map((subject) => ({ subject, reason: 'suppressed' })))
    return out.length === 0 ? batch : batch.filter((subject) => !out.includes(subject))
  }

  #withOwnKey(subject: Subject): Subject {
    const own_key = this.#own_keys?.get(subject.subject_id)
    return own_key === undefined ? subject : { ...subject, own_key }
  }

  #atOnce(): number {
    return this.source.on.provider.http?.(this.source.on.settings).limits?.concurrency ?? AT_ONCE
  }

  #fail(message: string): void {
    if (this.failures.some((failure) => failure.message === message)) return
    if (this.failures.length >= MOST_FAILURES) this.#unsaid++
    else this.failures.push({ kind: 'remote', message })
  }

  /** Never throws: what came before an error is kept. */
  async #fetch(batch: readonly Subject[], fields: readonly Field[]): Promise<Outcome> {
    const { context, icp, source } = this
    const { on, resource } = source
    const { settings } = on
    const outcome: Outcome = { batch, pages: [], call_id: null }
    if (batch.length === 0) return outcome
    const own = context.http({ service: on.name, ...on.provider.http!(settings) })
    const subjects = batch.map((subject) => this.#withOwnKey(subject))
    const [only] = batch
    const about = batch.length === 1 ? { company_id: only!.company_id } : {}
    let priced = false
    const http: Http = {
      async send(request, expect) {
        const answer = await own.send({ field: fields.join(','), ...about, ...request }, expect)
        priced ||= (request.credits ?? 0) > 0
        if (!priced || (request.credits ?? 0) > 0) outcome.call_id = answer.call_id
        return answer
      },
    }
    try {
      const pages = timed(http, (listening) =>
        resource.pages!({ settings, icp, http: listening, as_of: context.as_of, subjects, fields }),
      )
      for await (const page of pages) outcome.pages.push(page)
    } catch (error) {
      outcome.error = error
    }
    return outcome
  }

  /** Brings in what came, in the order of asking; answers whom the provider could not tell about now. */
  async #land(outcomes: readonly Outcome[], told?: (each: Told) => void): Promise<Set<string>> {
    const { context, source, memory } = this
    const rows = new Map<string, Record<string, unknown>[]>()
    const pages = outcomes.flatMap(({ batch, pages: own }) => {
      const about = new Set(batch.map(({ subject_id }) => subject_id))
      return own.map((page) => ({ ...page, about }))
    })
    await landPages(context, tableOf(source.on, source.name), this.#intake, pages, (kept) => {
      for (const row of kept) {
        const subject = String(row.subject_id)
        const own = rows.get(subject)
        if (own === undefined) rows.set(subject, [row])
        else own.push(row)
      }
    })
    const { pending, claimed } = source.resource
    const some = (test: typeof pending, { subject_id }: Subject) =>
      test !== undefined && (rows.get(subject_id)?.some(test) ?? false)
    const all = outcomes.flatMap(({ batch }) => batch)
    suppressClaimed(
      context,
      source.on.provider.title,
      all.filter((subject) => some(claimed, subject)),
    )
    const open = new Set(all.filter((subject) => some(pending, subject)).map(({ subject_id }) => subject_id))
    const fills = Object.keys(source.resource.fills ?? {}) as Field[]
    const answers = outcomes
      .filter(({ error }) => error === undefined)
      .flatMap(({ batch, call_id }) =>
        batch
          .filter(({ subject_id }) => !open.has(subject_id))
          .flatMap((subject) =>
            fills.map((field): Told => {
              const answer = this.#answerOf(field, rows.get(subject.subject_id) ?? [])
              return { field, subject, ...answer, call_id, subjects_of_call: batch.length }
            }),
          ),
      )
    await memory.keep(context, source.on.name, answers)
    if (told !== undefined) for (const each of answers) told(each)
    return open
  }

  #answerOf(field: Field, rows: readonly Record<string, unknown>[]): Answer {
    const fill = this.source.resource.fills![field]!
    const hits = rows.filter((row) => fill.hit?.(row) ?? true)
    const valid = hits.filter((row) => fill.valid?.(row) ?? true)
    const value = ({ subject_id: _, ...row }: Record<string, unknown>) => fill.value?.(row) ?? JSON.stringify(row)
    const sure = valid.flatMap((row) => fill.confidence?.(row) ?? [])
    return {
      hit: hits.length > 0,
      valid: valid.length > 0,
      answer: valid.length === 0 ? '' : hashOf(valid.map(value).sort()).slice(0, 20),
      confidence: sure.length === 0 ? null : Math.max(...sure),
    }
  }
}
