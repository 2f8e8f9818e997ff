import { messageOf, ProjectError } from './errors.ts'
import { didYouMean } from './nearest.ts'
import type { ModelNode, SeedNode } from './nodes.ts'
import type { Constraint } from './property-metadata.ts'
import type { Listener } from './results.ts'
import { quoteIdentifier, quoteLiteral, relationName } from './table.ts'
import type { Connection } from './warehouse/duckdb.ts'

interface Column {
  name: string
  type: string
}

/** One line of the table that is shown when a contract does not hold. */
export interface Difference {
  column: string
  /** What the SQL gives; empty where it gives nothing. */
  definition: string
  /** What the contract says; empty where it says nothing. */
  contract: string
  mismatch: 'data type mismatch' | 'missing in contract' | 'missing in definition'
}

/** What decides, besides the SQL, how a model with promises is built; undefined for one that promises nothing. */
export function contractPart({ contract, constraints, columns }: ModelNode): unknown {
  if (contract === undefined) return undefined
  return [columns.map(({ name, data_type, constraints: own }) => [name, data_type, own ?? []]), constraints ?? []]
}

/**
 * Where the columns that a model's SQL gives are not those that its contract names. Order does not count, nor does case;
 * types are compared as DuckDB understands them, so that `string` is `VARCHAR`.
 */
export async function contractDifferences(
  connection: Connection,
  node: ModelNode,
  given: readonly Column[],
): Promise<Difference[]> {
  const declared = await declaredColumns(connection, node)
  const find = (columns: readonly Column[], name: string) =>
    columns.find((column) => column.name.toLowerCase() === name.toLowerCase())
  const wrong = declared.flatMap(({ name, type }): Difference[] => {
    const found = find(given, name)
    if (found?.type === type) return []
    const mismatch = found === undefined ? 'missing in definition' : 'data type mismatch'
    return [{ column: name, definition: found?.type ?? '', contract: type, mismatch }]
  })
  const extra = given.filter(({ name }) => find(declared, name) === undefined)
  return [
    ...wrong,
    ...extra.map(({ name, type }): Difference => {
      return { column: name, definition: type, contract: '', mismatch: 'missing in contract' }
    }),
  ]
}

async function declaredColumns(connection: Connection, node: ModelNode): Promise<Column[]> {
  const casts = node.columns.map(({ name, data_type }) => `cast(null as ${data_type}) as ${quoteIdentifier(name)}`)
  try {
    return await connection.describe(`select ${casts.join(', ')}`)
  } catch {
    for (const { name, data_type } of node.columns) {
      try {
        await connection.describe(`select cast(null as ${data_type}) as ${quoteIdentifier(name)}`)
      } catch (error) {
        const hint = messageOf(error).split('\n')[0]
        throw new ProjectError([{ ...place(node, name), message: `'${data_type}' is no type of DuckDB`, hint }])
      }
    }
    throw new ProjectError([{ ...place(node), message: 'the columns of the contract cannot be made into one table' }])
  }
}

/** Builds a node that may promise something: refused before, explained after; what cannot be kept is said. */
export async function keepingPromises<T>(
  connection: Connection,
  node: ModelNode | SeedNode,
  listener: Listener,
  build: () => Promise<T>,
): Promise<T> {
  if (node.kind === 'seed') return build()
  const unkept = unkeptConstraints(node)
  if (unkept !== undefined) listener.note?.(unkept)
  await holdContract(connection, node)
  try {
    return await build()
  } catch (error) {
    throw explained(node, error)
  }
}

/** Refuses a model whose SQL does not give what its contract promises, before anything is replaced. */
async function holdContract(connection: Connection, node: ModelNode): Promise<void> {
  if (node.contract === undefined) return
  const differences = await contractDifferences(connection, node, await connection.describe(node.sql))
  if (differences.length === 0) return
  throw new ProjectError([contractProblem(node, differences)])
}

export function contractProblem(node: ModelNode, differences: readonly Difference[]) {
  const first = differences.find(({ contract }) => contract !== '')
  return {
    ...place(node, first?.column),
    message: `${node.name} does not keep its contract\n${differenceTable(differences)}`,
    hint: `Mend ${node.file}, or what the contract says of these columns.${suggestion(differences)}`,
  }
}

function suggestion(differences: readonly Difference[]): string {
  const missing = differences.filter(({ mismatch }) => mismatch === 'missing in definition')
  const extra = differences.filter(({ mismatch }) => mismatch === 'missing in contract').map(({ column }) => column)
  const near = missing.length === 1 && extra.length > 0 ? didYouMean(missing[0]!.column, extra) : undefined
  return near === undefined ? '' : ` ${near}`
}

function differenceTable(differences: readonly Difference[]): string {
  const head: Record<keyof Difference, string> = {
    column: 'column_name',
    definition: 'definition_type',
    contract: 'contract_type',
    mismatch: 'mismatch_reason',
  }
  const keys = Object.keys(head) as (keyof Difference)[]
  const width = (key: keyof Difference) => Math.max(...[head, ...differences].map((row) => row[key].length))
  const widths = keys.map(width)
  const line = (cells: readonly string[]) =>
    `  | ${cells.map((cell, index) => cell.padEnd(widths[index]!)).join(' | ')} |`
  return [
    line(keys.map((key) => head[key])),
    line(widths.map((count) => '-'.repeat(count))),
    ...differences.map((row) => line(keys.map((key) => row[key]))),
  ].join('\n')
}

function place({ patch, file, contract }: ModelNode, column?: string): { file: string; line?: number } {
  return patch === undefined ? { file } : { file: patch, line: contract!.lineOf(column) }
}

