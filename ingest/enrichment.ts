import type { Step, StepContext, StepSummary } from '../pipeline/step.ts'
import { ASKED, Memory } from './asked.ts'
import { Asker, canAsk, type Source, standsFor } from './asker.ts'
import { hashOf, resourceFor, type SwitchedOn, tableOf } from './catalogue.ts'
import { FIELDS, type Field, type Subject } from './fields.ts'
import type { Icp } from './icp.ts'
import { counted } from './intake.ts'
import { companySubjects, contactSubjects, SUBJECT_READS } from './subjects.ts'

/** The resources of these providers that fill a field, in this order. */
export function sourcesOf(field: Field, providers: readonly SwitchedOn[]): Source[] {
  return providers.flatMap((on): Source[] => {
    const found = resourceFor(on, field)
    return found === undefined ? [] : [{ on, name: found[0], resource: found[1] }]
  })
}

/** Whether a question costs anything, whatever comes of it. */
export function isFree({ resource: { price = {} } }: Source): boolean {
  return [price.call, price.hit, price.miss].every((credits) => (credits ?? 0) === 0)
}

/** The step that fills a field from what is free: each provider in turn is asked about those whom none before it knew. */
export function enrichmentStep(field: Field, providers: readonly SwitchedOn[], icp: Icp, note?: string): Step {
  const sources = sourcesOf(field, providers)
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
      await Memory.read({ connection, as_of: '2000-01-01' }, [field])
      await (ofContacts ? contactSubjects : companySubjects)(connection)
    },
    run: async (context) => {
      const subjects = ofContacts
        ? await contactSubjects(context.connection)
        : await companySubjects(context.connection)
      const summary = await fill(context, field, icp, { sources, subjects })
      return note === undefined ? summary : { ...summary, text: `${summary.text}; ${note}` }
    },
  }
}

async function fill(
  context: StepContext,
  field: Field,
  icp: Icp,
  { sources, subjects }: { sources: readonly Source[]; subjects: readonly Subject[] },
): Promise<StepSummary> {
  const memory = await Memory.read(context, [field])
  const counts = { subjects: subjects.length, asked: 0, hits: 0, known: 0 }
  const notes: string[] = []
  const failures: NonNullable<StepSummary['failures']> = []
  let open = subjects
  for (const source of sources) {
    const left: Subject[] = []
    const fresh: Subject[] = []
    for (const subject of open) {
      const before = memory.recall(field, source.on.name, subject, standsFor(source, field))
      if (before?.valid) counts.known++
      else if (before !== undefined || !canAsk(source, subject)) left.push(subject)
      else fresh.push(subject)
    }
    const asker = new Asker(context, icp, source, memory)
    const known = new Set<string>()
    const asked = await asker.ask(fresh, [field], (told) => {
      if (told.field === field && told.valid) known.add(told.subject.subject_id)
    })
    counts.asked += asked.answered.length
    counts.hits += known.size
    left.push(...asked.answered.filter(({ subject_id }) => !known.has(subject_id)))
    left.push(...asked.refused.map(({ subject }) => subject))
    notes.push(...asker.notes)
    failures.push(...asker.failures)
    open = left.sort((a, b) => (a.subject_id < b.subject_id ? -1 : 1))
  }
  const before = counts.known === 0 ? '' : `, ${counts.known} known before`
  const text = [`${field}: ${counts.asked} asked, ${counted(counts.hits, 'hit')}${before}`, ...notes].join('; ')
  return { rows: counts.hits, text, counts, failures }
}
