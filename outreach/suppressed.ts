import { z } from 'zod'
import type { Acts } from '../pipeline/acts.ts'
import type { IncomingMessage } from '../pipeline/incoming.ts'
import { inOrder } from '../pipeline/incoming.ts'
import type { StepContext } from '../pipeline/step.ts'

const named = z.object({ by: z.string(), value: z.string() })
/** Of one, or of a whole list. */
const said = z.object({ action: z.enum(['add', 'remove']), entries: z.array(named).optional() })

/** By what somebody may be suppressed. */
export interface Person {
  contact_id: string | null
  company_id: string | null
  email: string | null
  domain: string | null
  cnpj: string | null
}

/**
 * Who must not be written to at the moment of asking: by what the ledger has taken in, and by what has arrived since. An
 * address is the same in capitals, with spaces around it and with a `+tag`. `told`: by somebody else (`optOutsOfCrms`), which no
 * word of ours takes back.
 */
export async function suppressions(
  { taken, waiting }: Acts,
  told: readonly { by: string; value: string }[] = [],
): Promise<(person: Person) => boolean> {
  const [known, { registrableDomain }] = await Promise.all([taken('suppress'), import('./registrable-domain.ts')])
  const others = new Set(told.map(nameOf))
  let seen = -1
  let standing = new Set<string>()
  return (person) => {
    const fresh = waiting.of('suppress')
    if (fresh.length !== seen) standing = standingOf(inOrder([...known, ...fresh]))
    seen = fresh.length
    if (standing.size + others.size === 0) return false
    return namesOf(person, registrableDomain).some((name) => standing.has(name) || others.has(name))
  }
}

function standingOf(messages: readonly IncomingMessage[]): Set<string> {
  const standing = new Set<string>()
  for (const { body } of messages) {
    const read = said.safeParse(body)
    if (!read.success) continue
    const { action, entries = named.safeParse(body).data ?? [] } = read.data
    for (const one of [entries].flat()) {
      const name = nameOf(one)
      if (action === 'add') standing.add(name)
      else standing.delete(name)
    }
  }
  return standing
}

function nameOf({ by, value }: { by: string; value: string }): string {
  return `${by} ${by === 'email' ? plainAddress(value) : value}`
}

/** Who opted out in a CRM, as the last run read it. */
export async function optOutsOfCrms({
  connection,
}: Pick<StepContext, 'connection'>): Promise<{ by: string; value: string }[]> {
  return connection.rows(
    `select suppressed_by as "by", suppressed_value as value
     from intermediate.int_suppressions_combined where origin <> 'suppress'`,
  )
}

function namesOf(
  { contact_id, company_id, email, domain, cnpj }: Person,
  registrableDomain: (host: string) => string,
): string[] {
  const address = email === null ? undefined : plainAddress(email)
  const host = address?.slice(address.lastIndexOf('@') + 1)
  const hosts = [domain?.toLowerCase(), host].flatMap((one) => (one ? [one, registrableDomain(one)] : []))
  return [
    ...(contact_id === null ? [] : [`contact_id ${contact_id}`]),
    ...(company_id === null ? [] : [`company_id ${company_id}`]),
    ...(address === undefined ? [] : [`email ${address}`]),
    ...hosts.map((one) => `domain ${one}`),
    ...(cnpj === null ? [] : [`cnpj_root ${cnpj.slice(0, 8)}`]),
  ]
}

/** `Ana+news@Example.com ` → `ana@example.com`. */
export function plainAddress(address: string): string {
  return address
    .trim()
    .toLowerCase()
    .replace(/\+[^@]*(?=@)/, '')
}
