import type { Graph } from '../graph.ts'
import type { Fingerprint } from './fingerprint.ts'
import { sqlOf } from './fingerprint.ts'

/** What a project is compared with. */
export interface Previous {
  /** For people: `publication 000012`, `main (4f2a91c)`. */
  name: string
  prints: ReadonlyMap<string, Fingerprint>
  /** The SQL of a node then, where it is at hand. */
  sqlOf?(id: string): string | undefined
  /** Whether its settings can be compared, too. */
  same_config?(id: string): boolean
}

export type Aspect = 'body' | 'configs' | 'relation' | 'contract'

/** What has changed since, by node. */
export class Comparison {
  readonly #changes: ReadonlyMap<string, ReadonlySet<Aspect> | 'new'>

  constructor(changes: ReadonlyMap<string, ReadonlySet<Aspect> | 'new'>) {
    this.#changes = changes
  }

  /** The ids that `state:<word>` means. A new node is modified, too, in every respect. */
  select(word: string): Set<string> {
    const [kind, aspect] = word.split('.')
    const wanted = (change: ReadonlySet<Aspect> | 'new'): boolean => {
      if (kind === 'new') return change === 'new'
      if (kind === 'old') return change !== 'new'
      if (kind === 'unmodified') return change !== 'new' && change.size === 0
      // There are no macros here, and descriptions are published with every change of anything.
      if (aspect === 'macros' || aspect === 'persisted_descriptions') return false
      if (change === 'new') return true
      return aspect === undefined ? change.size > 0 : change.has(aspect as Aspect)
    }
    return new Set([...this.#changes].flatMap(([id, change]) => (wanted(change) ? [id] : [])))
  }

  changesOf(id: string): ReadonlySet<Aspect> | 'new' | undefined {
    return this.#changes.get(id)
  }
}

/**
 * Compares a project with what it was. Where two texts of SQL differ, their syntax trees decide: `parse` answers the
 * trees of many texts, undefined for a text that has none.
 */
export async function compare(
  graph: Graph,
  now: ReadonlyMap<string, Fingerprint>,
  previous: Previous,
  parse: (texts: readonly string[]) => Promise<(string | undefined)[]>,
): Promise<Comparison> {
  const open = [...now].flatMap(([id, print]) => {
    const old = previous.prints.get(id)
    const [mine, theirs] = [sqlOf(graph.nodes.get(id)), previous.sqlOf?.(id)]
    if (old === undefined || old.body === print.body || mine === undefined) return []
    return old.tree === undefined && theirs === undefined ? [] : [{ id, mine, theirs, known: old.tree }]
  })
  const trees = await parse([
    ...open.map(({ mine }) => mine),
    ...open.flatMap(({ known, theirs }) => (known ? [] : [theirs!])),
  ])
  const same = new Set<string>()
  let next = open.length
  for (const [index, { id, known }] of open.entries()) {
    const other = known ?? trees[next++]
    if (trees[index] !== undefined && trees[index] === other) same.add(id)
  }
  const changes = new Map<string, ReadonlySet<Aspect> | 'new'>()
  for (const [id, print] of now) {
    const old = previous.prints.get(id)
    if (old === undefined) {
      changes.set(id, 'new')
      continue
    }
    const aspects = new Set<Aspect>()
    if (old.body !== print.body && !same.has(id)) aspects.add('body')
    if (old.added !== undefined && old.added !== print.added) aspects.add('body')
    if (!(previous.same_config?.(id) ?? old.config === print.config)) aspects.add('configs')
    if (old.relation !== print.relation) aspects.add('relation')
    if (old.contract !== print.contract) aspects.add('contract')
    changes.set(id, aspects)
  }
  return new Comparison(changes)
}
