import type { IncomingMessage, WaitingMessages } from './incoming.ts'
import type { Mail } from './mail.ts'
import { type Pauses, pausesOf } from './pauses.ts'

/** What a step needs of the world to act on it without doing so twice, or against somebody's word. */
export interface Acts {
  mail: Mail
  /** In force right now, whoever holds the ledger: asked right before each message. */
  pauses: Pauses
  /** What arrived since the run began, at the moment of asking. */
  waiting: WaitingMessages
  /** What has arrived of these kinds and was taken in, in order. */
  taken(...kinds: string[]): Promise<IncomingMessage[]>
  /** The ledger's own id: tells the same event of two ledgers apart. */
  ledger_id: string
  intents: Intents
}

/** How what is about to be done outlives the machine that does it. */
export interface Intents {
  /**
   * Brings what was recorded so far to the ledger's home, if that is elsewhere; throws when another run was there first: then
   * nothing may be done.
   */
  secure(): Promise<void>
  /** How many intents are worth one `secure`. */
  together: number
  /**
   * How old an intent of another run must be before it counts as left behind. With the ledger on this machine none: its lock
   * says that whoever wrote it is gone. What is about to be done must begin within half of it.
   */
  lease_ms: number
}

/** For who only computes. */
export function noActs(): Acts {
  const refuse = () => Promise.reject(new Error('nothing is done to the outside world here'))
  const waiting = { of: () => [] }
  return {
    mail: { deliver: refuse, greet: refuse, open: refuse },
    pauses: pausesOf([], waiting),
    waiting,
    taken: async () => [],
    ledger_id: '',
    intents: { secure: async () => {}, together: 1, lease_ms: 0 },
  }
}
