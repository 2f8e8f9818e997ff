import type { About } from '../forget/names.ts'
import type { LedgerTable } from '../step.ts'
import { quoteIdentifier, quoteLiteral } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'

/** One landing of a table, as the lake has it. */
export interface Side {
  /** The date its rows are of. */
  snapshot: string
  files: readonly string[]
}

export interface Comparison {
  /** The bulk table, as it is declared now; a column that a side's files lack is NULL there, and compared with nothing. */
  table: LedgerTable
  before: Side
  after: Side
  /** False when the two were landed with different filters: a row on one side only may have been there all along. */
  same_filter: boolean
}

/** Rows of both sides that are compared at a time. What is held in memory is a key and a hash of each, about 100 bytes. */
const RANGE_ROWS = 8_000_000
const CHANGED = 'temp.main.changed_keys'

/** Where the changes of a bulk table are kept: each row that is another from one landing to the next, as it was and as it is. */
export function changesTable(table: LedgerTable): LedgerTable {
  const columns = Object.entries(table.columns)
  const row = `STRUCT(${columns.map(([name, type]) => `${quoteIdentifier(name)} ${type}`).join(', ')})`
  return {
    source: table.source,
    table: `${table.table}_changes`,
    description: `Rows of ${table.table} that changed from one landed month to the next, as they were and as they are. They stay when the months go.`,
    columns: {
      ...Object.fromEntries(table.key.map((name) => [name, table.columns[name]!])),
      changed_on: 'DATE',
      previous_on: 'DATE',
      same_filter: 'BOOLEAN',
      was: row,
      now: row,
    },
    key: [...table.key, 'changed_on'],
    docs: {
      changed_on: 'Date of the landing that has the row as it is.',
      previous_on: 'Date of the landing before, that has the row as it was.',
      same_filter:
        'Both were landed with the same filter. If not, a row on one side only may have been there all along.',
      was: 'The row before; NULL where there was none.',
      now: 'The row after; NULL where there is none.',
    },
    ...(table.pii === undefined || table.pii.length === 0 ? {} : { pii: ['was', 'now'] }),
    ...(table.about === undefined ? {} : { about: aboutChanged(table.about) }),
    write: 'replace',
    bulk: true,
  }
}

/** Whose a changed row is, as it was or is. */
function aboutChanged(about: About): About {
  const either = (column: string | undefined) =>
    column === undefined ? undefined : `coalesce(was[${quoteLiteral(column)}], now[${quoteLiteral(column)}])`
  const { record, email, profile, domain, cnpj } = about
  return {
    record: either(record),
    email: either(email),
    profile: either(profile),
    domain: either(domain),
    cnpj: either(cnpj),
  }
}

/**
 * Writes every row that differs between two landings to Parquet files named by `fileOf`, in order of the key; the same two
 * sides give the same rows. Works through ranges of the key, so that memory stays bounded whatever the size of the table.
 * Answers the rows written to each file; a file without rows is not written.
 */
export async function writeChanges(
  connection: Connection,
  comparison: Comparison,
  fileOf: (index: number) => string,
  range_rows = RANGE_ROWS,
): Promise<number[]> {
  const { table, before, after } = comparison
  const written: number[] = []
  const columns = await sharedColumns(connection, comparison)
  for (const range of await keyRanges(connection, table, [before, after], range_rows)) {
    await connection.run(findChanged(table, before, after, range, columns))
    const [found] = await connection.rows<{ changed: number }>(`select count(*) as changed from ${CHANGED}`)
    if (found!.changed === 0) continue
    written.push(await connection.run(copyChanged(comparison, range, fileOf(written.length))))
  }
  await connection.run(`drop table if exists ${CHANGED}`)
  return written
}

/** The keys in a range of which the rows of the two sides are not the same, by a hash of the whole row. */
export function findChanged(
  { key }: Pick<LedgerTable, 'key'>,
  before: Side,
  after: Side,
  range: string,
  columns: readonly string[],
): string {
  const keys = key.map(quoteIdentifier)
  const hashed = columns.map(quoteIdentifier).join(', ')
  const side = ({ files }: Side) =>
    `(select ${keys.join(', ')}, hash(${hashed}) as _hash from ${rowsOf(files)} where ${range})`
  return `create or replace temp table ${CHANGED} as
    select ${keys.join(', ')} from ${side(before)} as was full outer join ${side(after)} as now using (${keys.join(', ')})
    where was._hash is distinct from now._hash`
}

function copyChanged({ table, before, after, same_filter }: Comparison, range: string, file: string): string {
  const keys = table.key.map(quoteIdentifier).join(', ')
  const side = ({ files }: Side, as: string) => {
    const { [as]: type } = changesTable(table).columns
    const row = `cast(_row as ${type}) as ${quoteIdentifier(as)}`
    return `(select ${keys}, ${row} from (select ${keys}, _row from ${rowsOf(files)} as _row where ${range}
      and (${keys}) in (select (${keys}) from ${CHANGED})))`
  }
  return `copy (
    select ${keys}, date ${quoteLiteral(after.snapshot)} as changed_on, date ${quoteLiteral(before.snapshot)} as previous_on,
      ${same_filter} as same_filter, was.was, now.now
    from ${side(before, 'was')} as was full outer join ${side(after, 'now')} as now using (${keys})
    order by ${keys}
  ) to ${quoteLiteral(file)} (format parquet, compression zstd)`
}

/** Columns that both sides' files have: a column that is new says nothing about the month before. */
async function sharedColumns(connection: Connection, { table, before, after }: Comparison): Promise<string[]> {
  const of = async ({ files }: Side) =>
    new Set((await connection.describe(`select * from ${rowsOf(files)}`)).map(({ name }) => name))
  const [left, right] = [await of(before), await of(after)]
  return Object.keys(table.columns).filter((name) => left.has(name) && right.has(name))
}

/**
 * Conditions on the first column of the key that cut the rows of both sides into ranges of bounded size. The cuts come
 * from the row groups' own statistics: where files are sorted by the key, a range reads little more than itself.
 */
async function keyRanges(
  connection: Connection,
  { key }: LedgerTable,
  sides: readonly Side[],
  range_rows: number,
): Promise<string[]> {
  const column = quoteIdentifier(key[0]!)
  const files = sides.flatMap((side) => side.files.map(quoteLiteral))
  const groups = await connection.rows<{ least: string | null; rows: number }>(`
    select stats_min_value as least, row_group_num_rows as rows from parquet_metadata([${files.join(', ')}])
    where path_in_schema = ${quoteLiteral(key[0]!)} and row_group_num_rows > 0
    order by least nulls first`)
  const cuts: string[] = []
  let rows = 0
  for (const group of groups) {
    if (rows >= range_rows && group.least !== null && group.least !== cuts.at(-1)) {
      cuts.push(group.least)
      rows = 0
    }
    rows += group.rows
  }
  const from = [undefined, ...cuts]
  return from.map((least, index) => {
    const conditions = [
      ...(least === undefined ? [] : [`${column} >= ${quoteLiteral(least)}`]),
      ...(cuts[index] === undefined ? [] : [`${column} < ${quoteLiteral(cuts[index])}`]),
    ]
    return conditions.length === 0 ? 'true' : conditions.join(' and ')
  })
}

function rowsOf(files: readonly string[]): string {
  return `read_parquet([${files.map(quoteLiteral).join(', ')}])`
}
