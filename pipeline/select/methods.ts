import type { Graph } from '../graph.ts'
import { didYouMean } from '../nearest.ts'
import type { GraphNode } from '../nodes.ts'
import type { Comparison } from '../state/compare.ts'
import { matchesConfig } from './config-value.ts'
import { hasWildcard, matches, matchesPath } from './glob.ts'
import { type Criterion, selectionProblem } from './spec.ts'
import { versionMatcher } from './version.ts'

/** What methods ask that the graph does not know. Each is asked for only when a selection needs it. */
export interface Known {
  /** What has changed since the state that is compared with. */
  state?: Comparison
  /** Node id → its status in the last call; empty when there was none. */
  results?(): ReadonlyMap<string, string>
  /** Source id → its status by the last look at freshness, and whether it is fresher than in the state compared with. */
  source_statuses?(): ReadonlyMap<string, { status: string; fresher: boolean }>
}

type Matcher = (node: GraphNode) => boolean
type Method = (criterion: Criterion, graph: Graph, known: Known) => Matcher

const ids = (set: ReadonlySet<string>): Matcher => {
  return ({ id }) => set.has(id)
}

const METHODS: Record<string, Method> = {
  fqn: ({ value }) => fqnMatcher(value),
  tag: ({ value }) => {
    return ({ tags }) => tags.some((tag) => matches(value, tag))
  },
  path: ({ value }) => pathMatcher(value),
  file: ({ value }) => {
    return ({ file }) => {
      const base = file.slice(file.lastIndexOf('/') + 1)
      return matches(value, base) || matches(value, base.replace(/\.\w+$/, ''))
    }
  },
  package: ({ value }) => {
    return ({ fqn }) => value === 'this' || matches(value, fqn[0]!)
  },
  config: (criterion) => {
    if (criterion.path.length === 0)
      throw selectionProblem(criterion.where, 'names no setting', 'Write config.materialized:table.')
    return (node) => matchesConfig(node, criterion.path, criterion.value)
  },
  resource_type: (criterion, graph) => {
    const kind = criterion.value
    oneOf(criterion, new Set([...KINDS, ...[...graph.nodes.values()].map((node) => node.kind)]))
    return (node) => node.kind === kind
  },
  test_name: ({ value }) => {
    return (node) => {
      if (node.kind !== 'test' || node.generic === undefined) return false
      const { name } = node.generic
      return matches(value, name) || matches(value, name.slice(name.lastIndexOf('.') + 1))
    }
  },
  test_type: (criterion) => {
    oneOf(criterion, ['generic', 'singular', 'data', 'unit', 'schema'])
    const { value } = criterion
    return (node) => {
      if (isKind(node, 'unit_test')) return value === 'unit'
      if (node.kind !== 'test' || value === 'unit') return false
      return value === 'data' || (node.generic === undefined) === (value === 'singular')
    }
  },
  source: named('source', (node) => (node.kind === 'source' ? [node.fqn[0]!, node.source, node.table] : undefined)),
  exposure: named('exposure', (node) => (isKind(node, 'exposure') ? [node.fqn[0]!, node.name] : undefined)),
  unit_test: named('unit_test', (node) => (isKind(node, 'unit_test') ? [node.fqn[0]!, node.name] : undefined)),
  group: ({ value }) => {
    return ({ group, config }) => [group, config.group].some((name) => typeof name === 'string' && matches(value, name))
  },
  access: (criterion) => {
    oneOf(criterion, ['private', 'protected', 'public'])
    return (node) => node.kind === 'model' && (node.access ?? 'protected') === criterion.value
  },
  version: (criterion) => {
    oneOf(criterion, ['latest', 'prerelease', 'old', 'none'])
    return versionMatcher(criterion.value as 'latest' | 'prerelease' | 'old' | 'none')
  },
  stage: ({ value }) => {
    return (node) => node.kind === 'step' && matches(value, node.step.stage)
  },
  state: (criterion, _graph, { state }) => {
    oneOf(criterion, STATES)
    if (state === undefined)
      throw selectionProblem(criterion.where, ': there is no state to compare with here', 'Use run, build, test or ls.')
    return ids(state.select(criterion.value))
  },
  result: (criterion, _graph, { results }) => {
    oneOf(criterion, RESULTS)
    const statuses = results?.() ?? new Map<string, string>()
    return ({ id }) => statuses.get(id) === criterion.value
  },
  source_status: (criterion, _graph, { source_statuses }) => {
    oneOf(criterion, ['fresher', 'pass', 'warn', 'error', 'runtime error'])
    const statuses = source_statuses?.() ?? new Map<string, { status: string; fresher: boolean }>()
    return ({ id }) => {
      const found = statuses.get(id)
      return criterion.value === 'fresher' ? found?.fresher === true : found?.status === criterion.value
    }
  },
}

