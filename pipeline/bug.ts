import { CheckFailed, Interrupted, LedgerHeld, ProjectError, RemoteError } from './errors.ts'
import { NotAsked } from './http/refused.ts'

/** The database refused a statement. Its message is DuckDB's own, whole; what to do stands in it. */
export class StatementError extends Error {
  override readonly name = 'StatementError'
}

const EXPECTED = [ProjectError, CheckFailed, RemoteError, LedgerHeld, Interrupted, NotAsked, StatementError]

/** What a machine may refuse to any program: full, not allowed, read-only, too many files open, broken. */
const REFUSALS = ['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'EMFILE', 'ENFILE', 'EIO']

/**
 * The calls that led to an error which nobody expects, innermost first; undefined for one whose message says it all: of
 * the project, the data, a service, the database, the machine.
 */
export function bugStack(error: unknown): string | undefined {
  if (EXPECTED.some((kind) => error instanceof kind)) return undefined
  if (REFUSALS.includes((error as { code?: string } | null)?.code ?? '')) return undefined
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return stack.slice(stack.search(/^ {4}at /m) >>> 0)
}
