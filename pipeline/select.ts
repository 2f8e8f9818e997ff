import { ProjectError } from './errors.ts'
import { type Graph, reach } from './graph.ts'
import { didYouMean } from './nearest.ts'
import type { GraphNode } from './nodes.ts'

/** dbt's selection words: a space (or a repeated flag) is a union, a comma an intersection; `+`, `2+` and `@` widen. */
const TERM = /^(?<at>@)?(?<up>(?<up_depth>\d*)\+)?((?<method>[a-z_]+):)?(?<value>.*?)(?<down>\+(?<down_depth>\d*))?$/

type Method = (value: string, node: GraphNode) => boolean

const METHODS: Record<string, Method> = {
  fqn: (value, node) =>
    matches(value, node.name) || matchesFqn(value, node.fqn) || matchesFqn(value, node.fqn.slice(1)),
  tag: (value, node) => node.tags.some((tag) => matches(value, tag)),
  path: (value, node) => {
    const folder = value.replace(/^\.\//, '').replace(/\/$/, '')
    return node.file === folder || node.file.startsWith(`${folder}/`) || matches(folder, node.file)
  },
  file: (value, node) =>
    matches(value, node.file.split('/').at(-1)!) ||
    matches(
      value,
      node.file
        .split('/')
        .at(-1)!
        .replace(/\.\w+$/, ''),
    ),
  stage: (value, node) => node.kind === 'step' && matches(value, node.step.stage),
  source: (value, node) =>
    node.kind === 'source' && (matches(value, node.source) || matches(value, `${node.source}.${node.table}`)),
  resource_type: (value, node) => matches(value, node.kind),
}

export interface Selection {
  select: readonly string[]
  exclude: readonly string[]
}

/**
 * Ids that `--select` and `--exclude` name; without `--select` everything. A test is selected with the node it is about
 * (dbt's eager mode): whoever selects a model selects its tests.
 */
export function selectNodes(graph: Graph, { select, exclude }: Selection): Set<string> {
  const all = new Set(graph.nodes.keys())
  const chosen = select.length === 0 ? all : withTests(graph, union(graph, select))
  if (exclude.length === 0) return chosen
  const excluded = withTests(graph, union(graph, exclude))
  return new Set([...chosen].filter((id) => !excluded.has(id)))
}

function union(graph: Graph, expressions: readonly string[]): Set<string> {
  const found = new Set<string>()
  for (const expression of expressions.flatMap((part) => part.split(/\s+/)).filter((part) => part !== '')) {
    const parts = expression.split(',').map((term) => selectTerm(graph, term))
    for (const id of parts[0]!) if (parts.every((part) => part.has(id))) found.add(id)
  }
  return found
}

function selectTerm(graph: Graph, term: string): Set<string> {
  const parts = TERM.exec(term)?.groups ?? {}
  const value = parts.value ?? ''
  const method = METHODS[parts.method ?? (value.includes('/') || value.endsWith('.sql') ? 'path' : 'fqn')]
  if (method === undefined) {
    throw new ProjectError([
      {
        file: '--select',
        message: `'${term}': there is no method '${parts.method}'`,
        hint: didYouMean(parts.method!, Object.keys(METHODS)),
      },
    ])
  }
  const seeds = [...graph.nodes.values()].filter((node) => method(value, node)).map(({ id }) => id)
  if (seeds.length === 0 && parts.method === undefined && !/[*?[]/.test(value)) {
    const names = [...graph.nodes.values()].filter(({ kind }) => kind !== 'test').map(({ name }) => name)
    throw new ProjectError([
      { file: '--select', message: `'${value}' selects nothing`, hint: didYouMean(value, names) },
    ])
  }
  const found = new Set(seeds)
  const widen = (direction: 'up' | 'down', depth: string | undefined, from: Iterable<string>) => {
    const limit = depth === undefined || depth === '' ? Number.POSITIVE_INFINITY : Number(depth)
    for (const id of reach(graph, from, direction, limit)) found.add(id)
  }
  if (parts.at !== undefined) {
    widen('down', undefined, seeds)
    widen('up', undefined, [...found])
  }
  if (parts.up !== undefined) widen('up', parts.up_depth, seeds)
  if (parts.down !== undefined) widen('down', parts.down_depth, seeds)
  return found
}

function withTests(graph: Graph, chosen: Set<string>): Set<string> {
  const all = new Set(chosen)
  for (const node of graph.nodes.values()) {
    if (node.kind !== 'test') continue
    const about = node.attached === undefined ? node.deps : [node.attached]
    if (about.some((id) => chosen.has(id))) all.add(node.id)
  }
  return all
}

function matchesFqn(value: string, fqn: readonly string[]): boolean {
  const parts = value.split('.')
  return parts.length <= fqn.length && parts.every((part, index) => matches(part, fqn[index]!))
}

/** Shell globs: `*`, `?`, `[abc]`. */
function matches(pattern: string, text: string): boolean {
  if (!/[*?[]/.test(pattern)) return pattern === text
  const source = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`).test(text)
}
