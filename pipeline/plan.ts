import { ProjectError } from './errors.ts'
import { type Graph, reach } from './graph.ts'
import { didYouMean } from './nearest.ts'
import type { GraphNode, StepNode } from './nodes.ts'
import { isSelecting, type Selection, selectNodes } from './select.ts'

/** `builder`: a step that builds tables, which is a model in another language. */
export type RunKind = GraphNode['kind'] | 'builder'

export interface PlanOptions extends Selection {
  /** Which kinds of node the command runs. */
  kinds: ReadonlySet<RunKind>
  stages: readonly string[]
}

/** What will run, in order: first what is built and tested, then what acts outward and what shows its effects. */
export interface Plan {
  inner: string[]
  outward: string[]
  /** Steps that are selected and do not run, because no stage is named. */
  left_out: string[]
  /** Everything that is published is covered: only then may the result be published. */
  whole: boolean
  /** What it does outward is published too, if what stands in the build file is what readers see. */
  shown?: boolean
}

export function planRun(graph: Graph, options: PlanOptions): Plan {
  const { kinds, stages } = options
  // A stage says what to work on: the default selector is for calls that do not.
  const selection = stages.length > 0 && options.selector === undefined ? { ...options, selectors: undefined } : options
  const selecting = isSelecting(selection)
  const chosen = selectNodes(graph, selection)
  const inStages = stages.length > 0 ? stageNodes(graph, stages) : undefined
  const outwardSteps = [...graph.nodes.values()].filter(isOutward).map(({ id }) => id)
  const effects = reach(graph, outwardSteps, 'down')
  const log = reach(graph, logSources(graph), 'down')
  const wanted = (id: string): boolean => {
    const node = graph.nodes.get(id)!
    if (!(kinds.has(node.kind) || (kinds.has('builder') && isBuilder(node))) || !chosen.has(id)) return false
    if (inStages !== undefined) return inStages.has(id)
    return !(selecting && node.kind === 'step')
  }
  const order = graph.order.filter(wanted)
  const steps = selecting && inStages === undefined ? stepsOf(graph, chosen) : []
  if (steps.length > 0 && (kinds.has('model') || kinds.has('step'))) refuseStepsOnly(graph, chosen, steps)
  const acting = order.some((id) => outwardSteps.includes(id))
  return {
    inner: order.filter((id) => !outwardSteps.includes(id)),
    outward: acting
      ? [...order.filter((id) => effects.has(id)), ...order.filter((id) => log.has(id) && !effects.has(id))]
      : [],
    left_out: kinds.has('step') ? steps.map(({ id }) => id) : [],
    whole: !selecting && inStages === undefined,
  }
}

function stepsOf(graph: Graph, ids: ReadonlySet<string>): StepNode[] {
  return [...ids].map((id) => graph.nodes.get(id)!).filter((node) => node.kind === 'step')
}

/** A selection of nothing but steps would do nothing: they run by stage. */
function refuseStepsOnly(graph: Graph, chosen: ReadonlySet<string>, steps: readonly StepNode[]): void {
  const besides = [...chosen].map((id) => graph.nodes.get(id)!.kind)
  if (besides.some((kind) => !['step', 'source', 'exposure', 'test', 'unit_test'].includes(kind))) return
  const names = steps.map(({ name }) => name).sort()
  const stages = [...new Set(steps.map(({ step }) => step.stage))].sort()
  throw new ProjectError([
    {
      file: '--select',
      message: `selects only steps (${names.join(', ')}), and steps run with --stage`,
      hint: `pipeline run ${stages.map((stage) => `--stage ${stage}`).join(' ')}`,
    },
  ])
}

function isBuilder(node: GraphNode): boolean {
  return node.kind === 'step' && !isOutward(node) && (node.step.builds?.length ?? 0) > 0
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

/**
 * A stage's steps, the SQL they need, and the SQL that shows what they did. What hangs on a later stage's steps too waits
 * for that stage: half of it would be old.
 */
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
  const effects = reach(graph, own, 'down')
  const others = [...effects].filter((id) => graph.nodes.get(id)!.kind === 'step' && !own.includes(id))
  const stale = reach(graph, others, 'down')
  const shown = [...effects].filter((id) => !stale.has(id))
  const all = reach(graph, [...own, ...shown], 'up')
  return new Set([...all].filter((id) => graph.nodes.get(id)!.kind !== 'step' || own.includes(id)))
}
