import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { LedgerTable } from '../step.ts'
import { quoteIdentifier, quoteLiteral } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import { LEDGER } from '../warehouse/session.ts'
import type { Less } from './copy.ts'
import { listOf, type Names, SPELLINGS, type Surveyed, theirRows } from './names.ts'
import { type Loss, remainderOf } from './rewrite.ts'

const COPIED = 'format parquet, compression zstd'

/** A published Parquet file less what is somebody's; undefined where nothing in it is theirs. With `to`, it is written there. */
export async function exportLess(
  connection: Connection,
  file: string,
  to: string | undefined,
  { names, finder, declared }: Less,
): Promise<Loss | undefined> {
  const name = file.replace(/^.*\//, '').replace(/\.parquet$/, '')
  await connection.run(`create or replace temp table exported as select * from read_parquet(${quoteLiteral(file)})`)
  const columns = await connection.describe('select * from temp.main.exported')
  const about = declared.about.get(`marts.${name}`)
  const table = { place: 'temp.main.exported', schema: 'exports', name, source: '', columns, about, pii: [] }
  const { select, ...loss } = await remainderOf(connection, table, { names, finder, number: 0 })
  const loses = loss.rows > 0 || Object.keys(loss.cells).length > 0
  if (to !== undefined) await connection.run(`copy (${select}) to ${quoteLiteral(to)} (${COPIED})`)
  await connection.run('drop table temp.main.exported')
  return loses ? loss : undefined
}

/** A file of the lake that holds something of somebody, and what stays of it. */
export interface LakeLoss extends Loss {
  /** Relative to the lake, as the ledger names it. */
  path: string
  select: string
}

interface Landed {
  source: string
  table_name: string
  files: string
}

/** Every file of the lake that loses rows or cells. Bulk files are large: only columns that name somebody are looked at. */
export async function lakeLosses(
  connection: Connection,
  lake: string,
  tables: readonly LedgerTable[],
  names: Names,
): Promise<LakeLoss[]> {
  const landed = await connection.rows<Landed>(
    `select distinct source, table_name, cast(files as varchar) as files from ${LEDGER}.log.lake`,
  )
  const losses = new Map<string, LakeLoss>()
  for (const { source, table_name, files } of landed) {
    const table = tables.find((one) => one.source === source && one.table === table_name)
    if (table?.about === undefined) continue
    for (const { path } of JSON.parse(files) as { path: string }[]) {
      if (losses.has(path) || !existsSync(join(lake, path))) continue
      const from = `read_parquet(${quoteLiteral(join(lake, path))})`
      const loss = await lossOf(
        connection,
        { ...table, name: table.table, schema: 'lake', place: from } as never,
        names,
      )
      if (loss !== undefined) losses.set(path, { ...loss, path })
    }
  }
  return [...losses.values()]
}

async function lossOf(
  connection: Connection,
  table: Surveyed & LedgerTable,
  names: Names,
): Promise<(Loss & { select: string }) | undefined> {
  const columns = await connection.describe(`select * from ${table.place}`)
  const theirs = theirRows({ ...table, columns }, names) ?? 'false'
  const words = `lower(strip_accents(trim(x))) in (${listOf(names.words) || 'null'})`
  const emails = `${SPELLINGS.email.sql('x')} in (${listOf(names.emails) || 'null'})`
  const named = columns.filter(({ name, type }) => type === 'VARCHAR' && table.pii?.includes(name))
  const replaced = named.map(({ name }) => {
    const column = quoteIdentifier(name)
    const says = `coalesce((${words} or ${emails}), false)`.replaceAll(/\bx\b/g, column)
    return { name, says, sql: `case when ${says} then null else ${column} end as ${column}` }
  })
  const counts = [
    `count(*) filter (where ${theirs}) as theirs`,
    ...replaced.map(
      ({ name, says }) => `count(*) filter (where ${says} and not ${theirs}) as ${quoteIdentifier(name)}`,
    ),
  ]
  const [counted] = await connection.rows<Record<string, number>>(`select ${counts.join(', ')} from ${table.place}`)
  const { theirs: rows, ...cells } = counted!
  const left = Object.fromEntries(Object.entries(cells).filter(([, count]) => count > 0))
  if (rows === 0 && Object.keys(left).length === 0) return undefined
  const star = replaced.length === 0 ? '*' : `* replace (${replaced.map(({ sql }) => sql).join(', ')})`
  const select = `select ${star} from ${table.place} where not ${theirs}`
  return { table: `lake ${table.source}.${table.name}`, rows: rows!, cells: left, select }
}

/** Writes what stays of a file of the lake. */
export async function writeLake(connection: Connection, { select }: LakeLoss, to: string): Promise<void> {
  await connection.run(`copy (${select}) to ${quoteLiteral(to)} (${COPIED})`)
}

/** Tells a copy of the ledger the new hashes and sizes, by path. */
export async function renameLake(
  connection: Connection,
  catalog: string,
  written: ReadonlyMap<string, { file: string; rows: number }>,
): Promise<void> {
  if (written.size === 0) return
  const rows = await connection.rows<{ rid: number; files: string }>(
    `select rowid as rid, cast(files as varchar) as files from ${catalog}.log.lake`,
  )
  for (const { rid, files } of rows) {
    let fewer = 0
    const after = (JSON.parse(files) as { path: string }[]).map((one) => {
      const fresh = written.get(one.path)
      if (fresh === undefined) return one
      fewer += fresh.rows
      const bytes = readFileSync(fresh.file)
      return { ...one, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: statSync(fresh.file).size }
    })
    await connection.run(`update ${catalog}.log.lake set files = $1, row_count = row_count - $2 where rowid = $3`, [
      JSON.stringify(after),
      fewer,
      rid,
    ])
  }
}
