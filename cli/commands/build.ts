import type { Command } from 'commander'
import { addCommonOptions, addRunOptions, addTestOptions, type RunFlags } from '../options.ts'
import { runPlan } from '../run-plan.ts'
import { action } from '../session.ts'

export function register(program: Command): void {
  const command = program
    .command('build')
    .description('models, seeds, snapshots and their tests, in dependency order; never outward')
  addCommonOptions(addTestOptions(addRunOptions(command)))
    .option('--dry-run', 'show what would run, and run nothing', false)
    .action(
      action<RunFlags>((session, options) =>
        runPlan(session, { ...options, stage: [] }, 'build', [
          'seed',
          'model',
          'builder',
          'snapshot',
          'test',
          'unit_test',
        ]),
      ),
    )
}
