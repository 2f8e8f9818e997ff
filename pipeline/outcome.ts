import { blankNonCode } from './check/bind-error.ts'
import { CheckFailed, messageOf, ProjectError, RemoteError } from './errors.ts'
import type { GraphNode } from './nodes.ts'
import type { NodeResult, Status } from './results.ts'

/** What became of a node, but for when. */
export interface Outcome {
  status: Status
  message: string
  reason?: string
  rows?: number
  failures?: number
  summary?: NodeResult['summary']
  query?: string
  remote?: boolean
  stack?: string
}

/** DuckDB's own line, unless the name that it complains of stands elsewhere: places in views are off. */
function failedLine(message: string, sql: string): number | undefined {
  const told = /^LINE (\d+):/m.exec(message)?.[1]
  if (told === undefined) return undefined
  const lines = blankNonCode(sql).toLowerCase().split('\n')
  const name = /"(\w+)"/.exec(message)?.[1]?.toLowerCase()
  if (name === undefined || lines[Number(told) - 1]?.includes(name)) return Number(told)
  const found = lines.findIndex((line) => new RegExp(`\\b${name}\\b`).test(line))
  return found < 0 ? Number(told) : found + 1
}

/** A failure as a result. */
export function outcomeOf(error: unknown, node: GraphNode): Outcome {
  if (error instanceof RemoteError)
    return { status: 'error', message: `${error.service}: ${error.message}`, remote: true }
  if (error instanceof ProjectError || error instanceof CheckFailed) return { status: 'error', message: error.message }
  const message = messageOf(error)
  if (node.kind === 'model' || node.kind === 'test') {
    const own = node.kind === 'model' || node.attached === undefined
    const line = own ? failedLine(message, node.sql) : undefined
    const said = line === undefined ? message : message.replace(/\s*^LINE \d+:[\s\S]*$/m, '')
    return { status: 'error', message: `${node.file}${line === undefined ? '' : `:${line}`}  ${said}` }
  }
  return { status: 'error', message: `${node.file}  ${message}` }
}
