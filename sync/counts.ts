import type { StepSummary } from '../pipeline/step.ts'

export type Failures = NonNullable<StepSummary['failures']>

/** What a sync came to, or would. */
export class Tally {
  create = 0
  update = 0
  archive = 0
  unchanged = 0
  /** Fields that somebody changed since we wrote them. */
  conflicts = 0
  /** Records that somebody deleted. */
  deleted = 0
  /** Rows that several records of others may be. */
  ambiguous = 0
  /** Suppressed, or known to be somebody else's. */
  excluded = 0
  /** Refused before, and nothing has changed since. */
  refused = 0
  rejected = 0
  /** Not known to have arrived: sent again by the next run. */
  unknown = 0
  /** Their parents are not there yet. */
  waiting = 0
  linked = 0
  /** Not done, since somebody paused it, or changed the CRM under the plan. */
  undone = 0
  readonly failures: Failures = []

  get counts(): Record<string, number> {
    const { failures: _, ...counts } = this
    return counts as unknown as Record<string, number>
  }

  get rows(): number {
    return this.create + this.update + this.archive + this.unchanged
  }

  text(live: boolean): string {
    const told: [number, string][] = [
      [this.archive, 'to archive'],
      [this.conflicts, 'fields changed by people since'],
      [this.deleted, 'deleted by people, left so'],
      [this.ambiguous, 'ambiguous (pipeline review)'],
      [this.excluded, 'suppressed or known'],
      [this.refused, 'refused before (pipeline sync retry)'],
      [this.rejected, 'rejected'],
      [this.unknown, 'without an answer'],
      [this.waiting, 'waiting for their parents'],
      [this.linked, 'links'],
      [this.undone, 'not done'],
    ]
    const parts = [`${this.create} to create, ${this.update} to update, ${this.unchanged} unchanged`]
    for (const [count, words] of told) if (count > 0) parts.push(`${count} ${words}`)
    const acts = this.create + this.update + this.archive + this.linked > 0
    return `${parts.join(', ')}: ${!acts ? 'nothing to write' : live ? 'written' : 'a plan, nothing written'}`
  }
}
