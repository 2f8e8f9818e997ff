import type { Project } from '../pipeline/load.ts'
import type { Plan } from '../pipeline/plan.ts'
import { forecast } from '../pipeline/state/forecast.ts'
import type { RunFlags } from './options.ts'
import type { CommandSession } from './session.ts'

/** What a call would do, in order, and why each node would be built; nothing is run. */
export async function printPlan(
  { report }: CommandSession,
  project: Project,
  plan: Plan,
  options: RunFlags,
): Promise<void> {
  const { graph } = project
  const as_of = options.asOf ?? new Date().toISOString().slice(0, 10)
  const ids = [...plan.inner, ...plan.outward].filter((id) => graph.nodes.get(id)!.kind !== 'source')
  const why = await forecast(project, [...new Set(ids)], as_of, options.fullRefresh)
  if (why === undefined) report.line('a run holds the build file: why each node would be built is not known now')
  const describe = (id: string) => {
    const { name, kind, file } = graph.nodes.get(id)!
    return { name, kind, file, reason: why?.get(id) ?? null }
  }
  const inner = plan.inner.filter((id) => ids.includes(id)).map(describe)
  const outward = plan.outward.filter((id) => ids.includes(id)).map(describe)
  if (options.output === 'json') {
    report.json({ inner, outward })
    return
  }
  const width = Math.max(0, ...[...inner, ...outward].map(({ name }) => name.length))
  const line = ({ name, kind, reason }: (typeof inner)[number]) =>
    `${kind.padEnd(8)} ${name.padEnd(Math.min(width, 40))}  ${reason ?? ''}`.trimEnd()
  for (const node of inner) report.out(line(node))
  if (outward.length > 0) report.out('-- then, after publication')
  for (const node of outward) report.out(line(node))
}
