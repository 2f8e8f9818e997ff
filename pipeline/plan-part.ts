import type { HttpFactory } from './http.ts'
import type { Connection, Row } from './warehouse/duckdb.ts'

/** What one room adds to `pipeline plan`: what `run` would do in it, as plain data. Changes nothing, asks nobody for money. */
export interface PlanPart {
  /** snake_case: the key of what it says in JSON. */
  name: string
  /** For people: `messages to send`. */
  title: string
  /** Relations, as `schema.name`, without which it has nothing to say: until they are built, it is not asked. */
  reads: readonly string[]
  tell(world: PlanWorld): Promise<PlanSection>
}

export interface PlanSection {
  /** One line: `451 records to create, 3 fields to update`. */
  text: string
  /** Counts that a script may read. */
  figures: Record<string, number>
  tables?: readonly PlanTable[]
  /** What somebody should look at; with the place to mend where there is one. */
  findings?: readonly Finding[]
}

export interface PlanTable {
  name: string
  columns: readonly string[]
  /** Ordered. Without personal data. */
  rows: readonly Row[]
}

export interface Finding {
  file?: string
  line?: number
  message: string
  hint?: string
}

/** What a part may look at: everything as it was last built, read only. */
export interface PlanWorld {
  /** Ledger and warehouse; two-part names, as models have them. */
  connection: Connection
  /** Is there a relation of this name, `schema.name`? */
  has(relation: string): boolean
  /** The UTC date of the run that is planned. */
  as_of: string
  root: string
  /** What the target is live for. */
  live: readonly string[]
  /** Pays for nothing: what would cost is refused. What it is asked is kept nowhere. */
  http: HttpFactory
  signal: AbortSignal
}
