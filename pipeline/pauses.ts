import { z } from 'zod'
import { type IncomingMessage, inOrder, readTaken, type WaitingMessages } from './incoming.ts'
import type { Outward } from './step.ts'
import type { Connection } from './warehouse/duckdb.ts'

/** What a pause may be narrowed to. */
export const PAUSE_SCOPES = ['sequence', 'mailbox', 'account'] as const
export type PauseScope = Partial<Record<(typeof PAUSE_SCOPES)[number], string>>

const outward = z.enum(['spend', 'send', 'sync'])

/** Body of the messages `pause` and `resume`. A resume without `what` lifts every pause there is. */
export const pauseSchema = z.strictObject({
  what: z.union([outward, z.literal('all')]).optional(),
  sequence: z.string().optional(),
  mailbox: z.string().optional(),
  account: z.string().optional(),
  /** Who said so, where that is known. */
  by: z.string().optional(),
})

/** Something that is not done until somebody resumes it. */
export interface Pause {
  what: Outward
  /** Empty: all of it. */
  scope: PauseScope
  /** ISO 8601 UTC. */
  since: string
}

/** What is paused after these messages, in their order. A resume lifts the pause of the same words, and no other. */
export function foldPauses(messages: readonly IncomingMessage[]): Pause[] {
  const held = new Map<string, Pause>()
  for (const { kind, at, body } of inOrder(messages)) {
    const parsed = pauseSchema.safeParse(body)
    if (!parsed.success) continue
    const { what, by: _, ...scope } = parsed.data
    if (kind === 'resume' && what === undefined) held.clear()
    const each = what === undefined || what === 'all' ? outward.options : [what]
    for (const one of each) {
      const key = JSON.stringify([one, ...PAUSE_SCOPES.map((name) => scope[name] ?? null)])
      if (kind === 'resume') held.delete(key)
      else if (!held.has(key)) held.set(key, { what: one, scope, since: at })
    }
  }
  return [...held.values()]
}

/** The pauses in force right now, whoever holds the ledger: asked again before each paid call, message and batch. */
export interface Pauses {
  all(): Pause[]
  /** The pause that keeps this from being done. A pause of a mailbox keeps nothing but that mailbox. */
  of(what: Outward, scope?: PauseScope): Pause | undefined
}

/** From what the ledger has taken in, and what waits in `data/incoming/` at the moment of asking. */
export async function readPauses(connection: Connection, waiting: WaitingMessages): Promise<Pauses> {
  return pausesOf(await readTaken(connection, ['pause', 'resume']), waiting)
}

/** From what waits alone. */
export function pausesOf(known: readonly IncomingMessage[], waiting: WaitingMessages): Pauses {
  const all = () => foldPauses([...known, ...waiting.of('pause', 'resume')])
  return {
    all,
    of: (what, scope = {}) =>
      all().find(
        (pause) =>
          pause.what === what && PAUSE_SCOPES.every((name) => (pause.scope[name] ?? scope[name]) === scope[name]),
      ),
  }
}

/** `spend is paused since …`. */
export function pauseText({ what, scope, since }: Pause): string {
  const of = Object.entries(scope).map(([name, value]) => ` of ${name} ${value}`)
  return `${what}${of.join('')} is paused since ${since} (pipeline resume ${what})`
}
