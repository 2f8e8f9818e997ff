import type { Advice } from './check/advice.ts'
import type { DiffPart } from './diff/part.ts'
import type { Problem } from './errors.ts'
import type { HttpFactory } from './http.ts'
import type { PlanPart } from './plan-part.ts'
import type { RoomTest } from './room-tests.ts'
import type { LedgerTable, Step } from './step.ts'
import type { YamlFile } from './yaml.ts'

/** What a room (ingest, scoring, outreach, sync) gets to turn its settings and files into steps. */
export interface RoomInput<Settings> {
  /** The repository (or `--project-dir`): YAML and templates are read below it. */
  root: string
  /** The room's part of `pipeline.yaml`, already validated by the room's own schema. */
  settings: Settings
  /** `pipeline.yaml` itself, so that a problem of a plug-in's settings can be said with its line. */
  config: YamlFile
  /** Problems of the room's files are added here; all are shown at once, before anything runs. */
  problems: Problem[]
}

/** What a room adds to the graph. */
export interface RoomOutput {
  steps: Step[]
  /** Ledger tables of what is switched off: declared all the same, so that they exist, typed and empty, and no model breaks. */
  tables: LedgerTable[]
  /** For `pipeline debug`: is what is switched on reachable, and does it accept the key? */
  checks?: Check[]
  /** What the room's files promise of data, run with the tests of the models. */
  tests?: RoomTest[]
  /** For `pipeline check`: what is not wrong, but looks like a mistake. */
  advice?: Advice[]
  /** For `pipeline diff`: what a change means for what the room does. */
  diffs?: DiffPart[]
  /** For `pipeline plan`: what `run` would do in the room. */
  plans?: PlanPart[]
}

/** One thing that `pipeline debug` looks at. */
export interface Check {
  /** `provider mock`, `crm file`. */
  name: string
  /** One line on success; throws otherwise. Asks for nothing that costs. */
  run(world: CheckWorld): Promise<string>
}

export interface CheckWorld {
  http: HttpFactory
  as_of: string
  now(): Date
  root: string
  signal: AbortSignal
}

/** A room's door to the engine: its settings' schema is exported beside it as `settings`. */
export type Room<Settings> = (input: RoomInput<Settings>) => Promise<RoomOutput>
