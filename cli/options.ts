import { type Command, InvalidArgumentError, Option } from 'commander'
import { parse } from 'yaml'
import { INDIRECT_SELECTIONS, type IndirectSelection } from '../pipeline/select/spec.ts'

/** Flags that every command takes. dbt's words wherever dbt has the thing. */
export interface CommonOptions {
  projectDir: string
  config: string
  set: string[]
  target?: string
  vars: Record<string, unknown>
  output: 'text' | 'json' | 'markdown'
  logFormat: 'text' | 'json'
  quiet: boolean
  /** Milliseconds to queue for the ledger. */
  wait: number
  color: boolean
}

export interface SelectionOptions {
  select: string[]
  exclude: string[]
  selector?: string
  indirectSelection?: IndirectSelection
  /** What `state:` compares with: a git ref or a folder; absent means the last publication. */
  state?: string
}

export interface RunFlags extends CommonOptions, SelectionOptions {
  stage: string[]
  fullRefresh: boolean
  failFast: boolean
  asOf?: string
  threads?: number
  dryRun: boolean
  /** Set by `test` and `build`. */
  storeFailures?: boolean
}

const collect = (value: string, list: string[]) => [...list, value]

export function addCommonOptions(command: Command): Command {
  return command
    .option('--project-dir <dir>', 'the project folder', '.')
    .option('--config <file>', 'use another file in place of pipeline.yaml', 'pipeline.yaml')
    .option('--set <path=value>', 'override a setting for this call (YAML value; repeatable; never live)', collect, [])
    .option('-t, --target <name>', 'use this target')
    .option('--vars <yaml>', 'variables for var()', parseVars, {})
    .addOption(
      new Option('--output <format>', 'what goes to stdout').choices(['text', 'json', 'markdown']).default('text'),
    )
    .addOption(
      new Option('--log-format <format>', 'how progress is written to stderr')
        .choices(['text', 'json'])
        .default('text'),
    )
    .option('--quiet', 'say only what failed', false)
    .option('--no-color', 'no colours')
    .option('--wait <duration>', 'queue for the ledger while another holds it: 30s, 10m, 1h', parseDuration, 0)
}

export function addSelectionOptions(command: Command): Command {
  return command
    .option('-s, --select <nodes...>', 'names, globs, path:, tag:, state:modified, +upstream, downstream+ …', [])
    .option('--exclude <nodes...>', 'leave these out', [])
    .option('--selector <name>', 'a selection that selectors.yml defines')
    .addOption(
      new Option('--indirect-selection <mode>', 'which tests come along: eager, unless said').choices(
        INDIRECT_SELECTIONS,
      ),
    )
    .option('--state <place>', 'what state: compares with: a git ref, or a folder with a manifest.json')
}

export function addRunOptions(command: Command): Command {
  return addBuildOptions(addSelectionOptions(command))
}

/** How things are built, whatever is selected. */
export function addBuildOptions(command: Command): Command {
  return command
    .option('--full-refresh', 'rebuild everything; the ledger is kept and nobody is asked again', false)
    .option('--fail-fast', 'stop at the first failure', false)
    .option('--as-of <date>', 'the date that models read (UTC)', parseDate)
    .option('--threads <n>', "DuckDB's threads", parsePositive)
}

/** For commands that run tests. */
export function addTestOptions(command: Command): Command {
  return command.option('--store-failures', 'keep the rows that fail, of tests that do not say otherwise', false)
}

function parseVars(text: string): Record<string, unknown> {
  const value: unknown = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidArgumentError(`'${text}' is not a YAML mapping.`)
  return value as Record<string, unknown>
}

export function parseDate(text: string): string {
  const date = /^\d{4}-\d{2}-\d{2}(T.*)?$/.test(text) ? new Date(text) : undefined
  if (date === undefined || Number.isNaN(date.getTime()))
    throw new InvalidArgumentError(`'${text}' is not a date such as 2026-01-31.`)
  if (text.length === 10 && date.toISOString().slice(0, 10) !== text)
    throw new InvalidArgumentError(`'${text}' is not in the calendar.`)
  return date.toISOString().slice(0, 10)
}

function parsePositive(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError(`'${text}' is not a whole number above 0.`)
  return value
}

export function parseDuration(text: string): number {
  const parts = /^(\d+)(ms|s|m|h)$/.exec(text)
  if (parts === null) throw new InvalidArgumentError(`'${text}' is not a duration such as 30s, 10m or 1h.`)
  return Number(parts[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[parts[2] as 'ms' | 's' | 'm' | 'h']
}
