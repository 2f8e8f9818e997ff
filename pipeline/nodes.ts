import type { Incremental, SnapshotSettings } from './materializations/settings.ts'
import type { ModelVersion } from './model-versions.ts'
import type { ColumnProperties, TestConfig } from './properties.ts'
import type { Constraint, Owner, Threshold } from './property-metadata.ts'
import type { LedgerTable, Step } from './step.ts'
import type { UnitTestProperties } from './unit-tests/schema.ts'

/** What every node of the graph has. */
export interface NodeBase {
  /** `model.lead_engine.dim_companies`: dbt's unique_id. */
  id: string
  name: string
  /** Where it is written, relative to the project folder. */
  file: string
  description: string
  /** Path of folders and name below the project, as dbt's fqn. */
  fqn: string[]
  tags: string[]
  /** The configuration in force, in dbt's words: folder, property file and config() together. */
  config: Record<string, unknown>
  /** dbt's group, access and model version, where a property file declares them. */
  group?: string
  access?: 'private' | 'protected' | 'public'
  version?: string
  /** Ids of the nodes it reads. */
  deps: string[]
  /** Ids of what must have run before, though nothing of it is read. */
  after?: string[]
  /** Ids of what it reads but need not wait for: ledger tables that feed the next run. */
  feedback?: string[]
}

export interface Relation {
  schema: string
  name: string
}

export interface ModelNode extends NodeBase {
  kind: 'model'
  relation: Relation
  materialized: 'view' | 'table' | 'incremental'
  raw: string
  /** As it is run to build all of it. */
  sql: string
  /** As it is run to add to what stands, where that is another text. */
  sql_incremental?: string
  incremental?: Incremental
  columns: ColumnProperties[]
  meta: Record<string, unknown>
  refs: string[]
  sources: [string, string][]
  /** Set for a version of a model. */
  versioning?: ModelVersion
  /** The property file that describes it. */
  patch?: string
  /** Its columns are promised: a build that would break the contract is refused. */
  contract?: Contract
  /** Of the model as a whole; columns have their own. */
  constraints?: Constraint[]
}

/** The history of what a relation has held, kept in the ledger and seen through a view. */
export interface SnapshotNode extends NodeBase {
  kind: 'snapshot'
  relation: Relation
  settings: SnapshotSettings
  /** What is looked at: `select * from <relation>`. */
  raw: string
  sql: string
  columns: ColumnProperties[]
  meta: Record<string, unknown>
  refs: string[]
  sources: [string, string][]
  patch: string
}

export interface SeedNode extends NodeBase {
  kind: 'seed'
  relation: Relation
  /** Absolute path of the CSV. */
  path: string
  column_types: Record<string, string>
  delimiter: string
  columns: ColumnProperties[]
  patch?: string
}

export interface SourceNode extends NodeBase {
  kind: 'source'
  source: string
  table: string
  relation: Relation
  /** Set for ledger tables that TypeScript declares; absent for those that a property file declares. */
  ledger?: LedgerTable
  /** What a property file says of it. */
  columns?: ColumnProperties[]
  meta?: Record<string, unknown>
  source_description?: string
  loader?: string
  freshness?: Freshness
  patch?: string
}

/** An enforced contract: the columns are the node's own. */
export interface Contract {
  /** The line of the property file that a column, or the model, stands at. */
  lineOf(column?: string): number
  foreign_keys: { columns: string[]; to: string; to_columns: string[] }[]
}

/** How old a source may be, and how that is known. */
export interface Freshness {
  warn_after: Threshold | null
  error_after: Threshold | null
  filter: string | null
  /** A timestamp (UTC) of its rows; the latest counts. */
  loaded_at_field: string
  /** A query whose one value is used in its place. */
  loaded_at_query?: string
}

/** Something outside that uses what is built: a dashboard, a notebook. Nothing runs for it. */
export interface ExposureNode extends NodeBase {
  kind: 'exposure'
  type: 'dashboard' | 'notebook' | 'analysis' | 'ml' | 'application'
  owner: Owner
  label?: string
  url?: string
  maturity?: 'low' | 'medium' | 'high'
  meta: Record<string, unknown>
  refs: string[]
  sources: [string, string][]
}

/** Whose models are: no node, since nothing depends on it. */
export interface Group {
  id: string
  name: string
  file: string
  owner: Owner
  description: string
  meta: Record<string, unknown>
}

export interface StepNode extends NodeBase {
  kind: 'step'
  step: Step
}

export interface TestNode extends NodeBase {
  kind: 'test'
  /** Rows that this query returns are failures. */
  sql: string
  raw: string
  severity: 'warn' | 'error'
  limit?: number
  /** The node it is about; absent for singular tests. */
  attached?: string
  column?: string
  /** Generic tests: which one, with which arguments. */
  generic?: { name: string; namespace?: string; kwargs: Record<string, unknown> }
  /** An aggregate over a relation that finds the number of failures along with that of other tests. */
  batch?: { from: string; count: string }
  /** How its rows become the number of failures; `count(*)` when absent. */
  fail_calc?: string
  /** Where its failures are kept. */
  store?: Relation & { as: 'table' | 'view' }
  test_config: TestConfig
}

/** Rows that a unit test gives or expects. */
export interface UnitFixture {
  /** As it was written: `ref('x')`, `this`, `expect`. */
  input: string
  relation: Relation
  /** The node whose rows they stand for; absent for what is expected. */
  node?: string
  /** `seed`: the rows that the seed's file has. */
  format: 'dict' | 'csv' | 'sql' | 'seed'
  rows: string | Record<string, unknown>[]
  /** Where it stands below the unit test in its property file. */
  path: PropertyKey[]
}

/** What a model, or one of its CTEs, makes of rows that are given by hand. Runs in memory, before its model is built. */
export interface UnitTestNode extends NodeBase {
  kind: 'unit_test'
  /** Id of the model. */
  attached: string
  /** The model as the test overrides it, or its CTE. */
  sql: string
  cte?: string
  given: UnitFixture[]
  expect: UnitFixture
  /** The date that `as_of()` is; the run's when absent. */
  as_of?: string
  /** The model's own table is read: as an input, or because `is_incremental()` is true. */
  reads_itself: boolean
  definition: UnitTestProperties
  /** Where it stands in its property file. */
  path: PropertyKey[]
}

export interface AnalysisNode extends NodeBase {
  kind: 'analysis'
  raw: string
  sql: string
  refs: string[]
  sources: [string, string][]
}

export type GraphNode =
  | ModelNode
  | SeedNode
  | SnapshotNode
  | SourceNode
  | StepNode
  | TestNode
  | UnitTestNode
  | AnalysisNode
  | ExposureNode
