import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { ProjectError } from '../pipeline/errors.ts'
import type { Project } from '../pipeline/load.ts'
import type { Plan } from '../pipeline/plan.ts'
import { readResults } from '../pipeline/state/previous.ts'
import type { RunFlags } from './options.ts'
import type { CommandSession } from './session.ts'

/** A call as `retry` plays it again. Kept for this user alone, and in no artifact: settings can be secret. */
export interface LastCall {
  invocation_id: string
  which: string
  typed: string
  /** What it worked on, where it was a part; null when it was everything. */
  ids: string[] | null
  stage: string[]
  flags: {
    config: string
    set: string[]
    target: string | null
    vars: Record<string, unknown>
    as_of: string | null
    full_refresh: boolean
    fail_fast: boolean
    threads: number | null
    store_failures?: boolean
  }
}

function fileOf(root: string): string {
  return join(root, 'target', '.cache', 'last_call.json')
}

/** Before a call does anything: one that is killed can be retried, too. */
export function rememberCall(session: CommandSession, options: RunFlags, which: string, plan: Plan): void {
  const { root, invocation_id, typed, loadOptions } = session
  const call: LastCall = {
    invocation_id,
    which,
    typed,
    ids: plan.whole || options.stage.length > 0 ? null : [...plan.inner, ...plan.outward],
    stage: options.stage,
    flags: {
      config: relative(root, resolve(root, loadOptions.config_file)),
      set: [...loadOptions.set],
      target: loadOptions.target ?? null,
      vars: loadOptions.vars,
      as_of: options.asOf ?? null,
      full_refresh: options.fullRefresh,
      fail_fast: options.failFast,
      threads: options.threads ?? null,
      store_failures: options.storeFailures ?? false,
    },
  }
  const file = fileOf(root)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(call), { mode: 0o600 })
  renameSync(`${file}.${process.pid}`, file)
}

/** Throws ProjectError when there was no call. */
export function lastCall(root: string): LastCall {
  try {
    return JSON.parse(readFileSync(fileOf(root), 'utf8')) as LastCall
  } catch {
    throw new ProjectError([
      { file: 'target', message: 'remembers no call that could be retried', hint: 'Use pipeline run.' },
    ])
  }
}

/** The flags of the last call, where this one does not say otherwise. */
export function replayed(session: CommandSession, options: RunFlags, call: LastCall): RunFlags {
  const { flags } = call
  const { loadOptions, root } = session
  if (options.config === 'pipeline.yaml')
    loadOptions.config_file = isAbsolute(flags.config) ? flags.config : join(root, flags.config)
  if (options.set.length === 0) loadOptions.set = flags.set
  if (options.target === undefined) loadOptions.target = flags.target ?? undefined
  if (Object.keys(options.vars).length === 0) loadOptions.vars = flags.vars
  loadOptions.store_failures = flags.store_failures ?? false
  return {
    ...options,
    select: [],
    exclude: [],
    stage: call.stage,
    asOf: options.asOf ?? flags.as_of ?? undefined,
    fullRefresh: options.fullRefresh || flags.full_refresh,
    failFast: options.failFast || flags.fail_fast,
    threads: options.threads ?? flags.threads ?? undefined,
    dryRun: false,
  }
}

const DONE = ['success', 'reused', 'pass', 'warn', 'no-op']

/** The nodes of a call that failed or were skipped; all of them when it never came to its end. */
export function leftUndone(project: Project, call: LastCall): Set<string> {
  const target = join(project.root, 'target')
  if (invocationOf(target) !== call.invocation_id) return new Set(call.ids ?? project.graph.nodes.keys())
  return new Set([...readResults(target, project)].flatMap(([id, status]) => (DONE.includes(status) ? [] : [id])))
}

function invocationOf(target: string): string | undefined {
  try {
    const { metadata } = JSON.parse(readFileSync(join(target, 'run_results.json'), 'utf8')) as {
      metadata: { invocation_id?: string }
    }
    return metadata.invocation_id
  } catch {
    return undefined
  }
}
