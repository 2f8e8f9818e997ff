import { existsSync } from 'node:fs'
import { LedgerHeld, messageOf } from '../pipeline/errors.ts'
import { type IncomingMessage, inOrder, readTaken, type WaitingMessages } from '../pipeline/incoming.ts'
import type { Places } from '../pipeline/warehouse/home.ts'
import { openSession } from '../pipeline/warehouse/session.ts'

/**
 * The messages of these kinds, in the order in which they came: what the ledger has taken in, and what waits. Throws
 * LedgerHeld while a run writes to the ledger.
 */
export async function readMessages(
  { ledger, data }: Places,
  watch: (data: string) => WaitingMessages,
  ...kinds: string[]
): Promise<IncomingMessage[]> {
  return inOrder([...(await takenIn(ledger, kinds)), ...watch(data).of(...kinds)])
}

async function takenIn(ledger: string, kinds: readonly string[]): Promise<IncomingMessage[]> {
  if (!existsSync(ledger)) return []
  const session = await openSession({ ledger, ledger_read_only: true, as_of: '2000-01-01' }).catch((error: unknown) => {
    const message = messageOf(error)
    throw /lock/i.test(message) ? new LedgerHeld(`a run holds the ledger\n  ${message}`) : error
  })
  try {
    return await readTaken(session.connection, kinds)
  } finally {
    session.close()
  }
}
