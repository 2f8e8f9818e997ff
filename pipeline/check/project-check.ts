import { relationText } from '../compile.ts'
import type { Problem } from '../errors.ts'
import { latestOf } from '../freshness.ts'
import { buildGraph, type Graph } from '../graph.ts'
import type { Project } from '../load.ts'
import type { Freshness, GraphNode, SourceNode, TestNode } from '../nodes.ts'
import { adviceOf } from './advice.ts'
import { type Bindable, type Binder, bindAll, hasRelation, type Place } from './bind.ts'
import { bindSteps } from './bind-steps.ts'
import { checkContracts } from './contracts.ts'
import { NamedRelations } from './relations.ts'
import { type Column, catalogueOf, openShadow, tellForMachines, tellPlainly } from './shadow.ts'
import { type Read, tablesRead } from './tables-read.ts'
import { lineOfTest } from './test-place.ts'
import { compareColumns } from './yaml-columns.ts'

export interface ProjectCheck {
  problems: Problem[]
  /** Hints of the rooms, where nothing is wrong and they were asked for. */
  warnings: Problem[]
  /** How many models, tests and analyses were bound. */
  bound: number
  /** What could not be bound, through no fault of its own, and why. */
  skipped: { name: string; file: string; reason: string }[]
  /** `schema.name` → columns of every relation that is known. */
  catalogue: Map<string, Column[]>
}

/** Binds every model, test and analysis of a project against empty tables. No data, network, ledger or lock is needed. */
export async function checkProject(project: Project): Promise<Problem[]> {
  return (await inspectProject(project)).problems
}

/** The same, with what was found on the way. */
export async function inspectProject(project: Project, { advice = false } = {}): Promise<ProjectCheck> {
  const problems: Problem[] = []
  const shadow = await openShadow(project, problems)
  try {
    const { graph } = project
    const relations = new NamedRelations(graph)
    const bindables = [...graph.nodes.values()].flatMap(bindablesOf)
    const reads = await readsOf(shadow.connection, bindables)
    const place = placeIn(project)
    const written = writtenTables({ bindables, reads, relations, place, problems })
    const binder: Binder = {
      shadow,
      graph,
      relations,
      problems,
      place,
      dynamic: new Set([...reads].flatMap(([id, read]) => ('dynamic' in read ? [id] : []))),
      written: new Map([...written].map(([id, names]) => [id, new Set(names.flatMap(({ words }) => words))])),
      async columnsOf(node) {
        const known = await catalogueOf(shadow.connection)
        return [...relations.declaredBy(node)].flatMap((where) => known.get(where) ?? [])
      },
    }
    const order = orderOf(graph, new Map([...written].map(([id, names]) => [id, names.map((name) => name.id)])))
    const byId = new Map(bindables.map((node) => [node.id, node]))
    const models = order.flatMap((id) => byId.get(id) ?? []).filter(hasRelation)
    await bindAll(binder, models)
    const catalogue = await catalogueOf(shadow.connection)
    await tellPlainly(shadow)
    const promising = await checkContracts(graph, shadow.connection, catalogue, problems)
    await tellForMachines(shadow)
    const lost = compareColumns(project, catalogue, promising, problems)
    await tellPlainly(shadow)
    const ofSteps: Problem[] = []
    await bindSteps(graph, shadow, ofSteps)
    problems.push(...ofSteps)
    await tellForMachines(shadow)
    // A file that a step cannot use promises nothing: what it has wrong is said, its own tests are not asked.
    const unusable = new Set(ofSteps.map(({ file }) => file))
    const follows = (node: TestNode) =>
      unusable.has(node.file) || lost.some(({ id, column }) => id === node.attached && column === node.column)
    await bindAll(
      binder,
      bindables.filter((node) => !hasRelation(node) && !(node.kind === 'test' && follows(node))),
    )
    await tellPlainly(shadow)
    const warnings = advice && problems.length === 0 ? await adviceOf(project, shadow.connection) : []
    return { problems: sorted(problems), warnings, ...countedOf(bindables, shadow.unknown, graph), catalogue }
  } finally {
    shadow.close()
  }
}

/** What of a node can be bound; of an incremental model both texts, the one that adds against its own table. */
function bindablesOf(node: GraphNode): Bindable[] {
  if (node.kind === 'source') return node.freshness === undefined ? [] : [freshnessOf(node, node.freshness)]
  if (node.kind === 'test' || node.kind === 'analysis' || node.kind === 'snapshot') return [node]
  if (node.kind !== 'model') return []
  if (node.sql_incremental === undefined) return [node]
  const id = `${node.id} as it adds`
  return [node, { ...node, kind: 'analysis', id, sql: node.sql_incremental, deps: [...node.deps, node.id] }]
}

const AGE = ' as its age is asked'