/** Every constraint with the columns it is about, also those that columns have of their own. */
function constraintsOf({ columns, constraints = [] }: ModelNode): { of: Constraint; columns: string[] }[] {
  return [
    ...columns.flatMap((column) => (column.constraints ?? []).map((of) => ({ of, columns: [column.name] }))),
    ...constraints.map((of) => ({ of, columns: of.columns ?? [] })),
  ]
}

/** What is said, and not kept, because of how the model is built; dbt warns of the same. */
function unkeptConstraints(node: ModelNode): string | undefined {
  const said = constraintsOf(node).filter(({ of }) => of.warn_unsupported !== false)
  if (said.length === 0) return undefined
  const names = [
    ...new Set(said.map(({ of, columns }) => `${of.type}${columns.length > 0 ? ` (${columns.join(', ')})` : ''}`)),
  ]
  if (node.contract === undefined)
    return `${node.name}: constraints are kept only with an enforced contract; not kept: ${names.join(', ')}`
  if (node.materialized !== 'view') return undefined
  return `${node.name}: a view cannot keep constraints; not kept: ${names.join(', ')}`
}

/** The columns of a table with a contract, as `create table` takes them; foreign keys are looked at when it is filled. */
export function tableDefinition(node: ModelNode): string {
  const whole = (node.constraints ?? []).filter(({ type }) => type !== 'foreign_key')
  const full = new Set(whole.flatMap(({ type, columns = [] }) => (type === 'not_null' ? columns : [])))
  const columns = node.columns.map(({ name, data_type, constraints = [] }) => {
    const own = constraints.filter(({ type }) => type !== 'foreign_key').map((each) => constraintText(each, []))
    const needed = full.has(name) && !own.includes('not null') ? ['not null'] : []
    return [quoteIdentifier(name), data_type, ...needed, ...own].join(' ')
  })
  const table = whole
    .filter(({ type }) => type !== 'not_null')
    .map((each) => constraintText(each, each.type === 'check' ? [] : (each.columns ?? [])))
  return [...columns, ...table].join(', ')
}

function constraintText({ type, name, expression: written = '' }: Constraint, columns: readonly string[]): string {
  // On one line, so that DuckDB's line numbers are still the model's.
  const expression = written.replaceAll(/\s+/g, ' ')
  const list = columns.length === 0 ? '' : ` (${columns.map(quoteIdentifier).join(', ')})`
  const named = name === undefined || list === '' ? '' : `constraint ${quoteIdentifier(name)} `
  switch (type) {
    case 'not_null':
      return 'not null'
    case 'unique':
      return `${named}unique${list}`
    case 'primary_key':
      return `${named}primary key${list}`
    case 'check':
      return `check (${expression})`
    default:
      return expression
  }
}

/**
 * Statements that fail when a row's foreign key is in no row of its parent. DuckDB's own would keep the parent from being
 * replaced and cannot lead to another schema, so the promise is kept when the table is filled; a parent that changes has
 * its children looked at in the same run.
 */
export function foreignKeyChecks({ contract, relation }: ModelNode): string[] {
  return (contract?.foreign_keys ?? []).map(({ columns, to, to_columns }) => {
    const same = columns.map(
      (name, index) => `parent.${quoteIdentifier(to_columns[index]!)} = child.${quoteIdentifier(name)}`,
    )
    const known = columns.map((name) => `child.${quoteIdentifier(name)} is not null`)
    const said = `Constraint Error: foreign key (${columns.join(', ')}) to ${to}: `
    return `select case when n > 0 then error(${quoteLiteral(said)} || n || ' without a parent') end
      from (select count(*) as n from ${relationName(relation)} as child anti join ${to} as parent on ${same.join(' and ')} where ${known.join(' and ')})`
  })
}

/** A broken constraint with its line in the property file and without the values that broke it: they may be personal. */
function explained(node: ModelNode, error: unknown): unknown {
  const message = messageOf(error)
  if (node.contract === undefined || !message.includes('Constraint Error:')) return error
  const all = constraintsOf(node)
  const report = (said: string, columns: readonly string[], hint?: string) =>
    new ProjectError([{ ...place(node, columns[0]), message: `${node.name} breaks its constraint ${said}`, hint }])
  const foreign = /foreign key \(([^)]*)\) to \S+: \d+ without a parent/.exec(message)
  if (foreign !== null) return report(foreign[0], foreign[1]!.split(', '))
  const empty = /NOT NULL constraint failed: [^.]*\."?([^"\n]+?)"?$/m.exec(message)?.[1]
  if (empty !== undefined) return report(`not_null (${empty})`, [empty], `Its SQL gives rows where ${empty} is null.`)
  if (/duplicate key/i.test(message)) {
    const keys = all.filter(({ of }) => of.type === 'unique' || of.type === 'primary_key')
    const said = keys.map(({ of, columns }) => `${of.type} (${columns.join(', ')})`).join(' or ')
    const list = (keys[0]?.columns ?? []).join(', ')
    const hint = `Its SQL gives them: select ${list}, count(*) as n from (…) group by all having n > 1.`
    return report(said, keys[0]?.columns ?? [], hint)
  }
  const check = /CHECK constraint failed on table \S+ with expression (.*)$/m.exec(message)?.[1]
  if (check !== undefined) {
    const bare = (text: string) => text.replaceAll(/[\s()"]/g, '').toLowerCase()
    const found = all.find(({ of }) => of.type === 'check' && bare(check) === `check${bare(of.expression ?? '')}`)
    return report(`check ${found?.of.expression ?? check}`, found?.columns ?? [])
  }
  return error
}
