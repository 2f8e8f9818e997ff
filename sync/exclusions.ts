import { watchIncoming } from '../pipeline/incoming.ts'
import type { StepContext } from '../pipeline/step.ts'
import type { Change } from './changes.ts'

/** Who is not to be made a record of, and whose record is not to be touched any more. */
export interface Exclusions {
  /** Takes in what somebody has said since; before each batch. */
  refresh(): void
  /** Why a change is not to be done; undefined when nothing is against it. */
  against(change: Pick<Change, 'about' | 'record_id' | 'crm_id'>): string | undefined
}

/**
 * Companies that are suppressed, customers, competitors and the like are never made; what is there already of customers and
 * open deals is kept up to date. Suppressed companies and people are neither made nor written to, from the moment somebody
 * says so: what waits in `data/incoming/` counts.
 */
export async function readExclusions({ connection, paths }: StepContext): Promise<Exclusions> {
  const companies = await connection.rows<{ company_id: string; reason: string }>(
    'select company_id, reason from intermediate.int_companies_excluded',
  )
  const people = await connection.rows<{ by: string; value: string; is_ours: boolean }>(
    `select suppressed_by as "by", suppressed_value as value, origin = 'suppress' as is_ours
     from intermediate.int_suppressions_combined`,
  )
  const excluded = new Map(companies.map(({ company_id, reason }) => [company_id, reason]))
  const named_by = (mine: boolean) =>
    people.flatMap(({ by, value, is_ours }) => (is_ours === mine ? [`${by} ${value}`] : []))
  const taken = named_by(true)
  /** Only the CRM that says so takes it back. */
  const opted_out = new Set(named_by(false))
  const waiting = watchIncoming(paths.data)
  let seen = -1
  let named = new Set<string>()
  const refresh = () => {
    const messages = waiting.of('suppress')
    if (messages.length !== seen) named = standing(taken, messages)
    seen = messages.length
  }
  refresh()
  return {
    refresh,
    against({ about, record_id, crm_id }) {
      if (namesOf(record_id, about).some((name) => named.has(name) || opted_out.has(name))) return 'suppressed'
      const reason = about.company_id === null ? undefined : excluded.get(about.company_id)
      return reason === 'suppressed' || crm_id === null ? reason : undefined
    },
  }
}

function namesOf(record_id: string, { company_id, contact_id, email, domain, cnpj }: Change['about']): string[] {
  const host = email?.slice(email.indexOf('@') + 1)
  const names = { company_id, contact_id, email, domain, cnpj_root: cnpj?.slice(0, 8) }
  const pairs = [...Object.entries(names), ['contact_id', record_id], ['company_id', record_id], ['domain', host]]
  return pairs.flatMap(([by, value]) => (value ? [`${by} ${value}`] : []))
}

/** The last word on each. */
function standing(taken: readonly string[], messages: readonly { at: string; body: Record<string, unknown> }[]) {
  const named = new Set(taken)
  for (const { body } of messages.toSorted((a, b) => (a.at < b.at ? -1 : 1))) {
    // One, or a whole list.
    const entries = Array.isArray(body.entries) ? (body.entries as Record<string, unknown>[]) : [body]
    for (const { by, value } of entries) {
      const name = `${String(by)} ${String(value)}`
      if (body.action === 'remove') named.delete(name)
      else named.add(name)
    }
  }
  return named
}
