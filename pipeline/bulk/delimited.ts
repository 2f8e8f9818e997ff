import { z } from 'zod'
import type { LedgerTable } from '../step.ts'
import { columnsOf, quoteIdentifier, quoteLiteral } from '../table.ts'
import type { SplitRow } from './splitter.ts'

/** A table of a bulk set, as it is published (delimited text without header, zipped) and as it lands. */
export interface DelimitedTable extends Pick<LedgerTable, 'table' | 'description' | 'key' | 'pii'> {
  /** The columns that land. Their order is the order of the file; those that the file has not come last. See `ColumnMeta`. */
  row: z.ZodObject
  /** What in a member's name says that it holds this table, and in the zip's where no member's does: [`EMPRECSV`, `Empresas`]. */
  files: readonly string[]
  /** Why a row is no row of this table, or undefined. Such rows are rejected. */
  check?(row: SplitRow): string | undefined
  /** Whether a row is wanted at all: the filter that is pushed down. Cheap, since it sees every row. */
  keep?(row: SplitRow): boolean
  /** Only rows whose `column` (upper case) is among the same column of another table's landed rows. */
  within?: { table: string; column: string }
  /** Rows known to be missing in the files; one of the file with the same key wins. */
  extra?: readonly (readonly string[])[]
  /** Not wanted: lands empty, unread. */
  skip?: boolean
  /** A folder without it is no complete set. */
  required?: boolean
  /** Taken from the newest earlier set that has it, when the latest lacks it. */
  carried_over?: boolean
  /** Takes personal data out of the text of a rejected row. */
  redact?(content: string): string
}

/**
 * What `.meta()` of a column may say. In its SQL `{}` is the column's own field and `{as_of}` the run's date as text;
 * fields have the names of their columns and are trimmed text, NULL when empty.
 */
export interface ColumnMeta {
  duckdb?: string
  /** How the value comes about. Absent: the field's text. */
  sql?: string
  /** The file has no such column. */
  derived?: boolean
  /** A condition on the field that is worth counting, under a name: [`absurd_dates`, SQL]. */
  count?: readonly [string, string]
}

export interface BulkSet {
  /** Whose files: the provider's name. */
  source: string
  /** Folder of the zips, or of folders `YYYY-MM` of zips; relative to the repository. */
  path: string
  tables: readonly DelimitedTable[]
  /** What was pushed down, in a form that can be compared: kept in the ledger beside the snapshot. */
  filter: string
  /** The date a member's name says its data is of: `2026-08-08`. */
  dateOf?(member: string): string | undefined
}

export function ledgerTable(source: string, { table, description, row, key, pii }: DelimitedTable): LedgerTable {
  return { source, table, description, columns: columnsOf(row), key, pii, write: 'replace', bulk: true }
}

/** `column` or `column:type`, in the order of the file, as a row schema; `text` is the type unless said. */
export function readLayout(layout: string, types: Readonly<Record<string, z.ZodType>>): z.ZodObject {
  const shape = layout
    .trim()
    .split(/\s+/)
    .map((item) => {
      const [name, type = 'text'] = item.split(':') as [string, string?]
      const schema = types[type]
      if (schema === undefined) throw new Error(`no type ${type} for column ${name}`)
      return [name, schema] as const
    })
  return z.object(Object.fromEntries(shape))
}

/** Columns of the file, in order. */
export function fieldsOf({ row }: DelimitedTable): string[] {
  return Object.keys(row.shape).filter((name) => !metaOf(row, name).derived)
}

/** Longer than the longest row that the splitter lets through, with its number in front. */
const LONGEST_LINE = 2 * 1024 * 1024
const SPACES = '[\\s\\x{A0}]'

/** Where the parts of a table keep, beside its columns, the row's number and its counts. */
const SEQ = '_seq'
const countColumn = (name: string) => quoteIdentifier(`_count_${name}`)

/** Small row groups in parts that are sorted by what they are later cut by: each cut reads little more than itself. */
const PART_ROW_GROUP = 8_192
/** Rows of a file that lands, and so of what is sorted at a time. */
const FILE_ROWS = 300_000
const PREFIX = 3

/** A range of the column that a table is cut and ordered by. Absent ends are open. */
export interface Range {
  from?: string
  to?: string
}

/** A chunk of clean CSV, each row with its number in front → a part in Parquet: fields trimmed, columns typed. */
export function chunkToPart(table: DelimitedTable, as_of: string, chunk: string, part: string): string {
  const names = fieldsOf(table)
  const types = [`'${SEQ}': 'BIGINT'`, ...names.map((field) => `${quoteLiteral(field)}: 'VARCHAR'`)]
  const csv = `read_csv(${quoteLiteral(chunk)}, header = false, auto_detect = false, delim = ';', quote = '"', escape = '"',
    new_line = '\\n', strict_mode = true, parallel = false, max_line_size = ${LONGEST_LINE}, columns = {${types.join(', ')}})`
  const fields = names.map((field) => `${trimmed(quoteIdentifier(field))} as ${quoteIdentifier(field)}`)
  return `copy (select ${typed(table, as_of)} from (select ${SEQ}, ${fields.join(', ')} from ${csv})
    order by ${cutColumn(table)}) to ${parquet(part, PART_ROW_GROUP)}`
}

/** The rows of `extra`, as a part that every row of a file comes after. */
export function extraToPart(table: DelimitedTable, as_of: string, part: string): string {
  const rows = (table.extra ?? []).map((row, index) => `(${-1 - index}, ${row.map(quoteLiteral).join(', ')})`)
  const names = [SEQ, ...fieldsOf(table).map(quoteIdentifier)]
  return `copy (select ${typed(table, as_of)} from (values ${rows.join(', ')}) as extra(${names.join(', ')})) to ${parquet(part)}`
}

