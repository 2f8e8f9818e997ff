import type { z } from 'zod'
import type { Http, HttpOptions } from '../pipeline/http.ts'
import type { StepContext, StepSummary } from '../pipeline/step.ts'
import type { Asking, Field, Fills, LegalBasis, Subject } from './fields.ts'
import type { Icp } from './icp.ts'

/** A vendor or open data set: one file in `ingest/providers/`, named as it appears in SQL and YAML. */
export interface Provider<Settings extends z.ZodObject = z.ZodObject> {
  /** As people know it. */
  title: string
  /** The vendor's documentation. */
  docs: string
  /** What `pipeline.yaml` may say below its name. Strict; secrets come as `${NAME}`. */
  settings: Settings
  /** Base URL, headers, limits, price; the mock hands over a `transport`. Absent for bulk providers. */
  http?(settings: z.output<Settings>): Omit<HttpOptions, 'service'>
  /** Cheapest call that shows that key and host work: for `pipeline debug`. One line on success, throws otherwise. */
  check?(context: PageContext<z.output<Settings>>): Promise<string>
  /** How many companies it has that fit the ICP, as far as it can tell for free: for `pipeline plan`. */
  count?(context: PageContext<z.output<Settings>>): Promise<number>
  /** Its tables, by their snake_case names. */
  resources: Record<string, Resource<z.output<Settings>>>
  /** Lands all resources at once as Parquet. `version` tells, offline, whether anything is new, or null; `reads`: seeds it needs. */
  bulk?: {
    reads?: readonly string[]
    version(settings: z.output<Settings>, root: string): Promise<string | null>
    land(context: LandContext<z.output<Settings>>): Promise<StepSummary>
  }
}

/** One table of a provider: `raw.<provider>__<resource>`. */
export interface Resource<Settings = unknown> extends Asking<Settings> {
  description: string
  /** Shape of a row. Unknown fields are kept in `_payload`; a row that does not fit is rejected with its reason. */
  row: z.ZodObject
  /** Fields that want no column: kept in `_payload`, too, and not reported as new. */
  known?: readonly string[]
  key: readonly string[]
  write: 'append' | 'merge' | 'replace'
  /** Enrichment: what one answer can fill (fields.ts), and how; all of one kind of subject. Absent: discovery. */
  fills?: Fills
  /** On what ground its personal data is held; wanted where there is `pii`. */
  legal_basis?: LegalBasis
  /** Columns with personal data. */
  pii?: readonly string[]
  /** Pages of rows as the vendor gives them. Enrichment rows carry `subject_id`. Absent for bulk resources. */
  pages?(context: PageContext<Settings>): AsyncIterable<readonly unknown[]>
}

/** What a provider is asked with. */
export interface PageContext<Settings> {
  /** As `pipeline.yaml` has them, defaults filled in. */
  settings: Settings
  /** Whom to look for: what the vendor can filter by, it should. */
  icp: Icp
  /** The only way out; `ttl_days` of a request decides how long its answer is not asked for again. */
  http: Http
  /** The UTC date of the run. */
  as_of: string
  /** Enrichment: whom it is asked about, at most `batch`. Empty for discovery. */
  subjects: readonly Subject[]
  /** Enrichment: which of its `fills` are wanted. */
  fields: readonly Field[]
}

/** What a bulk provider lands with. */
export type LandContext<Settings> = StepContext & { settings: Settings; icp: Icp }

/** Types a provider's literal; adds nothing. */
export function defineProvider<S extends z.ZodObject>(provider: Provider<S>): Provider<S> {
  return provider
}

export * from './for-providers.ts'
