import type { LedgerTable, StepContext } from '../pipeline/step.ts'
import { quoteLiteral } from '../pipeline/table.ts'
import { hashOf } from './catalogue.ts'
import type { Field, Subject } from './fields.ts'

/** Whom a provider was asked about, and whether it knew: what has been asked is not asked, or paid for, again. */
export const ASKED: LedgerTable = {
  source: 'enrichment',
  table: 'asked',
  description: 'The last time each provider was asked to fill a field of a company or contact.',
  columns: {
    field: 'VARCHAR',
    provider: 'VARCHAR',
    subject_id: 'VARCHAR',
    inputs: 'VARCHAR',
    hit: 'BOOLEAN',
    asked_on: 'DATE',
    valid: 'BOOLEAN',
    answer: 'VARCHAR',
    confidence: 'DOUBLE',
    segment: 'VARCHAR',
    call_id: 'VARCHAR',
    subjects_of_call: 'INTEGER',
  },
  key: ['field', 'provider', 'subject_id'],
  docs: {
    inputs: 'Hash of what was known of the subject; another question when it changes.',
    valid: 'Whether the hit may be believed.',
    answer: 'Hash of what was said, to tell whether several agree.',
    confidence: 'How sure the provider is, where it says so.',
    segment: 'Country of the company.',
    call_id: 'The request in the log of calls that answered; NULL for what was not asked over HTTP.',
    subjects_of_call: 'Companies or people that the request was about: they share its price.',
  },
  write: 'merge',
  visible: 'next_run',
  // What was asked of them alone was answered about them alone.
  about: { brings: ['case when subjects_of_call = 1 then call_id end'] },
}

/** What a provider said of one subject. */
export interface Answer {
  hit: boolean
  valid: boolean
  answer: string
  confidence: number | null
}

interface Remembered extends Answer {
  asked_on: string
}

/** One subject's answer, as it is to be remembered. */
export interface Told extends Answer {
  field: Field
  subject: Subject
  call_id: string | null
  subjects_of_call: number
}

interface Stored extends Remembered {
  field: string
  provider: string
  subject_id: string
  inputs: string
}

/** What is remembered of some fields. Ids that have been merged since go by the id they merged into. */
export class Memory {
  readonly #answers: Map<string, Remembered>
  readonly #today: number

  private constructor(as_of: string, rows: readonly Stored[]) {
    this.#today = dayOf(as_of)
    this.#answers = new Map(rows.map((row) => [keyOf(row.field, row.provider, row.subject_id, row.inputs), row]))
  }

  static async read(context: Pick<StepContext, 'connection' | 'as_of'>, fields: readonly string[]): Promise<Memory> {
    const latest = '(asked.asked_on, asked.hit, asked.subject_id)'
    const rows = await context.connection.rows<Stored>(`
      select
          asked.field,
          asked.provider,
          coalesce(resolved.id, asked.subject_id) as subject_id,
          asked.inputs,
          arg_max(asked.hit, ${latest}) as hit,
          arg_max(coalesce(asked.valid, asked.hit), ${latest}) as valid,
          coalesce(arg_max(asked.answer, ${latest}), '') as answer,
          arg_max(asked.confidence, ${latest}) as confidence,
          max(asked.asked_on) as asked_on
      from raw.enrichment__asked as asked
      left join (select distinct subject_id, id from intermediate.int_subjects_resolved) as resolved
          on resolved.subject_id = asked.subject_id
      where asked.field in (${fields.map(quoteLiteral).join(', ')})
      group by all`)
    return new Memory(context.as_of, rows)
  }

  /** The answer of at most `ttl_days` ago to the same question. */
  recall(field: string, provider: string, subject: Subject, ttl_days: number): Answer | undefined {
    const answer = this.#answers.get(keyOf(field, provider, subject.subject_id, inputsOf(subject)))
    return answer !== undefined && this.#today - dayOf(answer.asked_on) < ttl_days ? answer : undefined
  }

  async keep(context: StepContext, provider: string, told: readonly Told[]): Promise<void> {
    const rows = told.map(({ field, subject, ...answer }) => {
      const { subject_id } = subject
      const inputs = inputsOf(subject)
      this.#answers.set(keyOf(field, provider, subject_id, inputs), { ...answer, asked_on: context.as_of })
      return { field, provider, subject_id, inputs, segment: segmentOf(subject), ...answer, asked_on: context.as_of }
    })
    await context.record(ASKED, [rows])
  }
}

/** Providers know some countries better than others. */
export function segmentOf({ country }: Subject): string {
  return country ?? 'unknown'
}

/** What the subject is asked about by: the rest of it is our own. */
function inputsOf({ subject_id: _subject, company_id: _company, ...known }: Subject): string {
  return hashOf(known).slice(0, 20)
}

function keyOf(field: string, provider: string, subject_id: string, inputs: string): string {
  return `${field}\n${provider}\n${subject_id}\n${inputs}`
}

function dayOf(date: string): number {
  return Date.parse(date.slice(0, 10)) / 86_400_000
}
