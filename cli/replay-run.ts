import { relative } from 'node:path'
import type { GraphNode } from '../pipeline/nodes.ts'
import { planRun } from '../pipeline/plan.ts'
import { prepareReplay } from '../pipeline/replay.ts'
import { run } from '../pipeline/run.ts'
import type { RunFlags } from './options.ts'
import { type CommandSession, gitCommit, queued, realEffects } from './session.ts'

/**
 * A past run once more, from what the ledger held when it ended: nobody is asked, nothing is paid, nothing is recorded. It
 * publishes beside, in `data/replays/<run>/`.
 */
export async function replayRun(
  session: CommandSession,
  options: RunFlags & { replay: string },
  kinds: readonly GraphNode['kind'][],
): Promise<number> {
  const { report, root } = session
  const effects = realEffects()
  const loaded = await session.load()
  const { project, run_id, as_of, git_commit, folder } = await queued(options.wait, effects, report, () =>
    prepareReplay(loaded, options.replay, session.typed, effects.now()),
  )
  const commit = gitCommit(root)
  report.line(`${report.bold(project.config.data.name)} · replay of ${run_id} · as of ${as_of} · nobody is asked`)
  if (git_commit !== null && commit !== git_commit)
    report.line(report.dim(`it ran on commit ${git_commit.slice(0, 10)}; this is ${commit?.slice(0, 10) ?? 'none'}`))
  report.line()
  const result = await run({
    ...{ project, as_of, replay: run_id, command: 'run', call: session.typed, git_commit: commit },
    ...{ full_refresh: false, fail_fast: options.failFast, threads: options.threads },
    plan: planRun(project.graph, { select: [], exclude: [], kinds: new Set(kinds), stages: [] }),
    ...{ listener: report.listener(), effects },
  })
  const { reportRun } = await import('./report-run.ts')
  reportRun(report, { result, project, options, which: 'run' })
  report.line(`${relative(root, folder)}/exports, ${relative(root, folder)}/warehouse.duckdb`)
  return result.exit_code
}
