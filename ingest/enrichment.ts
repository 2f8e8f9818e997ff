import { RemoteError } from '../pipeline/errors.ts'
import { NotAsked } from '../pipeline/http.ts'
import type { Step, StepContext, StepSummary } from '../pipeline/step.ts'
import { ASKED, Memory } from './asked.ts'
import { hashOf, resourceFor, type SwitchedOn, tableOf } from './catalogue.ts'
import type { Resource, Subject } from './define.ts'
import { FIELDS, type Field } from './fields.ts'
import type { Icp } from './icp.ts'
import { counted, Intake, landPages, timed } from './intake.ts'
import { companySubjects, contactSubjects, SUBJECT_READS } from './subjects.ts'

/** One provider's place in the waterfall of a field. */
interface Source {
  on: SwitchedOn
  name: string
  resource: Resource
}

/** The step that fills a field: each provider in turn is asked about those whom none before it knew. */
export function enrichmentStep(field: Field, providers: readonly SwitchedOn[], icp: Icp, note?: string): Step {
  const sources = providers.flatMap((on): Source[] => {
    const found = resourceFor(on, field)
    return found === undefined ? [] : [{ on, name: found[0], resource: found[1] }]
  })
  const ofContacts = FIELDS[field].subject === 'contact'
  const reads = ofContacts ? ['int_contacts_merged', ...SUBJECT_READS] : SUBJECT_READS
  return {
    name: `enrich_${field}`,
    kind: 'step',
    stage: 'enrichment',
    file: 'ingest/enrichment.ts',
    description: `Fills ${field} from ${sources.map(({ on }) => on.name).join(', then ')}.`,
    // What was asked before is not an input: it decides what need not be asked again, never what the answer is.
    reads: [...reads, 'int_subjects_resolved'],
    records: [...sources.map(({ on, name }) => tableOf(on, name)), ASKED],
    fingerprint: hashOf([field, icp, sources.map(({ on }) => [on.name, on.version, on.settings])]),
    bind: async (connection) => {
      await Memory.read({ connection, as_of: '2000-01-01' }, field)
    },
    run: async (context) => {
      const subjects = ofContacts
        ? await contactSubjects(context.connection)
        : await companySubjects(context.connection)
      const summary = await new Waterfall(context, field, icp, subjects).run(sources)
      return note === undefined ? summary : { ...summary, text: `${summary.text}; ${note}` }
    },
  }
}

class Waterfall {
  readonly #notes: string[] = []
  readonly #failures: NonNullable<StepSummary['failures']> = []
  #asked = 0
  #hits = 0
  #known = 0

  constructor(
    readonly context: StepContext,
    readonly field: Field,
    readonly icp: Icp,
    readonly subjects: readonly Subject[],
  ) {}

  async run(sources: readonly Source[]): Promise<StepSummary> {
    const memory = await Memory.read(this.context, this.field)
    let open = this.subjects
    for (const source of sources) open = await this.#ask(source, open, memory)
    const { length } = this.subjects
    const known = this.#known === 0 ? '' : `, ${this.#known} known before`
    const text = [`${this.field}: ${this.#asked} asked, ${counted(this.#hits, 'hit')}${known}`, ...this.#notes].join(
      '; ',
    )
    const counts = { subjects: length, asked: this.#asked, hits: this.#hits, known: this.#known }
    return { rows: this.#hits, text, counts, failures: this.#failures }
  }

  /** Answers who is left for the next provider: the misses. Who could not be asked because of a failure waits instead. */
  async #ask(source: Source, open: readonly Subject[], memory: Memory): Promise<readonly Subject[]> {
    const { on, name, resource } = source
    const left: Subject[] = []
    const fresh: Subject[] = []
    for (const subject of open) {
      const before = memory.recall(
        on.name,
        subject,
        resource.fills![this.field]!.ttl_days ?? FIELDS[this.field].ttl_days,
      )
      if (before === undefined) fresh.push(subject)
      else if (before.hit) this.#known++
      else left.push(subject)
    }
    const intake = new Intake(on.name, name, resource)
    const batch_size = resource.batch ?? 1
    for (let start = 0; start < fresh.length; start += batch_size) {
      this.context.signal.throwIfAborted()
      const batch = fresh.slice(start, start + batch_size)
      this.context.progress(`${this.field} from ${on.name}`, start, fresh.length)
      try {
        const hits = await this.#askBatch(source, batch, intake)
        await memory.keep(this.context, on.name, batch, hits)
        left.push(...batch.filter(({ subject_id }) => !hits.has(subject_id)))
        this.#asked += batch.length
        this.#hits += hits.size
      } catch (error) {
        if (error instanceof NotAsked) {
          this.#notes.push(error.message)
          left.push(...fresh.slice(start))
        } else if (error instanceof RemoteError) this.#failures.push({ kind: 'remote', message: error.message })
        else throw error
        break
      }
    }
    this.#notes.push(...intake.notes())
    return left.sort((a, b) => (a.subject_id < b.subject_id ? -1 : 1))
  }

  async #askBatch({ on, name, resource }: Source, batch: readonly Subject[], intake: Intake): Promise<Set<string>> {
    const { context, icp } = this
    const fill = resource.fills![this.field]!
    const { settings } = on
    const http = context.http({ service: on.name, ...on.provider.http!(settings) })
    const hits = new Set<string>()
    intake.subjects = new Set(batch.map(({ subject_id }) => subject_id))
    const pages = timed(http, (listening) =>
      resource.pages!({ settings, icp, http: listening, as_of: context.as_of, subjects: batch, fields: [this.field] }),
    )
    await landPages(context, tableOf(on, name), intake, pages, (rows) => {
      for (const row of rows)
        if ((fill.hit?.(row) ?? true) && (fill.valid?.(row) ?? true)) hits.add(String(row.subject_id))
    })
    return hits
  }
}
