import type { Connection, Row } from '../warehouse/duckdb.ts'

/** The two states that are compared: how it was, and how it would be with this tree. */
export type Side = 'before' | 'after'

/** A number that a part of the report counts, and that `--fail-if` may name. */
export interface FigureSpec {
  name: string
  /** For people: `leads that change tier`. */
  label: string
  /** What a share is a share of: `leads`. Absent: there is no percentage of it. */
  of?: string
}

export interface Figure {
  value: number
  /** The whole that a percentage is taken of. */
  of?: number
}

export interface DiffTable {
  name: string
  title: string
  columns: readonly string[]
  /** Ordered; the first of `total`. */
  rows: readonly Row[]
  total: number
}

/** What a part has to say. */
export interface Told {
  figures: Record<string, Figure>
  tables: readonly DiffTable[]
  /** One line each. */
  notes: readonly string[]
}

/** What one room adds to `pipeline diff`: what a change means for what the room does. */
export interface DiffPart {
  name: string
  title: string
  figures: readonly FigureSpec[]
  /** The marts without which it has nothing to say. */
  reads: readonly string[]
  /** Tables besides marts that are to be built on both sides, as far as they can be: `int_lead_facts`. */
  builds?: readonly string[]
  /** Whether it cannot do without a column that only tells (`TableSpec.told`). */
  needs?(column: string): boolean
  /**
   * On each side, with that side's own settings where they are known (see `own`): leaves in tables what it would look at.
   * Two-part names are those of that side.
   */
  prepare?(world: SideWorld): Promise<void>
  /** The same, once both sides are prepared: the costly part, for what differs alone. */
  refine?(world: SideWorld): Promise<void>
  tell(world: DiffWorld): Promise<Told>
}

export interface SideWorld {
  side: Side
  connection: Connection
  /** Another connection, to fill tables with while a query of the first is being read: one connection does one thing. */
  writer: Connection
  /** `2026-01-31`. */
  as_of: string
  /** Name of a table that this part may make for this side; the other side's has the same name with the other side. */
  place(name: string, side?: Side): string
  /** A mart of either side, as a name for SQL. */
  relation(side: Side, mart: string): string
  /** Whether the content of any of these marts differs between the two. */
  differs(...marts: string[]): boolean
  /** Whether the step of that name is the same on both sides; undefined when that is not known. */
  sameStep(name: string): boolean | undefined
  /** Whether what `builds` names is there as it was on that side: of a publication only as long as the build file is its own. */
  built(side: Side): boolean
  /** Columns of a mart that only tell and were not made: NULL after, whatever they are before. */
  spared(mart: string): readonly string[]
}

export interface DiffWorld {
  /** Sees both sides through `relation`. */
  connection: Connection
  as_of: string
  place(name: string, side: Side): string
  /** Whether that side is a project (a git ref), or only its tables (a publication), read with the settings of today. */
  own(side: Side): boolean
  /** A connection on which two-part names are those of that side. */
  on(side: Side): Connection
  /** A mart of one side, as a name for SQL. Throws when it has none: see `has`. */
  relation(side: Side, mart: string): string
  has(side: Side, mart: string): boolean
  differs(...marts: string[]): boolean
  /** Whether the step of that name is the same on both sides; undefined when that is not known. */
  sameStep(name: string): boolean | undefined
  /** As `SideWorld` has it. */
  built(side: Side): boolean
  spared(mart: string): readonly string[]
  /** SQL that shows a person's value: as it is, or what is left of it for readers who need not know. */
  person(column: string): string
  /** How many rows of a list to show; what is counted is always all. */
  limit: number
}
