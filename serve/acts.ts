import { createHash } from 'node:crypto'
import { type IncomingMessage, inOrder, readMessage, waitingFiles, writeIncoming } from '../pipeline/incoming.ts'
import { ActsMemory } from './acts-memory.ts'
import { Refusal } from './problem.ts'
import type { Snapshot } from './publications.ts'
import type { User } from './users.ts'

/** What somebody did that no run has taken in, or none has published what came of it. */
export interface PendingAct {
  message_id: string
  kind: string
  at: string
  by: string | null
  subject_id: string | null
  /** `next_run`: a file that the next run takes in. `publication`: a run has it, and has not published since. */
  waits_for: 'next_run' | 'publication'
  body: Record<string, unknown>
}

export interface Answered {
  message_id: string
  /** Of the first time, when the same was said before. */
  repeated: boolean
  taken_in: 'next_run' | 'done'
}

/** What each of these kinds decides of one message; the first one stands. */
const DECISIONS = ['approve', 'reject', 'edit', 'task']

/** What is shown as pending, by the kinds that people and services leave here. */
export const KINDS = [
  ...DECISIONS,
  ...['pause', 'resume', 'suppress', 'score_override', 'lead_assign', 'lead_snooze', 'review'],
]

/** The one writer of `data/incoming/` here, and the memory of what was left there, which outlives the process. */
export class Acts {
  readonly #data: string
  readonly #memory: ActsMemory
  readonly #files = new Map<string, IncomingMessage | undefined>()
  readonly #now: () => Date

  constructor(data: string, now: () => Date) {
    this.#data = data
    this.#memory = new ActsMemory(data)
    this.#now = now
  }

