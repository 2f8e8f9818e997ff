import { quoteIdentifier } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'

/** How a relation differs between two states. */
export interface RelationChange {
  /** The mart: `dim_companies`. */
  name: string
  /** Only on one side: the whole relation is new, or gone. */
  state: 'changed' | 'unchanged' | 'new' | 'gone'
  /** The columns that tell rows apart. Empty: whole rows are counted, so that a changed row is one removed and one added. */
  key: readonly string[]
  rows_before: number
  rows_after: number
  added: number
  removed: number
  changed: number
  /** Columns with other values in rows that are on both sides, most rows first. */
  columns: { name: string; rows: number }[]
  columns_added: string[]
  columns_removed: string[]
  /** Columns of another type; their values are compared as text. */
  columns_retyped: { name: string; before: string; after: string }[]
  /** Columns that only tell and were not made for this. */
  not_compared: readonly string[]
  note?: string
}

interface Column {
  name: string
  type: string
}

/**
 * Rows added, removed and changed by key, and which columns changed, in one keyed join. Values are compared by their
 * 64-bit hashes, so that wide rows are read once and never held: two values that differ are taken for equal once in 10¹⁹.
 */
export async function compareRelations(
  connection: Connection,
  name: string,
  before: string,
  after: string,
  key: readonly string[],
  spared: readonly string[] = [],
): Promise<RelationChange> {
  const columnsOf = async (relation: string) =>
    (await connection.describe(`select * from ${relation}`)).filter(({ name }) => !spared.includes(name))
  const columns = columnChanges(await columnsOf(before), await columnsOf(after))
  const [counted] = await connection.rows<{ b: number; a: number }>(
    `select (select count(*) from ${before}) as b, (select count(*) from ${after}) as a`,
  )
  const [rows_before, rows_after] = [counted!.b, counted!.a]
  const there = key.length > 0 && key.every((column) => columns.both.includes(column))
  const keyed = there ? await byKey(connection, before, after, key, columns) : undefined
  const whole = keyed !== undefined && keyed.rows_before === rows_before && keyed.rows_after === rows_after
  const found = whole ? keyed : { ...(await byRow(connection, before, after, columns)), changed: 0, columns: [] }
  const note = there && !whole ? `${key.join(', ')} is not unique: whole rows are counted` : undefined
  const { added, removed, changed } = found
  const shape = columns.columns_added.length + columns.columns_removed.length + columns.columns_retyped.length
  return {
    name,
    state: added + removed + changed + shape > 0 ? 'changed' : 'unchanged',
    key: whole ? key : [],
    rows_before,
    rows_after,
    added,
    removed,
    changed,
    columns: found.columns.sort((a, b) => b.rows - a.rows || (a.name < b.name ? -1 : 1)),
    columns_added: columns.columns_added,
    columns_removed: columns.columns_removed,
    columns_retyped: columns.columns_retyped,
    not_compared: spared,
    ...(note === undefined ? {} : { note }),
  }
}

/** A relation that is only on one side. */
export async function onlyOn(
  connection: Connection,
  name: string,
  relation: string,
  state: 'new' | 'gone',
): Promise<RelationChange> {
  const [counted] = await connection.rows<{ n: number }>(`select count(*) as n from ${relation}`)
  const rows = counted!.n
  const sides = state === 'new' ? { rows_before: 0, rows_after: rows } : { rows_before: rows, rows_after: 0 }
  const moved = state === 'new' ? { added: rows, removed: 0 } : { added: 0, removed: rows }
  return { ...unchanged(name, []), state, ...sides, ...moved }
}

/** What is known to be equal need not be read. */
export function unchanged(name: string, key: readonly string[]): RelationChange {
  return {
    name,
    state: 'unchanged',
    key,
    rows_before: 0,
    rows_after: 0,
    added: 0,
    removed: 0,
    changed: 0,
    columns: [],
    columns_added: [],
    columns_removed: [],
    columns_retyped: [],
    not_compared: [],
  }
}

