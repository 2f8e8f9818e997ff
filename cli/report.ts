import { stripVTControlCharacters } from 'node:util'
import { bugStack } from '../pipeline/bug.ts'
import { messageOf, type Problem, ProjectError, RemoteError } from '../pipeline/errors.ts'
import type { GraphNode } from '../pipeline/nodes.ts'
import type { Listener, NodeResult } from '../pipeline/results.ts'
import { failed } from '../pipeline/results.ts'
import { inSources } from './stack.ts'

export interface ReportOptions {
  log_format: 'text' | 'json'
  quiet: boolean
  color: boolean
  /** What must never be printed. */
  redact?: (text: string) => string
}

const CLEAR_LINE = '\r\u001b[2K'

/** All printing. People read stderr, with live progress on a terminal and plain lines elsewhere; results go to stdout. */
export class Report {
  readonly #options: ReportOptions
  readonly #live: boolean
  #status = ''
  #lastProgress = performance.now()

  constructor(options: ReportOptions) {
    this.#options = options
    this.#live = process.stderr.isTTY === true && options.log_format === 'text' && !options.quiet
  }

  /** Results: tables, JSON, lists. */
  out(text: string): void {
    process.stdout.write(`${text}\n`)
  }

  json(value: unknown): void {
    this.out(JSON.stringify(value, null, 2))
  }

  /** A line for people. */
  line(text = '', event: Record<string, unknown> = {}): void {
    if (!this.#options.quiet) this.#write(text, event)
  }

  /** A line that is shown even with --quiet. */
  problem(text: string, event: Record<string, unknown> = {}): void {
    this.#write(text, { level: 'error', ...event })
  }

  error(error: unknown): void {
    if (error instanceof ProjectError) {
      const count = error.problems.length
      this.problem(this.red(`${count} ${count === 1 ? 'problem' : 'problems'}; nothing was done`))
      this.problems(error.problems)
    } else if (error instanceof RemoteError) this.problem(`${error.service}: ${error.message}`)
    else {
      const stack = bugStack(error)
      const name = stack === undefined || !(error instanceof Error) ? '' : `${error.name}: `
      this.problem(`${name}${messageOf(error)}`)
      if (stack !== undefined) this.problem(inSources(stack))
    }
  }

  /** Each with its place and its mend. */
  problems(problems: readonly Problem[]): void {
    for (const { file, line, message, hint } of problems) {
      const place = line === undefined ? file : `${file}:${line}`
      this.problem(`${this.bold(place)}  ${message}${hint === undefined ? '' : `\n  ${hint}`}`, { file, line })
    }
  }

  listener(): Listener {
    return {
      started: (node) => this.#show(`${label(node)} …`),
      finished: (result) => this.#finished(result),
      progress: (step, text, done, total) => this.#progress(step, text, done, total),
      note: (text) => this.line(text),
    }
  }

  bold = (text: string) => this.#paint('1', text)
  dim = (text: string) => this.#paint('2', text)
  red = (text: string) => this.#paint('31', text)
  green = (text: string) => this.#paint('32', text)
  yellow = (text: string) => this.#paint('33', text)

  #finished(result: NodeResult): void {
    const { node, status, message, seconds } = result
    const event = {
      event: 'node',
      node: node.id,
      status,
      rows: result.rows,
      failures: result.failures,
      seconds,
      message,
      reason: result.reason,
    }
    const where = node.kind === 'step' ? node.step.stage : node.kind
    if (failed(result)) {
      this.problem(`${this.red('failed')}  ${label(node)}\n  ${indent(message)}`, event)
      if (result.stack !== undefined) this.problem(this.dim(inSources(result.stack)))
      if (result.query !== undefined) this.problem(this.dim(`  the rows: ${indent(result.query)}`))
    } else if (status === 'warn') this.line(`${this.yellow('warning')}  ${message}`, event)
    else if (node.kind === 'step' && status === 'success') this.line(row(where, node.name, message, seconds), event)
    else if (this.#options.log_format === 'json') this.line('', event)
  }

  #progress(step: string, text: string, done?: number, total?: number): void {
    const share =
      done === undefined || total === undefined || total === 0 ? '' : ` ${Math.floor((100 * done) / total)} %`
    if (this.#live) this.#show(`${step}  ${text}${share}`)
    const now = performance.now()
    if (this.#live || now - this.#lastProgress < 5_000) return
    this.#lastProgress = now
    this.line(`${step}  ${text}${share}`, { event: 'progress', step, done, total })
  }

  #show(status: string): void {
    if (!this.#live) return
    const width = (process.stderr.columns ?? 80) - 1
    this.#status = this.#safe(status).slice(0, width)
    process.stderr.write(`${CLEAR_LINE}${this.#status}`)
  }

  /** Takes the live line away. */
  done(): void {
    if (this.#status !== '') process.stderr.write(CLEAR_LINE)
    this.#status = ''
  }

  #write(text: string, event: Record<string, unknown>): void {
    this.done()
    if (this.#options.log_format === 'json') {
      const { level = 'info', ...rest } = event
      process.stderr.write(
        `${this.#safe(JSON.stringify({ level, message: stripVTControlCharacters(text), ...rest }))}\n`,
      )
    } else process.stderr.write(`${this.#safe(text)}\n`)
  }

  #safe(text: string): string {
    return this.#options.redact?.(text) ?? text
  }

  #paint(code: string, text: string): string {
    const wanted = this.#options.color && process.env.NO_COLOR === undefined && process.stderr.isTTY === true
    return wanted ? `\u001b[${code}m${text}\u001b[0m` : text
  }
}

/** `discovery   mock_companies   352 companies            0.4 s` */
export function row(first: string, second: string, text: string, seconds?: number): string {
  const time = seconds === undefined ? '' : `${seconds.toFixed(1)} s`
  return `${first.padEnd(11)} ${second.padEnd(22)} ${text.padEnd(52)} ${time}`.trimEnd()
}

function label(node: GraphNode): string {
  return `${node.kind.replace('_', ' ')} ${node.name}`
}

function indent(text: string): string {
  return text.split('\n').join('\n  ')
}
