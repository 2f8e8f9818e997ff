/** Exit codes of `pipeline`. Schedulers branch on them, so they are a contract (docs/commands.md). */
export const EXIT = { ok: 0, failed: 1, project: 2, remote: 3, held: 4, interrupted: 130 } as const

/** One thing wrong with a file of the project: where it is, what is wrong (the value quoted), what to do about it. */
export interface Problem {
  /** Relative to the project folder. */
  file: string
  /** One-based; absent when the whole file is meant. */
  line?: number
  message: string
  /** The mend, as an instruction. */
  hint?: string
}

/** Files must be edited. Carries every problem found, so that one reading of the output mends them all. Exit 2. */
export class ProjectError extends Error {
  override readonly name = 'ProjectError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'))
    this.problems = problems
  }
}

/** Data broke a promise of the project: nothing is published. `query` shows the offending rows. Exit 1. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed'

  constructor(
    message: string,
    readonly query?: string,
  ) {
    super(message)
  }
}

/**
 * Why: too fast; not ready yet; quota used up; key not accepted; endpoint not for this key; this question refused; no whole
 * answer came; an answer that cannot be read; nothing was asked, because of what it said before in this run.
 */
export type RemoteReason =
  | 'rate'
  | 'later'
  | 'quota'
  | 'key'
  | 'forbidden'
  | 'refused'
  | 'broken'
  | 'unreadable'
  | 'closed'

/** A vendor said no, past the retries it asked for. The step that needed it fails, the rest goes on. Exit 3. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError'

  constructor(
    message: string,
    /** Who said no: `apollo`, `hubspot`. */
    readonly service: string,
    readonly details: {
      status?: number
      body?: string
      retry_after_s?: number
      reason?: RemoteReason
      cause?: unknown
    } = {},
  ) {
    super(message, { cause: details.cause })
  }

  /** Undefined when the plug-in itself says no. */
  get reason(): RemoteReason | undefined {
    return this.details.reason
  }
}

/** Another process holds the ledger. Exit 4. */
export class LedgerHeld extends Error {
  override readonly name = 'LedgerHeld'
}

/** The run was interrupted (SIGINT, SIGTERM) after a consistent state was reached. Exit 130. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

export function formatProblem({ file, line, message, hint }: Problem): string {
  const place = line === undefined ? file : `${file}:${line}`
  return hint === undefined ? `${place}  ${message}` : `${place}  ${message}\n  ${hint}`
}

/** The exit code that tells a scheduler what happened. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ProjectError) return EXIT.project
  if (error instanceof RemoteError) return EXIT.remote
  if (error instanceof LedgerHeld) return EXIT.held
  if (error instanceof Interrupted) return EXIT.interrupted
  return EXIT.failed
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Why a file cannot be read, without the path: the problem names the file. */
export function unreadable(error: unknown): string {
  const code = (error as { code?: string } | null)?.code
  return code === 'ENOENT' ? 'is not there' : `cannot be read${code === undefined ? '' : `: ${code}`}`
}
