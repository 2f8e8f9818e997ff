import { inOrder, watchIncoming } from '../pipeline/incoming.ts'
import type { Subject } from './fields.ts'
import { standing } from './suppressions.ts'

/**
 * Who has been suppressed since the run began: models know only what was taken in before. Asked right before each batch, so
 * that nobody is bought whom somebody has just ruled out. Answers whether a subject is one of them.
 */
export function watchSuppressions(data: string): (subject: Subject) => boolean {
  const waiting = watchIncoming(data)
  let seen = 0
  let named: ReadonlyMap<string, unknown> = new Map()
  return ({ subject_id, company_id, domain, cnpj, email }) => {
    const messages = waiting.of('suppress')
    if (messages.length !== seen) named = standing(inOrder(messages))
    seen = messages.length
    if (named.size === 0) return false
    const names = [
      ['company_id', company_id],
      ['contact_id', subject_id],
      ['domain', domain],
      ['cnpj_root', cnpj?.slice(0, 8)],
      ['email', email?.toLowerCase()],
      ['domain', email?.slice(email.indexOf('@') + 1).toLowerCase()],
    ]
    return names.some(([by, value]) => value !== undefined && value !== null && named.has(`${by} ${value}`))
  }
}
