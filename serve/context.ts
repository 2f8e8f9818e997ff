import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { HookCall, HookEvent } from '../sync/records.ts'
import type { Acts } from './acts.ts'
import type { AskDesk } from './ask/desk.ts'
import { problemSchema, Refusal } from './problem.ts'
import type { Publications } from './publications.ts'
import type { ScoreDesk } from './score-desk.ts'
import type { ServeSettings } from './settings.ts'
import { may, type Right, type User } from './users.ts'

/** What the routes work with. */
export interface ServeContext {
  publications: Publications
  acts: Acts
  scores: ScoreDesk
  settings: ServeSettings
  ask: AskDesk
  /** Caps on money, as configured. */
  budget: Budget
  /** The folder where runs leave what they did and plan; absent: none. */
  artifacts: string | undefined
  env: Record<string, string | undefined>
  /** What may be said of a task, by channel; channels that a machine sends by have none. */
  outcomes: Outcomes
  hooks: CrmHooks
  now(): Date
}

export interface Budget {
  usd_per_month?: number | undefined
  providers?: Record<string, { credits_per_month?: number | undefined }> | undefined
}

export type Outcomes = Readonly<Record<string, Readonly<Record<string, { status: string; says: string }>>>>

/** CRMs that tell us of changes by themselves, by their name in `pipeline.yaml`. */
export type CrmHooks = Readonly<Record<string, CrmHook>>

export interface CrmHook {
  isGenuine(call: HookCall): boolean
  /** Null: not in the form of its events. */
  events(body: unknown): readonly HookEvent[] | null
}

export interface Environment {
  Variables: { user: User; address: string }
}

export type Api = OpenAPIHono<Environment>

/** An API whose requests are refused with every fault named, values left out. */
export function newApi(): Api {
  return new OpenAPIHono<Environment>({
    defaultHook(result) {
      if (result.success) return
      const errors = result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
      throw new Refusal(422, 'invalid_request', undefined, { errors })
    },
  })
}

export function userOf(c: Context<Environment>, right?: Right): User {
  const user = c.get('user')
  if (right !== undefined && !may(user, right)) {
    throw new Refusal(403, 'role_lacks_right', `The role ${user.role} may not do this.`)
  }
  return user
}

/** `responses` of a route for what it refuses. */
export const refusals = {
  default: { description: 'Refused', content: { 'application/problem+json': { schema: problemSchema } } },
}

/** `responses` of a route that answers `schema`. */
export function answers<S extends z.ZodType>(schema: S, description: string) {
  return { 200: { description, content: { 'application/json': { schema } } }, ...refusals }
}

/** A row of a published relation, its columns as they are: `ops` and `marts` are the contract, described in their own files. */
export const row = z.record(z.string(), z.unknown()).openapi('Row')

export const page = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(50).openapi({ description: 'Rows of a page' }),
  after: z.string().max(2_000).optional().openapi({ description: '`next` of the page before' }),
})

/** The place after the last row of a page, opaque to who carries it. */
export function cursorOf(values: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url')
}

/** Throws a Refusal for what is no cursor of so many values. */
export function readCursor(cursor: string, length: number): (string | number | null)[] {
  try {
    const values = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown
    const sound = (value: unknown) => value === null || typeof value === 'string' || typeof value === 'number'
    if (Array.isArray(values) && values.length === length && values.every(sound)) return values
  } catch {
    // Said below.
  }
  throw new Refusal(422, 'invalid_cursor', '`after` is not what a page before answered as `next`.')
}
