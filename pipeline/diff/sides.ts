import { quoteIdentifier, quoteLiteral } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import { BUILD, type Session } from '../warehouse/session.ts'
import { KEPT } from './kept-tables.ts'
import type { DiffWorld, Side, SideWorld } from './part.ts'

const BEFORE = '_before'
const FOUND = '_found'
const MARTS = 'marts'

/** Both states in one database: the one that was built, and the one that was, only to be read. */
export interface Sides {
  /** Two-part names are those of the side after. */
  connection: Connection
  names(side: Side): string[]
  has(side: Side, mart: string): boolean
  relation(side: Side, mart: string): string
  /** The same, for a view copied first: what a view of the side before reads is found from that side only. */
  readable(side: Side, mart: string): Promise<string>
  worldOf(options: WorldOptions): DiffWorld
  sideOf(side: Side, world: DiffWorld): SideWorld
  close(): void
}

export interface WorldOptions {
  part: string
  as_of: string
  show_people: boolean
  limit: number
  own: Record<Side, boolean>
  differs(...marts: string[]): boolean
  sameStep(name: string): boolean | undefined
  built(side: Side): boolean
  spared(mart: string): readonly string[]
}

/** `found` is a file for what is found on the way. */
export async function openSides(session: Session, before: string, found: string): Promise<Sides> {
  const { connection } = session
  await connection.run(`
    attach ${quoteLiteral(before)} as ${BEFORE} (read_only);
    attach ${quoteLiteral(found)} as ${FOUND};
    create schema ${FOUND}.before;
    create schema ${FOUND}.after`)
  const older = await session.connect()
  const writer = await session.connect()
  await older.run(await pathOf(connection))
  const there = await connection.rows<{ side: string; name: string; kind: string }>(`
    select database_name as side, table_name as name, 'table' as kind from duckdb_tables()
    where schema_name = '${MARTS}' and database_name in ('${BEFORE}', '${BUILD}')
    union all
    select database_name, view_name, 'view' from duckdb_views()
    where schema_name = '${MARTS}' and database_name in ('${BEFORE}', '${BUILD}') and not internal`)
  const kinds: Record<Side, Map<string, string>> = { before: new Map(), after: new Map() }
  for (const { side, name, kind } of there) kinds[side === BEFORE ? 'before' : 'after'].set(name, kind)
  const nameOf = (side: Side, mart: string) => `${side === 'before' ? BEFORE : BUILD}.${MARTS}.${quoteIdentifier(mart)}`
  const copies = new Map<string, string>()
  const sides: Sides = {
    connection,
    names: (side) => [...kinds[side].keys()].sort(),
    has: (side, mart) => kinds[side].has(mart),
    relation(side, mart) {
      if (!kinds[side].has(mart)) throw new Error(`there is no mart ${mart} ${side}`)
      return copies.get(`${side}.${mart}`) ?? nameOf(side, mart)
    },
    async readable(side, mart) {
      if (side === 'before' && kinds.before.get(mart) === 'view' && !copies.has(`before.${mart}`)) {
        const copy = `${FOUND}.before.${quoteIdentifier(mart)}`
        await older.run(`create table ${copy} as select * from ${MARTS}.${quoteIdentifier(mart)}`)
        copies.set(`before.${mart}`, copy)
      }
      return sides.relation(side, mart)
    },
    worldOf: ({ part, own, show_people, ...options }) => ({
      ...options,
      connection,
      place: (name, side) => `${FOUND}.${side}.${quoteIdentifier(`${part}: ${name}`)}`,
      own: (side) => own[side],
      on: (side) => (side === 'before' ? older : connection),
      relation: sides.relation,
      has: sides.has,
      person: (column) => (show_people ? column : masked(column)),
    }),
    sideOf: (side, world) => ({
      side,
      connection: world.on(side),
      writer,
      as_of: world.as_of,
      place: (name, other = side) => world.place(name, other),
      relation: world.relation,
      differs: world.differs,
      sameStep: world.sameStep,
      built: world.built,
      spared: world.spared,
    }),
    close() {
      writer.close()
      older.close()
      session.close()
    },
  }
  for (const mart of kinds.before.keys()) if (kinds.before.get(mart) === 'view') await sides.readable('before', mart)
  return sides
}

/** Two-part names are those of the side before; what that side has not kept (a publication has only marts) is the other's. */
async function pathOf(connection: Connection): Promise<string> {
  const schemas = await connection.rows<{ catalog: string; name: string }>(`
    select database_name as catalog, schema_name as name from duckdb_schemas()
    where database_name in ('${BEFORE}', '${KEPT}', '${BUILD}') and schema_name not in ('information_schema', 'pg_catalog')
    order by list_position(['${BEFORE}', '${KEPT}', '${BUILD}'], database_name), schema_name`)
  const path = schemas.map(({ catalog, name }) => `${catalog}.${quoteIdentifier(name)}`)
  return `set search_path = ${quoteLiteral(path.join(','))}`
}

/** `Ana Souza` → `A*** S***`: enough to tell two people of one company apart, not enough to know them. */
function masked(column: string): string {
  return `regexp_replace(cast(${column} as varchar), '(\\S)\\S*', '\\1***', 'g')`
}
