import type { Problem } from './errors.ts'
import type { SourceFile } from './files.ts'
import { didYouMean } from './nearest.ts'
import type { Described } from './project.ts'
import type { ColumnProperties, ModelProperties, NodeProperties } from './properties.ts'
import { compareVersions } from './select/version.ts'

/** One SQL file as a version of a model, by the file's name without its ending. */
export interface ModelVersion {
  /** The model's name, which all its versions share. */
  name: string
  version: string
  /** The version that `ref('name')` means. */
  latest: string
  /** As the property file has it: a number stays one. */
  v: string | number
  latest_v: string | number
  deprecation_date?: string
}

/** What `ref(name, v=version)` is kept under. */
export function versionedName(name: string, version: string | number): string {
  return `${name}.v${version}`
}

/** What a ref() may call it: a model by its name; a version by name and version, the latest also by its name alone. */
export function refNames({ name, version }: { name: string; version?: ModelVersion }): string[] {
  if (version === undefined) return [name]
  const own = versionedName(name, version.version)
  return version.version === version.latest ? [own, name] : [own]
}

/** What to say of a version that there is not. */
export function versionsOf(name: string, refs: ReadonlyMap<string, unknown>): string | undefined {
  const start = versionedName(name, '')
  const known = [...refs.keys()].flatMap((key) => (key.startsWith(start) ? [key.slice(start.length)] : []))
  if (known.length > 0) return `It has ${known.join(', ')}.`
  return refs.has(name) ? `'${name}' has no versions.` : didYouMean(name, refs.keys())
}

/** A name as it is kept in `refs`, taken apart for dbt's artifacts. */
export function refEntry(ref: string): { name: string; package: null; version: string | null } {
  const [, name, version] = /^(.+)\.v(.+)$/.exec(ref) ?? []
  return { name: name ?? ref, package: null, version: version ?? null }
}

/**
 * dbt's model versions: an entry with `versions` stands for one entry per version, under the name of the file that
 * defines it (`defined_in`, else `<name>_v<v>`, else `<name>` for the latest). What a version does not say it has from
 * the model: description, configuration, columns (`include` and `exclude`), tests.
 */
export function expandVersions(
  described: Map<string, Described<ModelProperties>>,
  models: readonly SourceFile[],
  problems: Problem[],
): Map<string, ModelVersion> {
  const versions = new Map<string, ModelVersion>()
  const files = new Set(models.map(({ name }) => name))
  for (const [name, model] of [...described]) {
    const { value, yaml, path } = model
    const problem = (at: PropertyKey[], message: string, hint?: string) =>
      problems.push({ file: yaml.file, line: yaml.lineOf([...path, ...at]), message, hint })
    if (value.versions === undefined) {
      if (value.latest_version !== undefined)
        problem(['latest_version'], `'${name}' has a latest_version and no versions`, 'List them below versions:.')
      continue
    }
    described.delete(name)
    const all = value.versions.map(({ v }) => v)
    const latest = value.latest_version ?? [...all].sort((a, b) => compareVersions(String(a), String(b))).at(-1)!
    if (!all.map(String).includes(String(latest)))
      problem(['latest_version'], `'${name}' has no version ${latest}`, `It has ${all.join(', ')}.`)
    for (const [index, { v, defined_in }] of value.versions.entries()) {
      const at = ['versions', index]
      if (all.findIndex((other) => String(other) === String(v)) < index) {
        problem([...at, 'v'], `version ${v} of '${name}' is described twice`, 'Remove one of them.')
        continue
      }
      const own = `${name}_v${v}`
      const bare = String(v) === String(latest) && !files.has(own) && files.has(name)
      const file = defined_in ?? (bare ? name : own)
      if (!files.has(file)) {
        const hint = didYouMean(file, files) ?? `Add ${file}.sql, or say which file it is: defined_in.`
        problem([...at, 'v'], `version ${v} of '${name}' needs ${file}.sql, which does not exist`, hint)
        continue
      }
      if (described.has(file)) {
        problem(at, `${file}.sql is described twice`, 'One file is one version of one model.')
        continue
      }
      const { deprecation_date } = value.versions[index]!
      versions.set(file, {
        name,
        version: String(v),
        latest: String(latest),
        v,
        latest_v: latest,
        ...(deprecation_date === undefined ? {} : { deprecation_date }),
      })
      described.set(file, versionOf(model, index, file, problem))
    }
  }
  for (const name of new Set([...versions.values()].map((version) => version.name))) {
    const other = models.find((file) => file.name === name && versions.get(name)?.name !== name)
    if (other === undefined) continue
    const hint = 'Rename it, or make it one of the versions: defined_in.'
    problems.push({ file: other.file, message: `'${name}' is also the name of a model with versions`, hint })
  }
  return versions
}

/** One version as an entry of its own. Its paths are its own; the lines of what it has from the model are the model's. */
function versionOf(
  { value, yaml, path }: Described<ModelProperties>,
  index: number,
  file: string,
  problem: (at: PropertyKey[], message: string, hint?: string) => void,
): Described<NodeProperties> {
  const { versions = [], latest_version: _latest, ...model } = value
  const { v: _v, defined_in: _file, deprecation_date: _date, columns: own = [], ...said } = versions[index]!
  const here = [...path, 'versions', index]
  const columns: ColumnProperties[] = []
  const places: PropertyKey[][] = []
  const named = own.flatMap((entry) => ('name' in entry ? [entry.name.toLowerCase()] : []))
  const chosen = own.flatMap((entry, position) => ('name' in entry ? [] : [{ ...entry, position }]))
  if (chosen.length > 1) problem(['versions', index, 'columns'], 'has more than one include', 'Keep one of them.')
  const [{ include, exclude, position } = { include: 'all' as const, exclude: undefined, position: 0 }] = chosen
  const known = model.columns.map(({ name }) => name)
  for (const name of [...(Array.isArray(include) ? include : []), ...(exclude ?? [])])
    if (!known.includes(name))
      problem(['versions', index, 'columns', position], `'${name}' is no column of the model`, didYouMean(name, known))
  for (const [at, column] of model.columns.entries()) {
    const wanted = !Array.isArray(include) || include.includes(column.name)
    if (!wanted || exclude?.includes(column.name) || named.includes(column.name.toLowerCase())) continue
    columns.push(column)
    places.push([...path, 'columns', at])
  }
  for (const [at, column] of own.entries()) {
    if (!('name' in column)) continue
    columns.push(column)
    places.push([...here, 'columns', at])
  }
  const own_tests = said.tests !== undefined || said.data_tests !== undefined
  const { tests: _tests, data_tests: _data_tests, ...untested } = model
  const merged = {
    ...(own_tests ? untested : model),
    ...Object.fromEntries(Object.entries(said).filter(([, each]) => each !== undefined)),
    name: file,
    config: { ...model.config, ...said.config },
    columns,
  }
  const place = (wanted: readonly PropertyKey[]): readonly PropertyKey[] => {
    const [key, position, ...rest] = wanted.slice(here.length)
    if (key === 'columns' && typeof position === 'number') return [...(places[position] ?? here), ...rest]
    if (key === 'name') return [...here, 'v']
    return key === undefined || key in said ? wanted : [...path, ...wanted.slice(here.length)]
  }
  const located = Object.create(yaml, { lineOf: { value: (wanted: PropertyKey[]) => yaml.lineOf(place(wanted)) } })
  return { value: merged as NodeProperties, yaml: located, path: here }
}
