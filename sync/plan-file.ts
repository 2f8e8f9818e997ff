import { closeSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Change } from './changes.ts'

/**
 * `target/sync_plan.json`: what a sync writes, or would write, one record a line in a fixed order, so that it can be
 * read, compared and put into a pull request. It holds what goes to the CRM, personal data included.
 */
export class PlanFile {
  readonly #path: string
  readonly #file: number
  #records = 0

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true })
    this.#path = join(folder, 'sync_plan.json')
    this.#file = openSync(`${this.#path}.tmp`, 'w')
    writeFileSync(this.#file, '{"changes": [')
  }

  /** Keeps what is to be written and what stands in the way; leaves out what is in step. */
  add(changes: readonly Change[]): void {
    const lines = changes.filter(isNews).map((change) => {
      this.#records += 1
      return `${this.#records === 1 ? '' : ','}\n${JSON.stringify(entryOf(change))}`
    })
    if (lines.length > 0) writeFileSync(this.#file, lines.join(''))
  }

  /** Until then the last plan stays in its place. */
  close(): void {
    writeFileSync(this.#file, '\n]}\n')
    closeSync(this.#file)
    renameSync(`${this.#path}.tmp`, this.#path)
  }
}

function isNews({ diff, deleted }: Change): boolean {
  return diff.operation !== 'unchanged' || diff.conflicts.length > 0 || deleted
}

function entryOf({ sync_id, crm, object, record_id, crm_id, theirs, deleted, diff }: Change): object {
  const fields = Object.entries(diff.fields).map(([to, value]) => [to, { from: theirs?.[to] ?? null, to: value }])
  return {
    sync_id,
    crm,
    object,
    record_id,
    crm_id,
    operation: diff.operation,
    fields: Object.fromEntries(fields) as object,
    conflicts: diff.conflicts,
    ...(deleted ? { deleted } : {}),
  }
}
