import { z } from 'zod'
import { type Problem, ProjectError } from './errors.ts'
import { incrementalSettings } from './materializations/settings.ts'
import { didYouMean } from './nearest.ts'
import { access, contract } from './property-metadata.ts'
import { parseYaml, validate, type YamlFile } from './yaml.ts'

const materialized = z.enum(['view', 'table', 'incremental'])

const ledgerHome = z.union([
  z.string(),
  z.strictObject({
    path: z.string(),
    /** Shell command that writes the ledger to `$LEDGER_PATH`; exit 3 says that there is none yet. */
    pull: z.string(),
    /** Shell command that stores `$LEDGER_PATH` if the home still is at `$LEDGER_EXPECTED`. */
    push: z.string(),
  }),
])

const target = z.strictObject({
  warehouse: z.string().endsWith('.duckdb'),
  ledger: ledgerHome,
  exports: z.union([
    z.string(),
    z.strictObject({ path: z.string(), pii: z.enum(['omit', 'hash', 'keep']).default('omit') }),
  ]),
  threads: z.number().int().positive().default(4),
  memory_limit: z.string().optional(),
  ledger_id: z.string().optional(),
  live: z.array(z.enum(['spend', 'send', 'sync'])).default([]),
})

const folderConfig = z.strictObject({
  materialized: materialized.optional(),
  ...incrementalSettings,
  schema: z.string().optional(),
  tags: z.array(z.string()).optional(),
  enabled: z.boolean().optional(),
  contract: contract.optional(),
  access: access.optional(),
  group: z.string().optional(),
})

const budget = z.strictObject({
  usd_per_month: z.number().nonnegative().optional(),
  usd_per_run: z.number().nonnegative().optional(),
  providers: z
    .record(
      z.string(),
      z.strictObject({
        credits_per_month: z.number().nonnegative().optional(),
        usd_per_credit: z.number().nonnegative().optional(),
      }),
    )
    .default({}),
})

/** The engine's part of `pipeline.yaml`; each room adds its own sections. */
export const engineSettings = {
  name: z.string().regex(/^[a-z][a-z0-9_]*$/, 'must be snake_case'),
  target: z.string(),
  targets: z.record(z.string(), target),
  models: z.record(z.string(), folderConfig).default({}),
  seeds: folderConfig.default({}),
  budget: budget.default({ providers: {} }),
  vars: z.record(z.string(), z.unknown()).default({}),
}

const engineSchema = z.strictObject(engineSettings)

export type EngineConfig = z.output<typeof engineSchema>
export type Target = z.output<typeof target>
export type FolderConfig = z.output<typeof folderConfig>

export interface Config {
  /** The engine's settings and every room's section, validated. */
  data: EngineConfig & Record<string, unknown>
  yaml: YamlFile
  target_name: string
  target: Target
  /** Values taken from the environment: secrets, as far as logs are concerned. */
  secrets: string[]
}

export interface ConfigOptions {
  file: string
  text: string
  sections: Record<string, z.ZodType>
  /** `path.to.key=value`, from `--set`. */
  set?: readonly string[]
  target?: string
  env: Record<string, string | undefined>
  problems: Problem[]
}

/** Reads `pipeline.yaml` strictly; what is wrong is added to `problems`, and undefined answered when nothing can be made of it. */
export function loadConfig(options: ConfigOptions): Config | undefined {
  const { file, problems, sections } = options
  const yaml = parseYaml(file, options.text, problems)
  if (yaml === undefined) return undefined
  const overridden = applyOverrides(yaml, options.set ?? [])
  const secrets: string[] = []
  const data = interpolate(chosenOnly(overridden.data, options.target), [], overridden, options.env, problems, secrets)
  const resolved: YamlFile = { ...overridden, data }
  const before = problems.length
  const parsed = validate(z.strictObject({ ...engineSettings, ...sections }), resolved, problems) as
    | Config['data']
    | undefined
  if (parsed === undefined || problems.length > before) return undefined
  const target_name = options.target ?? parsed.target
  const chosen = parsed.targets[target_name]
  if (chosen === undefined) {
    const hint = didYouMean(target_name, Object.keys(parsed.targets))
    problems.push({
      file,
      line: yaml.lineOf(['target']),
      message: `target '${target_name}' is not defined below targets`,
      hint,
    })
    return undefined
  }
  if (chosen.live.length > 0 && chosen.ledger_id === undefined) {
    problems.push({
      file,
      line: yaml.lineOf(['targets', target_name, 'live']),
      message: `target '${target_name}' is live but does not name its ledger`,
      hint: 'Add ledger_id: <id>; `pipeline ledger init` prints it.',
    })
  }
  return { data: parsed, yaml: resolved, target_name, target: chosen, secrets }
}

