import type { Graph } from '../graph.ts'
import type { GraphNode } from '../nodes.ts'

/** A relation of the project and how SQL is to name it. */
export interface Named {
  id: string
  /** `schema.name`, lower case. */
  place: string
  /** `{{ ref('dim_companies') }}` */
  call: string
}

/** Every relation of the project, by place and by bare name. */
export class NamedRelations {
  readonly #places = new Map<string, Named>()
  readonly #names = new Map<string, Named>()
  readonly #byId = new Map<string, Named[]>()

  constructor(graph: Graph) {
    for (const node of graph.nodes.values()) {
      if (node.kind === 'step') {
        for (const table of node.step.builds ?? []) this.#add(node.id, table, `{{ ref('${table.name}') }}`)
      } else if (node.kind === 'source') {
        this.#add(node.id, node.relation, `{{ source('${node.source}', '${node.table}') }}`)
      } else if ('relation' in node) this.#add(node.id, node.relation, `{{ ref('${node.name}') }}`)
    }
  }

  #add(id: string, { schema, name }: { schema: string; name: string }, call: string): void {
    const named = { id, place: `${schema}.${name}`.toLowerCase(), call }
    this.#places.set(named.place, named)
    if (!this.#names.has(name.toLowerCase())) this.#names.set(name.toLowerCase(), named)
    this.#byId.set(id, [...(this.#byId.get(id) ?? []), named])
  }

  /** The relation that a written table name means; undefined when it is none of the project's. */
  find({ schema, name }: { schema: string; name: string }): Named | undefined {
    return schema === '' ? this.#names.get(name.toLowerCase()) : this.#places.get(`${schema}.${name}`.toLowerCase())
  }

  /** The relations of the nodes that a node declares that it reads, and its own. */
  declaredBy(node: GraphNode): Set<string> {
    return new Set([node.id, ...node.deps, ...(node.feedback ?? [])].flatMap((id) => this.of(id)))
  }

  /** The places of what a node makes. */
  of(id: string): string[] {
    return (this.#byId.get(id) ?? []).map(({ place }) => place)
  }

  names(): Iterable<string> {
    return [...this.#names.keys(), ...this.#places.keys()]
  }
}
