import { ProjectError } from './errors.ts'
import { type Graph, reach } from './graph.ts'
import { didYouMean } from './nearest.ts'
import type { GraphNode } from './nodes.ts'
import { selectNodes } from './select.ts'

export interface PlanOptions {
  /** Which kinds of node the command runs. */
  kinds: ReadonlySet<GraphNode['kind']>
  select: readonly string[]
  exclude: readonly string[]
  stages: readonly string[]
}

/** What will run, in order: first what is built and tested, then what acts outward and what shows its effects. */
export interface Plan {
  inner: string[]
  outward: string[]
  /** Everything that is published is covered: only then may the result be published. */
  whole: boolean
}

export function planRun(graph: Graph, options: PlanOptions): Plan {
  const { kinds, select, exclude, stages } = options
  const selecting = select.length > 0 || exclude.length > 0
  const chosen = selectNodes(graph, { select, exclude })
  const inStages = stages.length > 0 ? stageNodes(graph, stages) : undefined
  const outwardSteps = [...graph.nodes.values()].filter(isOutward).map(({ id }) => id)
  const effects = reach(graph, outwardSteps, 'down')
  const log = reach(graph, logSources(graph), 'down')
  const wanted = (id: string): boolean => {
    const node = graph.nodes.get(id)!
    if (!kinds.has(node.kind) || !chosen.has(id)) return false
    if (inStages !== undefined) return inStages.has(id)
    return !(selecting && node.kind === 'step')
  }
  const order = graph.order.filter(wanted)
  const acting = order.some((id) => outwardSteps.includes(id))
  return {
    inner: order.filter((id) => !outwardSteps.includes(id)),
    outward: acting
      ? [...order.filter((id) => effects.has(id)), ...order.filter((id) => log.has(id) && !effects.has(id))]
      : [],
    whole: !selecting && inStages === undefined,
  }
}

export function isOutward(node: GraphNode): boolean {
  return node.kind === 'step' && node.step.outward !== undefined
}

/** The ledger's own log: what acts writes to it too, so its readers are looked at once more at the very end. */
function logSources(graph: Graph): string[] {
  return [...graph.nodes.values()]
    .filter((node) => node.kind === 'source' && node.source === 'ledger')
    .map(({ id }) => id)
}

/** A stage's steps, the SQL they need, and the SQL that shows what they did; no other stage's steps. */
function stageNodes(graph: Graph, stages: readonly string[]): Set<string> {
  const steps = [...graph.nodes.values()].filter((node) => node.kind === 'step')
  const known = [...new Set(steps.map(({ step }) => step.stage))]
  for (const stage of stages) {
    if (!known.includes(stage)) {
      throw new ProjectError([
        { file: '--stage', message: `there is no stage '${stage}'`, hint: didYouMean(stage, known) },
      ])
    }
  }
  const own = steps.filter(({ step }) => stages.includes(step.stage)).map(({ id }) => id)
  const all = new Set([...reach(graph, own, 'up'), ...reach(graph, own, 'down')])
  return new Set([...all].filter((id) => graph.nodes.get(id)!.kind !== 'step' || own.includes(id)))
}
