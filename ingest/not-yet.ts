import { RemoteError } from '../pipeline/errors.ts'

/** A vendor answered, and said that it cannot tell yet, until all tries were used up: it is not broken. */
export function isNotYet(error: unknown): boolean {
  if (!(error instanceof RemoteError) || error.reason !== 'later') return false
  const { status = 0 } = error.details
  return status >= 200 && status < 300
}
