import { foreignKeyChecks } from '../contract.ts'
import { CheckFailed, ProjectError } from '../errors.ts'
import { buildName, modelStatement } from '../materialize.ts'
import type { ModelNode } from '../nodes.ts'
import { quoteIdentifier, quoteLiteral } from '../table.ts'
import type { Connection } from '../warehouse/duckdb.ts'
import { type BuildState, contentSum, type NodeState } from '../warehouse/state.ts'
import { type Column, columnsOf, type Fit, fitColumns } from './columns.ts'

/** What has been built: the version of the content and the rows there are now. */
interface Built {
  version: string
  rows: number | null
}

export interface IncrementalBuild {
  connection: Connection
  state: BuildState
  node: ModelNode
  key: string
  existing: 'table' | 'view' | undefined
  known: NodeState | undefined
  full_refresh: boolean
}

const DELTA = 'temp.main._delta'
const [STANDS, COMES] = ['DBT_INTERNAL_DEST', 'DBT_INTERNAL_SOURCE']

/** Builds the whole table, or adds to the one that stands: in one transaction, together with the memory of it. */
export async function buildIncremental(build: IncrementalBuild): Promise<Built[]> {
  const { connection, node, existing } = build
  const whole = existing !== 'table' || (node.incremental!.full_refresh ?? build.full_refresh)
  return connection.transaction(async () => {
    if (whole) {
      await connection.run(modelStatement(node, existing))
      if (node.incremental!.strategy === 'merge') await refuseDuplicates(build, buildName(node.relation))
      return connection.rows<Built>(note(build))
    }
    await connection.run(`create or replace temp table _delta as ${node.sql_incremental ?? node.sql}`)
    const built = await add(build)
    for (const check of foreignKeyChecks(node)) await connection.run(check)
    await connection.run(`drop table ${DELTA}`)
    return built
  })
}

function note({ state, node, key }: IncrementalBuild): string {
  return state.noting(node.id, key, buildName(node.relation), 'table')
}

async function add(build: IncrementalBuild): Promise<Built[]> {
  const { connection, node, state, key, known } = build
  const relation = buildName(node.relation)
  const fit = await fitColumns(connection, node, await columnsOf(connection, relation), DELTA)
  for (const change of fit.changes) await connection.run(`alter table ${relation} ${change}`)
  const [count] = await connection.rows<{ n: number }>(`select count(*) as n from ${DELTA}`)
  if (count!.n > 0) await refuseMissing(build)
  if (node.incremental!.strategy === 'merge') await refuseDuplicates(build, DELTA)
  const before = fit.changes.length > 0 || known === undefined ? undefined : tallyOf(known)
  if (before === undefined) {
    await connection.run(statementOf(node, fit))
    return connection.rows<Built>(note(build))
  }
  if (count!.n === 0) return connection.rows<Built>(state.noteAgain(node.id, key, known!))
  const rows = changedRows(node, fit)
  const gone = await tally(connection, rows.before)
  await connection.run(statementOf(node, fit))
  const come = await tally(connection, rows.after)
  const now = { rows: before.rows - gone.rows + come.rows, sum: before.sum - gone.sum + come.sum }
  // What a whole reading would say, from the rows that changed alone: equal tables have equal versions either way.
  const version =
    now.rows === 0 ? undefined : `${now.rows}:${now.sum}:${before.type || (await typeOf(connection, relation))}`
  if (version === undefined) return connection.rows<Built>(note(build))
  return connection.rows<Built>(state.noteAgain(node.id, key, { key, version, rows: now.rows }))
}

interface Tally {
  rows: number
  sum: bigint
}

function tallyOf({ version }: NodeState): (Tally & { type: string }) | undefined {
  const parts = /^(\d+):(\d*):(.*)$/s.exec(version)
  return parts === null ? undefined : { rows: Number(parts[1]), sum: BigInt(parts[2] || 0), type: parts[3]! }
}

async function tally(connection: Connection, rows: string | undefined): Promise<Tally> {
  if (rows === undefined) return { rows: 0, sum: 0n }
  const [row] = await connection.rows<{ n: number; sum: string | null }>(
    `with _rows as materialized (${rows}) select count(*) as n, cast(${contentSum('_rows')} as varchar) as sum from _rows as _row`,
  )
  return { rows: row!.n, sum: BigInt(row!.sum ?? 0) }
}

