import { createHash } from 'node:crypto'
import { contextFor, type World } from './context.ts'
import type { Problem } from './errors.ts'
import { type Graph, reach, unordered } from './graph.ts'
import { didYouMean } from './nearest.ts'
import type { GraphNode, ModelNode, Relation, StepNode } from './nodes.ts'
import type { TableSpec } from './table.ts'
import { quoteIdentifier, quoteLiteral, relationName } from './table.ts'

/** Where what is asked for is built: beside the warehouse, never in it. */
const ASKED = '_asked'

/** Ids of the ledger tables that a step records, also of those that only the next run sees, and the step's own. */
function written(nodes: ReadonlyMap<string, GraphNode>, step: StepNode): string[] {
  const names = new Set((step.step.records ?? []).map(({ source, table }) => `${source}.${table}`))
  const sources = [...nodes.values()].filter(
    (node) => node.kind === 'source' && names.has(`${node.source}.${node.table}`),
  )
  return [step.id, ...sources.map(({ id }) => id)]
}

/** What `asks` names: a model, or the step that builds a table of that name. */
function targetOf(nodes: ReadonlyMap<string, GraphNode>, name: string): ModelNode | StepNode | undefined {
  for (const node of nodes.values()) {
    if (node.kind === 'model' && node.name === name) return node
    if (node.kind === 'step' && node.step.builds?.some((table) => table.name === name)) return node
  }
  return undefined
}

/** Models and steps between what a step records and what it asks for, in no order. */
function between(graph: Graph, step: StepNode, target: string): Set<string> {
  const own = written(graph.nodes, step)
  const down = reach(graph, own, 'down')
  const built = (id: string) => ['model', 'step'].includes(graph.nodes.get(id)!.kind)
  return new Set([...reach(graph, [target], 'up')].filter((id) => down.has(id) && !own.includes(id) && built(id)))
}

/**
 * A step that asks for a table which depends on what it records runs before that table is built. It waits for all that
 * the table needs besides; what lies between is evaluated for it on the side, as often as it asks.
 */
export function connectAsks(nodes: Map<string, GraphNode>, problems: Problem[]): void {
  const graph = unordered(nodes)
  for (const node of nodes.values()) {
    if (node.kind !== 'step' || node.step.asks === undefined) continue
    for (const name of node.step.asks) {
      const target = targetOf(nodes, name)
      if (target === undefined) {
        const known = [...nodes.values()].flatMap((each) => (each.kind === 'model' ? [each.name] : []))
        const message = `step '${node.name}' asks for '${name}', which does not exist`
        problems.push({ file: node.file, message, hint: didYouMean(name, known) })
        continue
      }
      const chain = between(graph, node, target.id)
      for (const id of chain) {
        const each = nodes.get(id)!
        if (each.kind !== 'step' || (each.step.outward === undefined && each.step.kind === 'step')) continue
        const message = `step '${node.name}' asks for '${name}', and '${each.name}', which asks the world, lies between`
        problems.push({ file: node.file, message, hint: 'Ask for something that SQL alone decides.' })
      }
      const needed = [...chain, ...(chain.has(target.id) ? [] : [target.id])].flatMap((id) =>
        chain.has(id) ? nodes.get(id)!.deps : [id],
      )
      const waits = needed.filter((id) => !chain.has(id) && !written(nodes, node).includes(id))
      node.deps = [...new Set([...node.deps, ...waits])]
      // What reads the step's records as feedback waits for nobody by itself: here it is part of the answer.
      const later = reach(graph, [node.id], 'down')
      const before = reach(graph, [node.id], 'up')
      for (const id of chain) {
        const each = nodes.get(id)!
        if (!later.has(id) && !before.has(id)) each.after = [...new Set([...(each.after ?? []), node.id])]
      }
    }
  }
}

/** Changes when what lies between a step and what it asks for does. */
export function asksVersion(graph: Graph, node: StepNode): string {
  const texts = chainsOf(graph, node).map((each) => [each.id, each.kind === 'model' ? each.sql : each.step.fingerprint])
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex')
}

/** What lies between, in the order in which it is built. */
function chainsOf(
  graph: Graph,
  node: StepNode,
  names: readonly string[] = node.step.asks ?? [],
): (ModelNode | StepNode)[] {
  const ids = new Set(names.flatMap((name) => [...between(graph, node, targetOf(graph.nodes, name)!.id)]))
  return graph.order.filter((id) => ids.has(id)).map((id) => graph.nodes.get(id) as ModelNode | StepNode)
}

/** Evaluates, on the side, what a step asks for, from the ledger as it stands. Nothing is recorded or published. */
export class Asking {
  #attached = false

  constructor(
    readonly graph: Graph,
    readonly world: World,
    readonly node: StepNode,
  ) {}

  /** The names to select from, good until the next time or until the step ends. */
  async ask(names: readonly string[]): Promise<string[]> {
    const { graph, node, world } = this
    const undeclared = names.find((name) => !node.step.asks?.includes(name))
    if (undeclared !== undefined) throw new Error(`step ${node.name} does not declare that it asks for ${undeclared}`)
    const { connection } = world.session
    const chain = chainsOf(graph, node, names)
    if (chain.length === 0) return names.map((name) => this.#placeOf(name, chain))
    if (!this.#attached) await connection.run(`attach ':memory:' as ${ASKED}`)
    this.#attached = true
    const schemas = [...new Set(chain.flatMap((each) => relationsOf(each).map(({ schema }) => schema)))]
    await connection.run(
      schemas.map((schema) => `create schema if not exists ${ASKED}.${quoteIdentifier(schema)}`).join(';'),
    )
    const [before] = await connection.rows<{ path: string }>(`select current_setting('search_path') as path`)
    const path = [...schemas.map((schema) => `${ASKED}.${schema}`), before!.path].join(',')
    await connection.run(`set search_path = ${quoteLiteral(path)}`)
    try {
      for (const each of chain) {
        world.signal.throwIfAborted()
        if (each.kind === 'step')
          await each.step.run(await contextFor(each.step, { ...world, discards: true }, { catalog: ASKED }))
        else await connection.run(statementOf(each))
      }
    } finally {
      await connection.run(`set search_path = ${quoteLiteral(before!.path)}`)
    }
    return names.map((name) => this.#placeOf(name, chain))
  }

  #placeOf(name: string, chain: readonly GraphNode[]): string {
    const target = targetOf(this.graph.nodes, name)!
    const relation = relationName(relationOf(target, name))
    return chain.includes(target) ? `${ASKED}.${relation}` : relation
  }

  async close(): Promise<void> {
    if (this.#attached) await this.world.session.connection.run(`detach ${ASKED}`)
    this.#attached = false
  }
}

function statementOf(node: ModelNode): string {
  const kind = node.materialized === 'view' ? 'view' : 'table'
  return `create or replace ${kind} ${ASKED}.${relationName(node.relation)} as ${node.sql}`
}

function relationsOf(node: ModelNode | StepNode): (Relation | TableSpec)[] {
  return node.kind === 'model' ? [node.relation] : [...(node.step.builds ?? [])]
}

function relationOf(node: ModelNode | StepNode, name: string): Relation {
  return relationsOf(node).find((table) => node.kind === 'model' || table.name === name)!
}
