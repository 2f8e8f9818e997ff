import { join } from 'node:path'
import { writeProject } from '../pipeline/artifacts/project.ts'
import { runResultsOf } from '../pipeline/artifacts/run-results.ts'
import { writeArtifact } from '../pipeline/artifacts/write.ts'
import type { Project } from '../pipeline/load.ts'
import { type Plan, planRun, type RunKind } from '../pipeline/plan.ts'
import { type RunOptions, refuseFuture, run } from '../pipeline/run.ts'
import { rememberCall } from './last-call.ts'
import type { RunFlags } from './options.ts'
import { selectionOf } from './selection.ts'
import { type CommandSession, gitCommit, queued, realEffects } from './session.ts'

/** What `run`, `build`, `test` and `seed` share: plan, run, write the artifacts, say what happened. */
export async function runPlan(
  session: CommandSession,
  options: RunFlags,
  which: string,
  kinds: readonly RunKind[],
  retry?: (project: Project) => Again,
  asking: Pick<RunOptions, 'live_for' | 'orders'> = {},
): Promise<number> {
  const { report } = session
  const effects = realEffects()
  const project = await session.load()
  const again = retry?.(project)
  const selection = again === undefined ? await selectionOf(session, project, options) : { select: [], exclude: [] }
  const planned = planRun(project.graph, { ...selection, kinds: new Set(kinds), stages: options.stage })
  const plan = again?.narrow(planned) ?? planned
  if (again?.left.size === 0) {
    report.line(report.green('Nothing is left to do: the last call did all of it.'))
    return 0
  }
  if (options.dryRun) {
    const { printPlan } = await import('./print-plan.ts')
    await printPlan(session, project, plan, options)
    return 0
  }
  const as_of = options.asOf ?? effects.now().toISOString().slice(0, 10)
  refuseFuture(as_of, effects.now())
  report.line(
    `${report.bold(project.config.data.name)} · target ${project.config.target_name} · as of ${as_of} · ${asking.live_for?.length === 0 ? 'nothing leaves this machine' : reach(project, which)}`,
  )
  if (plan.left_out.length > 0) {
    const names = plan.left_out.map((id) => project.graph.nodes.get(id)!.name).sort()
    report.line(report.dim(`left out: ${names.join(', ')} (with --select, steps run only where --stage names them)`))
  }
  report.line()
  rememberCall(session, options, which, plan)
  // Loaded while the database works.
  const reporting = import('./report-run.ts')
  const result = await queued(options.wait, effects, report, () =>
    run({
      project,
      plan: which === 'run' ? plan : { ...plan, outward: [], whole: plan.whole && which === 'build' },
      command: [which, ...options.stage.map((stage) => `--stage ${stage}`)].join(' '),
      call: session.typed,
      as_of,
      full_refresh: options.fullRefresh,
      refresh_only: again?.left,
      fail_fast: options.failFast,
      ...asking,
      threads: options.threads,
      git_commit: gitCommit(session.root),
      listener: report.listener(),
      effects,
    }),
  )
  const invocation = { invocation_id: session.invocation_id, generated_at: effects.now().toISOString() }
  const target = join(session.root, 'target')
  const name = project.config.data.name
  const failed = new Set(result.results.flatMap(({ node, status }) => (status === 'pass' ? [] : [node.id])))
  writeProject(project.graph, name, invocation, target, import.meta.url, failed)
  const args = {
    which,
    select: options.select,
    exclude: options.exclude,
    selector: options.selector ?? null,
    indirect_selection: options.indirectSelection ?? 'eager',
    state: options.state ?? null,
    stage: options.stage,
    as_of,
    target: project.config.target_name,
    full_refresh: options.fullRefresh,
    invocation: session.typed,
  }
  writeArtifact(
    target,
    'run_results.json',
    runResultsOf(result.results, { invocation, elapsed: result.seconds, args, project: name }),
  )
  const { reportRun } = await reporting
  reportRun(report, { result, project, options, which })
  return result.exit_code
}

/** What `retry` adds: the nodes that the last call left undone, and what of a plan that leaves. */
export interface Again {
  left: ReadonlySet<string>
  narrow(plan: Plan): Plan
}

/** What may leave the machine: said before anything happens. */
function reach({ config }: Project, which: string): string {
  const { live } = config.target
  return live.length === 0 || which !== 'run' ? 'nothing leaves this machine' : `live: ${live.join(', ')}`
}
