import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { codeRoot } from '../pipeline/code-root.ts'
import { EXIT } from '../pipeline/errors.ts'
import type { Effects } from '../pipeline/run.ts'

export interface Work {
  /** Commands and their words, one after the other, each time: `['replies']`. */
  commands: readonly (readonly string[])[]
  /** Words that each of them gets: where the project is, which target. */
  common: readonly string[]
  cwd: string
  env: Record<string, string | undefined>
  every_s: number
  /** What somebody should read. */
  problem(text: string): void
}

/**
 * Runs the commands in their order, as processes of their own, again and again until the signal aborts: never two at once. One
 * that is under way then is asked to end (SIGINT), and waited for. A ledger that another holds is left for the next time.
 */
export async function workUntilStopped(
  work: Work,
  { signal, sleep }: Pick<Effects, 'signal' | 'sleep'>,
): Promise<void> {
  while (!signal.aborted) {
    for (const command of work.commands) {
      if (signal.aborted) return
      const { code, said } = await runOne(work, command, signal)
      if (signal.aborted || code === EXIT.ok || code === EXIT.held) continue
      work.problem(`pipeline ${command.join(' ')} ended with ${code}: ${said}`)
    }
    await sleep(work.every_s * 1000, signal).catch(() => {})
  }
}

function runOne(
  { common, cwd, env }: Work,
  command: readonly string[],
  signal: AbortSignal,
): Promise<{ code: number | string; said: string }> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [join(codeRoot(), 'bin', 'pipeline.mjs'), ...command, ...common], {
      cwd,
      env: env as NodeJS.ProcessEnv,
      stdio: ['ignore', 'ignore', 'pipe'],
      // A Ctrl-C at the terminal reaches the server, which passes it on once.
      detached: true,
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-2_000)
    })
    const stop = () => child.kill('SIGINT')
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    const end = (code: number | string) => {
      signal.removeEventListener('abort', stop)
      done({ code, said: said.trim().split('\n').slice(-3).join(' | ') })
    }
    child.on('error', (error) => end(error.message))
    child.on('close', (code, killed) => end(code ?? killed ?? 'nothing'))
  })
}
