import type { Command } from 'commander'
import { addCommonOptions, addRunOptions, type RunFlags } from '../options.ts'
import { runPlan } from '../run-plan.ts'
import { action } from '../session.ts'

export function register(program: Command): void {
  const command = program
    .command('run')
    .description('everything: take in, discover, enrich, build, test, score, publish, plan or act outward')
  addCommonOptions(addRunOptions(command))
    .option('--stage <stages...>', 'only these stages and the SQL around them', [])
    .option('--dry-run', 'show what would run, and run nothing', false)
    .action(
      action<RunFlags>((session, options) =>
        runPlan(session, options, 'run', ['seed', 'model', 'snapshot', 'step', 'test', 'unit_test']),
      ),
    )
}
