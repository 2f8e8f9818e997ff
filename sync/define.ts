import type { z } from 'zod'
import type { HttpFactory } from '../pipeline/http.ts'

/** A CRM: one file in `sync/crms/`, named as it appears in SQL and YAML. Rows in, outcomes out. */
export interface Crm<Settings extends z.ZodObject = z.ZodObject> {
  /** As people know it. */
  title: string
  /** The vendor's documentation. */
  docs: string
  /** What `pipeline.yaml` may say below its name. Strict; secrets come as `${NAME}`. */
  settings: Settings
  /** What it holds, parents before children: the order in which they are written. */
  objects: readonly string[]
  /** Properties it sets itself: no mapping may write them. */
  reserved: readonly string[]
  /** Most rows it takes in one `upsert`. */
  batch: number
  /** What `synced_at` says: the run's date for what is a file of ours, the wall clock for what others see. */
  clock: 'as_of' | 'wall'
  /** Cheapest act that shows it can be reached: for `pipeline debug`. One line on success, throws CrmError otherwise. */
  check(context: CrmContext<z.output<Settings>>): Promise<string>
  /** All records of an object as they are now, in batches, the properties that people changed included. */
  pull(context: CrmContext<z.output<Settings>>, object: string): AsyncIterable<readonly CrmRecord[]>
  /**
   * Creates or changes records; answers one outcome for each row, in the same order. Only the fields given are written.
   * The same `record_id` never makes a second record, so that a batch whose answer was lost may be sent again.
   */
  upsert(
    context: CrmContext<z.output<Settings>>,
    object: string,
    rows: readonly CrmRow[],
  ): Promise<readonly CrmOutcome[]>
}

/** The world, as a CRM gets it. */
export interface CrmContext<Settings> {
  settings: Settings
  /** The project folder, against which relative paths are meant. */
  root: string
  http: HttpFactory
  /** UTC date: `2026-01-31`. */
  as_of: string
  signal: AbortSignal
}

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
export type Fields = Record<string, Json>

/** A record as the CRM holds it. */
export interface CrmRecord {
  crm_id: string
  /** Our id, as stamped on the record; null on what others made. */
  record_id: string | null
  fields: Fields
  /** ISO 8601 UTC; null where the CRM does not tell. */
  modified_at: string | null
}

/** What is to be written on one record; `crm_id` is null as long as the CRM has not told it. */
export interface CrmRow {
  record_id: string
  crm_id: string | null
  fields: Fields
}

/** What became of a row; `error` is the CRM's own words, null when synced. */
export interface CrmOutcome {
  crm_id: string | null
  status: 'synced' | 'rejected'
  error: string | null
}

/** The CRM as a whole cannot be read or written now. Nothing of the batch counts as done; the next run sends it again. */
export class CrmError extends Error {
  override readonly name = 'CrmError'
}

/** Types a CRM's literal; adds nothing. */
export const defineCrm = <S extends z.ZodObject>(crm: Crm<S>): Crm<S> => crm
