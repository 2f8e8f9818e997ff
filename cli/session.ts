import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { loadEnv } from '../pipeline/env.ts'
import { exitCodeOf, LedgerHeld, messageOf } from '../pipeline/errors.ts'
import { type LoadOptions, loadProject, type Project } from '../pipeline/load.ts'
import { parseCache } from '../pipeline/parse-cache.ts'
import { redactor } from '../pipeline/redact.ts'
import type { Effects } from '../pipeline/run.ts'
import { acquireLock } from '../pipeline/warehouse/lock.ts'
import type { CommonOptions, RunFlags } from './options.ts'
import { Report } from './report.ts'
import { ROOMS } from './stages.ts'

/** What a command works with. */
export interface CommandSession {
  root: string
  report: Report
  /** `pipeline run --stage scoring`, without values that could be secret. */
  typed: string
  invocation_id: string
  load(): Promise<Project>
  loadOptions: LoadOptions
}

/** Runs a command's work: errors become messages and exit codes, once, here. */
export function action<O extends CommonOptions>(
  work: (session: CommandSession, options: O, args: string[]) => Promise<number>,
) {
  return async (...given: unknown[]): Promise<void> => {
    const command = given.at(-1) as Command
    const options = command.optsWithGlobals<O>()
    const root = resolve(options.projectDir)
    const env = loadEnv(root, process.env)
    const known: string[] = []
    const redact = redactor(known)
    const report = new Report({ log_format: options.logFormat, quiet: options.quiet, color: options.color, redact })
    const loadOptions: LoadOptions = {
      root,
      config_file:
        isAbsolute(options.config) || options.projectDir === '.' ? resolve(options.config) : join(root, options.config),
      set: options.set,
      vars: options.vars,
      store_failures: (options as Partial<RunFlags>).storeFailures ?? false,
      target: options.target,
      env,
      rooms: ROOMS,
    }
    const session: CommandSession = {
      root,
      report,
      typed: `pipeline ${typedWords(process.argv.slice(2))}`,
      invocation_id: randomUUID(),
      loadOptions,
      async load() {
        parseCache.open(join(root, 'target', '.cache', 'parsed.json'), import.meta.url)
        const project = await loadProject(loadOptions)
        parseCache.save()
        known.push(...project.config.secrets)
        return project
      },
    }
    try {
      process.exitCode = await work(session, options, command.args)
    } catch (error) {
      report.error(error)
      process.exitCode = exitCodeOf(error)
    } finally {
      report.done()
    }
  }
}

/** The words of the call; what follows `--set` or `--vars` may be secret and is left out. */
function typedWords(words: readonly string[]): string {
  return words.map((word, index) => (/^--(set|vars)$/.test(words[index - 1] ?? '') ? '…' : word)).join(' ')
}

/** The real world, with Ctrl-C as a signal. */
export function realEffects(): Effects {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort())
  return {
    now: () => new Date(),
    sleep: (ms, signal) =>
      new Promise((done, fail) => {
        const timer = setTimeout(done, ms)
        signal.addEventListener('abort', () => {
          clearTimeout(timer)
          fail(new Error('aborted'))
        })
      }),
    random: Math.random,
    signal: controller.signal,
  }
}

/** Tries again while another holds the ledger, for as long as `--wait` says. Nothing is held meanwhile. */
export async function queued<T>(wait: number, effects: Effects, report: Report, work: () => Promise<T>): Promise<T> {
  const until = effects.now().getTime() + wait
  for (let told = false; ; told = true) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof LedgerHeld) || effects.now().getTime() >= until) throw error
      if (!told) report.line(`waiting: ${messageOf(error).split('\n')[0]}`)
      await effects.sleep(Math.min(500, wait), effects.signal)
    }
  }
}

/** Holds a target's ledger while `work` runs, queueing for it as long as `--wait` says. */
export async function holdingLedger<T>(
  session: CommandSession,
  wait: number,
  ledger: string,
  work: () => Promise<T>,
): Promise<T> {
  const effects = realEffects()
  const lock = await queued(wait, effects, session.report, async () =>
    acquireLock(ledger, session.typed, effects.now()),
  )
  return work().finally(() => lock.release())
}

/** The commit the project is at, without asking git where a file says it. */
export function gitCommit(root: string): string | null {
  const folder = join(root, '.git')
  if (!existsSync(folder)) return null
  try {
    const head = readFileSync(join(folder, 'HEAD'), 'utf8').trim()
    if (!head.startsWith('ref: ')) return head
    const ref = join(folder, head.slice(5))
    return existsSync(ref)
      ? readFileSync(ref, 'utf8').trim()
      : execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
  } catch {
    return null
  }
}
