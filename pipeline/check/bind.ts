import type { Problem } from '../errors.ts'
import type { Graph } from '../graph.ts'
import { emptyRows } from '../materializations/snapshot-view.ts'
import { didYouMean, nearest } from '../nearest.ts'
import type { AnalysisNode, ModelNode, SnapshotNode, TestNode } from '../nodes.ts'
import { quoteIdentifier, relationName } from '../table.ts'
import { type BindError, blankNonCode, readBindError } from './bind-error.ts'
import type { NamedRelations } from './relations.ts'
import type { Column, Shadow } from './shadow.ts'

/** Something whose SQL can be bound. */
export type Bindable = ModelNode | SnapshotNode | TestNode | AnalysisNode

/** Where the problems of a node's SQL are said: its own file and lines, or where YAML asks for it. */
export type Place = (node: Bindable, line: number | undefined) => { file: string; line?: number; subject?: string }

export interface Binder {
  shadow: Shadow
  graph: Graph
  relations: NamedRelations
  problems: Problem[]
  place: Place
  /** Columns of what the node reads, for the nearest name. */
  columnsOf(node: Bindable): Promise<Column[]>
  /** Nodes whose columns depend on data: they are bound, and nothing is bound against them. */
  dynamic: ReadonlySet<string>
  /** Tables that a node names though it declares no ref: said already. */
  written: ReadonlyMap<string, ReadonlySet<string>>
}

interface Statement {
  prefix: string
  sql: string
  suffix: string
}

/** Statements are sent together while all is well: less waiting between them. */
const BATCH = 32

/** What DuckDB says when a file, an extension or a host would be needed: nothing that a model has wrong. */
const NOT_HERE = ['IO', 'HTTP', 'Missing Extension', 'Permission']

const OPEN_PIVOT = 'the columns of its PIVOT depend on data; list them with IN (…)'

/**
 * Binds nodes in the order given. Models become empty tables that the next ones are bound against. What cannot be bound
 * because something it reads could not is noted in `shadow.unknown`, and is no problem of its own.
 */
export async function bindAll(binder: Binder, nodes: readonly Bindable[]): Promise<void> {
  for (let start = 0; start < nodes.length; start += BATCH) {
    const batch = nodes.slice(start, start + BATCH)
    const plain = batch.every((node) => !binder.dynamic.has(node.id) && unknownParent(binder, node) === undefined)
    if (plain && (await bindTogether(binder, batch))) continue
    for (const node of batch) await bindOne(binder, node)
  }
}

async function bindTogether({ shadow }: Binder, batch: readonly Bindable[]): Promise<boolean> {
  try {
    await shadow.connection.run(batch.map((node) => textOf(statementOf(node))).join(';'))
    return true
  } catch {
    return false
  }
}

async function bindOne(binder: Binder, node: Bindable): Promise<void> {
  const { shadow } = binder
  const statement = statementOf(node)
  const parent = unknownParent(binder, node)
  try {
    await shadow.connection.run(textOf(statement))
    if (parent !== undefined) await forget(binder, node, `it reads ${parent}`)
    else if (hasRelation(node) && binder.dynamic.has(node.id)) await forget(binder, node, OPEN_PIVOT)
  } catch (failure) {
    const error = readBindError(failure, statement.sql, statement.prefix)
    if (NOT_HERE.includes(error.kind)) return forget(binder, node, error.message)
    if (parent !== undefined && followsFrom(binder, node, error)) return forget(binder, node, `it reads ${parent}`)
    if (!isWritten(binder, node, error)) binder.problems.push(await problemOf(binder, node, error))
    await forget(binder, node, 'it is wrong itself')
  }
}

/** What is not known is not there: nothing is bound against a guess. */
async function forget({ shadow }: Binder, node: Bindable, reason: string): Promise<void> {
  shadow.unknown.set(node.id, reason)
  if (hasRelation(node)) await shadow.connection.run(`drop table if exists ${relationName(node.relation)}`)
}

/** The name of something the node reads whose columns are not known. */
function unknownParent({ shadow, graph }: Binder, node: Bindable): string | undefined {
  const id = node.deps.find((dep) => shadow.unknown.has(dep))
  return id === undefined ? undefined : graph.nodes.get(id)?.name
}

