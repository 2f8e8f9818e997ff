import { RemoteError } from '../errors.ts'

/** Whether a service is worth asking: shared by all who ask it in a run. */
export interface Circuit {
  /** Throws RemoteError, reason `closed`, where asking would be of no use. */
  check(place: string): void
  /** The same, when a request that was let through and waited its turn is about to leave. */
  leaves(place: string): void
  /** The vendor said that nothing more comes of it in this run: of one endpoint, or of the whole service. */
  close(because: string, place?: string): void
  /** It answered; broken-off exchanges in a row start from none. */
  alive(): void
  /** Nothing was asked after all. */
  unasked(): void
  /** It broke off, or said that it is broken. */
  failed(): void
}

/** Where each request goes to somebody else. */
export const NO_CIRCUIT: Circuit = { check() {}, leaves() {}, close() {}, alive() {}, unasked() {}, failed() {} }

/** Faults in a row, over all that is under way, after which a service is left alone. */
const FAULTS = 10
const FIRST_REST_MS = 30_000
const LONGEST_REST_MS = 300_000

/**
 * Closed for the rest of the run by a used-up quota or a key that is not accepted. After ten faults in a row it rests for
 * half a minute, in which everybody fails at once; then one request finds out, and each that finds nothing doubles the rest.
 */
export function createCircuit(service: string, now: () => Date): Circuit {
  const closed = new Map<string, string>()
  let faults = 0
  let rests = 0
  let resting_until = 0
  let probing = false

  function refuse(because: string): never {
    throw new RemoteError(`${service}: not asked: ${because}`, service, { reason: 'closed' })
  }

  function leaves(place: string): void {
    const because = closed.get('') ?? closed.get(place)
    if (because !== undefined) refuse(because)
  }

  return {
    leaves,
    check(place) {
      leaves(place)
      if (rests === 0) return
      const wait = resting_until - now().getTime()
      if (wait > 0 || probing) refuse(`${faults} faults in a row, it is left alone for a while`)
      probing = true
    },
    close(because, place = '') {
      probing = false
      if (!closed.has(place)) closed.set(place, because)
    },
    alive() {
      faults = 0
      rests = 0
      probing = false
    },
    unasked() {
      probing = false
    },
    failed() {
      faults++
      if (faults < FAULTS || (rests > 0 && !probing)) return
      probing = false
      resting_until = now().getTime() + Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** rests)
      rests++
    },
  }
}