function columnChanges(was: readonly Column[], is: readonly Column[]) {
  const [before, after] = [typesOf(was), typesOf(is)]
  const both = [...after.keys()].filter((name) => before.has(name))
  return {
    both,
    types: after,
    columns_added: [...after.keys()].filter((name) => !before.has(name)),
    columns_removed: [...before.keys()].filter((name) => !after.has(name)),
    columns_retyped: both.flatMap((name) => {
      const [old, now] = [before.get(name)!, after.get(name)!]
      return old === now ? [] : [{ name, before: old, after: now }]
    }),
  }
}

function typesOf(columns: readonly Column[]): Map<string, string> {
  return new Map(columns.map(({ name, type }) => [name, type]))
}

type Columns = ReturnType<typeof columnChanges>

/** DuckDB's hash takes NULL, [] and [NULL] for one, and a struct of nothing but NULLs for NULL: what tells them apart goes in, too. */
function hashOf(name: string, { columns_retyped, types }: Columns): string {
  const column = quoteIdentifier(name)
  const type = types.get(name)!
  if (columns_retyped.some((retyped) => retyped.name === name)) return `hash(cast(${column} as varchar))`
  const lists = type.split('[').length - 1
  if (/\bMAP\(/.test(type) || lists > 1 || (lists === 1 && !type.endsWith('[]')))
    return `hash(cast(${column} as varchar))`
  if (lists === 1) return `hash(${column}, len(${column}))`
  return type.startsWith('STRUCT') ? `hash(${column}, ${column} is null)` : `hash(${column})`
}

async function byKey(
  connection: Connection,
  before: string,
  after: string,
  key: readonly string[],
  columns: Columns,
): Promise<Pick<RelationChange, 'rows_before' | 'rows_after' | 'added' | 'removed' | 'changed' | 'columns'>> {
  const values = columns.both.filter((name) => !key.includes(name))
  const keys = key.map((name, index) => `${quoteIdentifier(name)} as k${index}`)
  const hashes = values.map((name, index) => `${hashOf(name, columns)} as h${index}`)
  const side = (relation: string) => `(select ${['true as here', ...keys, ...hashes].join(', ')} from ${relation})`
  const on = key.map((_, index) => `b.k${index} is not distinct from a.k${index}`)
  const differs = values.map((_, index) => `a.h${index} <> b.h${index}`)
  const counts = differs.map((condition, index) => `count(*) filter (where ${condition}) as c${index}`)
  const [row] = await connection.rows<Record<string, number>>(`
    select
      count(b.here) as rows_before,
      count(a.here) as rows_after,
      count(*) filter (where b.here is null) as added,
      count(*) filter (where a.here is null) as removed,
      count(*) filter (where ${differs.length === 0 ? 'false' : differs.join(' or ')}) as changed
      ${counts.map((count) => `, ${count}`).join('')}
    from ${side(before)} as b
    full join ${side(after)} as a on ${on.join(' and ')}`)
  const { rows_before, rows_after, added, removed, changed } = row as Record<string, number>
  return {
    ...{ rows_before: rows_before!, rows_after: rows_after!, added: added!, removed: removed!, changed: changed! },
    columns: values.flatMap((name, index) => {
      const rows = row![`c${index}`]!
      return rows === 0 ? [] : [{ name, rows }]
    }),
  }
}

async function byRow(
  connection: Connection,
  before: string,
  after: string,
  columns: Columns,
): Promise<{ added: number; removed: number }> {
  const hashes = columns.both.map((name) => hashOf(name, columns))
  const side = (relation: string) =>
    `(select hash([${hashes.length === 0 ? '0::ubigint' : hashes.join(', ')}]) as h, count(*) as n from ${relation} group by h)`
  const [row] = await connection.rows<{ added: number; removed: number }>(`
    select
      cast(coalesce(sum(greatest(coalesce(a.n, 0) - coalesce(b.n, 0), 0)), 0) as bigint) as added,
      cast(coalesce(sum(greatest(coalesce(b.n, 0) - coalesce(a.n, 0), 0)), 0) as bigint) as removed
    from ${side(before)} as b
    full join ${side(after)} as a on a.h = b.h`)
  return row!
}
