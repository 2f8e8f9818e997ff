import type { Command } from 'commander'
import { reach } from '../../pipeline/graph.ts'
import type { Project } from '../../pipeline/load.ts'
import type { Plan, RunKind } from '../../pipeline/plan.ts'
import { lastCall, leftUndone, replayed } from '../last-call.ts'
import { addBuildOptions, addCommonOptions, type RunFlags } from '../options.ts'
import { runPlan } from '../run-plan.ts'
import { action } from '../session.ts'

const KINDS: Record<string, RunKind[]> = {
  run: ['seed', 'model', 'snapshot', 'step', 'test', 'unit_test'],
  build: ['seed', 'model', 'builder', 'snapshot', 'test', 'unit_test'],
  snapshot: ['snapshot'],
  test: ['test', 'unit_test'],
  seed: ['seed'],
}

/** The last call again, with its flags: what failed, what was skipped, and what has changed since. */
export function register(program: Command): void {
  const command = program
    .command('retry')
    .description('the last run, build, test, seed or snapshot again, with its flags, for what it left undone')
  addCommonOptions(addBuildOptions(command)).action(
    action<RunFlags>(async (session, options) => {
      const call = lastCall(session.root)
      const flags = replayed(session, options, call)
      return runPlan(session, flags, call.which, KINDS[call.which] ?? KINDS.run!, (project) => {
        const left = leftUndone(project, call)
        return { left, narrow: (plan) => narrow(plan, project, left, call.ids) }
      })
    }),
  )
}

/** Without what the call did not work on, and without steps that are done and would only ask again. */
function narrow(plan: Plan, { graph }: Project, left: ReadonlySet<string>, ids: readonly string[] | null): Plan {
  const own = ids === null ? undefined : new Set(ids)
  const open = reach(
    graph,
    [...left].filter((id) => graph.nodes.has(id)),
    'down',
  )
  const kept = (id: string): boolean => {
    const node = graph.nodes.get(id)!
    if (own !== undefined && !own.has(id)) return false
    return node.kind !== 'step' || node.step.fingerprint !== null || open.has(id)
  }
  return {
    ...plan,
    inner: plan.inner.filter(kept),
    outward: plan.outward.filter(kept),
    left_out: [],
    whole: plan.whole && own === undefined,
  }
}
