import { writeIncoming } from '../pipeline/incoming.ts'
import type { StepContext } from '../pipeline/step.ts'
import type { Subject } from './fields.ts'
import type { Named } from './suppressions.ts'

/**
 * Who asked a vendor not to process anything about them is suppressed as if somebody had said `pipeline suppress add`: in
 * force at once, taken into the ledger by the next run, and once only, so that a person may lift it.
 */
export function suppressClaimed(
  { paths, now }: Pick<StepContext, 'paths' | 'now'>,
  title: string,
  subjects: readonly Subject[],
): void {
  for (const { subject_id, company_id, email } of subjects) {
    const by = subject_id === company_id ? 'company_id' : 'contact_id'
    const named: Named[] = [{ by, value: subject_id }]
    if (email !== null) named.push({ by: 'email', value: email.toLowerCase() })
    for (const each of named) {
      const body = { action: 'add', ...each, reason: `asked ${title} not to be processed` }
      const id = `claimed-${each.by}-${subject_id}`
      writeIncoming(paths.data, { id, kind: 'suppress', at: now().toISOString(), body })
    }
  }
}