const KINDS = ['model', 'seed', 'snapshot', 'source', 'step', 'test', 'unit_test', 'analysis', 'exposure']
const STATES = [
  'new',
  'old',
  'modified',
  'modified.body',
  'modified.configs',
  'modified.relation',
  'modified.contract',
  'modified.persisted_descriptions',
  'modified.macros',
  'unmodified',
]
const RESULTS = [
  'success',
  'reused',
  'error',
  'skipped',
  'pass',
  'warn',
  'fail',
  'runtime error',
  'partial success',
  'no-op',
]

/** The method that refers to a selector of `selectors.yml`: it stands for that selector's own definition. */
export const SELECTOR_METHOD = 'selector'

/** Throws ProjectError when there is no such method, with the nearest one. */
export function checkMethod({ method, where }: Criterion): void {
  if (method === SELECTOR_METHOD || method in METHODS) return
  throw selectionProblem(
    where,
    `: there is no method '${method}'`,
    didYouMean(method, [...Object.keys(METHODS), SELECTOR_METHOD]),
  )
}

/** The test that a criterion puts to a node. Throws ProjectError for a value that its method does not know. */
export function matcherOf(criterion: Criterion, graph: Graph, known: Known): Matcher {
  checkMethod(criterion)
  return METHODS[criterion.method]!(criterion, graph, known)
}

function isKind(node: GraphNode, kind: string): boolean {
  return (node.kind as string) === kind
}

function oneOf(criterion: Criterion, known: Iterable<string>): void {
  const list = [...known]
  if (list.includes(criterion.value)) return
  throw selectionProblem(
    criterion.where,
    `: ${criterion.method} knows no '${criterion.value}'`,
    didYouMean(criterion.value, list) ?? `Known: ${list.join(', ')}.`,
  )
}

/** `name`, or with the project before it: each part a glob; parts left out at the end match anything. */
function named(method: string, partsOf: (node: GraphNode) => string[] | undefined): Method {
  return ({ value, where }) => {
    const given = value.split('.')
    const most = method === 'source' ? 3 : 2
    if (given.length > most)
      throw selectionProblem(where, `has too many parts for a ${method}`, `Write ${method}:name.`)
    return (node) => {
      const [project, ...parts] = partsOf(node) ?? []
      if (project === undefined) return false
      const own = given.length === most ? [project, ...parts] : parts
      return given.every((part, index) => matches(part, own[index]!))
    }
  }
}

/** By name, by version, or by folders and name, with or without the project before them, as dbt's `fqn`. Sources and exposures have their own methods. */
function fqnMatcher(value: string): Matcher {
  const parts = value.split('.')
  return (node) => {
    if (node.kind === 'source' || isKind(node, 'exposure')) return false
    if (matches(value, node.name)) return true
    if (node.kind === 'step' && node.step.builds?.some(({ name }) => matches(value, name))) return true
    return isSelected(parts, value, node.fqn, node.version) || isSelected(parts, value, node.fqn.slice(1), node.version)
  }
}

function isSelected(parts: readonly string[], value: string, fqn: readonly string[], version?: string): boolean {
  if (version !== undefined) {
    if (fqn.at(-2) === value || fqn.slice(-2).join('_') === parts.slice(-2).join('_')) return true
  } else if (fqn.at(-1) === value) return true
  const flat = fqn.flatMap((part) => part.split('.'))
  if (parts.length > flat.length) return false
  const wild = parts.findIndex(hasWildcard)
  const plain = wild < 0 ? parts.length : wild
  for (let index = 0; index < plain; index++) if (flat[index] !== parts[index]) return false
  return wild < 0 || matches(parts.slice(wild).join('.'), flat.slice(wild).join('.'))
}

/** A file, the property file that describes it, or a folder above it. */
function pathMatcher(value: string): Matcher {
  const wanted = value.replace(/^\.\//, '').replace(/\/+$/, '')
  const wild = hasWildcard(wanted)
  const under = (file: string): boolean => {
    if (!wild) return file === wanted || file.startsWith(`${wanted}/`)
    for (let end = file.length; end > 0; end = file.lastIndexOf('/', end - 1))
      if (matchesPath(wanted, file.slice(0, end))) return true
    return false
  }
  return (node) => under(node.file) || ('patch' in node && node.patch !== undefined && matchesPath(wanted, node.patch))
}
