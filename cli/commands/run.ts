import type { Command } from 'commander'
import { addCommonOptions, addRunOptions, type RunFlags } from '../options.ts'
import { runPlan } from '../run-plan.ts'
import { action } from '../session.ts'

const KINDS = ['seed', 'model', 'snapshot', 'step', 'test', 'unit_test'] as const

export function register(program: Command): void {
  const command = program
    .command('run')
    .description('everything: take in, discover, enrich, build, test, score, publish, plan or act outward')
  addCommonOptions(addRunOptions(command))
    .option('--stage <stages...>', 'only these stages and the SQL around them', [])
    .option('--dry-run', 'show what would run, and run nothing', false)
    .option('--replay <run>', 'this past run again from its ledger: nobody is asked, published in data/replays/')
    .action(
      action<RunFlags & { replay?: string }>(async (session, { replay, ...options }) => {
        if (replay === undefined) return runPlan(session, options, 'run', KINDS)
        const { replayRun } = await import('../replay-run.ts')
        return replayRun(session, { ...options, replay }, KINDS)
      }),
    )
}