/** A relation is not there because it could not be bound itself. */
function followsFrom({ shadow, relations }: Binder, node: Bindable, error: BindError): boolean {
  if (error.wanted !== 'Table' || error.name === undefined) return false
  const wanted = error.name.toLowerCase()
  const missing = node.deps.filter((dep) => shadow.unknown.has(dep)).flatMap((dep) => relations.of(dep))
  return missing.some((place) => place === wanted || place.endsWith(`.${wanted}`))
}

function isWritten({ written }: Binder, node: Bindable, error: BindError): boolean {
  return error.wanted === 'Table' && (written.get(node.id)?.has((error.name ?? '').toLowerCase()) ?? false)
}

/** Something that others can be bound against. */
export function hasRelation(node: Bindable): node is ModelNode | SnapshotNode {
  return node.kind === 'model' || node.kind === 'snapshot'
}

function statementOf(node: Bindable): Statement {
  if (!hasRelation(node))
    return {
      prefix: 'create or replace temp table bound as from (',
      sql: withoutSemicolon(node.sql),
      suffix: '\n) with no data',
    }
  const sql = node.kind === 'snapshot' ? snapshotSql(node) : withoutSemicolon(node.sql)
  return { prefix: `create or replace table ${relationName(node.relation)} as `, sql, suffix: '\nwith no data' }
}

/** The columns of a snapshot, from a relation that must have what its settings name. */
function snapshotSql(node: SnapshotNode): string {
  const { unique_key, updated_at, check_cols } = node.settings
  const named = [
    ...unique_key,
    ...(updated_at === undefined ? [] : [`cast((${updated_at}) as timestamp)`]),
    ...(Array.isArray(check_cols) ? check_cols.map(quoteIdentifier) : []),
  ]
  const settings = `select ${named.map((each) => `(${each})`).join(', ')} from (${node.sql})`
  return `with settings as materialized (${settings}) ${emptyRows(node)} where (select count(*) from settings) >= 0`
}

function textOf({ prefix, sql, suffix }: Statement): string {
  return `${prefix}${sql}${suffix}`
}

function withoutSemicolon(sql: string): string {
  const code = blankNonCode(sql).trimEnd()
  return code.endsWith(';') ? `${sql.slice(0, code.length - 1)} ${sql.slice(code.length)}` : sql
}

async function problemOf(binder: Binder, node: Bindable, error: BindError): Promise<Problem> {
  const { file, line, subject } = binder.place(node, error.line)
  const hint = await hintOf(binder, node, error)
  return {
    file,
    ...(line === undefined ? {} : { line }),
    message: subject === undefined ? error.message : `${subject}: ${error.message}`,
    ...(hint === undefined ? {} : { hint }),
  }
}

async function hintOf(binder: Binder, node: Bindable, error: BindError): Promise<string | undefined> {
  const { name } = error
  if (error.message.startsWith('No function matches')) return 'Cast what is of another type: cast(x as …).'
  if (name === undefined) return undefined
  if (error.wanted === 'Column') {
    const bare = error.candidates.map((candidate) => candidate.split('.').at(-1)!)
    const near = nearest(name, bare)
    if (near !== undefined) return `Did you mean ${near}?`
    const all = (await binder.columnsOf(node)).map((column) => column.name)
    return didYouMean(name, new Set([...bare, ...all]))
  }
  if (error.wanted === 'Table') {
    const near = nearest(name, binder.relations.names())
    const [schema = '', table = near ?? ''] = near?.includes('.') ? near.split('.') : ['', near]
    const named = near === undefined ? undefined : binder.relations.find({ schema, name: table })
    return named === undefined
      ? 'Models, seeds, step tables and sources are read with ref() and source().'
      : `Did you mean ${named.call}?`
  }
  if (error.wanted?.endsWith('Function')) return didYouMean(name, await functionsOf(binder.shadow))
  return undefined
}

async function functionsOf({ connection }: Shadow): Promise<string[]> {
  const rows = await connection.rows<{ name: string }>(
    `select distinct function_name as name from duckdb_functions() where regexp_matches(function_name, '^[a-z]') order by name`,
  )
  return rows.map(({ name }) => name)
}
