import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { ProjectError } from '../../pipeline/errors.ts'
import type { GraphNode } from '../../pipeline/nodes.ts'
import { addCommonOptions, addRunOptions, type RunFlags } from '../options.ts'
import { runPlan } from '../run-plan.ts'
import { action } from '../session.ts'

const KINDS: Record<string, GraphNode['kind'][]> = {
  run: ['seed', 'model', 'snapshot', 'step', 'test'],
  build: ['seed', 'model', 'snapshot', 'test'],
  test: ['test'],
  seed: ['seed'],
  snapshot: ['snapshot'],
}

/** The last call again: what succeeded and has not changed is not done twice. */
export function register(program: Command): void {
  const command = program
    .command('retry')
    .description('the last run, build, test or seed again, for what it left undone')
  addCommonOptions(addRunOptions(command)).action(
    action<RunFlags>(async (session, options) => {
      const last = lastCall(session.root)
      const flags = { ...options, select: last.select, exclude: last.exclude, stage: last.stage, dryRun: false }
      return runPlan(session, flags, last.which, KINDS[last.which] ?? KINDS.run!)
    }),
  )
}

function lastCall(root: string): { which: string; select: string[]; exclude: string[]; stage: string[] } {
  try {
    const { args } = JSON.parse(readFileSync(join(root, 'target', 'run_results.json'), 'utf8')) as {
      args: { which: string; select: string[]; exclude: string[]; stage: string[] }
    }
    return args
  } catch {
    throw new ProjectError([
      {
        file: 'target/run_results.json',
        message: 'cannot be read: there is no last call to retry',
        hint: 'Use pipeline run.',
      },
    ])
  }
}
