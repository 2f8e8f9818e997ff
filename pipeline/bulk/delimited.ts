import { z } from 'zod'
import type { LedgerTable } from '../step.ts'
import { columnsOf, quoteIdentifier, quoteLiteral } from '../table.ts'
import { DELIMITER, type SplitRow } from './splitter.ts'

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
  /** The same as `keep`, in SQL over the columns that land. */
  where?: string
  /** Column by which a whole landing is laid into folders, and the values of it that alone can pass, where not all can. */
  partition?: string
  partitions?: readonly string[]
  /** Only rows whose `column` is among the same column of another table's wanted rows. */
  within?: { table: string; column: string }
  /** Only rows whose `column` is among the same column of those rows of another table that this passes: that is read first. */
  screen?: { table: string; column: string; keep(row: SplitRow): boolean; where: string }
  /**
   * Columns of the file that together are the key. A row is wanted, whatever `keep` and `screen` say, whose key the landing
   * before has, by the same filter: what became of it is told from both.
   */
  follow?: readonly string[]
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

/** What is mended before a row is written anywhere. */
export interface Mending {
  /** Latest day that a date can be: 20260831. */
  today: number
  count(name: string, by: number): void
}

/** Changes a field in place; what it shortens it fills up with spaces. Sees every wanted row, so it reads bytes. */
export type Mend = (bytes: Buffer, start: number, end: number, mending: Mending) => void

/**
 * What `.meta()` of a column may say. In its SQL `{}` is the column's own field; fields have the names of their columns
 * and are tidy text, NULL when empty.
 */
export interface ColumnMeta {
  duckdb?: string
  mend?: Mend
  /** How the value comes about. Absent: the field's text. */
  sql?: string
  /** The file has no such column. */
  derived?: boolean
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
  /** `2026-08`: no later month is read. */
  month?: string
  /** Told of each zip that is not whole. */
  damaged?(path: string): void
  /** All rows land once, beside the lake, and every filter takes from there: another one does not need the files again. */
  whole?: boolean
  /** How many snapshots stay in the lake. 2 unless said: what changed in a month is told from two. */
  keep_snapshots?: number
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

/** Longer than the longest row that the splitter lets through. */
const LONGEST_LINE = 8 * 1024 * 1024
/** What one thread reads of a chunk at a time. */
const READ_SIZE = 8 * 1024 * 1024

/** A chunk of clean rows → a part in Parquet, columns typed, in the order of the rows. */
export function chunkToPart(table: DelimitedTable, chunk: string, part: string): string {
  const types = fieldsOf(table).map((field) => `${quoteLiteral(field)}: 'VARCHAR'`)
  const delimiter = quoteLiteral(String.fromCharCode(DELIMITER))
  const csv = `read_csv(${quoteLiteral(chunk)}, header = false, auto_detect = false, delim = ${delimiter}, quote = '', escape = '',
    new_line = '\\n', strict_mode = true, max_line_size = ${LONGEST_LINE}, buffer_size = ${READ_SIZE + LONGEST_LINE},
    columns = {${types.join(', ')}})`
  return `copy (select ${typed(table)} from ${csv}) to ${parquet(part)}`
}

/** The rows of `extra`, or none, as a part. */
export function extraToPart(table: DelimitedTable, part: string): string {
  const names = fieldsOf(table)
  const empty = `(${names.map(() => 'null::varchar').join(', ')})`
  const rows = (table.extra ?? []).map((row) => `(${row.map(quoteLiteral).join(', ')})`)
  const values = `(values ${[empty, ...rows].join(', ')}) as extra(${names.map(quoteIdentifier).join(', ')})`
  return `copy (select ${typed(table)} from ${values} offset 1) to ${parquet(part)}`
}

/** Keys that may be there more than once, as hashes: one of `buckets` shares of all keys, to bound the memory. */
export function repeatedKeys(table: DelimitedTable, parts: readonly string[], bucket: number, buckets: number): string {
  const share = buckets === 1 ? '' : ` where key % ${buckets} = ${bucket}`
  return `select key from (select ${keyHash(table)} as key from ${filesList(parts)})${share} group by key having count(*) > 1`
}

/** Those rows of `repeated` keys that a later row makes void: part (by its place in the list) and number in it, to a file. */
export function voidRows(table: DelimitedTable, parts: readonly string[], repeated: string, to: string): string {
  const key = table.key.map(quoteIdentifier).join(', ')
  const order = parts.map((part, index) => `(${quoteLiteral(part)}, ${index})`)
  const files = `read_parquet([${parts.map(quoteLiteral).join(', ')}], filename = true, file_row_number = true)`
  return `copy (
    select part, file_row_number as row from (
      select ${key}, part, file_row_number from ${files}
      inner join (values ${order.join(', ')}) as listed(name, part) on listed.name = filename
      where ${keyHash(table)} in (${repeated})
    ) qualify row_number() over (partition by ${key} order by part desc, file_row_number desc) > 1
  ) to ${parquet(to)}`
}

/** A part without the rows of it that are void. */
export function withoutVoid(part: string, index: number, voids: readonly string[], to: string): string {
  const source = `read_parquet([${quoteLiteral(part)}], file_row_number = true)`
  const among = `select row from ${filesList(voids)} where part = ${index}`
  return `copy (select * exclude (file_row_number) from ${source} where file_row_number not in (${among})) to ${parquet(to)}`
}

/** How many rows of which part are void. */
export function countVoid(voids: readonly string[]): string {
  return `select part, count(*) as rows from ${filesList(voids)} group by part order by part`
}

export function countRows(parts: readonly string[]): string {
  return `select count(*) as rows from ${filesList(parts)}`
}

function keyHash({ key }: DelimitedTable): string {
  return `hash(${key.map(quoteIdentifier).join(', ')})`
}

function filesList(files: readonly string[]): string {
  return `read_parquet([${files.map(quoteLiteral).join(', ')}])`
}

function typed(table: DelimitedTable): string {
  const columns = Object.entries(columnsOf(table.row)).map(([name, type]) => {
    const sql = (metaOf(table.row, name).sql ?? '{}').replaceAll('{}', () => quoteIdentifier(name))
    return `cast(${sql} as ${type}) as ${quoteIdentifier(name)}`
  })
  return columns.join(', ')
}

/** What is mended of a row: places of fields and how. */
export function mendsOf(table: DelimitedTable): [number, Mend][] {
  return fieldsOf(table).flatMap((field, index): [number, Mend][] => {
    const { mend } = metaOf(table.row, field)
    return mend === undefined ? [] : [[index, mend]]
  })
}

function metaOf(row: z.ZodObject, column: string): ColumnMeta {
  return ((row.shape[column] as z.ZodType).meta() ?? {}) as ColumnMeta
}

function parquet(file: string): string {
  return `${quoteLiteral(file)} (format parquet, compression zstd)`
}
