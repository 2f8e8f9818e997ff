import type { z } from 'zod'
import type { Http } from '../pipeline/http.ts'
import type { LedgerTable, Reject, StepContext } from '../pipeline/step.ts'
import type { Resource } from './define.ts'

/** What became of the rows of a resource. */
export interface Landed {
  rows: number
  /** New, or changed since last seen. */
  fresh: number
  rejected: number
}

const FLUSH_ROWS = 5_000

/** Checks the rows that a vendor gives against the shape that was agreed, and says where the two have drifted apart. */
export class Intake {
  rows = 0
  rejected = 0
  /** Enrichment: whom it is asked about. A row about anybody else does not fit. */
  subjects: ReadonlySet<string> | undefined
  readonly #unknown = new Set<string>()
  readonly #missing: Set<string>
  readonly #known: ReadonlySet<string>

  constructor(
    readonly provider: string,
    readonly name: string,
    readonly resource: Resource,
  ) {
    this.#missing = new Set(Object.keys(resource.row.shape))
    this.#known = new Set(resource.known)
  }

  /** The rows that fit, with the fields nobody asked for, which are kept; and the others, each with its reason. */
  take(page: readonly unknown[]): { rows: Record<string, unknown>[]; rejects: Reject[] } {
    const rows: Record<string, unknown>[] = []
    const rejects: Reject[] = []
    for (const given of page) {
      this.rows++
      const parsed = this.resource.row.safeParse(given)
      const reason = parsed.success ? this.#misfit(parsed.data) : reasonOf(parsed.error)
      if (reason === undefined) {
        const row = given as Record<string, unknown>
        this.#compare(row)
        rows.push({ ...row, ...parsed.data })
      } else {
        this.rejected++
        const content = JSON.stringify(given) ?? String(given)
        rejects.push({ source: this.provider, file: this.name, line: this.rows, reason, content })
      }
    }
    return { rows, rejects }
  }

  #misfit(row: Record<string, unknown>): string | undefined {
    const empty = this.resource.key.find((name) => (row[name] ?? null) === null)
    if (empty !== undefined) return `${empty}: is part of the key, and empty`
    if (this.subjects === undefined || this.subjects.has(String(row.subject_id))) return undefined
    return 'subject_id: was not asked about'
  }

  #compare(row: Record<string, unknown>): void {
    for (const field of Object.keys(row)) {
      this.#missing.delete(field)
      if (!(field in this.resource.row.shape) && !this.#known.has(field)) this.#unknown.add(field)
    }
  }

  /** Fields that no row had, fields that the row schema does not know (they are in `_payload`), rows that did not fit. */
  notes(): string[] {
    const drift = (fields: Set<string>, what: string) =>
      fields.size === 0 ? [] : [`${this.provider}.${this.name} ${what}: ${[...fields].sort().join(', ')}`]
    const fitting = this.rows - this.rejected
    return [
      ...drift(this.#unknown, 'has new fields'),
      ...(fitting > 0 ? drift(this.#missing, 'no longer has') : []),
      ...(this.rejected > 0 ? [`${this.provider}.${this.name}: ${counted(this.rejected, 'row')} rejected`] : []),
    ]
  }
}

/** Rows as they came in one answer. */
export interface Page {
  rows: readonly unknown[]
  fetched_at?: string
  /** Enrichment: whom it was to be about. */
  about?: ReadonlySet<string>
}

/**
 * Records pages as they come, many at once, each row with the time of its answer; what came before a failure is kept, unless
 * only a whole list means anything. Those of two days are not recorded together: a run as of the first sees the first.
 */
export async function landPages(
  context: StepContext,
  table: LedgerTable,
  intake: Intake,
  pages: AsyncIterable<Page> | Iterable<Page>,
  kept?: (rows: readonly Record<string, unknown>[]) => void,
): Promise<Landed> {
  let fresh = 0
  let waiting: object[] = []
  let day: string | undefined
  const times = new Map<object, string | undefined>()
  const flush = async () => {
    const { appended } = await context.record(table, [waiting], { fetched_at: (row) => times.get(row) })
    fresh += appended
    waiting = []
    times.clear()
  }
  const whole = table.write === 'replace'
  try {
    for await (const { rows, fetched_at, about } of pages) {
      context.signal.throwIfAborted()
      const on = fetched_at?.slice(0, 10)
      if (!whole && waiting.length > 0 && (on !== day || waiting.length >= FLUSH_ROWS)) await flush()
      day = on
      if (about !== undefined) intake.subjects = about
      const taken = intake.take(rows)
      if (taken.rejects.length > 0) await context.reject(taken.rejects)
      kept?.(taken.rows)
      waiting.push(...taken.rows)
      for (const row of taken.rows) times.set(row, fetched_at)
      context.progress(`${intake.provider}.${intake.name}: rows`, intake.rows)
    }
  } catch (error) {
    if (!whole && waiting.length > 0) await flush()
    throw error
  }
  if (whole || waiting.length > 0) await flush()
  return { rows: intake.rows, fresh, rejected: intake.rejected }
}

/** The pages of a resource, each with the time at which its answer was had. */
export async function* timed(
  http: Http,
  pages: (http: Http) => AsyncIterable<readonly unknown[]>,
): AsyncGenerator<Page> {
  let fetched_at: string | undefined
  const listening: Http = {
    async send(request, expect) {
      const answer = await http.send(request, expect)
      fetched_at = answer.fetched_at
      return answer
    },
  }
  for await (const rows of pages(listening)) yield { rows, fetched_at }
}

/** `1 row`, `2 rows`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Which field, and what about it: never the value, which may be personal. */
function reasonOf(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`))
    .join('; ')
}
