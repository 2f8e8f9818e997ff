import { z } from 'zod'
import type { Compiled } from '../compile.ts'
import type { Config } from '../config.ts'
import type { Problem } from '../errors.ts'
import type { SourceFile } from '../files.ts'
import type { ModelNode } from '../nodes.ts'
import type { Described } from '../project.ts'
import type { NodeProperties } from '../properties.ts'
import type { TemplateValue } from '../template.ts'
import { abbreviate } from '../yaml.ts'
import { type Incremental, incrementalSettings } from './settings.ts'

const schema = z.object(incrementalSettings)

interface Given {
  file: SourceFile
  /** As a run that builds the whole table reads it, and as one that adds to it does. */
  whole: Compiled
  added: Compiled
  /** Folder, property file and config() together. */
  config: Record<string, unknown>
  inline: Record<string, TemplateValue>
  described: Described<NodeProperties> | undefined
  folders: Config
  problems: Problem[]
}

type Parts = Pick<ModelNode, 'sql_incremental' | 'incremental' | 'deps' | 'refs' | 'sources'>

/** What an incremental model has besides: both texts, what either reads, and how it takes in what is new. */
export function incrementalParts(given: Given): Parts | undefined {
  const { whole, added } = given
  const incremental = settingsOf(given)
  if (incremental === undefined) return undefined
  const sources = [...whole.sources, ...added.sources].map((pair) => JSON.stringify(pair))
  return {
    ...(added.sql === whole.sql ? {} : { sql_incremental: added.sql }),
    incremental,
    deps: [...new Set([...whole.deps, ...added.deps])],
    refs: [...new Set([...whole.refs, ...added.refs])],
    sources: [...new Set(sources)].map((pair) => JSON.parse(pair) as [string, string]),
  }
}

function settingsOf(given: Given): Incremental | undefined {
  const { config, problems } = given
  const parsed = schema.safeParse(config)
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) {
      const key = String(path[0])
      problems.push({ ...placeOf(key, given), message: `${key}: ${message} (it is ${abbreviate(config[key])})` })
    }
    return undefined
  }
  const {
    incremental_strategy,
    unique_key = [],
    incremental_predicates = [],
    on_schema_change,
    full_refresh,
  } = parsed.data
  const strategy = incremental_strategy ?? (unique_key.length > 0 ? 'delete+insert' : 'append')
  if (strategy !== 'append' && unique_key.length === 0) {
    problems.push({
      ...placeOf('incremental_strategy', given),
      message: `the strategy ${strategy} needs a unique_key`,
      hint: 'Add unique_key, or say append: rows are only added then.',
    })
    return undefined
  }
  return {
    strategy,
    unique_key,
    predicates: incremental_predicates,
    on_schema_change: on_schema_change ?? 'ignore',
    ...(full_refresh === undefined ? {} : { full_refresh }),
  }
}

/** Where a setting of a model is written: in the model, in its property file, or in pipeline.yaml. */
export function placeOf(
  key: string,
  { file, inline, described, folders }: Pick<Given, 'file' | 'inline' | 'described' | 'folders'>,
): { file: string; line?: number } {
  if (key in inline) {
    const at = new RegExp(`\\b${key}\\s*=`).exec(file.text)?.index ?? 0
    return { file: file.file, line: file.text.slice(0, at).split('\n').length }
  }
  if (described !== undefined && key in described.value.config)
    return { file: described.yaml.file, line: described.yaml.lineOf([...described.path, 'config', key]) }
  for (let depth = file.folders.length; depth >= 0; depth--) {
    const folder = file.folders.slice(0, depth).join('/')
    if (key in (folders.data.models[folder] ?? {}))
      return { file: folders.yaml.file, line: folders.yaml.lineOf(['models', folder, key]) }
  }
  return { file: file.file }
}
