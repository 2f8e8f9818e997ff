import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { ProjectError } from '../../pipeline/errors.ts'
import { reach } from '../../pipeline/graph.ts'
import type { Project } from '../../pipeline/load.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { run } from '../../pipeline/run.ts'
import { placesOf } from '../../pipeline/warehouse/home.ts'
import { addCommonOptions, type CommonOptions } from '../options.ts'
import { action, gitCommit, queued, realEffects } from '../session.ts'

/** What it runs: what came back, people's decisions, then what is due. Nothing is planned anew. */
const STEPS = ['outreach_hear', 'outreach_decide', 'outreach_send']

export function register(program: Command): void {
  const command = program
    .command('send')
    .description('send what is approved and due, on a live target; looks up first what broke off. Returns when done')
  addCommonOptions(command).action(
    action<CommonOptions>(async (session, options) => {
      const effects = realEffects()
      const project = await session.load()
      const { root, config } = project
      if (!existsSync(placesOf(root, config.target).build)) {
        throw new ProjectError([{ file: 'data', message: 'nothing has been built yet', hint: 'pipeline run' }])
      }
      const result = await queued(options.wait, effects, session.report, () =>
        run({
          project,
          plan: sendPlan(project),
          command: 'send',
          call: session.typed,
          as_of: effects.now().toISOString().slice(0, 10),
          full_refresh: false,
          fail_fast: false,
          git_commit: gitCommit(session.root),
          listener: session.report.listener(),
          effects,
        }),
      )
      const steps = result.results.filter(({ node }) => STEPS.includes(node.name))
      if (options.output === 'json') {
        const told = steps.map(({ node, status, message, summary }) => ({
          step: node.name,
          status,
          message,
          counts: summary?.counts ?? {},
        }))
        session.report.json({ run_id: result.run_id, live: result.live, exit_code: result.exit_code, steps: told })
      }
      return result.exit_code
    }),
  )
}

/** The two steps and the SQL that shows what they did. */
function sendPlan({ graph }: Project): Plan {
  const own = [...graph.nodes.values()].filter(({ kind, name }) => kind === 'step' && STEPS.includes(name))
  const shows = reach(
    graph,
    own.map(({ id }) => id),
    'down',
  )
  const wanted = (id: string) => {
    const { kind, name } = graph.nodes.get(id)!
    return kind === 'step' ? STEPS.includes(name) : shows.has(id) && (kind === 'model' || kind === 'test')
  }
  return { inner: [], outward: graph.order.filter(wanted), left_out: [], whole: false, shown: true }
}
