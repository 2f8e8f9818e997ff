import { type CompileInput, compileTemplate, type Names } from '../compile.ts'
import type { Problem } from '../errors.ts'
import type { Relation, SnapshotNode } from '../nodes.ts'
import type { Described } from '../project.ts'
import type { SnapshotProperties } from '../properties.ts'

interface SnapshotDraft {
  id: string
  name: string
  relation: Relation
  described: Described<SnapshotProperties>
}

/** The snapshots that property files declare, before their relations are looked up. */
export function snapshotDrafts({ files, problems }: CompileInput, project: string): SnapshotDraft[] {
  const others = new Map([...files.models, ...files.seeds].map(({ name, file }) => [name, file]))
  return files.snapshots.flatMap((described) => {
    const { name, config } = described.value
    if (config.enabled === false) return []
    const other = others.get(name)
    if (other !== undefined) {
      const { yaml, path } = described
      const message = `'${name}' is also the name of ${other}`
      problems.push({
        file: yaml.file,
        line: yaml.lineOf([...path, 'name']),
        message,
        hint: 'Rename one of them: ref() finds by name.',
      })
    }
    const relation = { schema: config.schema ?? 'snapshots', name: config.alias ?? name }
    return [{ id: `snapshot.${project}.${name}`, name, relation, described }]
  })
}

export function snapshotNode(
  { id, name, relation, described }: SnapshotDraft,
  names: Names,
  problems: Problem[],
): SnapshotNode | undefined {
  const { value, yaml, path } = described
  const problem = (key: PropertyKey[], message: string, hint?: string) =>
    void problems.push({ file: yaml.file, line: yaml.lineOf([...path, ...key]), message, hint })
  const settings = value.config
  if (settings.strategy === 'timestamp' && settings.updated_at === undefined)
    return problem(['config', 'strategy'], 'the strategy timestamp needs updated_at', 'Name the column that says when.')
  if (settings.strategy === 'check' && settings.check_cols === undefined)
    return problem(['config', 'strategy'], 'the strategy check needs check_cols', 'List columns, or say all.')
  if (!/^(ref|source)\(/.test(value.relation.trim()))
    return problem(['relation'], `relation '${value.relation}' is neither ref('…') nor source('…', '…')`)
  const raw = `select * from {{ ${value.relation} }}`
  const found: Problem[] = []
  const compiled = compileTemplate({ path: '', file: yaml.file, name, folders: [], text: raw }, names, found, {
    id,
    relation,
  })
  for (const { message, hint } of found) problem(['relation'], `relation: ${message}`, hint)
  if (compiled === undefined) return undefined
  const tags = settings.tags ?? []
  return {
    kind: 'snapshot',
    id,
    name,
    file: yaml.file,
    description: value.description,
    fqn: [names.project, ...yaml.file.split('/').slice(1, -1), name],
    tags,
    config: { materialized: 'snapshot', hard_deletes: 'ignore', ...settings, schema: relation.schema, tags },
    deps: compiled.deps,
    relation,
    settings,
    raw,
    sql: compiled.sql,
    columns: value.columns,
    meta: { ...value.meta, ...settings.meta },
    refs: compiled.refs,
    sources: compiled.sources,
    patch: yaml.file,
  }
}
