import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { writeIncoming } from '../../pipeline/incoming.ts'
import type { Mail } from '../../pipeline/mail.ts'
import type { Inbox } from '../inbox.ts'
import { HEARD_KIND, type Heard, hear } from './heard.ts'
import { type Position, readFolder } from './poll.ts'
import { readMail } from './read-mail.ts'
import type { Rules } from './rules.ts'

const positions = z.record(z.string(), z.strictObject({ uid_validity: z.string(), uid: z.int().nonnegative() }))

/** What reading mailboxes needs of the world; no ledger. */
export interface Listening {
  mail: Mail
  rules: Rules
  /** The target's folder for data: messages go to its `incoming/`. */
  data: string
  /** Every address of ours. */
  own: ReadonlySet<string>
  now(): Date
  signal: AbortSignal
  /** Each class that was heard. */
  heard(what: Heard['class']): void
}

/**
 * Reads what is new in a mailbox into `data/incoming/`, and how far it was read into `positions` beside it. With `wait_ms`
 * it then waits for more, until the signal aborts. Answers how many messages were read. Throws RemoteError.
 */
export async function readInbox(inbox: Inbox, world: Listening, positions_file: string, wait_ms = 0): Promise<number> {
  const { server, folder: name } = inbox
  const key = `${server.login?.user ?? ''} ${server.host}:${server.port} ${name}`
  const folder = await world.mail.open(server, name)
  let read = 0
  try {
    do {
      read += await readFolder(
        folder,
        readPositions(positions_file)[key],
        (source) => take(source, inbox, world),
        (position) => keepPosition(positions_file, key, position),
      )
      if (wait_ms > 0 && !world.signal.aborted) await folder.idle(wait_ms)
    } while (wait_ms > 0 && !world.signal.aborted)
  } finally {
    await folder.close()
  }
  return read
}

async function take(source: Buffer, { mailbox }: Inbox, { rules, data, own, now, heard }: Listening): Promise<void> {
  const messages = hear(await readMail(source), { mailbox, own }, rules, now()) ?? []
  // Who is not to be written to any more comes first: if all else is lost, that is not.
  for (const message of messages.toReversed()) writeIncoming(data, message)
  for (const { kind, body } of messages) if (kind === HEARD_KIND) heard((body as Heard).class)
}

function readPositions(file: string): Record<string, Position> {
  if (!existsSync(file)) return {}
  try {
    return positions.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    // Read anew from the beginning: what was taken in before is known by its id.
    return {}
  }
}

function keepPosition(file: string, key: string, position: Position): void {
  mkdirSync(dirname(file), { recursive: true })
  const temporary = `${file}.tmp`
  writeFileSync(temporary, JSON.stringify({ ...readPositions(file), [key]: position }))
  renameSync(temporary, file)
}