/** What `source freshness` asks of a source. */
function freshnessOf(node: SourceNode, freshness: Freshness): Bindable {
  const { id, name, file, description, fqn, tags, relation } = node
  const sql = latestOf(freshness, relationText(relation))
  const own = { id: `${id}${AGE}`, name, file: node.patch ?? file, description, fqn, tags, sql, raw: sql }
  return { ...own, kind: 'analysis', config: {}, deps: [id], refs: [], sources: [] }
}

async function readsOf(connection: Parameters<typeof tablesRead>[0], nodes: readonly Bindable[]) {
  const reads = await tablesRead(
    connection,
    nodes.map(({ sql }) => sql),
  )
  return new Map<string, Read>(nodes.map(({ id }, index) => [id, reads[index]!]))
}

/** SQL files keep their lines; what YAML asks for is said at the line that asks. */
function placeIn(project: Project): Place {
  return (node, line) => {
    if (node.kind === 'snapshot') {
      const described = project.files.snapshots.find(({ value }) => value.name === node.name)
      return { file: node.file, line: described?.yaml.lineOf(described.path), subject: `the snapshot ${node.name}` }
    }
    if (node.id.endsWith(AGE)) return placeOfAge(node, project)
    if (node.kind !== 'test' || node.attached === undefined) return { file: node.file, line }
    return { file: node.file, line: lineOfTest(node, project), subject: `the test ${node.name}` }
  }
}

function placeOfAge({ id, file }: Bindable, { files }: Project): ReturnType<Place> {
  for (const { value, yaml, path } of files.sources) {
    const index = value.tables.findIndex(({ name }) => id.endsWith(`.${value.name}.${name}${AGE}`))
    if (index < 0) continue
    const table = [...path, 'tables', index]
    const places = [table, [...table, 'config'], path, [...path, 'config']].map((place) => [
      ...place,
      'loaded_at_field',
    ])
    const lines = places.map((place) => [yaml.lineOf(place), yaml.lineOf(place.slice(0, -1))] as const)
    const line = lines.find(([own, parent]) => own > parent)?.[0] ?? yaml.lineOf(table)
    return { file: yaml.file, line, subject: `the freshness of ${value.name}.${value.tables[index]!.name}` }
  }
  return { file }
}

interface Written {
  id: string
  /** As the SQL may say it. */
  words: string[]
}

/** Tables of the project that SQL names itself: the graph does not know that they must be built before. */
function writtenTables(input: {
  bindables: readonly Bindable[]
  reads: ReadonlyMap<string, Read>
  relations: NamedRelations
  place: Place
  problems: Problem[]
}): Map<string, Written[]> {
  const { bindables, reads, relations, place, problems } = input
  const written = new Map<string, Written[]>()
  for (const node of bindables) {
    const read = reads.get(node.id)!
    if (!('tables' in read)) continue
    const declared = relations.declaredBy(node)
    for (const table of read.tables) {
      const named = relations.find(table)
      if (named === undefined || declared.has(named.place)) continue
      declared.add(named.place)
      const name = table.schema === '' ? table.name : `${table.schema}.${table.name}`
      const { file, line, subject } = place(node, table.line)
      problems.push({
        file,
        ...(line === undefined ? {} : { line }),
        message: `${subject === undefined ? '' : `${subject} `}reads ${name} by its name, so nothing knows that it must be built before`,
        hint: `Write ${named.call} in its place.`,
      })
      const words = [table.name.toLowerCase(), name.toLowerCase(), named.place]
      written.set(node.id, [...(written.get(node.id) ?? []), { id: named.id, words }])
    }
  }
  return written
}

/** Topological, also over tables that SQL names itself, so that those are there when it is bound. */
function orderOf(graph: Graph, written: ReadonlyMap<string, string[]>): string[] {
  if (written.size === 0) return graph.order
  const nodes = new Map(
    [...graph.nodes].map(([id, node]) => [
      id,
      { ...node, deps: [...node.deps, ...(written.get(id) ?? [])] } as GraphNode,
    ]),
  )
  const order = buildGraph(nodes, []).order
  const placed = new Set(order)
  return [...order, ...graph.order.filter((id) => !placed.has(id))]
}

function countedOf(bindables: readonly Bindable[], unknown: ReadonlyMap<string, string>, graph: Graph) {
  const wrong = 'it is wrong itself'
  const skipped = [...unknown].flatMap(([id, reason]) => {
    const node = graph.nodes.get(id)
    return node === undefined || reason === wrong ? [] : [{ name: node.name, file: node.file, reason }]
  })
  return { bound: bindables.filter(({ id }) => !unknown.has(id)).length, skipped }
}

/** By place; what two texts of one file have wrong is said once. */
function sorted(problems: readonly Problem[]): Problem[] {
  const distinct = new Map(problems.map((problem) => [JSON.stringify(problem), problem]))
  return [...distinct.values()].sort(
    (a, b) =>
      a.file.localeCompare(b.file, 'en') || (a.line ?? 0) - (b.line ?? 0) || a.message.localeCompare(b.message, 'en'),
  )
}
