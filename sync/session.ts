import { RemoteError } from '../pipeline/errors.ts'
import type { HttpFactory } from '../pipeline/http.ts'
import { type Crm, type CrmContext, CrmError } from './define.ts'
import type { CrmSession, Identity } from './records.ts'

/** What a session needs of the world. */
export interface SessionWorld {
  root: string
  http: HttpFactory
  as_of: string
  now(): Date
  signal: AbortSignal
}

/** Opens one instance; it is asked nothing yet. */
export function connect(
  name: string,
  definition: Crm,
  settings: Record<string, unknown>,
  { root, http, as_of, now, signal }: SessionWorld,
): CrmSession {
  const context: CrmContext<Record<string, unknown>> = {
    settings,
    root,
    http: (options) => http({ ...options, service: name }),
    as_of,
    now,
    signal,
  }
  return definition.connect(context)
}

/** For `pipeline debug`. Throws when it cannot be reached, or is another account than the settings name. */
export async function checkAccount(
  name: string,
  definition: Crm,
  settings: Record<string, unknown>,
  world: SessionWorld,
): Promise<string> {
  const identity = await connect(name, definition, settings, world).identity()
  requireAccount(definition, settings, identity)
  return textOf(identity)
}

/** A credential for another account is the worst accident there is: nothing is read from it, nothing written. */
export function requireAccount(definition: Crm, settings: Record<string, unknown>, { account }: Identity): void {
  const wanted = definition.account(settings)
  if (wanted === null || wanted === account) return
  const message = `the credentials open account ${account ?? 'unknown'}, the settings name ${wanted}: nothing is written`
  throw new CrmError(`${message}. Mend the account or the credentials in pipeline.yaml`)
}

function textOf({ account, name, time_zone }: Identity): string {
  const more = [account === null ? null : name, time_zone].filter((part) => part !== null)
  return [account ?? name ?? 'is there', ...(more.length === 0 ? [] : [`(${more.join(', ')})`])].join(' ')
}

/** What a CRM says no with, as the engine knows it; a bug stays a bug. */
export function remote(error: unknown, crm: string): unknown {
  return error instanceof CrmError ? new RemoteError(`${crm}: ${error.message}`, crm, { cause: error }) : error
}
