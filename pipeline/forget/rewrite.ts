import { quoteIdentifier, quoteLiteral } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import { excise, type Finder } from './excise.ts'
import { type Names, plainWords, type Surveyed, theirRows } from './names.ts'

/** What somebody leaves behind in one table. */
export interface Loss {
  table: string
  /** Rows that are theirs. */
  rows: number
  /** Cells of other rows that name them, by column. */
  cells: Record<string, number>
}

/** What stays of a table: a SELECT, and what it leaves out. Makes temporary tables; nothing is written yet. */
export interface Remainder extends Loss {
  select: string
}

const TEXTUAL = /^(VARCHAR|JSON|STRUCT|MAP)|\[\]$/

/** Reads a table for somebody's rows and for what names them in others'. */
export async function remainderOf(
  connection: Connection,
  table: Surveyed,
  { names, finder, number }: { names: Names; finder: Finder; number: number },
): Promise<Remainder> {
  const { place, columns, about } = table
  const label = `${table.schema}.${table.name}`
  const emptied = await emptyCells(connection, table, names)
  if (about?.empties !== undefined && about.empties.length === 0)
    return { table: label, rows: 0, cells: {}, select: `select * from ${place}` }
  if (table.empty) return { table: label, rows: 0, cells: {}, select: `select * from ${place}` }
  const own = about?.empties === undefined ? theirRows(table, names) : undefined
  const theirs = own ?? 'false'
  const textual = columns.filter(({ name, type }) => TEXTUAL.test(type) && !about?.empties?.includes(name))
  const needles = needlesOf(names)
  const cells: Record<string, number> = { ...emptied.cells }
  const fixes: { rid: number; column: string; value: string | null }[] = []
  const hit =
    textual.length === 0 || needles.length === 0
      ? 'false'
      : `regexp_matches(lower(strip_accents(concat_ws(' ', ${textual.map(textOf).join(', ')}))), ${quoteLiteral(needles.map(plainly).join('|'))})`
  const [counted] = await connection.rows<{ theirs: number; hit: number }>(
    `select count(*) filter (where ${theirs}) as theirs, count(*) filter (where not ${theirs} and ${hit}) as hit from ${place}`,
  )
  const found =
    counted!.hit === 0
      ? []
      : connection.stream<Record<string, string | null> & { _rid: number }>(
          `select rowid as _rid, ${textual.map((column) => `${textOf(column)} as ${quoteIdentifier(column.name)}`).join(', ')}
           from ${place} where not ${theirs} and ${hit}`,
        )
  for await (const batch of found) {
    for (const { _rid: rid, ...texts } of batch) {
      for (const [name, before] of Object.entries(texts as Record<string, string | null>)) {
        const after = before === null ? null : excise(before, finder)
        if (after === before) continue
        fixes.push({ rid, column: name, value: after })
        cells[name] = (cells[name] ?? 0) + 1
      }
    }
  }
  const select = await selectOf(connection, table, { theirs, fixes, emptied: emptied.columns, number })
  return { table: label, rows: counted!.theirs, cells, select }
}

function textOf({ name, type }: { name: string; type: string }): string {
  const column = quoteIdentifier(name)
  return type === 'VARCHAR' || type === 'JSON' ? `cast(${column} as varchar)` : `cast(to_json(${column}) as varchar)`
}

function plainly(text: string): string {
  return text.replaceAll(/[^a-z0-9@_ -]/g, (letter) => `\\${letter}`)
}

/** Lower case, without accents, also as JSON escapes them: what a cell must contain to be looked at closely. */
export function needlesOf({ ids, emails, profiles, words, records, domains, cnpj_roots }: Names): string[] {
  const keys = [...records]
    .map((record) => record.slice(record.indexOf('/') + 1).toLowerCase())
    .filter((key) => key.length >= 6)
  const parts = [...emails].map((email) => email.slice(email.indexOf('@')))
  const slugs = [...profiles].map((profile) => profile.slice(profile.indexOf('/') + 1))
  // A name in two fields, or with letters that JSON escapes, is found by its last word.
  const last = [...words].map((word) => plainWords(word).split(' ').at(-1)!)
  return [...new Set([...ids, ...keys, ...parts, ...slugs, ...last, ...domains, ...cnpj_roots])].map((one) =>
    one.toLowerCase(),
  )
}

async function emptyCells(connection: Connection, { place, about, columns }: Surveyed, { ids }: Names) {
  const cells: Record<string, number> = {}
  const replaced = new Map<string, string>()
  for (const name of about?.empties ?? []) {
    if (ids.size === 0 || !columns.some((column) => column.name === name)) continue
    const list = [...ids].map(quoteLiteral).join(', ')
    const condition = `coalesce(${quoteIdentifier(name)} in (${list}), false)`
    const [counted] = await connection.rows<{ n: number }>(`select count(*) as n from ${place} where ${condition}`)
    if (counted!.n === 0) continue
    cells[name] = counted!.n
    replaced.set(name, `case when ${condition} then null else t.${quoteIdentifier(name)} end`)
  }
  return { cells, columns: replaced }
}

async function selectOf(
  connection: Connection,
  { place, columns }: Surveyed,
  how: {
    theirs: string
    fixes: readonly { rid: number; column: string; value: string | null }[]
    emptied: ReadonlyMap<string, string>
    number: number
  },
): Promise<string> {
  const { theirs, fixes, emptied, number } = how
  const replaced = [...emptied].map(([name, sql]) => `${sql} as ${quoteIdentifier(name)}`)
  let joins = ''
  const fixed = [...new Set(fixes.map(({ column }) => column))]
  for (const [index, column] of fixed.entries()) {
    const [name, alias] = [`temp.main.fix_${number}_${index}`, `f${index}`]
    await connection.run(`create or replace temp table fix_${number}_${index} (rid bigint, value varchar)`)
    const own = fixes.filter((fix) => fix.column === column).map(({ rid, value }) => ({ rid, value }))
    await connection.insert(name, { rid: 'BIGINT', value: 'VARCHAR' }, own)
    const { type } = columns.find((one) => one.name === column)!
    const value =
      type === 'VARCHAR' || type === 'JSON' ? `${alias}.value` : `cast(cast(${alias}.value as json) as ${type})`
    const quoted = quoteIdentifier(column)
    replaced.push(`case when ${alias}.rid is null then t.${quoted} else ${value} end as ${quoted}`)
    joins += ` left join ${name} as ${alias} on ${alias}.rid = t.rowid`
  }
  const where = theirs === 'false' ? '' : ` where not ${theirs}`
  const star = replaced.length === 0 ? 't.*' : `t.* replace (${replaced.join(', ')})`
  // What is not theirs is asked of the table before the join: its columns are unambiguous there.
  const from = where === '' ? `${place} as t` : `(select *, rowid from ${place}${where}) as t`
  const all = where === '' ? star : star.replace('t.*', 't.* exclude (rowid)')
  return `select ${all} from ${from}${joins}${fixed.length === 0 ? '' : ' order by t.rowid'}`
}