function applyOverrides(yaml: YamlFile, set: readonly string[]): YamlFile {
  if (set.length === 0) return yaml
  const data = structuredClone(yaml.data) as Record<string, unknown>
  for (const assignment of set) {
    const at = assignment.indexOf('=')
    const problem = (message: string, hint?: string) => new ProjectError([{ file: '--set', message, hint }])
    if (at < 1) throw problem(`'${assignment}' is not of the form path.to.key=value`)
    const path = assignment.slice(0, at).split('.')
    if (path.includes('live')) {
      throw problem(`'${assignment}' would make a target live`, 'Only pipeline.yaml can do that: write live: there.')
    }
    const problems: Problem[] = []
    const value = parseYaml('--set', assignment.slice(at + 1), problems)
    if (value === undefined) throw new ProjectError(problems)
    if (carriesLive(path, value.data)) {
      throw problem(`'${assignment}' would make a target live`, 'Only pipeline.yaml can do that: write live: there.')
    }
    let parent = data
    for (const key of path.slice(0, -1)) {
      const next = parent[key]
      if (typeof next !== 'object' || next === null) parent[key] = {}
      parent = parent[key] as Record<string, unknown>
    }
    parent[path.at(-1)!] = value.data
  }
  return { ...yaml, data }
}

/** Without the settings of targets that are not chosen: their variables may stay unset. */
function chosenOnly(data: unknown, target: string | undefined): unknown {
  const { targets, ...rest } = (data ?? {}) as { target?: unknown; targets?: unknown }
  if (typeof targets !== 'object' || targets === null) return data
  const chosen = target ?? rest.target
  const kept = Object.entries(targets).map(([name, settings]) => [
    name,
    name === chosen ? settings : withoutVariables(settings),
  ])
  return { ...rest, targets: Object.fromEntries(kept) as object }
}

function withoutVariables(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('${', '$ {')
  if (Array.isArray(value)) return value.map(withoutVariables)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutVariables(inner)]))
}

/** Would this value, set below `targets`, bring a `live` key with it? */
function carriesLive(path: readonly string[], value: unknown): boolean {
  if (path[0] !== 'targets' || typeof value !== 'object' || value === null) return false
  return 'live' in value || Object.values(value).some((inner) => carriesLive(path, inner))
}

/** Replaces `${NAME}` in strings. */
function interpolate(
  value: unknown,
  path: PropertyKey[],
  yaml: YamlFile,
  env: Record<string, string | undefined>,
  problems: Problem[],
  secrets: string[],
): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
      const found = env[name]
      if (found === undefined || found === '') {
        problems.push({
          file: yaml.file,
          line: yaml.lineOf(path),
          message: `\${${name}} is not set, and ${path.map(String).join('.')} needs it`,
          hint: `Put ${name}=... into .env or the environment, or remove the setting.`,
        })
        return ''
      }
      secrets.push(found)
      return found
    })
  }
  if (Array.isArray(value))
    return value.map((item, index) => interpolate(item, [...path, index], yaml, env, problems, secrets))
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, inner]) => [
      key,
      interpolate(inner, [...path, key], yaml, env, problems, secrets),
    ])
    return Object.fromEntries(entries) as Record<string, unknown>
  }
  return value
}