/** How many rows of the parts begin with what, in order. */
export function countPrefixes(table: DelimitedTable, parts: readonly string[]): string {
  return `select left(${cutColumn(table)}, ${PREFIX}) as prefix, count(*) as rows from ${filesList(parts)} group by all order by all`
}

/** Cuts a table, whatever its size, into ranges that can be sorted in little memory. The same rows give the same cuts. */
export function rangesOf(prefixes: readonly { prefix: string; rows: number }[]): Range[] {
  const ranges: Range[] = [{}]
  let rows = 0
  for (const { prefix, rows: more } of prefixes) {
    if (rows > 0 && rows + more > FILE_ROWS) {
      ranges.at(-1)!.to = prefix
      ranges.push({ from: prefix })
      rows = 0
    }
    rows += more
  }
  return ranges
}

/** A range of all parts → a file that lands: the last row of each key, in order, only those `within`. */
export function partsToFile(
  table: DelimitedTable,
  parts: readonly string[],
  range: Range,
  within: readonly string[],
  file: string,
): string {
  const columns = Object.entries(columnsOf(table.row))
  if (parts.length === 0) {
    const empty = columns.map(([name, type]) => `cast(null as ${type}) as ${quoteIdentifier(name)}`)
    return `copy (select ${empty.join(', ')} where false) to ${parquet(file)}`
  }
  const list = columns.map(([name]) => quoteIdentifier(name)).join(', ')
  const key = table.key.map(quoteIdentifier).join(', ')
  const rows = among(table, parts, range, within)
  const last = `select max(${SEQ}) from ${filesList(parts)}${where(inRange(table, range))} group by ${key}`
  return `copy (select ${list} from ${rows} and ${SEQ} in (${last}) order by ${cutColumn(table)}, ${key}) to ${parquet(file)}`
}

/** Rows in a range of the parts that are `within`, and the sums of the table's counts over them. */
export function countParts(
  table: DelimitedTable,
  parts: readonly string[],
  range: Range,
  within: readonly string[],
): string {
  const names = Object.keys(countsOf(table))
  const sums = names.map((name) => `coalesce(sum(${countColumn(name)}), 0)::bigint as ${quoteIdentifier(name)}`)
  return `select ${['count(*) as rows', ...sums].join(', ')} from ${among(table, parts, range, within)}`
}

function among(table: DelimitedTable, parts: readonly string[], range: Range, within: readonly string[]): string {
  const cut = cutColumn(table)
  const ranged = inRange(table, range)
  const known = `${cut} in (select ${cut} from ${filesList(within)}${where(ranged)})`
  return filesList(parts) + where(table.within === undefined ? ranged : [...ranged, known])
}

function inRange(table: DelimitedTable, { from, to }: Range): string[] {
  const cut = cutColumn(table)
  return [
    ...(from === undefined ? [] : [`${cut} >= ${quoteLiteral(from)}`]),
    ...(to === undefined ? [] : [`${cut} < ${quoteLiteral(to)}`]),
  ]
}

/** What a table is joined by, if it is; so that a range of it needs only the same range of the other. */
function cutColumn({ key, within }: DelimitedTable): string {
  return quoteIdentifier(within?.column ?? key[0]!)
}

function where(conditions: readonly string[]): string {
  return ` where ${['true', ...conditions].join(' and ')}`
}

function filesList(files: readonly string[]): string {
  return `read_parquet([${files.map(quoteLiteral).join(', ')}])`
}

function typed(table: DelimitedTable, as_of: string): string {
  const columns = Object.entries(columnsOf(table.row)).map(([name, type]) => {
    const sql = inSql(metaOf(table.row, name).sql ?? '{}', name, as_of)
    return `cast(${sql} as ${type}) as ${quoteIdentifier(name)}`
  })
  const counts = Object.entries(countsOf(table)).map(([name, conditions]) => {
    const sums = conditions.map(([field, sql]) => `coalesce((${inSql(sql, field, as_of)})::int, 0)`)
    return `${sums.join(' + ')} as ${countColumn(name)}`
  })
  return [...columns, SEQ, ...counts].join(', ')
}

/** Name of a count → the conditions of the fields it is made of. */
function countsOf({ row }: DelimitedTable): Record<string, [string, string][]> {
  const counts: Record<string, [string, string][]> = {}
  for (const field of Object.keys(row.shape)) {
    const [name, sql] = metaOf(row, field).count ?? []
    if (name !== undefined && sql !== undefined) counts[name] = [...(counts[name] ?? []), [field, sql]]
  }
  return counts
}

function metaOf(row: z.ZodObject, column: string): ColumnMeta {
  return ((row.shape[column] as z.ZodType).meta() ?? {}) as ColumnMeta
}

function inSql(sql: string, field: string, as_of: string): string {
  return sql.replaceAll('{}', () => quoteIdentifier(field)).replaceAll('{as_of}', () => as_of)
}

/** Outer spaces off, inner runs of them (and line breaks) made one, nothing left: NULL. */
function trimmed(field: string): string {
  const collapsed = `case when regexp_matches(${field}, '${SPACES}{2}|[^\\S ]|\\x{A0}')
    then regexp_replace(${field}, '${SPACES}+', ' ', 'g') else ${field} end`
  return `nullif(trim(${collapsed}), '')`
}

function parquet(file: string, rowGroup?: number): string {
  const size = rowGroup === undefined ? '' : `, row_group_size ${rowGroup}`
  return `${quoteLiteral(file)} (format parquet, compression zstd${size})`
}
