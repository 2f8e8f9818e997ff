import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ProjectError, unreadable } from '../pipeline/errors.ts'
import type { Change } from './changes.ts'
import { canonical } from './diff.ts'
import type { Json } from './records.ts'

/**
 * `target/sync_plan.json`: what a sync writes, or would write, one record a line in a fixed order, so that it can be
 * read, compared and put into a pull request. It holds what goes to the CRM, personal data included.
 */
export class PlanFile {
  readonly #path: string
  readonly #file: number
  readonly #hash = createHash('sha256')
  #records = 0

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true })
    this.#path = join(folder, 'sync_plan.json')
    this.#file = openSync(`${this.#path}.tmp`, 'w')
    writeFileSync(this.#file, '{"changes": [')
  }

  /** Keeps what is to be written and what stands in the way; leaves out what is in step. */
  add(changes: readonly Change[]): void {
    const lines = changes.map((change) => {
      this.#records += 1
      const line = JSON.stringify(entryOf(change))
      this.#hash.update(line)
      return `${this.#records === 1 ? '' : ','}\n${line}`
    })
    if (lines.length > 0) writeFileSync(this.#file, lines.join(''))
  }

  /** Until then the last plan stays in its place. */
  close(): void {
    writeFileSync(this.#file, `\n], "plan_id": "pln_${this.#hash.digest('hex').slice(0, 20)}"}\n`)
    closeSync(this.#file)
    renameSync(`${this.#path}.tmp`, this.#path)
  }
}

export function entryOf({ sync_id, crm, object, record_id, crm_id, theirs, deleted, diff, candidates }: Change) {
  const fields = Object.entries(diff.fields).map(([to, value]) => [to, { from: theirs?.[to] ?? null, to: value }])
  return {
    sync_id,
    crm,
    object,
    record_id,
    crm_id,
    operation: diff.operation,
    fields: Object.fromEntries(fields) as Record<string, { from: Json; to: Json }>,
    conflicts: diff.conflicts,
    ...(deleted ? { deleted } : {}),
    ...(candidates.length > 0 ? { candidates } : {}),
  }
}

const json = z.json() as z.ZodType<Json>
const entry = z.object({
  sync_id: z.string(),
  crm: z.string(),
  object: z.string(),
  record_id: z.string(),
  crm_id: z.string().nullable(),
  operation: z.enum(['create', 'update', 'unchanged', 'archive']),
  fields: z.record(z.string(), z.object({ from: json, to: json })),
})
const planFile = z.object({ plan_id: z.string(), changes: z.array(entry) })

/** A plan that somebody has read and said yes to. Nothing else is written, and nothing of it otherwise. */
export class ReadPlan {
  readonly #entries: Map<string, string>
  readonly #met = new Set<string>()
  readonly moved: string[] = []

  private constructor(
    readonly path: string,
    readonly plan_id: string,
    entries: z.output<typeof entry>[],
  ) {
    const acts = entries.filter(({ operation }) => operation !== 'unchanged')
    this.#entries = new Map(acts.map((each) => [keyOf(each), contentOf(each)]))
  }

  /** Throws ProjectError when the file is none. */
  static read(path: string): ReadPlan {
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (error) {
      throw new ProjectError([{ file: path, message: unreadable(error), hint: 'pipeline sync plan writes one.' }])
    }
    try {
      const { plan_id, changes } = planFile.parse(JSON.parse(text))
      return new ReadPlan(path, plan_id, changes)
    } catch {
      const hint = 'pipeline sync plan writes target/sync_plan.json; it is applied as it is.'
      throw new ProjectError([{ file: path, message: 'is no plan of a sync', hint }])
    }
  }

  get size(): number {
    return this.#entries.size
  }

  has(change: Change): boolean {
    return this.#entries.has(keyOf(change))
  }

  /** Is this what the plan says, word for word, and was that written from the same state? */
  agrees(change: Change): boolean {
    const key = keyOf(change)
    this.#met.add(key)
    return this.#entries.get(key) === contentOf(entryOf(change))
  }

  /** Throws ProjectError, telling where the world is another one than the plan was made for. */
  refuseIfMoved(): void {
    const gone = [...this.#entries.keys()].filter((key) => !this.#met.has(key))
    const all = [...this.moved, ...gone.map((key) => `${key}: nothing is to be written any more`)]
    if (all.length === 0) return
    const more = all.length > 10 ? [`and ${all.length - 10} more`] : []
    throw new ProjectError([
      {
        file: this.path,
        message: `the world moved under the plan: ${[...all.slice(0, 10), ...more].join('; ')}. Nothing was written`,
        hint: 'pipeline sync plan makes a new one.',
      },
    ])
  }
}

function keyOf({ crm, object, record_id }: { crm: string; object: string; record_id: string }): string {
  return `${crm} ${object} ${record_id}`
}

/** The hash in it is of the act alone; what it was made from is the rest. */
function contentOf({
  sync_id,
  crm_id,
  operation,
  fields,
}: Omit<z.output<typeof entry>, 'crm' | 'object' | 'record_id'>) {
  return canonical([sync_id, crm_id, operation, fields as unknown as Json])
}
