import { ProjectError } from './errors.ts'
import type { Graph } from './graph.ts'
import { Evaluation } from './select/evaluate.ts'
import type { Known } from './select/methods.ts'
import { Selectors } from './select/selectors-file.ts'
import { criteriaOf, type IndirectSelection, parseWords, type Spec } from './select/spec.ts'

const NO_SELECTORS = new Selectors(new Map())

export interface Selection {
  select: readonly string[]
  exclude: readonly string[]
  /** `--selector`: a definition of `selectors.yml`. */
  selector?: string
  indirect_selection?: IndirectSelection
  /** What `selectors.yml` defines; its default counts where the call says nothing else. */
  selectors?: Selectors
  /** What the words `state:`, `result:` and `source_status:` ask. */
  known?: Known
}

/** The ids that a call works on; without any words all of them. Throws ProjectError for what is not understood. */
export function selectNodes(graph: Graph, selection: Selection): Set<string> {
  const spec = specOf(selection)
  if (spec === undefined) return new Set(graph.nodes.keys())
  return new Evaluation(graph, selection.known ?? {}, selection.selectors ?? NO_SELECTORS).ids(spec)
}

/** Whether the call works on a part only. */
export function isSelecting({ select, exclude, selector, selectors }: Selection): boolean {
  return select.length > 0 || exclude.length > 0 || selector !== undefined || selectors?.default_name !== undefined
}

/** Whether some word asks this method, in the call or in the selectors it names. */
export function asksMethod(selection: Selection, method: string): boolean {
  const asks = (spec: Spec, seen: readonly string[]): boolean =>
    [...criteriaOf(spec)].some((criterion) => {
      if (criterion.method === method) return true
      if (criterion.method !== 'selector' || seen.includes(criterion.value)) return false
      const next = (selection.selectors ?? NO_SELECTORS).find(criterion.value, criterion.where)
      return asks(next, [...seen, criterion.value])
    })
  const spec = specOf(selection)
  return spec !== undefined && asks(spec, [])
}

function specOf(selection: Selection): Spec | undefined {
  const { select, exclude, selector, selectors, indirect_selection: indirect = 'eager' } = selection
  const words = select.length > 0 || exclude.length > 0
  if (selector !== undefined && words) {
    const message = 'does not go together with --select and --exclude'
    throw new ProjectError([{ file: '--selector', message, hint: 'Write selector:NAME among the words of --select.' }])
  }
  const name = selector ?? (words ? undefined : selectors?.default_name)
  if (name !== undefined) {
    const where = { file: '--selector', text: name }
    return (selectors ?? NO_SELECTORS).withDefault(name, where, indirect)
  }
  if (!words) return undefined
  const all = select.length > 0 ? select : ['fqn:*', 'source:*', 'exposure:*']
  const included = parseWords(all, '--select', indirect)
  if (exclude.length === 0) return included
  return { is: 'difference', parts: [included, parseWords(exclude, '--exclude', indirect)], indirect }
}