  /**
   * Leaves what somebody did, once by its idempotency key: it is on disk when this answers. Throws a Refusal when the same key
   * came with something else, somebody else decided on the message first, or `refuse` does, which is asked of what is new.
   */
  async leave(
    snapshot: Snapshot,
    act: { kind: string; body: Record<string, unknown>; user: User; key: string; refuse?(): void },
  ): Promise<Answered> {
    const { kind, user } = act
    const body = { ...act.body, by: user.name }
    const key = `act-${hashOf(`${user.name}\0${act.key}`, 32)}`
    const message_id = `${key}-${hashOf(JSON.stringify([kind, body]), 16)}`
    const published = await publishedLike(snapshot, key)
    // From here on nothing is waited for: who came first is decided by one thread.
    const waiting = this.#look()
    const same = [...published, ...this.#all().map(({ id }) => id)].find((id) => id.startsWith(key))
    if (same !== undefined) {
      if (same !== message_id)
        throw new Refusal(422, 'idempotency_key_reused', 'This idempotency key came with another request.')
      return { message_id, repeated: true, taken_in: waiting.has(message_id) ? 'next_run' : 'done' }
    }
    const known = new Set(published)
    if (DECISIONS.includes(kind)) this.#refuseSecond(kind, subjectsOf(body), known)
    act.refuse?.()
    const message = { id: message_id, kind, at: this.#now().toISOString(), body }
    writeIncoming(this.#data, message)
    this.#memory.keep(message)
    return { message_id, repeated: false, taken_in: 'next_run' }
  }

  /** Leaves what a service told; the same id twice is one message. */
  receive(messages: readonly Omit<IncomingMessage, 'at'>[]): void {
    const at = this.#now().toISOString()
    this.#look()
    const known = new Set([...this.#files.values()].map((message) => message?.id))
    for (const message of messages) if (!known.has(message.id)) writeIncoming(this.#data, { ...message, at })
  }

  /** What waits, newest first, without what the publication shows the outcome of. */
  async pending(snapshot: Snapshot | undefined): Promise<PendingAct[]> {
    const waiting = this.#look()
    const gone = this.#all().flatMap(({ id }) => (waiting.has(id) ? [] : [id]))
    const done = snapshot === undefined || gone.length === 0 ? new Set<string>() : await publishedOf(snapshot, gone)
    if (done.size > 0) this.#forget(done)
    return this.#all()
      .reverse()
      .map(({ id, kind, at, body }) => ({
        ...{ message_id: id, kind, at, by: typeof body.by === 'string' ? body.by : null },
        ...{ subject_id: subjectsOf(body)[0] ?? null, body },
        waits_for: waiting.has(id) ? 'next_run' : 'publication',
      }))
  }

  /** All of these kinds that nothing published shows yet. */
  of(...kinds: string[]): IncomingMessage[] {
    this.#look()
    const all = [...this.#files.values(), ...this.#memory.all()]
    return inOrder(all.filter((message) => message !== undefined)).filter(({ kind }) => kinds.includes(kind))
  }

  /** How many files wait. */
  count(): number {
    return waitingFiles(this.#data).length
  }

  #all(): IncomingMessage[] {
    return this.of(...KINDS)
  }

  /** Reads files that are new; answers the ids of those that wait. What was seen stays known when its file is gone. */
  #look(): Set<string> {
    const waiting = new Set<string>()
    for (const name of waitingFiles(this.#data)) {
      if (!this.#files.has(name)) this.#files.set(name, readMessage(this.#data, name))
      const id = this.#files.get(name)?.id
      if (id !== undefined) waiting.add(id)
    }
    for (const [name, message] of this.#files)
      if (message === undefined || !(waiting.has(message.id) || KINDS.includes(message.kind))) this.#files.delete(name)
    return waiting
  }

  #forget(done: ReadonlySet<string>): void {
    this.#memory.forget(done)
    for (const [name, message] of this.#files)
      if (message !== undefined && done.has(message.id)) this.#files.delete(name)
  }

  /** Of what nothing published shows yet: what is published is judged by what it came to. */
  #refuseSecond(kind: string, subjects: readonly string[], published: ReadonlySet<string>): void {
    const first = this.of(...DECISIONS).find(
      (other) =>
        !published.has(other.id) &&
        // To say that a message may leave, and what became of it then, are two things.
        !(kind === 'task' && (other.kind === 'approve' || other.kind === 'edit')) &&
        subjectsOf(other.body).some((subject) => subjects.includes(subject)),
    )
    if (first !== undefined) throw decidedAlready(first.kind, first.body.by, first.at)
  }
}

/** What the second is told. */
export function decidedAlready(decision: string, by: unknown, at: unknown): Refusal {
  const decided = { decision, by: by ?? null, at: at ?? null }
  return new Refusal(409, 'decided_already', `Somebody else was first: ${decision}.`, { context: { decided } })
}

async function publishedLike(snapshot: Snapshot, key: string): Promise<string[]> {
  const rows = await snapshot.use((_, connection) =>
    connection.rows<{ message_id: string }>('select message_id from ops.acts where starts_with(message_id, $1)', [key]),
  )
  return rows.map(({ message_id }) => message_id)
}

async function publishedOf(snapshot: Snapshot, ids: readonly string[]): Promise<Set<string>> {
  const rows = await snapshot.use((_, connection) =>
    connection.rows<{ message_id: string }>(
      `select message_id from ops.acts where message_id in (select unnest(from_json($1, '["VARCHAR"]')))`,
      [JSON.stringify(ids)],
    ),
  )
  return new Set(rows.map(({ message_id }) => message_id))
}

function hashOf(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits)
}

/** The messages or leads that a body is about. */
function subjectsOf(body: Record<string, unknown>): string[] {
  const { messages, events, event_id, lead_id, item_id } = body as {
    messages?: { event_id: string }[]
    events?: string[]
    [field: string]: unknown
  }
  if (Array.isArray(messages)) return messages.map((message) => message.event_id)
  if (Array.isArray(events)) return events
  return [event_id, item_id, lead_id].filter((id) => typeof id === 'string')
}
