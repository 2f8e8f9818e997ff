import { randomUUID } from 'node:crypto'
import { type IncomingMessage, writeIncoming } from '../pipeline/incoming.ts'
import { placesOf } from '../pipeline/warehouse/home.ts'
import type { CommandSession } from './session.ts'

/** Leaves a message in `data/incoming/`, where it is in force at once for whoever acts, and taken into the ledger by the next run. */
export async function leaveMessage(
  { root, load }: CommandSession,
  kind: string,
  body: Record<string, unknown>,
): Promise<IncomingMessage> {
  const { config } = await load()
  const message = { id: `${kind}-${randomUUID()}`, kind, at: new Date().toISOString(), body }
  writeIncoming(placesOf(root, config.target).data, message)
  return message
}
