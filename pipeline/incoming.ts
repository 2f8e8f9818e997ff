import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf } from './errors.ts'
import { excise } from './forget/excise.ts'
import { readTombstones } from './forget/tombstones.ts'
import type { Connection } from './warehouse/duckdb.ts'
import type { Recorder } from './warehouse/recorder.ts'
import { LEDGER } from './warehouse/session.ts'

const messageSchema = z.strictObject({
  id: z.string().min(1).max(200),
  /** `approval`, `pause`, `opt_out`, …: what takes it in decides what it means. */
  kind: z.string().min(1),
  at: z.iso.datetime(),
  body: z.record(z.string(), z.unknown()),
})

/** Something that arrived while no run held the ledger. */
export type IncomingMessage = z.output<typeof messageSchema>

export interface Incoming {
  message: IncomingMessage
  file: string
}

export function incomingFolder(data: string): string {
  return join(data, 'incoming')
}

/** Leaves a message for the next run: whole or not at all, even if the machine stops. */
export function writeIncoming(data: string, message: IncomingMessage): void {
  const folder = incomingFolder(data)
  mkdirSync(folder, { recursive: true })
  writeMessageFile(folder, message)
}

/** Writes a message into a folder that is there: the file and its name are on disk when this answers its path. */
export function writeMessageFile(folder: string, message: IncomingMessage): string {
  const name = `${message.at.replaceAll(/[^0-9]/g, '').slice(0, 17)}-${message.id.replaceAll(/[^A-Za-z0-9_-]/g, '_')}`
  const temporary = join(folder, `.${name}.tmp`)
  const file = join(folder, `${name}.json`)
  const handle = openSync(temporary, 'w')
  writeSync(handle, JSON.stringify(messageSchema.parse(message)))
  fsyncSync(handle)
  closeSync(handle)
  renameSync(temporary, file)
  // The new name is the folder's content, which has a cache of its own.
  const entries = openSync(folder, 'r')
  fsyncSync(entries)
  closeSync(entries)
  return file
}

/** Names of the files that wait, in order of arrival. */
export function waitingFiles(data: string): string[] {
  const folder = incomingFolder(data)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
}

/** A file that waits; undefined when it is gone, or no message. */
export function readMessage(data: string, name: string): IncomingMessage | undefined {
  return readMessageFile(join(incomingFolder(data), name))
}

export function readMessageFile(file: string): IncomingMessage | undefined {
  try {
    return messageSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined
  }
}

/** What waits, in order of arrival. Unreadable files are answered apart: they are never lost and never fatal. */
export function readIncoming(data: string): {
  waiting: Incoming[]
  unreadable: { file: string; reason: string; content: string }[]
} {
  const folder = incomingFolder(data)
  const waiting: Incoming[] = []
  const unreadable: { file: string; reason: string; content: string }[] = []
  for (const name of waitingFiles(data)) {
    const file = join(folder, name)
    const content = readFileSync(file, 'utf8')
    try {
      waiting.push({ message: messageSchema.parse(JSON.parse(content)), file })
    } catch (error) {
      const reason =
        error instanceof z.ZodError
          ? error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')
          : messageOf(error)
      unreadable.push({ file, reason, content })
    }
  }
  return { waiting, unreadable }
}

/** Each message once, in the order in which they were left. */
export function inOrder(messages: readonly IncomingMessage[]): IncomingMessage[] {
  const unique = new Map(messages.map((message) => [message.id, message]))
  return [...unique.values()].sort((a, b) => (a.at === b.at ? (a.id < b.id ? -1 : 1) : a.at < b.at ? -1 : 1))
}

/** What the ledger has taken in of these kinds, in the order in which it was left. */
export async function readTaken(connection: Connection, kinds: readonly string[]): Promise<IncomingMessage[]> {
  const rows = await connection.rows<Omit<IncomingMessage, 'body'> & { body: string }>(
    `select id, kind, "at", body from ${LEDGER}.log.incoming
     where kind in (select unnest(from_json($1, '["VARCHAR"]'))) order by "at", id`,
    [JSON.stringify(kinds)],
  )
  return rows.map((row) => ({ ...row, body: JSON.parse(row.body) as Record<string, unknown> }))
}

/** What waits at the moment of asking, for who must know before the next run takes it in. */
export interface WaitingMessages {
  of(...kinds: string[]): IncomingMessage[]
}

/** Each file is read once: a message never changes, and what was seen counts also when its file has been taken in. */
export function watchIncoming(data: string): WaitingMessages {
  const seen = new Map<string, IncomingMessage | undefined>()
  return {
    of(...kinds) {
      for (const name of waitingFiles(data)) if (!seen.has(name)) seen.set(name, readMessage(data, name))
      return [...seen.values()].filter(
        (message) => message !== undefined && kinds.includes(message.kind),
      ) as IncomingMessage[]
    },
  }
}

/** Takes every message in exactly once, by id; a file goes only after the ledger has committed its message. */
export async function takeIn(
  data: string,
  connection: Connection,
  recorder: Recorder,
  run_id: string,
): Promise<{ taken: number; rejected: number }> {
  const { waiting, unreadable } = readIncoming(data)
  if (recorder.frozen) return { taken: 0, rejected: 0 }
  const known = await connection.rows<{ id: string }>(`select id from ${LEDGER}.log.incoming`)
  const seen = new Set(known.map(({ id }) => id))
  const tombstones = await readTombstones(connection)
  const finder = tombstones.finder('incoming')
  const fresh = waiting
    .filter(({ message }) => !seen.has(message.id) && seen.add(message.id))
    .flatMap(({ message }) => {
      const body = tombstones.size === 0 ? undefined : excise(JSON.stringify(message.body), finder, 'goes')
      // Of whom nothing is to be known, nothing that comes in is kept either.
      if (body === null) return []
      return body === undefined
        ? { message }
        : { message: { ...message, body: JSON.parse(body) as typeof message.body } }
    })
  if (fresh.length > 0) {
    const columns = { id: 'VARCHAR', kind: 'VARCHAR', at: 'TIMESTAMP', body: 'JSON', run_id: 'VARCHAR' }
    await recorder.write(async (writer) => {
      await writer.insert(
        `${LEDGER}.log.incoming`,
        columns,
        fresh.map(({ message }) => ({ ...message, run_id })),
      )
    })
  }
  for (const { file } of waiting) rmSync(file, { force: true })
  await recorder.reject(
    unreadable.map(({ file, reason, content }) => ({
      ...{ source: 'incoming', file, line: 1, reason },
      content: finder.cut(content),
    })),
  )
  for (const { file } of unreadable) renameSync(file, `${file}.rejected`)
  return { taken: fresh.length, rejected: unreadable.length }
}
