import { relative } from 'node:path'
import type { Project } from '../pipeline/load.ts'
import type { NodeResult, Status } from '../pipeline/results.ts'
import { failed } from '../pipeline/results.ts'
import type { RunResult } from '../pipeline/run.ts'
import { placesOf } from '../pipeline/warehouse/home.ts'
import type { RunFlags } from './options.ts'
import { type Report, row } from './report.ts'

interface Told {
  result: RunResult
  project: Project
  options: RunFlags
  which: string
}

/** The end of a run: what was built and published, what failed, and what to do next. */
export function reportRun(report: Report, told: Told): void {
  const { result, options } = told
  const steps = result.results.filter(({ node }) => node.kind === 'step')
  for (const { node, status, message } of steps) {
    if (status === 'reused' && node.kind === 'step') report.line(report.dim(row(node.step.stage, node.name, message)))
  }
  if (result.taken_in.taken > 0) report.line(row('incoming', '', `${result.taken_in.taken} taken in`))
  if (result.taken_in.rejected > 0)
    report.line(row('incoming', '', `${result.taken_in.rejected} unreadable, renamed to .rejected`))
  report.line(row('models', '', countsOf(result.results), sum(result.results, 'model') + sum(result.results, 'seed')))
  report.line(row('tests', '', testsOf(result.results), sum(result.results, 'test')))
  report.line(row('published', '', publicationOf(told)))
  report.line()
  if (options.output === 'json') report.json(summary(result))
  else for (const line of endOf(report, told)) report.line(line)
}

function by(results: readonly NodeResult[], kind: string, ...statuses: Status[]): number {
  return results.filter(({ node, status }) => node.kind === kind && statuses.includes(status)).length
}

function sum(results: readonly NodeResult[], kind: string): number {
  return results.filter(({ node }) => node.kind === kind).reduce((total, { seconds }) => total + seconds, 0)
}

function listed(parts: readonly (readonly [number, string])[]): string {
  const told = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  return told.join(', ') || 'none'
}

function countsOf(results: readonly NodeResult[]): string {
  const count = (...statuses: Status[]) => by(results, 'model', ...statuses) + by(results, 'seed', ...statuses)
  return listed([
    [count('success'), 'built'],
    [count('reused'), 'unchanged'],
    [count('error'), 'failed'],
    [count('skipped'), 'skipped'],
  ])
}

function testsOf(results: readonly NodeResult[]): string {
  const count = (...statuses: Status[]) => by(results, 'test', ...statuses)
  return listed([
    [count('pass'), 'passed'],
    [count('warn'), 'warned'],
    [count('fail', 'error'), 'failed'],
    [count('skipped'), 'skipped'],
  ])
}

function publicationOf({ result, project, which }: Told): string {
  const { warehouse } = placesOf(project.root, project.config.target)
  const place = relative(project.root, warehouse)
  if (result.published) return `${place} (publication ${result.publication?.id})`
  if (result.publication === undefined) return 'nothing yet'
  if (result.results.some((each) => failed(each) && !each.remote))
    return `${place} stays as it was (publication ${result.publication.id})`
  if (which !== 'run' && which !== 'build') return `not by ${which}; publication ${result.publication.id} stands`
  return `${place}: publication ${result.publication.id} is up to date`
}

function summary(result: RunResult): Record<string, unknown> {
  const { run_id, exit_code, seconds, publication, published, recorded, live } = result
  const counts: Record<string, number> = {}
  for (const { status } of result.results) counts[status] = (counts[status] ?? 0) + 1
  const steps = result.results.flatMap(({ node, status, message, rows, summary: told }) =>
    node.kind === 'step'
      ? [{ step: node.name, stage: node.step.stage, status, message, rows: rows ?? null, counts: told?.counts ?? {} }]
      : [],
  )
  const failures = result.results.filter(failed).map(({ node, message }) => ({ node: node.id, message }))
  return {
    run_id,
    exit_code,
    seconds,
    published,
    publication: publication?.id ?? null,
    recorded,
    live,
    counts,
    steps,
    failures,
  }
}

function endOf(report: Report, { result, project, options, which }: Told): string[] {
  const failures = result.results.filter(failed)
  const time = `${result.seconds.toFixed(1)} s`
  if (failures.length > 0) {
    const names = failures.slice(0, 5).map(({ node }) => node.name)
    const more = failures.length > 5 ? ` and ${failures.length - 5} more` : ''
    const again = failures.every(({ remote }) => remote)
      ? 'The rest went on. pipeline retry asks again for what is missing.'
      : 'Mend it, then: pipeline retry'
    return [report.red(`${failures.length} failed in ${time}: ${names.join(', ')}${more}`), again]
  }
  const idle =
    !result.published &&
    !result.recorded &&
    result.results.every(
      ({ status, message }) => status === 'reused' || message === 'unchanged' || status === 'success',
    )
  const whole = options.select.length === 0 && options.stage.length === 0
  if (idle && whole && which === 'run') return [report.green(`Nothing has changed; nothing was done twice (${time}).`)]
  const lines = [report.green(`Done in ${time}.`)]
  if (which !== 'run' || !whole) return lines
  const exports = relative(project.root, placesOf(project.root, project.config.target).exports)
  return [
    ...lines,
    '',
    'Next',
    '  pipeline show -s fct_scored_leads    look at any table',
    `  ${`${exports}/*.parquet`.padEnd(36)} open the marts in any tool`,
    '  ingest/icp.yaml, scoring/scores/     say who you want, and why; then pipeline run',
    result.live.length === 0
      ? '  pipeline.yaml                        switch on real providers; a target with live: acts'
      : '  pipeline status                      what was done, and what waits',
  ]
}
