import { existsSync } from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import type { Project } from '../../pipeline/load.ts'
import { planRun } from '../../pipeline/plan.ts'
import type { PlanPart, PlanWorld } from '../../pipeline/plan-part.ts'
import { refuseFuture } from '../../pipeline/run.ts'
import { forecast } from '../../pipeline/state/forecast.ts'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { BUILD } from '../../pipeline/warehouse/session.ts'
import { withFreeHttp } from '../free-http.ts'
import { addCommonOptions, addRunOptions, type RunFlags } from '../options.ts'
import { openToRead } from '../read-session.ts'
import { type PlannedNode, planJson, planText, type Told } from '../report-plan.ts'
import { selectionOf } from '../selection.ts'
import { action, type CommandSession, realEffects } from '../session.ts'

type Options = RunFlags & { limit: number }

export function register(program: Command): void {
  const command = program
    .command('plan')
    .description('what `run` would do now: models to rebuild, the market, money, messages, CRM fields; changes nothing')
  addCommonOptions(addRunOptions(command))
    .option('--stage <stages...>', 'only these stages and the SQL around them', [])
    .option('--limit <n>', 'how many rows of a table to show; -1 for all', parseLimit, 20)
    .action(action<Options>(plan))
}

async function plan(session: CommandSession, options: Options): Promise<number> {
  const { report } = session
  const effects = realEffects()
  const project = await session.load()
  const today = effects.now().toISOString().slice(0, 10)
  const as_of = options.asOf ?? today
  refuseFuture(as_of, effects.now())
  const { config } = project
  const live = as_of < today ? [] : config.target.live
  const selection = await selectionOf(session, project, options)
  const kinds = new Set(['seed', 'model', 'snapshot', 'test', 'unit_test', 'step'] as const)
  const planned = planRun(project.graph, { ...selection, kinds, stages: options.stage })
  const nodes = [...planned.inner, ...planned.outward].filter((id) => project.graph.nodes.get(id)!.kind !== 'source')
  const why = await forecast(project, [...new Set(nodes)], as_of, options.fullRefresh)
  const describe = (id: string): PlannedNode => {
    const { name, kind, file } = project.graph.nodes.get(id)!
    return { name, kind, file, reason: why?.get(id) ?? null }
  }
  const of = (ids: readonly string[]) => ids.filter((id) => nodes.includes(id)).map(describe)
  const parts = await withFreeHttp(project, 'plan', effects, (http) =>
    tellAll(project, { as_of, live, http, signal: effects.signal }),
  )
  const result = {
    as_of,
    target: config.target_name,
    live,
    inner: of(planned.inner),
    outward: of(planned.outward),
    parts,
  }
  if (options.output === 'json') report.json(planJson(result))
  else {
    const reach = live.length === 0 ? 'nothing would leave this machine' : `live: ${live.join(', ')}`
    report.line(`${report.bold(config.data.name)} · target ${config.target_name} · as of ${as_of} · ${reach}`)
    report.line(report.dim('Counted on what was built last; nothing is changed, asked or bought.'))
    report.out(planText(result, options.output, options.limit))
  }
  return 0
}

/** What each room says. Throws LedgerHeld while a run holds the files. */
async function tellAll(
  project: Project,
  world: Pick<PlanWorld, 'as_of' | 'live' | 'http' | 'signal'>,
): Promise<Told[]> {
  const places = placesOf(project.root, project.config.target)
  const silent = ({ name, title }: PlanPart, why: string): Told => ({ name, title, silent: why })
  if (!existsSync(places.ledger) || !existsSync(places.build))
    return project.plans.map((part) => silent(part, 'nothing has been built yet: pipeline run'))
  const { connection, close } = await openToRead(project, world.as_of)
  try {
    const there = await connection.rows<{ name: string }>(`
      select schema_name || '.' || table_name as name from duckdb_tables() where database_name = '${BUILD}'
      union all
      select schema_name || '.' || view_name from duckdb_views() where database_name = '${BUILD}' and not internal`)
    const names = new Set(there.map(({ name }) => name))
    const has = (relation: string) => names.has(relation)
    const told: Told[] = []
    for (const part of project.plans) {
      const lacks = part.reads.filter((relation) => !has(relation))
      if (lacks.length > 0) told.push(silent(part, `not known before ${lacks.join(', ')} is built: pipeline run`))
      else {
        const section = await part.tell({ ...world, connection, has, root: project.root })
        told.push({ name: part.name, title: part.title, section })
      }
    }
    return told
  } finally {
    close()
  }
}

function parseLimit(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < -1) throw new InvalidArgumentError(`'${text}' is not a number of rows.`)
  return value
}
