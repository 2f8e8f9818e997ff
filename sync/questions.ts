import type { StepContext } from '../pipeline/step.ts'
import { type Change, conflictId, itemId } from './changes.ts'
import type { Fate } from './fate.ts'
import { QUESTIONS } from './tables.ts'

/** So many questions in one ledger call. */
const AT_ONCE = 2_000

interface Question {
  item_id: string
  crm: string
  [column: string]: unknown
}

/** What only a person can tell, for `pipeline review`: kept as long as it is so, closed when it is settled. */
export class Questions {
  readonly #context: StepContext
  /** Open ones of before, that have not come up again yet. */
  readonly #before: Map<string, Question>
  #waiting: object[] = []

  private constructor(context: StepContext, before: Map<string, Question>) {
    this.#context = context
    this.#before = before
  }

  static async open(context: StepContext): Promise<Questions> {
    const columns = Object.keys(QUESTIONS.columns).join(', ')
    const rows = await context.connection.rows<Question>(`select ${columns} from raw.sync__questions where is_open`)
    return new Questions(context, new Map(rows.map((row) => [row.item_id, parsed(row)])))
  }

  ask(change: Change, fate: Fate): void {
    const { crm, object, record_id, ours, candidates, diff } = change
    const common = { crm, object, record_id, is_open: true }
    if (fate === 'ambiguous') {
      const item_id = itemId('crm_record', crm, object, record_id)
      this.#add({ ...common, item_id, kind: 'crm_record', property: null, ours, theirs: null, candidates })
    }
    for (const conflict of diff.conflicts) {
      const item_id = conflictId(change, conflict.to, conflict.ours)
      const { ours, theirs } = conflict
      this.#add({ ...common, item_id, kind: 'crm_conflict', property: conflict.to, ours, theirs, candidates: null })
    }
  }

  #add(question: Question): void {
    this.#before.delete(question.item_id)
    this.#waiting.push(question)
  }

  /** `looked`: these CRMs were looked at whole; what did not come up is settled. */
  async close(looked: ReadonlySet<string>): Promise<void> {
    const over = [...this.#before.values()].filter(({ crm }) => looked.has(crm))
    const settled = over.map((row) => ({ ...row, is_open: false }))
    const rows = [...this.#waiting, ...settled]
    for (let at = 0; at < rows.length; at += AT_ONCE)
      await this.#context.record(QUESTIONS, [rows.slice(at, at + AT_ONCE)])
    this.#waiting = []
  }
}

function parsed(row: Question): Question {
  const json = (value: unknown) => (typeof value === 'string' ? (JSON.parse(value) as unknown) : value)
  return { ...row, ours: json(row.ours), theirs: json(row.theirs) }
}
