import type { z } from 'zod'
import type { Problem } from './errors.ts'
import { readFiles, type SourceFile } from './files.ts'
import { expandVersions, type ModelVersion } from './model-versions.ts'
import { didYouMean } from './nearest.ts'
import { type ModelProperties, type NodeProperties, propertiesSchema, type SnapshotProperties } from './properties.ts'
import type { ExposureProperties, GroupProperties } from './property-metadata.ts'
import type { UnitTestProperties } from './unit-tests/schema.ts'
import { readChecked, type YamlFile } from './yaml.ts'

/** A property entry with the file and line it stands at. */
export interface Described<T> {
  value: T
  yaml: YamlFile
  /** Path of the entry in its YAML file, so that its parts can be located. */
  path: PropertyKey[]
}

/** The project's files, read and checked one by one; nothing is resolved against anything else yet. */
export interface ProjectFiles {
  root: string
  models: SourceFile[]
  seeds: SourceFile[]
  analyses: SourceFile[]
  tests: SourceFile[]
  /** By the name of the SQL file; for a version of a model, with all it has from the model. */
  model_properties: Map<string, Described<ModelProperties>>
  /** SQL files that are versions of a model, by their names. */
  versions: Map<string, ModelVersion>
  seed_properties: Map<string, Described<NodeProperties>>
  sources: Described<z.output<typeof propertiesSchema>['sources'][number]>[]
  test_properties: Map<string, z.output<typeof propertiesSchema>['data_tests'][number]>
  snapshots: Described<SnapshotProperties>[]
  unit_tests: Described<UnitTestProperties>[]
  exposures: Described<ExposureProperties>[]
  groups: Described<GroupProperties>[]
}

export function readProject(root: string, problems: Problem[]): ProjectFiles {
  const files: ProjectFiles = {
    root,
    models: readFiles(root, 'models', ['.sql']),
    seeds: readFiles(root, 'seeds', ['.csv']),
    analyses: readFiles(root, 'analyses', ['.sql']),
    tests: readFiles(root, 'test/data', ['.sql']),
    model_properties: new Map(),
    versions: new Map(),
    seed_properties: new Map(),
    sources: [],
    test_properties: new Map(),
    snapshots: [],
    unit_tests: [],
    exposures: [],
    groups: [],
  }
  for (const folder of ['models', 'seeds', 'snapshots', 'analyses', 'test/data']) {
    for (const file of readFiles(root, folder, ['.yml', '.yaml'])) readProperties(file, files, problems)
  }
  files.versions = expandVersions(files.model_properties, files.models, problems)
  checkNames(files, problems)
  return files
}

function readProperties(file: SourceFile, files: ProjectFiles, problems: Problem[]): void {
  const read = readChecked(propertiesSchema, 'properties', file, problems)
  if (read === undefined) return
  const { yaml, value: properties } = read
  properties.models.forEach((value, index) => {
    describe(files.model_properties, { value, yaml, path: ['models', index] }, problems)
  })
  properties.seeds.forEach((value, index) => {
    describe(files.seed_properties, { value, yaml, path: ['seeds', index] }, problems)
  })
  properties.sources.forEach((value, index) => {
    files.sources.push({ value, yaml, path: ['sources', index] })
  })
  properties.snapshots.forEach((value, index) => {
    describeOnce(files.snapshots, { value, yaml, path: ['snapshots', index] }, problems)
  })
  properties.unit_tests.forEach((value, index) => {
    files.unit_tests.push({ value, yaml, path: ['unit_tests', index] })
  })
  properties.exposures.forEach((value, index) => {
    describeOnce(files.exposures, { value, yaml, path: ['exposures', index] }, problems)
  })
  properties.groups.forEach((value, index) => {
    describeOnce(files.groups, { value, yaml, path: ['groups', index] }, problems)
  })
  for (const test of properties.data_tests) files.test_properties.set(test.name, test)
}

function describe(
  known: Map<string, Described<NodeProperties>>,
  entry: Described<NodeProperties>,
  problems: Problem[],
): void {
  const { name } = entry.value
  const first = known.get(name)
  if (first === undefined) known.set(name, entry)
  else describedTwice(first, entry, problems)
}

function describeOnce<T extends { name: string }>(
  known: Described<T>[],
  entry: Described<T>,
  problems: Problem[],
): void {
  const first = known.find(({ value }) => value.name === entry.value.name)
  if (first === undefined) known.push(entry)
  else describedTwice(first, entry, problems)
}

function describedTwice<T extends { name: string }>(
  first: Described<T>,
  entry: Described<T>,
  problems: Problem[],
): void {
  const { name } = entry.value
  const line = entry.yaml.lineOf(entry.path)
  problems.push({
    file: entry.yaml.file,
    line,
    message: `'${name}' is described twice`,
    hint: `The other is in ${first.yaml.file}:${first.yaml.lineOf(first.path)}.`,
  })
}

function checkNames(files: ProjectFiles, problems: Problem[]): void {
  const seen = new Map<string, SourceFile>()
  for (const file of [...files.models, ...files.seeds]) {
    const other = seen.get(file.name)
    if (other !== undefined) {
      problems.push({
        file: file.file,
        message: `'${file.name}' is also the name of ${other.file}`,
        hint: 'Rename one of them: ref() finds by name.',
      })
    }
    seen.set(file.name, file)
  }
  const kinds = [
    { known: files.models, described: files.model_properties, kind: 'model', extension: 'sql' },
    { known: files.seeds, described: files.seed_properties, kind: 'seed', extension: 'csv' },
  ]
  for (const { known, described, kind, extension } of kinds) {
    const names = new Set(known.map(({ name }) => name))
    for (const [name, { yaml, path }] of described) {
      if (names.has(name)) continue
      const hint = didYouMean(name, names) ?? `Add ${name}.${extension}.`
      problems.push({
        file: yaml.file,
        line: yaml.lineOf([...path, 'name']),
        message: `describes the ${kind} '${name}', which does not exist`,
        hint,
      })
    }
  }
}
