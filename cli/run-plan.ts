import { join } from 'node:path'
import { writeCompiled } from '../pipeline/artifacts/compiled.ts'
import { manifestOf } from '../pipeline/artifacts/manifest.ts'
import { runResultsOf } from '../pipeline/artifacts/run-results.ts'
import { writeArtifact } from '../pipeline/artifacts/write.ts'
import type { Project } from '../pipeline/load.ts'
import type { GraphNode } from '../pipeline/nodes.ts'
import { type Plan, planRun } from '../pipeline/plan.ts'
import { refuseFuture, run } from '../pipeline/run.ts'
import type { RunFlags } from './options.ts'
import { type CommandSession, gitCommit, queued, realEffects } from './session.ts'

type Kind = GraphNode['kind']

/** What `run`, `build`, `test` and `seed` share: plan, run, write the artifacts, say what happened. */
export async function runPlan(
  session: CommandSession,
  options: RunFlags,
  which: string,
  kinds: readonly Kind[],
): Promise<number> {
  const { report } = session
  const effects = realEffects()
  const project = await session.load()
  const plan = planRun(project.graph, {
    kinds: new Set(kinds),
    select: options.select,
    exclude: options.exclude,
    stages: options.stage,
  })
  if (options.dryRun) {
    printPlan(session, project, plan, options)
    return 0
  }
  const as_of = options.asOf ?? effects.now().toISOString().slice(0, 10)
  refuseFuture(as_of, effects.now())
  report.line(
    `${report.bold(project.config.data.name)} · target ${project.config.target_name} · as of ${as_of} · ${reach(project, which)}`,
  )
  report.line()
  const result = await queued(options.wait, effects, report, () =>
    run({
      project,
      plan: which === 'run' ? plan : { ...plan, outward: [], whole: plan.whole && which === 'build' },
      command: [which, ...options.stage.map((stage) => `--stage ${stage}`)].join(' '),
      call: session.typed,
      as_of,
      full_refresh: options.fullRefresh,
      fail_fast: options.failFast,
      threads: options.threads,
      git_commit: gitCommit(session.root),
      listener: report.listener(),
      effects,
    }),
  )
  const invocation = { invocation_id: session.invocation_id, generated_at: effects.now().toISOString() }
  const target = join(session.root, 'target')
  const name = project.config.data.name
  writeCompiled(project.graph, name, target)
  writeArtifact(target, 'manifest.json', manifestOf(project.graph, name, invocation))
  const args = {
    which,
    select: options.select,
    exclude: options.exclude,
    stage: options.stage,
    target: project.config.target_name,
    full_refresh: options.fullRefresh,
    invocation: session.typed,
  }
  writeArtifact(
    target,
    'run_results.json',
    runResultsOf(result.results, { invocation, elapsed: result.seconds, args, project: name }),
  )
  const { reportRun } = await import('./report-run.ts')
  reportRun(report, { result, project, options, which })
  return result.exit_code
}

/** What may leave the machine: said before anything happens. */
function reach({ config }: Project, which: string): string {
  const { live } = config.target
  return live.length === 0 || which !== 'run' ? 'nothing leaves this machine' : `live: ${live.join(', ')}`
}

function printPlan({ report }: CommandSession, { graph }: Project, plan: Plan, options: RunFlags): void {
  const describe = (id: string) => {
    const { name, kind, file } = graph.nodes.get(id)!
    return { name, kind, file }
  }
  const inner = plan.inner.filter((id) => graph.nodes.get(id)!.kind !== 'source').map(describe)
  const outward = plan.outward.filter((id) => graph.nodes.get(id)!.kind !== 'source').map(describe)
  if (options.output === 'json') {
    report.json({ inner, outward })
    return
  }
  for (const node of inner) report.out(`${node.kind.padEnd(6)} ${node.name}`)
  if (outward.length > 0) report.out('-- then, after publication')
  for (const node of outward) report.out(`${node.kind.padEnd(6)} ${node.name}`)
}
