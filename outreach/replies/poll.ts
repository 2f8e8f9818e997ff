import type { MailFolder } from '../../pipeline/mail.ts'

/** How far a folder has been read. */
export interface Position {
  uid_validity: string
  uid: number
}

/** Of a mailbox that was never read before, only so many: the rest was there before us. */
const FIRST = 500
const BATCH = 10

/**
 * Hands over every message that has not been, in order, and answers how many. A position is kept only when all before it
 * has been taken; what was taken and not kept comes again, so `take` must not mind. Numbered anew by its server, a folder
 * is read from its beginning.
 */
export async function readFolder(
  folder: MailFolder,
  known: Position | undefined,
  take: (source: Buffer) => Promise<void>,
  keep: (position: Position) => void,
): Promise<number> {
  const { uid_validity } = folder
  let uid = known === undefined ? await startOf(folder) : known.uid_validity === uid_validity ? known.uid : 0
  let taken = 0
  for (;;) {
    const messages = await folder.since(uid, BATCH)
    for (const { source } of messages) await take(source)
    taken += messages.length
    uid = messages.at(-1)?.uid ?? uid
    keep({ uid_validity, uid })
    if (messages.length < BATCH) return taken
  }
}

async function startOf(folder: MailFolder): Promise<number> {
  const uids = (await folder.search('from', '')).sort((a, b) => a - b)
  return uids.length <= FIRST ? 0 : uids.at(-FIRST - 1)!
}
