import type { LedgerTable } from '../step.ts'
import { quoteIdentifier, quoteLiteral } from '../table.ts'
import type { SplitRow } from './splitter.ts'

/** A table of a bulk set, as it is published (delimited text without header, zipped) and as it lands. */
export interface DelimitedTable extends Pick<LedgerTable, 'table' | 'description' | 'columns' | 'key' | 'pii'> {
  /** What in a member's name says that it holds this table: `EMPRECSV`. */
  marker: string
  /** Where no member's name says it, the zip's does: `Empresas` for `Empresas0.zip`. */
  zip: string
  /** Columns of the file, in order. */
  fields: readonly string[]
  /** Column that lands → SQL over the file's columns, which are trimmed text, NULL when empty. Absent: the column itself. */
  select: Readonly<Record<string, string>>
  /** Why a row is no row of this table, or undefined. Such rows are rejected. */
  check?(row: SplitRow): string | undefined
  /** Whether a row is wanted at all: the filter that is pushed down. Cheap, since it sees every row. */
  keep?(row: SplitRow): boolean
  /** Only rows whose `column` (upper case) is among the same column of another table's landed rows. */
  within?: { table: string; column: string }
  /** Things worth counting in the rows that are kept: name → SQL of a number, over the file's columns. */
  counts?: Readonly<Record<string, string>>
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

export function ledgerTable(source: string, { table, description, columns, key, pii }: DelimitedTable): LedgerTable {
  return { source, table, description, columns, key, pii, write: 'replace', bulk: true }
}

/** Longer than the longest row that the splitter lets through, with its number in front. */
const LONGEST_LINE = 2 * 1024 * 1024
const SPACES = `[\\s\\x{A0}]`

/** Where the parts of a table keep, beside its columns, the row's number and its counts. */
const SEQ = '_seq'
const countColumn = (name: string) => quoteIdentifier(`_count_${name}`)

/** A chunk of clean CSV, each row with its number in front → a part in Parquet: fields trimmed, columns typed. */
export function chunkToPart(table: DelimitedTable, chunk: string, part: string): string {
  const types = [`'${SEQ}': 'BIGINT'`, ...table.fields.map((field) => `${quoteLiteral(field)}: 'VARCHAR'`)]
  const csv = `read_csv(${quoteLiteral(chunk)}, header = false, auto_detect = false, delim = ';', quote = '"', escape = '"',
    new_line = '\\n', strict_mode = true, parallel = false, max_line_size = ${LONGEST_LINE}, columns = {${types.join(', ')}})`
  const fields = table.fields.map((field) => `${trimmed(quoteIdentifier(field))} as ${quoteIdentifier(field)}`)
  return `copy (select ${typed(table)} from (select ${SEQ}, ${fields.join(', ')} from ${csv})) to ${parquet(part)}`
}

/** The rows of `extra`, as a part that every row of a file comes after. */
export function extraToPart(table: DelimitedTable, part: string): string {
  const rows = (table.extra ?? []).map((row) => `(-1, ${row.map(quoteLiteral).join(', ')})`)
  const names = [SEQ, ...table.fields.map(quoteIdentifier)]
  return `copy (select ${typed(table)} from (values ${rows.join(', ')}) as extra(${names.join(', ')})) to ${parquet(part)}`
}

/** All parts → the file that lands: the last row of each key, in order of the key, only those `within`. */
export function partsToFile(table: DelimitedTable, parts: readonly string[], within: string, file: string): string {
  const columns = Object.entries(table.columns)
  const list = columns.map(([name]) => quoteIdentifier(name)).join(', ')
  const key = table.key.map(quoteIdentifier).join(', ')
  if (parts.length === 0) {
    const empty = columns.map(([name, type]) => `cast(null as ${type}) as ${quoteIdentifier(name)}`)
    return `copy (select ${empty.join(', ')} where false) to ${parquet(file)}`
  }
  return `copy (select ${list} from ${among(table, parts, within)}
    qualify row_number() over (partition by ${key} order by ${SEQ} desc) = 1 order by ${key}) to ${parquet(file)}`
}

/** Rows in the parts that are `within`, and the sums of the table's counts over them. */
export function countParts(table: DelimitedTable, parts: readonly string[], within: string): string {
  const sums = Object.keys(table.counts ?? {}).map(
    (name) => `coalesce(sum(${countColumn(name)}), 0)::bigint as ${quoteIdentifier(name)}`,
  )
  return `select ${['count(*) as rows', ...sums].join(', ')} from ${among(table, parts, within)}`
}

function among(table: DelimitedTable, parts: readonly string[], within: string): string {
  const rows = `read_parquet([${parts.map(quoteLiteral).join(', ')}])`
  if (table.within === undefined) return rows
  const column = quoteIdentifier(table.within.column)
  return `${rows} where ${column} in (select ${column} from read_parquet(${quoteLiteral(within)}))`
}

function typed(table: DelimitedTable): string {
  const columns = Object.entries(table.columns).map(
    ([name, type]) => `cast(${table.select[name] ?? quoteIdentifier(name)} as ${type}) as ${quoteIdentifier(name)}`,
  )
  const counts = Object.entries(table.counts ?? {}).map(
    ([name, sql]) => `cast(${sql} as bigint) as ${countColumn(name)}`,
  )
  return [...columns, SEQ, ...counts].join(', ')
}

/** Outer spaces off, inner runs of them (and line breaks) made one, nothing left: NULL. */
function trimmed(field: string): string {
  const collapsed = `case when regexp_matches(${field}, '${SPACES}{2}|[^\\S ]|\\x{A0}')
    then regexp_replace(${field}, '${SPACES}+', ' ', 'g') else ${field} end`
  return `nullif(trim(${collapsed}), '')`
}

function parquet(file: string): string {
  return `${quoteLiteral(file)} (format parquet, compression zstd)`
}
