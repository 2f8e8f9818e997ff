import { existsSync } from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import { relationText } from '../../pipeline/compile.ts'
import { LedgerHeld, messageOf, ProjectError } from '../../pipeline/errors.ts'
import type { Project } from '../../pipeline/load.ts'
import { selectNodes } from '../../pipeline/select.ts'
import type { Connection, Row } from '../../pipeline/warehouse/duckdb.ts'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { openPublished } from '../../pipeline/warehouse/published-file.ts'
import { addCommonOptions, addSelectionOptions, type CommonOptions, type SelectionOptions } from '../options.ts'
import { openToRead } from '../read-session.ts'
import { selectionOf } from '../selection.ts'
import { action, type CommandSession } from '../session.ts'
import { textTable } from '../table.ts'

type Options = CommonOptions & SelectionOptions & { limit: number; inline?: string }

export function register(program: Command): void {
  const command = program
    .command('show')
    .description('the first rows of a model, seed, analysis or step table, or of any query')
  addCommonOptions(addSelectionOptions(command))
    .option('--limit <n>', 'rows; -1 for all', parseLimit, 5)
    .option('--inline <sql>', 'show this query instead')
    .action(
      action<Options>(async (session, options) => {
        const { report } = session
        const project = await session.load()
        for (const { name, sql } of await queriesOf(session, project, options)) {
          const limited = options.limit < 0 ? sql : `select * from (${sql}\n) limit ${options.limit}`
          const { rows, columns } = await query(project, limited)
          if (options.output === 'json') report.json({ node: name, show: rows })
          else {
            report.line(`${name}: ${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`)
            report.out(textTable(rows, columns, options.output))
          }
        }
        return 0
      }),
    )
}

function parseLimit(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < -1) throw new InvalidArgumentError(`'${text}' is not a number of rows.`)
  return value
}

async function queriesOf(
  session: CommandSession,
  project: Project,
  options: Options,
): Promise<{ name: string; sql: string }[]> {
  const { graph } = project
  if (options.inline !== undefined) return [{ name: 'inline', sql: options.inline.replace(/;\s*$/, '') }]
  if (options.select.length === 0 && options.selector === undefined) {
    throw new ProjectError([
      {
        file: '--select',
        message: 'show needs to know what',
        hint: 'pipeline show -s fct_scored_leads, or --inline "select ..."',
      },
    ])
  }
  const chosen = selectNodes(graph, await selectionOf(session, project, options))
  return graph.order.flatMap((id) => {
    const node = graph.nodes.get(id)!
    if (!chosen.has(id)) return []
    if (node.kind === 'model' || node.kind === 'seed' || node.kind === 'snapshot' || node.kind === 'source')
      return [{ name: node.name, sql: `select * from ${relationText(node.relation)}` }]
    if (node.kind === 'analysis') return [{ name: node.name, sql: node.sql }]
    if (node.kind === 'step')
      return (node.step.builds ?? []).map((table) => ({
        name: table.name,
        sql: `select * from ${relationText(table)}`,
      }))
    return []
  })
}

/** From the build file; from what is published while a run holds it. */
async function query(project: Project, sql: string): Promise<{ rows: Row[]; columns: string[] }> {
  const places = placesOf(project.root, project.config.target)
  if (existsSync(places.build)) {
    try {
      const session = await openToRead(project, new Date().toISOString().slice(0, 10))
      return await read(session.connection, sql).finally(() => session.close())
    } catch (error) {
      if (!/lock/i.test(messageOf(error))) throw error
    }
  }
  const published = await openPublished(places.warehouse)
  if (published === undefined) {
    if (existsSync(places.build)) throw new LedgerHeld('a run holds the build file, and nothing is published yet')
    throw new ProjectError([{ file: 'data', message: 'nothing has been built yet', hint: 'pipeline run' }])
  }
  return read(published.connection, sql).finally(() => published.close())
}

async function read(connection: Connection, sql: string): Promise<{ rows: Row[]; columns: string[] }> {
  const columns = (await connection.describe(sql)).map(({ name }) => name)
  return { rows: await connection.rows(sql), columns }
}
