import { stemOf } from '../files.ts'
import type { Project } from '../load.ts'
import type { TestNode } from '../nodes.ts'
import type { YamlFile } from '../yaml.ts'

interface Tested {
  tests?: unknown[]
  data_tests?: unknown[]
  columns: { name: string; tests?: unknown[]; data_tests?: unknown[] }[]
}

/** The line of the property file that asks for a generic test. */
export function lineOfTest(test: TestNode, { files, graph }: Pick<Project, 'files' | 'graph'>): number | undefined {
  const node = test.attached === undefined ? undefined : graph.nodes.get(test.attached)
  if (node === undefined || test.generic === undefined) return undefined
  if (node.kind === 'source') {
    const source = files.sources.find(({ value }) => value.name === node.source)
    const index = source?.value.tables.findIndex(({ name }) => name === node.table) ?? -1
    if (source === undefined || index < 0) return undefined
    return find(test, source.value.tables[index] as Tested, source.yaml, [...source.path, 'tables', index])
  }
  const described = (node.kind === 'seed' ? files.seed_properties : files.model_properties).get(stemOf(node.file))
  return described === undefined ? undefined : find(test, described.value as Tested, described.yaml, described.path)
}

function find(test: TestNode, tested: Tested, yaml: YamlFile, path: PropertyKey[]): number | undefined {
  const places: { owner: Tested | Tested['columns'][number]; path: PropertyKey[] }[] =
    test.column === undefined
      ? [{ owner: tested, path }]
      : tested.columns.flatMap((column, index) =>
          column.name === test.column ? [{ owner: column, path: [...path, 'columns', index] }] : [],
        )
  const candidates = places.flatMap((place) =>
    (['tests', 'data_tests'] as const).flatMap((key) =>
      (place.owner[key] ?? []).map((entry, index) => ({ entry, path: [...place.path, key, index] })),
    ),
  )
  const named = candidates.filter(
    ({ entry }) => nameOf(entry) === test.generic!.name && whereOf(entry) === test.test_config.where,
  )
  const asked = JSON.stringify(test.generic!.kwargs)
  const exact = named.find(({ entry }) => argumentsOf(entry).every((text) => asked.includes(text))) ?? named[0]
  return exact === undefined ? undefined : yaml.lineOf(exact.path)
}

function nameOf(entry: unknown): string {
  return typeof entry === 'string' ? entry : (Object.keys(entry as object)[0] ?? '')
}

function whereOf(entry: unknown): unknown {
  if (typeof entry === 'string') return undefined
  const { config } = (Object.values(entry as object)[0] ?? {}) as { config?: { where?: unknown } }
  return config?.where
}

/** The arguments as JSON texts, so that two tests of one name are told apart. */
function argumentsOf(entry: unknown): string[] {
  if (typeof entry === 'string') return []
  const given = (Object.values(entry as object)[0] ?? {}) as Record<string, unknown>
  const { config: _config, arguments: nested, name: _name, description: _description, ...flat } = given
  return Object.values({ ...flat, ...(nested as object) }).map((value) => JSON.stringify(value))
}