async function typeOf(connection: Connection, relation: string): Promise<string> {
  const [row] = await connection.rows<{ type: string }>(`select typeof(_row) as type from ${relation} as _row limit 1`)
  return row!.type
}

/** The rows that the statement takes away, and those it leaves in their place. */
function changedRows(node: ModelNode, fit: Fit): { before?: string; after: string } {
  const { strategy, predicates } = node.incremental!
  const coming = incoming(fit, fit.table)
  if (strategy === 'append') return { after: coming }
  const standing = `select * from ${buildName(node.relation)} as ${STANDS} where ${hasKey(node)}`
  if (strategy === 'merge') return { before: standing, after: standing }
  return { before: [standing, ...predicates.map(inBrackets)].join(' and '), after: coming }
}

/** A NULL in a key is a value like any other: it finds its row. */
function sameKey(node: ModelNode): string {
  return node
    .incremental!.unique_key.map(quoteIdentifier)
    .map((name) => `${COMES}.${name} is not distinct from ${STANDS}.${name}`)
    .join(' and ')
}

function hasKey(node: ModelNode): string {
  return `exists (select 1 from ${DELTA} as ${COMES} where ${sameKey(node)})`
}

function inBrackets(condition: string): string {
  return `(${condition})`
}

/** The new rows with the columns and types of the table, in its order. */
function incoming(fit: Fit, columns: readonly Column[]): string {
  const list = columns.map(({ name, type }) => {
    const source = fit.given.find((column) => sameName(column.name, name))
    return `cast(${source === undefined ? 'null' : quoteIdentifier(source.name)} as ${type}) as ${quoteIdentifier(name)}`
  })
  return `select ${list.join(', ')} from ${DELTA}`
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

function statementOf(node: ModelNode, fit: Fit): string {
  const { strategy, predicates } = node.incremental!
  const relation = buildName(node.relation)
  const insert = `insert into ${relation} ${incoming(fit, fit.table)}`
  switch (strategy) {
    case 'append':
      return insert
    case 'delete+insert': {
      const where = [hasKey(node), ...predicates.map(inBrackets)].join(' and ')
      return `delete from ${relation} as ${STANDS} where ${where}; ${insert}`
    }
    case 'merge': {
      const columns = fit.table.filter(({ name }) => fit.given.some((column) => sameName(column.name, name)))
      const names = columns.map(({ name }) => quoteIdentifier(name))
      return `merge into ${relation} as ${STANDS} using (${incoming(fit, columns)}) as ${COMES}
        on ${[sameKey(node), ...predicates.map(inBrackets)].join(' and ')}
        when matched then update set ${names.map((name) => `${name} = ${COMES}.${name}`).join(', ')}
        when not matched then insert (${names.join(', ')}) values (${names.map((name) => `${COMES}.${name}`).join(', ')})`
    }
  }
}

/** Of two rows with one key it would be chance which one stays. */
async function refuseDuplicates({ connection, node }: IncrementalBuild, relation: string): Promise<void> {
  const key = node.incremental!.unique_key
  const names = key.map(quoteIdentifier).join(', ')
  const [row] = await connection.rows<{ keys: number }>(
    `select count(*) as keys from (select 1 from ${relation} group by ${names} having count(*) > 1)`,
  )
  if (row!.keys === 0) return
  throw new CheckFailed(
    `${node.file}  the strategy merge needs one row per unique_key, and ${row!.keys} ${row!.keys === 1 ? 'key has' : 'keys have'} several (${key.join(', ')})\n  Choose one in the model: qualify row_number() over (partition by ${key.join(', ')} order by …) = 1.`,
  )
}

async function refuseMissing({ connection, node }: IncrementalBuild): Promise<void> {
  const { unique_key } = node.incremental!
  if (unique_key.length === 0) return
  const names = (await columnsOf(connection, DELTA)).map(({ name }) => name)
  const missing = unique_key.filter((key) => !names.some((name) => sameName(name, key)))
  if (missing.length === 0) return
  const message = `unique_key names ${missing.map(quoteLiteral).join(', ')}, which the model does not give`
  throw new ProjectError([{ file: node.file, message, hint: `It gives ${names.join(', ')}.` }])
}
