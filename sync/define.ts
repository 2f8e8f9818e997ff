import type { z } from 'zod'
import type { CrmObject, CrmSession, Hook, InstanceHttp } from './records.ts'

/**
 * A CRM: one file in `sync/crms/`, named as it appears in SQL and YAML, and, where that is too small, a folder of the same
 * name beside it. Rows in, outcomes out. Several instances of one CRM may be on at once: everything that is one instance's
 * own lives in its session.
 */
export interface Crm<Settings extends z.ZodObject = z.ZodObject> {
  /** As people know it. */
  title: string
  /** The vendor's documentation. */
  docs: string
  /** What `pipeline.yaml` may say below its name. Strict; secrets come as `${NAME}`. */
  settings: Settings
  /** What it holds, by its own names, parents before children: the order in which they are read and written. */
  objects: Readonly<Record<string, CrmObject>>
  /** Most rows it takes in one `upsert`, `read`, `find`, …; what is known of them is recorded once a batch. It cuts them smaller itself. */
  batch: number
  /** What `synced_at` says: the run's date for what is a file of ours, the wall clock for what others see. */
  clock: 'as_of' | 'wall'
  /** The account that its settings name (`portal_id`, `org_id`); null where there is none to confuse it with. */
  account(settings: z.output<Settings>): string | null
  /** Opens a session, once for each step. Asks nobody anything yet: whatever it needs (a token) is asked for with the first call. */
  connect(context: CrmContext<z.output<Settings>>): CrmSession
  /** How it tells us of changes by itself, at `/hooks/<instance>`. Absent: it does not. */
  hook?: Hook<z.output<Settings>>
}

/** The world, as a CRM gets it. */
export interface CrmContext<Settings> {
  /** As `pipeline.yaml` has them, defaults filled in. */
  settings: Settings
  /** The project folder, against which relative paths are meant. */
  root: string
  /**
   * The only way out, under the name of the instance: pacing, Retry-After, retries, windows and circuit are the layer's. What a
   * vendor means by an answer is declared (`meaning`, `wait_s`, `limits`, `buckets`), never handled. `record: false`: its
   * answers are people's data and tokens, which do not belong into the log.
   */
  http: InstanceHttp
  /** UTC date: `2026-01-31`. */
  as_of: string
  /** The wall clock: for tokens that run out. */
  now(): Date
  /** Aborted on Ctrl-C; long work checks it. */
  signal: AbortSignal
}

/**
 * The CRM as a whole cannot be read or written now (wrong token, missing scope, no such object, used up for today); says
 * what and, where a person must act, the mend. Nothing of the batch counts as done; the next run sends it again.
 */
export class CrmError extends Error {
  override readonly name = 'CrmError'
}

/** Types a CRM's literal; adds nothing. */
export function defineCrm<S extends z.ZodObject>(crm: Crm<S>): Crm<S> {
  return crm
}

export * from './for-crms.ts'
