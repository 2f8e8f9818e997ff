import type { LedgerTable, StepContext } from '../pipeline/step.ts'
import { quoteLiteral } from '../pipeline/table.ts'
import { hashOf } from './catalogue.ts'
import type { Subject } from './define.ts'

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
  },
  key: ['field', 'provider', 'subject_id'],
  docs: { inputs: 'Hash of what was known of the subject; another question when it changes.' },
  write: 'merge',
  visible: 'next_run',
}

interface Answer {
  hit: boolean
  asked_on: string
}

/** What is remembered of one field. Ids that have been merged since go by the id they merged into. */
export class Memory {
  readonly #answers: Map<string, Answer>
  readonly #today: number

  private constructor(
    readonly field: string,
    as_of: string,
    rows: readonly (Answer & { provider: string; subject_id: string; inputs: string })[],
  ) {
    this.#today = dayOf(as_of)
    this.#answers = new Map(rows.map((row) => [keyOf(row.provider, row.subject_id, row.inputs), row]))
  }

  static async read(context: Pick<StepContext, 'connection' | 'as_of'>, field: string): Promise<Memory> {
    const rows = await context.connection.rows<Answer & { provider: string; subject_id: string; inputs: string }>(`
      select
          asked.provider,
          coalesce(resolved.id, asked.subject_id) as subject_id,
          asked.inputs,
          arg_max(asked.hit, (asked.asked_on, asked.hit)) as hit,
          max(asked.asked_on) as asked_on
      from raw.enrichment__asked as asked
      left join (select distinct subject_id, id from intermediate.int_subjects_resolved) as resolved
          on resolved.subject_id = asked.subject_id
      where asked.field = ${quoteLiteral(field)}
      group by all`)
    return new Memory(field, context.as_of, rows)
  }

  /** The answer of at most `ttl_days` ago to the same question. */
  recall(provider: string, subject: Subject, ttl_days: number): Answer | undefined {
    const answer = this.#answers.get(keyOf(provider, subject.subject_id, inputsOf(subject)))
    return answer !== undefined && this.#today - dayOf(answer.asked_on) < ttl_days ? answer : undefined
  }

  async keep(context: StepContext, provider: string, subjects: readonly Subject[], hits: Set<string>): Promise<void> {
    const { field } = this
    const rows = subjects.map((subject) => ({
      field,
      provider,
      subject_id: subject.subject_id,
      inputs: inputsOf(subject),
      hit: hits.has(subject.subject_id),
      asked_on: context.as_of,
    }))
    await context.record(ASKED, [rows])
  }
}

function inputsOf({ subject_id: _subject, company_id: _company, ...known }: Subject): string {
  return hashOf(known).slice(0, 20)
}

function keyOf(provider: string, subject_id: string, inputs: string): string {
  return `${provider}\n${subject_id}\n${inputs}`
}

function dayOf(date: string): number {
  return Date.parse(date.slice(0, 10)) / 86_400_000
}
