import { type Graph, reach } from '../graph.ts'
import { didYouMean } from '../nearest.ts'
import type { GraphNode } from '../nodes.ts'
import { hasWildcard } from './glob.ts'
import { type Known, matcherOf, SELECTOR_METHOD } from './methods.ts'
import type { Selectors } from './selectors-file.ts'
import { type Criterion, type Group, type IndirectSelection, type Spec, selectionProblem } from './spec.ts'

interface Chosen {
  direct: Set<string>
  /** Tests some of whose nodes are not selected: they come along once all are. */
  waiting: Set<string>
}

/** Turns a selection into ids, the way dbt does: every word by itself, then tests, then unions, intersections, differences. */
export class Evaluation {
  readonly #graph: Graph
  readonly #known: Known
  readonly #selectors: Selectors

  constructor(graph: Graph, known: Known, selectors: Selectors) {
    this.#graph = graph
    this.#known = known
    this.#selectors = selectors
  }

  ids(spec: Spec): Set<string> {
    return this.#evaluate(spec).direct
  }

  #evaluate(spec: Spec): Chosen {
    if (spec.is === 'criterion') return this.#criterion(spec)
    const parts = spec.parts.map((part) => this.#evaluate(part))
    const direct = combine(
      spec,
      parts.map((part) => part.direct),
    )
    const all = combine(
      spec,
      parts.map((part) => new Set([...part.direct, ...part.waiting])),
    )
    return { direct: this.#withReady(direct, all, spec.indirect), waiting: all }
  }

  #criterion(criterion: Criterion): Chosen {
    if (criterion.method === SELECTOR_METHOD) {
      return { direct: this.ids(this.#selectors.find(criterion.value, criterion.where)), waiting: new Set() }
    }
    const graph = this.#graph
    const matches = matcherOf(criterion, graph, this.#known)
    const found: string[] = []
    for (const node of graph.nodes.values()) if (matches(node)) found.push(node.id)
    if (found.length === 0 && criterion.plain && !hasWildcard(criterion.value)) throw this.#nothing(criterion)
    const selected = new Set(found)
    const add = (ids: Iterable<string>) => {
      for (const id of ids) selected.add(id)
    }
    if (criterion.childrens_parents) add(reach(graph, reach(graph, found, 'down'), 'up'))
    if (criterion.parents > 0) add(reach(graph, found, 'up', criterion.parents))
    if (criterion.children > 0) add(reach(graph, found, 'down', criterion.children))
    return this.#withTests(selected, criterion.indirect)
  }

  /** The tests of what is selected: all that touch it (eager), or those that touch nothing else. */
  #withTests(selected: Set<string>, indirect: IndirectSelection): Chosen {
    const direct = new Set(selected)
    const waiting = new Set<string>()
    if (indirect === 'empty') return { direct, waiting }
    const enough = indirect === 'buildable' ? this.#buildable(selected) : selected
    for (const id of selected) {
      for (const child of this.#graph.children(id)) {
        const node = this.#graph.nodes.get(child)!
        if (!isTest(node) || selected.has(child)) continue
        if (indirect === 'eager' || node.deps.every((dep) => enough.has(dep))) direct.add(child)
        else waiting.add(child)
      }
    }
    return { direct, waiting }
  }

  /** Tests that had to wait, and whose nodes are now all selected. */
  #withReady(direct: Set<string>, all: ReadonlySet<string>, indirect: IndirectSelection): Set<string> {
    if (indirect !== 'cautious' && indirect !== 'buildable') return direct
    const enough = indirect === 'buildable' ? this.#buildable(direct) : direct
    const ready = [...all].filter((id) => this.#graph.nodes.get(id)!.deps.every((dep) => enough.has(dep)))
    return new Set([...direct, ...ready.filter((id) => isTest(this.#graph.nodes.get(id)!))])
  }

  #buildable(selected: ReadonlySet<string>): Set<string> {
    const enough = reach(this.#graph, selected, 'up')
    for (const node of this.#graph.nodes.values()) if (node.kind === 'source') enough.add(node.id)
    return enough
  }

  #nothing({ value, where }: Criterion) {
    const names = [...this.#graph.nodes.values()].filter((node) => !isTest(node)).map(({ name }) => name)
    return selectionProblem(where, 'selects nothing', didYouMean(value, names))
  }
}

function isTest({ kind }: GraphNode): boolean {
  return ['test', 'unit_test'].includes(kind)
}

function combine({ is }: Group, sets: readonly Set<string>[]): Set<string> {
  const [first = new Set<string>(), ...rest] = sets
  if (is === 'union') return new Set(sets.flatMap((set) => [...set]))
  const kept = is === 'intersection' ? 'every' : 'none'
  return new Set(
    [...first].filter((id) => (kept === 'every' ? rest.every((set) => set.has(id)) : !rest.some((set) => set.has(id)))),
  )
}
