import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import {
  type IncomingMessage,
  incomingFolder,
  readIncoming,
  watchIncoming,
  writeIncoming,
} from '../pipeline/incoming.ts'
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

/** The one writer of `data/incoming/` here, and the memory of what it left there. */
export class Acts {
  readonly #data: string
  readonly #waiting: ReturnType<typeof watchIncoming>
  readonly #now: () => Date

  constructor(data: string, now: () => Date) {
    this.#data = data
    this.#waiting = watchIncoming(data)
    this.#now = now
  }

  /**
   * Leaves what somebody did, once by its idempotency key: it is on disk when this answers. Throws a Refusal when the same key
   * came with something else, or somebody else decided on the message first.
   */
  async leave(
    snapshot: Snapshot,
    act: { kind: string; body: Record<string, unknown>; user: User; key: string },
  ): Promise<Answered> {
    const { kind, user } = act
    const message_id = `act-${createHash('sha256').update(`${user.name}\0${act.key}`).digest('hex').slice(0, 40)}`
    const body = { ...act.body, by: user.name }
    const taken = await this.#takenIn(snapshot, [message_id], subjectsOf(body))
    // From here on nothing is waited for: who came first is decided by one thread.
    const known = this.#all().find((message) => message.id === message_id)
    if (known !== undefined && (known.kind !== kind || JSON.stringify(known.body) !== JSON.stringify(body))) {
      throw new Refusal(422, 'idempotency_key_reused', 'This idempotency key came with another request.')
    }
    if (known !== undefined)
      return { message_id, repeated: true, taken_in: taken.has(message_id) ? 'done' : 'next_run' }
    if (taken.has(message_id)) return { message_id, repeated: true, taken_in: 'done' }
    if (DECISIONS.includes(kind)) this.#refuseSecond(subjectsOf(body))
    writeIncoming(this.#data, { id: message_id, kind, at: this.#now().toISOString(), body })
    return { message_id, repeated: false, taken_in: 'next_run' }
  }

  /** Leaves what a service told; the same id twice is one message. */
  receive(messages: readonly Omit<IncomingMessage, 'at'>[]): void {
    const at = this.#now().toISOString()
    const known = new Set(this.#all().map(({ id }) => id))
    for (const message of messages) if (!known.has(message.id)) writeIncoming(this.#data, { ...message, at })
  }

  /** What waits, newest first, without what the publication shows the outcome of. */
  async pending(snapshot: Snapshot | undefined): Promise<PendingAct[]> {
    const waiting = new Set(readIncoming(this.#data).waiting.map(({ message }) => message.id))
    const all = this.#all()
    const gone = all.filter(({ id }) => !waiting.has(id)).map(({ id }) => id)
    const done = snapshot === undefined ? new Set<string>() : await this.#takenIn(snapshot, gone, [])
    return all
      .filter(({ id }) => !done.has(id))
      .sort((a, b) => (a.at < b.at ? 1 : -1))
      .map(({ id, kind, at, body }) => ({
        ...{ message_id: id, kind, at, by: typeof body.by === 'string' ? body.by : null },
        ...{ subject_id: subjectsOf(body)[0] ?? null, body },
        waits_for: waiting.has(id) ? 'next_run' : 'publication',
      }))
  }

  /** All of these kinds that this process has seen waiting. */
  of(...kinds: string[]): IncomingMessage[] {
    return this.#waiting.of(...kinds)
  }

  /** How many files wait. */
  count(): number {
    const folder = incomingFolder(this.#data)
    return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')).length : 0
  }

  #all(): IncomingMessage[] {
    return this.#waiting.of(...KINDS)
  }

  #refuseSecond(subjects: readonly string[]): void {
    const first = this.#waiting
      .of(...DECISIONS)
      .find(({ body }) => subjectsOf(body).some((subject) => subjects.includes(subject)))
    if (first === undefined) return
    const { kind, at, body } = first
    const decided = { decision: kind, by: body.by ?? null, at }
    throw new Refusal(409, 'decided_already', `Somebody else was first: ${kind} at ${at}.`, { context: { decided } })
  }

  async #takenIn(snapshot: Snapshot, ids: readonly string[], subjects: readonly string[]): Promise<Set<string>> {
    if (ids.length === 0 && subjects.length === 0) return new Set()
    const rows = await snapshot.use((db) =>
      db
        .selectFrom('ops.acts')
        .select('message_id')
        .where('message_id', 'in', [...ids, ''])
        .execute(),
    )
    return new Set(rows.map(({ message_id }) => message_id))
  }
}

/** What is shown as pending, by the kinds that people and services leave here. */
export const KINDS = [
  ...DECISIONS,
  ...['pause', 'resume', 'suppress', 'score_override', 'lead_assign', 'lead_snooze', 'review', 'crm_hook'],
]

/** The messages or leads that a body is about. */
function subjectsOf(body: Record<string, unknown>): string[] {
  const { messages, events, event_id, lead_id, item_id } = body as {
    messages?: { event_id: string }[]
    events?: string[]
    [field: string]: unknown
  }
  if (messages !== undefined) return messages.map((message) => message.event_id)
  if (events !== undefined) return events
  return [event_id, item_id, lead_id].filter((id) => typeof id === 'string')
}
